"""File names people can read, which every file system takes."""

import hashlib
import unicodedata
from collections.abc import Callable
from pathlib import PurePath

from phrasepix_core.candidate import Candidate
from phrasepix_core.text import JOINERS, same_text, without_invisible

_LONGEST_BYTES = {"source": 16, "creator": 32, "id": 32, "phrase": 44}
"""In UTF-8: with hyphens, digest and extension below 143 bytes, which is what encrypted file systems leave."""
_LONGEST_OWN_BYTES = 143 - len("-12345678-99")


def digest(identity: tuple[str, str]) -> str:
    """Eight hexadecimal digits for a picture's identity."""
    return hashlib.sha256("\0".join(identity).encode("utf-8", "replace")).hexdigest()[:8]


def name_for(
    candidate: Candidate, phrase: str, extension: str, is_taken: Callable[[str], bool], *, own_name: str = ""
) -> str:
    """A name of source, creator, id and the words of the phrase, with `extension` (such as .jpg); the same each time.

    A picture that has its `own_name`, being a file of this machine, keeps it unless it is very long. Where a
    name `is_taken`, or where the id cannot be written out, a digest of the picture's identity sets it apart, and a
    number where that is taken too. Names that differ in case only must count as taken: to some systems they are one.
    """
    identifier = hyphenated(candidate.id, _LONGEST_BYTES["id"])
    if own_name and len(own_name.encode()) <= _LONGEST_OWN_BYTES:
        name = own_name
        stem, extension = PurePath(own_name).stem, PurePath(own_name).suffix
    else:
        parts = [
            hyphenated(candidate.source, _LONGEST_BYTES["source"]),
            hyphenated(candidate.creator, _LONGEST_BYTES["creator"]),
            identifier,
            hyphenated(phrase, _LONGEST_BYTES["phrase"]),
        ]
        stem = "-".join(part for part in parts if part)
        name = stem + extension if identifier == candidate.id else ""
    if name and not is_taken(name):
        return name
    stem = f"{stem}-{digest(candidate.identity)}".lstrip("-")
    name, number = stem + extension, 2
    while is_taken(name):
        name, number = f"{stem}-{number}{extension}", number + 1
    return name


def hyphenated(text: str, longest: int) -> str:
    """The letters, marks and digits of `text`, of any script, hyphens between them, in at most `longest` bytes."""
    kept = "".join(
        char if unicodedata.category(char)[0] in "LMN" or char in JOINERS else "-" for char in same_text(text)
    )
    kept = without_invisible(kept)  # such as selectors and joiners of emoji, which are hyphens now
    joined = "-".join(word for word in kept.split("-") if word)
    cut = joined.encode()[:longest].decode("utf-8", "ignore")
    if cut != joined and "-" in cut and joined[len(cut)] != "-":
        cut = cut.rpartition("-")[0]  # whole words
    return cut.strip("-")
