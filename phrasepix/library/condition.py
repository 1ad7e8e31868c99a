"""Conditions that people write on a library's columns, let through only if they can do nothing but compare."""

import re
from typing import Final

from phrasepix.library.columns import COLUMNS
from phrasepix_core.messages import nearest_in_words
from retriever.errors import WrongParameterError

_LONGEST = 4000
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<number>\d+(?:\.\d+)?(?![\w.]))
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><=|>=|<>|!=|\|\||-(?!-)|/(?!\*)|[+*%=<>(),\[\]])
    )""",
    re.VERBOSE,
)
"""Nothing of it begins a comment: a bracket in one would be counted, and is none."""
# fmt: off
_KEYWORDS: Final = frozenset({
    "and", "or", "not", "in", "is", "null", "true", "false", "like", "ilike", "between", "date", "escape", "case",
    "when", "then", "else", "end",
})
_FUNCTIONS: Final = frozenset({
    "abs", "array_has", "array_has_all", "array_has_any", "array_length", "coalesce", "contains", "ends_with", "length",
    "lower", "regexp_like", "starts_with", "trim", "upper",
})
# fmt: on


def checked_condition(text: str) -> str:
    """Return a condition of SQL that compares columns, texts, numbers and dates, and does nothing else.

    Raises `WrongParameterError`, which names what stands in it that may not.
    """
    if len(text) > _LONGEST:
        raise WrongParameterError(f"the condition has {len(text)} characters; allowed: {_LONGEST}")
    place, depth = 0, 0
    end = len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise WrongParameterError(
                f"the condition cannot be used from {text[place : place + 20].strip()!r} on; it takes columns, "
                "numbers, texts in single quotes, comparisons and brackets"
            )
        place = found.end()
        if (word := found["word"]) is not None:
            _demand_known(word, is_called=text[place:].lstrip().startswith("("))
        depth += {"(": 1, ")": -1}.get(found["sign"] or "", 0)
        if depth < 0:
            break
    if depth:
        raise WrongParameterError("the brackets of the condition do not match; it must have as many ) as (")
    if not text.strip():
        raise WrongParameterError("the condition is empty; write one such as width > 2000")
    return text.strip()


def _demand_known(word: str, *, is_called: bool) -> None:
    plain = word.lower()
    if plain in _KEYWORDS or (is_called and plain in _FUNCTIONS) or (not is_called and word in COLUMNS):
        return
    if is_called:
        raise WrongParameterError(
            f"the condition calls {word}{nearest_in_words(word, _FUNCTIONS)}; allowed: {', '.join(sorted(_FUNCTIONS))}"
        )
    raise WrongParameterError(
        f"the condition names {word!r}, which is no column{nearest_in_words(word, COLUMNS)}; "
        f"columns: {', '.join(COLUMNS)}"
    )
