"""A pool's pictures and their embeddings: remembered, or fetched, decoded and encoded side by side."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from threading import Event, Lock, Thread
from typing import Any, Self

import numpy as np

from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings, Encoder, LoadsAhead, checked_rows, preparing
from reranker.errors import PictureError
from reranker.folding import Fingerprint, fingerprint_of
from reranker.kept_loader import LoadsPictures
from reranker.look_ahead import Aside, LookAhead, read_ahead
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.standing import Place

logger = logging.getLogger(__name__)

_READ_AHEAD = 256
"""Candidates read before their pictures are needed: more than a page, so that the next one is on its way."""

_LARGEST_KEPT = 2 << 20
"""In bytes, of a file that is in flight; up to four batches of them are. A rendition of 640 pixels has some 100 000."""

Outcome = EncodedPicture | PictureError
Outcomes = list[tuple[Place, Candidate, Outcome]]
"""Candidates with their place in the pool, and what came of each."""

_Known = tuple[Place, Candidate, EncodedPicture | None]


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A picture that was loaded: its file and fingerprint, and what is to be encoded unless it was `encoded` before."""

    prepared: Any
    data: bytes | None
    fingerprint: Fingerprint
    encoded: EncodedPicture | None


_Batch = list[tuple[_Known, EncodedPicture | _Arrived | PictureError]]
_Encoded = tuple[_Batch, Embeddings]
"""A batch, empty at the end, and the embeddings of those in it that had none."""


class PoolEncoder:
    """Encodes candidates' pictures, each once: one that is `remembered` (in the process, else on disk) is not loaded.

    A batch is what has come by the time the encoder is free, up to `batch_size` pictures. `threads` fetch, decode and
    prepare two batches ahead of it, and take fingerprints; a batch is committed while the next one is encoded.
    Whoever calls the encoder has it `in_use`.
    """

    def __init__(
        self, encoder: Encoder, in_use: Lock, remembered: EncodedPictures, *, batch_size: int, threads: int
    ) -> None:
        self._encoder = encoder
        self._in_use = in_use
        self._preparing = preparing(encoder)
        self._remembered = remembered
        self._batch_size = batch_size
        self._threads = threads

    @contextmanager
    def encoding(
        self,
        candidates: Iterable[Candidate],
        loader: LoadsPictures,
        memory: Memory | None,
        place_of: Callable[[int], Place] | None = None,
    ) -> Iterator[Iterator[Outcomes]]:
        """Begin to load, and give the outcomes batch by batch, in no particular order.

        A candidate's place is the number it is read as, from 0, or what `place_of` says for that. Each batch is
        committed to the `memory` before it is given out. Leaving the context drops what has not begun, and waits for
        what the encoder has in hand.
        """

        def load(one: _Known) -> EncodedPicture | _Arrived | PictureError:
            _, candidate, known = one
            if known is not None and known.fingerprint is not None:
                return known
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
            return _Arrived(prepared, loaded.data if is_small else None, fingerprint, known)

        loading = _TowerInLoading(self._encoder, self._in_use)
        known = self._with_known(candidates, memory, place_of, loading.expect_pictures)
        with (
            loading,
            Aside[_Encoded]("encode") as encoding,
            LookAhead(load, known, threads=self._threads, ahead=2 * self._batch_size) as arriving,
        ):
            batches = self._batches(arriving, encoding, memory, loading.begin)
            with closing(batches):
                yield batches

    def _with_known(
        self,
        candidates: Iterable[Candidate],
        memory: Memory | None,
        place_of: Callable[[int], Place] | None,
        expect_pictures: Callable[[], None],
    ) -> Iterator[list[_Known]]:
        """Candidates as they are read, with what is remembered of each; some are not: then pictures are expected."""
        places = map(place_of or (lambda number: (number,)), count())
        for chunk in read_ahead(candidates, room=_READ_AHEAD):
            known = {one.identity: here for one in chunk if (here := self._remembered.get(one)) is not None}
            if memory is not None and (unknown := [one for one in chunk if one.identity not in known]):
                known |= memory.look_up(self._encoder, unknown)
            if len(known) < len(chunk):
                expect_pictures()
            yield [(next(places), one, known.get(one.identity)) for one in chunk]

    def _batches(
        self,
        arriving: LookAhead[_Known, EncodedPicture | _Arrived | PictureError],
        encoding: Aside[_Encoded],
        memory: Memory | None,
        begin: Callable[[], None],
    ) -> Generator[Outcomes, None, None]:
        begin()  # whoever asks for batches has encoded the texts
        uncommitted = [encoding.begin(lambda: self._next_encoded(arriving))]
        try:
            while (encoded := uncommitted[0].result())[0]:
                uncommitted.append(encoding.begin(lambda: self._next_encoded(arriving)))
                outcomes = self._committed(*encoded, memory)
                del uncommitted[0], encoded
                yield outcomes
        except BaseException:  # whoever stops keeps what the encoder has in hand
            arriving.close()
            for one in uncommitted:
                try:
                    self._committed(*one.result(), memory)
                except Exception as error:
                    logger.debug("a batch that was in hand is not kept: %s", error)
            raise

    def _next_encoded(self, arriving: LookAhead[_Known, EncodedPicture | _Arrived | PictureError]) -> _Encoded:
        batch = arriving.take(self._batch_size)
        prepared = [came.prepared for _, came in batch if isinstance(came, _Arrived) and came.encoded is None]
        if not prepared:
            return batch, np.empty((0, self._encoder.dimensions), dtype=np.float32)
        with self._in_use:
            rows = self._preparing.encode_prepared(prepared)
        return batch, checked_rows(self._encoder, rows, len(prepared), "pictures")

    def _committed(self, batch: _Batch, embeddings: Embeddings, memory: Memory | None) -> Outcomes:
        """What came of a batch, once it is remembered."""
        embedding = iter(embeddings)
        outcomes: Outcomes = []
        to_keep: dict[tuple[str, str], EncodedPicture] = {}
        for (place, candidate, _), came in batch:
            outcome = _outcome(came, embedding) if isinstance(came, _Arrived) else came
            if isinstance(outcome, EncodedPicture):
                self._remembered.put(candidate, outcome)
                if isinstance(came, _Arrived) and memory is not None:
                    keeps = memory.keeps_file_of(candidate)
                    to_keep[candidate.identity] = outcome if keeps else replace(outcome, data=None)
            outcomes.append((place, candidate, outcome))
        if memory is not None and to_keep:
            memory.put(self._encoder, to_keep)
        return outcomes


