"""Names of files and folders: as people may see them, and as words to look for."""

import re
import unicodedata
from collections.abc import Iterable


def shown(name: str) -> str:
    """`name` in printable characters: line breaks, control characters and bytes that are no UTF-8 as escapes."""
    return "".join(character if character.isprintable() else _escaped(character) for character in name)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that the file system's encoding does not know
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, without accents and differences of case; letters and digits are words of their own."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    return tuple(re.findall(r"[^\W\d_]+|\d+", plain))


def occurs(tag: str, texts: Iterable[str]) -> bool:
    """Whether the words of `tag` stand one after the other in one of the texts; one without a word stands in none."""
    wanted = words(tag)
    return bool(wanted) and any(
        wanted == there[start : start + len(wanted)]
        for there in map(words, texts)
        for start in range(len(there) - len(wanted) + 1)
    )
