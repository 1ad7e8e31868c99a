"""Names of files and folders: as people may see them, and as words to look for."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from phrasepix_core.text import is_control, without_invisible

_ACCENTS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06ed"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]"
)
"""Marks without which a word is still the same to a reader in a hurry: accents, the vowel points of Hebrew and Arabic.

Those of other scripts, such as Thai's tones, a virama, or what makes か into が, tell one word from another.
"""


def shown(name: str) -> str:
    """`name` as it can be shown: line breaks, control characters and bytes that are no UTF-8 as escapes.

    What is invisible is left out.
    """
    return "".join(_escaped(one) if is_control(one) else one for one in without_invisible(name))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that the file system's encoding does not know
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, without accents and differences of case; letters and digits are words of their own.

    In scripts that set no spaces between words each letter counts as one, so that a word is found within others.
    """
    plain = unicodedata.normalize("NFKD", without_invisible(text).casefold())
    return tuple(_word().findall(_ACCENTS.sub("", plain)))


@cache
def _word() -> Any:
    import regex  # only whoever looks for words needs it

    unspaced = (
        r"[\p{Han}\p{Hiragana}\p{Katakana}ー〆\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
        r"\p{Javanese}\p{Balinese}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}]"
    )
    return regex.compile(rf"(?:(?=\p{{L}}){unspaced})\p{{M}}*|(?:(?!{unspaced})\p{{L}}\p{{M}}*)+|\p{{Nd}}+")


def occurs(tag: str, texts: Iterable[str]) -> bool:
    """Whether the words of `tag` stand one after the other in one of the texts; one without a word stands in none."""
    wanted = words(tag)
    return bool(wanted) and any(
        wanted == there[start : start + len(wanted)]
        for there in map(words, texts)
        for start in range(len(there) - len(wanted) + 1)
    )