class _TowerInLoading:
    """The image tower, loaded while the first pictures travel: once they are expected and the texts are encoded."""

    def __init__(self, encoder: Encoder, in_use: Lock) -> None:
        self._encoder = encoder
        self._in_use = in_use
        self._texts_are_done = Event()
        self._is_over = False
        self._starting = Lock()
        """Held to start the thread: who ends the search meanwhile must not meet one that is not started yet."""
        self._thread: Thread | None = None

    def expect_pictures(self) -> None:
        """A picture will have to be encoded."""
        with self._starting:
            if self._thread is None and not self._is_over and isinstance(self._encoder, LoadsAhead):
                self._thread = Thread(target=self._load, args=[self._encoder], name="load-image-tower", daemon=True)
                self._thread.start()

    def begin(self) -> None:
        """The texts are encoded."""
        self._texts_are_done.set()

    def _load(self, encoder: LoadsAhead) -> None:
        self._texts_are_done.wait()
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
        self._texts_are_done.set()
        if self._thread is not None:
            self._thread.join()  # a process must not end in the middle of it


def _outcome(arrived: _Arrived, embeddings: Iterator[Embeddings]) -> Outcome:
    if arrived.encoded is not None:
        return replace(arrived.encoded, data=arrived.data, fingerprint=arrived.fingerprint)
    embedding = next(embeddings)
    if np.isfinite(embedding).all():
        # A copy, for a row would keep its whole batch.
        return EncodedPicture(embedding.copy(), arrived.data, fingerprint=arrived.fingerprint)
    return PictureError("the model gives no finite embedding for this picture")
