"""Encoding a piece of a large build, and writing its rows as a fragment that the driver commits."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
from lance.fragment import write_fragments

from phrasepix.errors import LibraryError
from phrasepix.library.fetched import contents_of, row_of
from phrasepix.library.guards import failures
from phrasepix.library.object_prefix import ObjectPrefix, Place
from phrasepix.library.picture_list import WebEntry
from phrasepix.library.pieces import BuildPiece
from phrasepix.library.prefix_sync import is_as_known, read_entry
from phrasepix.library.schema import Row, batch_of
from phrasepix.library.table import Library
from phrasepix_core.urls import shown_url
from reranker.encoder import Embeddings, Encoder, checked_rows, image_tower_name, preparing
from reranker.errors import PictureError
from reranker.pictures.decode import decode
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.hosts import HostConnections
from reranker.pictures.loader import enough_for
from reranker.threads import cores
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts

_FETCHED_AT_ONCE: Final = 16
_PER_HOST: Final = 1
"""Requests at once to a host of a list's pictures, by each actor: there may be many actors."""
_FIRST_BATCH: Final = 256
"""Pictures encoded at once at first; whoever has too little memory for them is given half, and half again."""
_BATCH_ON_CPU: Final = 16
"""More are no faster there."""
_NAMED: Final = 20
"""How many pictures that cannot be had are named, of each piece."""

_One = TypeVar("_One")
_Other = TypeVar("_Other")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a piece: the `fragments`, as Lance describes them in JSON, are of no version yet."""

    part: str
    span: tuple[str, str]
    fragments: tuple[str, ...] = ()
    rows: int = 0
    """In the fragments."""
    renewed: int = 0
    """Rows of pictures that changed, which are written already."""
    unchanged: int = 0
    skipped: int = 0
    reasons: tuple[str, ...] = ()
    """Why the first of those were skipped."""
    cpu_s: float = 0.0
    """Processor time of the actor."""
    wall_s: float = 0.0
    actor: str = ""
    """Who encoded it: the cluster's id of the node, and the process."""

    def to_json(self) -> str:
        """Return it for `from_json`."""
        return json.dumps([getattr(self, name) for name in self.__slots__])

    @classmethod
    def from_json(cls, text: str) -> "Written":
        """What `to_json` gave."""
        said = dict(zip(cls.__slots__, json.loads(text), strict=True))
        return cls(**said | {name: tuple(said[name]) for name in ("span", "fragments", "reasons")})


@dataclass(frozen=True, slots=True)
class _Read:
    """A picture that was read: its entry and content, and what the encoder takes."""

    entry: WebEntry
    said: Facts
    contents: Contents
    prepared: Any


