"""A pool's pictures and their embeddings: remembered, or fetched, decoded and encoded side by side."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from threading import Lock, Semaphore
from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np

from phrasepix_core.candidate import Candidate
from phrasepix_core.forking import reset_in_children
from phrasepix_core.turns import waits
from reranker.accumulator import PoolPosition
from reranker.background_thread import BackgroundThread
from reranker.cached_loader import LoadsPictures
from reranker.dedup import Fingerprint, fingerprint_of
from reranker.encoder import Embeddings, Encoder, LoadsAhead, checked_rows, preparing
from reranker.errors import PictureError
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.pairs import features_of
from reranker.prefetch import ComesInChunks, MayBeHere, Prefetcher, prefetch
from reranker.shared_work import SharedWork

logger = logging.getLogger(__name__)

_READ_AHEAD = 256
"""Candidates read before their pictures are needed: more than a page, so that the next one is on its way."""

_LARGEST_KEPT = 2 << 20
"""In bytes, of a file that is in flight; up to four batches of them are. A rendition of 640 pixels has some 100 000."""

Outcome = EncodedPicture | PictureError
Outcomes = list[tuple[PoolPosition, Candidate, Outcome]]
"""Candidates with their place in the pool, and what came of each."""

_Known = tuple[PoolPosition, Candidate, EncodedPicture | None]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class _Arrived:
    """A picture that was loaded: its file and fingerprint, and what is to be encoded unless it was `encoded` before.

    What `another_keeps` was encoded meanwhile by another search, which commits it.
    """

    prepared: Any
    data: bytes | None
    fingerprint: Fingerprint
    encoded: EncodedPicture | None
    features: bytes | None
    another_keeps: bool = False


_Came = EncodedPicture | _Arrived | PictureError
_Batch = list[tuple[_Known, _Came]]
_Encoded = tuple[_Batch, Embeddings]
"""A batch, empty at the end, and the embeddings of those in it that had none."""


class PoolEncoder:
    """Encodes candidates' pictures, each once: one that is `remembered` (in the process, else on disk) is not loaded.

    A batch is what has come by the time the encoder is free, up to `batch_size` pictures that are to be encoded.
    `threads` of the process's fetch, decode and prepare two batches ahead of it, and take fingerprints; a batch is
    committed while the next one is encoded. What several searches need at once is loaded and encoded once. Whoever
    calls the encoder has it `in_use`; it encodes pictures `aside`, whichever search they are of. With `pools_at_once`
    no more pools are loaded at once, and others wait, also for one whose search somebody has put down and not closed.
    """

    def __init__(
        self,
        encoder: Encoder,
        in_use: Lock,
        aside: BackgroundThread,
        remembered: EncodedPictures,
        *,
        batch_size: int,
        threads: int,
        pools_at_once: int | None = None,
    ) -> None:
        self._encoder = encoder
        self._in_use = in_use
        self._aside = aside
        self._preparing = preparing(encoder)
        self._remembered = remembered
        self._loads = SharedWork[_Came]()
        self._waiting: WeakValueDictionary[tuple[str, str], _Arrived] = WeakValueDictionary()  # to be encoded
        self._batch_size = batch_size
        self._threads = threads
        self._pools_at_once = pools_at_once
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for none of the parent's pools."""
        self._under_way = None if self._pools_at_once is None else Semaphore(self._pools_at_once)

    def embeddings_of(self, candidates: Sequence[Candidate], memory: Memory) -> dict[tuple[str, str], Embeddings]:
        """Return the embeddings, by identity, of those that were encoded; none is encoded now."""
        found = {identity: here.embedding for identity, here in self._remembered.get_all(candidates).items()}
        unknown = [one.identity for one in candidates if one.identity not in found]
        return found | memory.embeddings_of(self._encoder, unknown)

    def if_remembered(self, candidates: Iterable[Candidate]) -> tuple[Iterable[Candidate], list[EncodedPicture] | None]:
        """Return the candidates, and what the process remembers of each; None if that is not all, or not all have come.

        What was read of the candidates to find out is among those returned.
        """
        if isinstance(candidates, MayBeHere) and (here := candidates.if_here()) is not None:
            candidates = here
        return candidates, self._remembered.use_all(candidates) if isinstance(candidates, Sequence) else None

    @contextmanager
    def encoding(
        self,
        candidates: Iterable[Candidate],
        loader: LoadsPictures,
        memory: Memory | None,
        places: Sequence[PoolPosition] | None = None,
    ) -> Iterator[Iterator[Outcomes]]:
        """Begin to load, and give the outcomes batch by batch, in no particular order.

        A candidate's place is the number it is read as, from 0, or the one of that number among `places`. Each batch is
        committed to the `memory` before it is given out. Leaving the context drops what has not begun, and waits for
        what the encoder has in hand.
        """

        def at_hand(one: _Known) -> EncodedPicture | None:
            known = one[2]
            return known if known is not None and known.fingerprint is not None else None

        def load(one: _Known) -> _Came:
            _, candidate, known = one
            if known is None:  # another search may have it, since this one looked
                if (met := self._remembered.get(candidate)) is not None and met.fingerprint is not None:
                    return met
                if (waiting := self._waiting.get(candidate.identity)) is not None:
                    return waiting
            return self._loads.do(
                (candidate.identity, known is None), lambda: load_now(one), lambda came: isinstance(came, _Arrived)
            )

        def load_now(one: _Known) -> _Came:
            _, candidate, known = one
            try:
                loaded = loader.load(candidate, self._encoder.input_side)
            except PictureError as error:
                return error.without_frames() if known is None else known
            # A file on this machine is not kept in memory: its id is made from its content.
            content = candidate.id.encode() if loaded.data is None else loaded.data
            fingerprint = fingerprint_of(loaded.picture, content)
            prepared = self._preparing.prepare_picture(loaded.picture) if known is None else None
            # A large file is not kept in memory until it can be stored: it is fetched again if it is shown.
            is_small = loaded.data is not None and len(loaded.data) <= _LARGEST_KEPT
            features = features_of(self._encoder, prepared) if known is None else None
            arrived = _Arrived(prepared, loaded.data if is_small else None, fingerprint, known, features)
            if known is None:
                self._waiting[candidate.identity] = arrived
            return arrived

        loading = _TowerInLoading(self._encoder, self._in_use, self._aside)
        known = self._with_known(candidates, memory, places, loading.expect_pictures)
        with (
            self._place(),
            loading,
            Prefetcher(load, known, threads=self._threads, ahead=2 * self._batch_size, at_hand=at_hand) as arriving,
        ):
            batches = self._batches(arriving, memory, loading.begin)
            with closing(batches):
                yield batches

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Wait until a pool more may be loaded."""
        under_way = self._under_way
        if under_way is None:
            yield
            return
        with waits():
            under_way.acquire()
        try:
            yield
        finally:
            under_way.release()

    def _with_known(
        self,
        candidates: Iterable[Candidate],
        memory: Memory | None,
        places: Sequence[PoolPosition] | None,
        expect_pictures: Callable[[], None],
    ) -> Iterator[list[_Known]]:
        """Candidates as they are read, with what is remembered of each; some are not: then pictures are expected."""
        stands = map((lambda number: (number,)) if places is None else places.__getitem__, count())
        for chunk in _chunks(candidates):
            known = self._remembered.get_all(chunk)
            if memory is not None and (unknown := [one for one in chunk if one.identity not in known]):
                known |= memory.look_up(self._encoder, unknown)
            if len(known) < len(chunk):
                expect_pictures()
            yield [(next(stands), one, known.get(one.identity)) for one in chunk]

    def _batches(
        self, arriving: Prefetcher[_Known, _Came], memory: Memory | None, begin: Callable[[], None]
    ) -> Generator[Outcomes, None, None]:
        begin()  # whoever asks for batches has encoded the texts
        in_hand: list[Future[_Encoded]] = []
        try:
            in_hand.append(arriving.take_aside(self._batch_size, self._aside, self._encode))
            while (encoded := _awaited(in_hand[0]))[0]:
                in_hand.append(arriving.take_aside(self._batch_size, self._aside, self._encode))
                outcomes = self._committed(*encoded, memory)
                del in_hand[0], encoded
                yield outcomes
        except BaseException:  # whoever stops keeps what the encoder has in hand
            arriving.close()
            for one in in_hand:
                try:
                    self._committed(*one.result(), memory)
                except Exception as error:
                    logger.debug("a batch that was in hand is not kept: %s", error)
            raise

    def _encode(self, batch: _Batch) -> _Encoded:
        """Encode what has no embedding, nor has got one meanwhile by another search: batches come one by one."""
        batch = [(known, self._met(known[1], came)) for known, came in batch]
        to_encode = [(known[1], came) for known, came in batch if isinstance(came, _Arrived) and came.encoded is None]
        if not to_encode:
            return batch, np.empty((0, self._encoder.dimensions), dtype=np.float32)
        with self._in_use:
            rows = self._preparing.encode_prepared([came.prepared for _, came in to_encode])
        rows = checked_rows(self._encoder, rows, len(to_encode), "pictures")
        for (candidate, came), row in zip(to_encode, rows, strict=True):
            if isinstance(encoded := _outcome(came, iter(row[None])), EncodedPicture):
                self._remembered.put(candidate, encoded)  # before the next batch, which may be another search's
        return batch, rows

    def _met(self, candidate: Candidate, came: _Came) -> _Came:
        if not isinstance(came, _Arrived) or came.encoded is not None:
            return came
        met = self._remembered.get(candidate)
        if met is None:
            return came
        return replace(came, prepared=None, encoded=replace(met, features=came.features), another_keeps=True)

    def _committed(self, batch: _Batch, embeddings: Embeddings, memory: Memory | None) -> Outcomes:
        """What came of a batch, once it is remembered."""
        embedding = iter(embeddings)
        outcomes: Outcomes = []
        to_keep: dict[tuple[str, str], EncodedPicture] = {}
        to_remember: list[tuple[Candidate, EncodedPicture]] = []
        for (place, candidate, _), came in batch:
            outcome = _outcome(came, embedding) if isinstance(came, _Arrived) else came
            another_keeps = isinstance(came, _Arrived) and came.another_keeps
            if isinstance(outcome, EncodedPicture) and not another_keeps:
                # Features are many kilobytes: where they are kept on disk, the process has room for embeddings.
                is_on_disk = memory is not None and outcome.features is not None
                to_remember.append((candidate, replace(outcome, features=None) if is_on_disk else outcome))
                if isinstance(came, _Arrived) and memory is not None:
                    keeps = memory.keeps_file_of(candidate)
                    to_keep[candidate.identity] = outcome if keeps else replace(outcome, data=None)
            outcomes.append((place, candidate, outcome))
        self._remembered.put_all(to_remember)
        if memory is not None and to_keep:
            memory.put(self._encoder, to_keep)
        return outcomes


class _TowerInLoading:
    """The image tower, loaded while the first pictures travel: once they are expected and the texts are encoded."""

    def __init__(self, encoder: Encoder, in_use: Lock, aside: BackgroundThread) -> None:
        self._encoder = encoder
        self._in_use = in_use
        self._aside = aside
        self._are_expected = self._texts_are_done = self._is_over = False
        self._starting = Lock()
        self._loading: Future[None] | None = None

    def expect_pictures(self) -> None:
        """A picture will have to be encoded."""
        with self._starting:
            self._are_expected = True
            self._begin_when_due()

    def begin(self) -> None:
        """The texts are encoded."""
        with self._starting:
            self._texts_are_done = True
            self._begin_when_due()

    def _begin_when_due(self) -> None:
        is_due = self._are_expected and self._texts_are_done and not self._is_over
        if is_due and self._loading is None and isinstance(encoder := self._encoder, LoadsAhead):
            self._loading = self._aside.begin(lambda: self._load(encoder))

    def _load(self, encoder: LoadsAhead) -> None:
        if self._is_over:
            return
        try:
            with self._in_use:
                encoder.load_image_tower()
        except Exception as error:  # met again by whoever encodes the first picture
            logger.debug("the image tower could not be loaded ahead: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._starting:
            self._is_over = True
        if self._loading is not None:
            self._loading.exception()  # a process must not end in the middle of it


def _awaited(encoding: Future[_Encoded]) -> _Encoded:
    with waits():
        return encoding.result()


def _chunks(candidates: Iterable[Candidate]) -> Iterable[Sequence[Candidate]]:
    """As many candidates at a time as are there: those of a list need no thread that reads them."""
    if isinstance(candidates, ComesInChunks):
        return candidates.chunks()
    if isinstance(candidates, Sequence):
        return (candidates[start : start + _READ_AHEAD] for start in range(0, len(candidates), _READ_AHEAD))
    return prefetch(candidates, room=_READ_AHEAD)


def _outcome(arrived: _Arrived, embeddings: Iterator[Embeddings]) -> Outcome:
    if arrived.encoded is not None:
        return replace(arrived.encoded, data=arrived.data, fingerprint=arrived.fingerprint)
    embedding = next(embeddings)
    if np.isfinite(embedding).all():
        # A copy, for a row would keep its whole batch.
        return EncodedPicture(
            embedding.copy(), arrived.data, fingerprint=arrived.fingerprint, features=arrived.features
        )
    return PictureError("the model gives no finite embedding for this picture")
