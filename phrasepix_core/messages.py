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


Words = Callable[[Hint], str]
"""How a face words a hint."""


def worded(parts: Iterable[object], words: Words = str) -> str:
    """Join the parts of a message, each `Hint` among them put into `words`."""
    return "".join(words(part) if isinstance(part, Hint) else str(part) for part in parts)