class PieceEncoder:
    """Encodes pieces for one `column` of an open `library`, the pictures of `places`, by the column's own `encoder`.

    Keys that are known are left out, if their pictures are as they were. Many may be at work on one table. Raises
    `LibraryError` if the encoder is another than the column's.
    """

    def __init__(self, library: Library, column: str, encoder: Encoder) -> None:
        wanted = library.description.encoders[column].tower
        if image_tower_name(encoder) != wanted:
            raise LibraryError(
                f"this node's model is {image_tower_name(encoder)}, and the vectors of {library.location.name} are of "
                f"{wanted}; have the same weights on all nodes"
            )
        self._library = library
        self._column = column
        self._encoder = encoder
        self._preparing = preparing(encoder)
        self._fetcher = PictureFetcher(hosts=HostConnections(per_host=_PER_HOST))
        self._batch = _FIRST_BATCH if has_graphics_device() else _BATCH_ON_CPU

    def written(self, piece: BuildPiece, place: Place) -> Written:
        """Encode a piece of `place`, and write the rows of its new pictures into fragments that nothing refers to.

        Rows of pictures that are known and changed are committed. Raises `LibraryError` and `ModelError`.
        """
        began, began_cpu = time.perf_counter(), time.process_time()
        self._library.refresh()
        known = self._library.states_of({entry.url for entry, _ in piece.entries}, self._column)
        to_read = [one for one in piece.entries if not self._is_known(one[0], known.get(one[0].url), place)]
        reasons: list[str] = []
        rows = list(self._rows(to_read, place, reasons))
        new = [row for row in rows if row.key not in known]
        self._library.upsert([row for row in rows if row.key in known])
        return Written(
            part=piece.part,
            span=piece.span,
            fragments=tuple(self._fragments(new)),
            rows=len(new),
            renewed=len(rows) - len(new),
            unchanged=len(piece.entries) - len(to_read),
            skipped=len(reasons),
            reasons=tuple(reasons[:_NAMED]),
            cpu_s=time.process_time() - began_cpu,
            wall_s=time.perf_counter() - began,
        )

    def _is_known(self, entry: WebEntry, state: Any, place: Place) -> bool:
        if isinstance(place, ObjectPrefix):
            return is_as_known(entry, state, place)
        return state is not None and state.is_encoded and state.beside == entry.beside

    def _rows(self, entries: Sequence[tuple[WebEntry, Facts]], place: Place, reasons: list[str]) -> Iterator[Row]:
        def read(one: tuple[WebEntry, Facts]) -> "_Read | PictureError | Callable[[], _Read | PictureError]":
            try:
                entry, data = self._fetched(one[0], place)
            except PictureError as error:
                return error.without_frames()
            # With one core what takes arithmetic is done in turn with the model, by the thread that has it.
            return self._prepared(entry, one[1], data) if cores() > 1 else lambda: self._prepared(entry, one[1], data)

        with ThreadPoolExecutor(_FETCHED_AT_ONCE, thread_name_prefix="fetch-pictures") as pool:
            batch: list[_Read] = []
            for one, came in _ahead(pool, read, entries, _FETCHED_AT_ONCE + 2 * self._batch):
                got = came() if callable(came) else came
                if isinstance(got, PictureError):
                    reason, address = str(got), shown_url(one[0].url)
                    reasons.append(reason if address in reason else f"{address}: {reason}")
                    continue
                batch.append(got)
                if len(batch) >= self._batch:
                    yield from self._encoded(batch, place, reasons)
                    batch = []
            yield from self._encoded(batch, place, reasons)

    def _fetched(self, entry: WebEntry, place: Place) -> tuple[WebEntry, bytes]:
        if isinstance(place, ObjectPrefix):
            return read_entry(entry, place)
        data = self._fetcher.fetch(entry.url)
        return replace(entry, size=len(data)), data

    def _prepared(self, entry: WebEntry, said: Facts, data: bytes) -> "_Read | PictureError":
        try:
            picture = decode(data, enough=enough_for(self._encoder.input_side))
            return _Read(entry, said, contents_of(data), self._preparing.prepare_picture(picture))
        except PictureError as error:
            return error.without_frames()

    def _encoded(self, batch: Sequence[_Read], place: Place, reasons: list[str]) -> Iterator[Row]:
        for one, vector in zip(batch, self.vectors([one.prepared for one in batch]), strict=True):
            if np.isfinite(vector).all():
                yield row_of(one.entry, one.said, place, one.contents, {self._column: vector})
            else:
                reasons.append(f"{shown_url(one.entry.url)}: the model gives no finite embedding for this picture")

    def vectors(self, batch: Sequence[Any]) -> Iterator[Embeddings]:
        """Yield the embeddings of prepared pictures, float32 [d] each, in as large parts as the memory has room for."""
        start = 0
        while start < len(batch):
            part = batch[start : start + self._batch]
            try:
                given = self._preparing.encode_prepared(part)
            except (RuntimeError, MemoryError) as error:
                if len(part) == 1 or not _is_for_want_of_memory(error):
                    raise
                self._batch = max(1, len(part) // 2)
                continue
            yield from checked_rows(self._encoder, given, len(part), "pictures")
            start += len(part)

    def _fragments(self, rows: Sequence[Row]) -> Iterator[str]:
        if not rows:
            return
        location, dataset = self._library.location, self._library.dataset
        batch = batch_of(rows, self._library.description).select(dataset.schema.names)
        with failures(location):
            for one in write_fragments(batch, dataset, mode="append", storage_options=location.storage_options):
                yield json.dumps(one.to_json())


def has_graphics_device() -> bool:
    """Whether this process has a device for torch that is no CPU; where torch was not loaded there is none in use."""
    import sys

    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())


def _is_for_want_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[_One], _Other], items: Iterable[_One], ahead: int
) -> Iterator[tuple[_One, _Other]]:
    """Yield items with what `work` gives for them, in their order, of which so many are begun."""
    begun: deque[tuple[_One, Future[_Other]]] = deque()
    for item in items:
        begun.append((item, pool.submit(work, item)))
        if len(begun) > ahead:
            first, future = begun.popleft()
            yield first, future.result()
    while begun:
        first, future = begun.popleft()
        yield first, future.result()
