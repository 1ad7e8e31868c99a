"""Files beside a picture that say things of it: XMP sidecars, and the JSON of Google Takeout.

Which file belongs to which picture is told by their names alone. Editors write `photo.xmp` (Lightroom, Apple Photos) or
`photo.jpg.xmp` (darktable, digiKam). Takeout writes `photo.jpg.json` or `photo.jpg.supplemental-metadata.json`, cut so
that the name has 51 characters; of `photo(1).jpg` it is `photo.jpg(1).json`. A copy that an editor made has none: what
describes it is that of its original.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_XMP, _JSON = ".xmp", ".json"
SIDECARS: Final = (_XMP, _JSON)
"""How their names end, in lower case."""
_SUPPLEMENT: Final = ".supplemental-metadata"
_SHORTEST_CUT: Final = 43
"""How much of a picture's name is left at least in that of its JSON: 51 without `.json`, and without a number."""
_LATEST_NS: Final = 2**63 - 1
_NUMBER = re.compile(r"(.*)(\(\d{1,5}\))", re.DOTALL)
_EDITED_BY_APPLE = re.compile(r"(img_)e(\d.*)", re.DOTALL)
_EDITED: Final = (
    "-edited", "-effects", "-bearbeitet", "-modifié", "-modificato", "-editado", "-ha editado", "-editat", "-bewerkt",
    "-edytowane", "-redigerad", "-redigeret", "-redigert", "-muokattu", "-upraveno", "-изменено", "-編集済み", "-edi",
)  # fmt: skip
"""What Google adds to the name of an edited copy, in its users' languages; `-edi` where the name was cut."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A file beside a picture; `size` in bytes, `modified_ns` in nanoseconds of the epoch."""

    path: Path
    size: int
    modified_ns: int

    @property
    def is_takeout(self) -> bool:
        """Whether it is JSON, not XMP."""
        return self.path.suffix.lower() == _JSON

    @classmethod
    def at(cls, path: Path) -> "Sidecar":
        """What is there now. Raises `OSError`."""
        found = path.stat()
        return cls(path, found.st_size, modified_ns(found))


def modified_ns(found: os.stat_result) -> int:
    """When a file was changed, in nanoseconds of the epoch as far as 64 bits go: a clock may have said 2400."""
    return max(-_LATEST_NS, min(found.st_mtime_ns, _LATEST_NS))


class SidecarNames:
    """Finds a picture's sidecars among the `names` of the files in its folder."""

    def __init__(self, names: Iterable[str]) -> None:
        self._xmp: dict[str, str] = {}
        self._json: dict[tuple[str, str], str] = {}
        for name in names:
            plain = name.lower()
            if plain.endswith(_XMP):
                self._xmp[plain] = name
            elif plain.endswith(_JSON):
                self._json[_unnumbered(plain.removesuffix(_JSON))] = name

    def of(self, picture: str) -> tuple[str, ...]:
        """The names of a picture's sidecars; of several, what the first says counts before the others."""
        if not self._xmp and not self._json:
            return ()
        stem, dot, extension = picture.lower().rpartition(".")
        found = self._found(stem, dot + extension)
        if not found and (original := _original(stem)) is not None:
            found = self._found(original, dot + extension)
        return found

    def _found(self, stem: str, extension: str) -> tuple[str, ...]:
        names = [self._xmp.get(f"{stem}{extension}{_XMP}"), self._xmp.get(f"{stem}{_XMP}")]
        names.append(self._of_takeout(stem, extension) if self._json else None)
        return tuple(name for name in names if name is not None)

    def _of_takeout(self, stem: str, extension: str) -> str | None:
        plain, number = _unnumbered(stem)
        spellings = [(plain + extension, number)]
        if number:
            spellings.append((stem + extension, ""))
        for base, of_base in spellings:
            whole = base + _SUPPLEMENT
            for length in range(len(whole), min(len(base), _SHORTEST_CUT) - 1, -1):
                if (name := self._json.get((whole[:length], of_base))) is not None:
                    return name
        return None


def _unnumbered(stem: str) -> tuple[str, str]:
    """A name without the number at its end, and the number in its brackets; empty if there is none."""
    found = _NUMBER.fullmatch(stem)
    return (found[1], found[2]) if found else (stem, "")


def _original(stem: str) -> str | None:
    """What the picture is called that one was edited from; None if its name says nothing of the kind."""
    plain, number = _unnumbered(stem)
    for ending in _EDITED:
        if plain.endswith(ending) and plain != ending:
            return plain.removesuffix(ending) + number
    by_apple = _EDITED_BY_APPLE.fullmatch(stem)
    return by_apple[1] + by_apple[2] if by_apple else None


def standing_beside(folder: Path, names: Iterable[str]) -> Iterator[Sidecar]:
    """The sidecars of those names; one that is gone meanwhile is none."""
    for name in names:
        try:
            yield Sidecar.at(folder / name)
        except OSError:
            continue
