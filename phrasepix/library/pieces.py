"""Pieces of a large build: some pictures of a list or prefix, which one actor encodes and writes at once."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Self

from phrasepix.library.object_prefix import ObjectPrefix, Place
from phrasepix.library.picture_list import WebEntry, listed
from retriever.folder.facts import Facts
from retriever.folder.facts import Place as Position


@dataclass(frozen=True, slots=True)
class BuildPiece:
    """Pictures in the order of their addresses' `part`, with what is said of them."""

    part: str
    """Of what it is a piece: a prefix that is listed at once, or a list."""
    entries: tuple[tuple[WebEntry, Facts], ...]

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last of its addresses."""
        return self.entries[0][0].url, self.entries[-1][0].url

    def to_json(self) -> str:
        """Return it for `from_json`."""
        entries = [
            [one.url, one.size, one.modified_ns, one.beside, said.to_json(), said.place] for one, said in self.entries
        ]
        return json.dumps([self.part, entries])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave."""
        part, entries = json.loads(text)
        return cls(part, tuple(_entry(*one) for one in entries))


def _entry(
    url: str, size: int, modified_ns: int, beside: str, said: str, place: list[float] | None
) -> tuple[WebEntry, Facts]:
    facts = replace(Facts.from_json(said), place=None if place is None else Position(*place))
    return WebEntry(url, beside, size, modified_ns), facts


def pieces_of_prefix(prefix: ObjectPrefix, most: int) -> Iterator[BuildPiece]:
    """Yield the pieces of a prefix, of at most so many pictures. Raises `LibraryError` if it cannot be listed."""
    pictures = prefix.pictures()
    part = f"{prefix}{'/' if prefix.deep else ''}"
    return _cut(part, ((pictures[url], Facts()) for url in sorted(pictures)), most)


def pieces_of_list(place: Place, most: int, problems: list[str]) -> Iterator[BuildPiece]:
    """Yield the pieces of a list; `problems` gets what is wrong with its rows. Raises `LibraryError`."""
    assert not isinstance(place, ObjectPrefix)  # noqa: S101
    pictures = listed(place, problems.append)
    return _cut(str(place), (pictures[url] for url in sorted(pictures)), most)


def _cut(part: str, entries: Iterable[tuple[WebEntry, Facts]], most: int) -> Iterator[BuildPiece]:
    left = iter(entries)
    while some := tuple(islice(left, most)):
        yield BuildPiece(part, some)


@dataclass(slots=True)
class Spans:
    """Which spans of addresses were taken, by their parts: none that overlaps is taken again.

    A prefix may be listed twice, if the node that had the listing is lost, and be cut otherwise if it changed between.
    """

    _taken: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def take(self, part: str, span: Sequence[str]) -> bool:
        """Take a span, if nothing of it was taken before; return whether it was."""
        first, last = span
        taken = self._taken.setdefault(part, [])
        if any(first <= other_last and other_first <= last for other_first, other_last in taken):
            return False
        taken.append((first, last))
        return True
