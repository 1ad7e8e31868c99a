"""Messages that name an option: each face words it its own way, `--tag tiger` or `tag="tiger"`."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hint:
    """An option of a search and a value for it; without a value, the option alone. As a string it is Python."""

    option: str
    """Its name in `SearchRequest`, such as `tag`; a filter's as `filters.media_type`."""
    value: object = None

    def __str__(self) -> str:
        *within, name = self.option.split(".")
        if self.value is None:
            text = name if not within else f"{name}=…"
        else:
            value = json.dumps(self.value, ensure_ascii=False) if isinstance(self.value, str) else repr(self.value)
            text = f"{name}={value}"
        return f"filters=Filters({text})" if within else text


_ALIKE = 0.7
"""How alike a misspelt value and the one that is meant are, at least (`difflib`)."""


def nearest(value: object, allowed: Iterable[str]) -> str:
    """Return the one of the values allowed that a misspelt one is likely to mean; empty if there is none."""
    if not isinstance(value, str):
        return ""
    from difflib import get_close_matches  # whoever spells well does without

    return next(iter(get_close_matches(value.casefold(), list(allowed), n=1, cutoff=_ALIKE)), "")


def nearest_in_words(value: object, allowed: Iterable[str]) -> str:
    """Return ` (did you mean …?)` for a misspelt value; empty if it is like none of those allowed."""
    meant = nearest(value, allowed)
    return f" (did you mean {meant}?)" if meant else ""


Words = Callable[[Hint], str]
"""How a face words a hint."""


def worded(parts: Iterable[object], words: Words = str) -> str:
    """Join the parts of a message, each `Hint` among them put into `words`."""
    return "".join(words(part) if isinstance(part, Hint) else str(part) for part in parts)
