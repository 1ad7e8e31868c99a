"""A pool's pictures and their embeddings: remembered, or fetched, decoded and encoded side by side."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from threading import Event, Thread
from typing import Self

import numpy as np
from PIL import Image

from reranker.encoder import Embeddings, Encoder, LoadsAhead
from reranker.errors import PictureError
from reranker.folding import Fingerprint, fingerprint_of
from reranker.kept_loader import LoadsPictures
from reranker.look_ahead import LookAhead, read_ahead
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.standing import Place
from retriever.candidate import Candidate

logger = logging.getLogger(__name__)

_READ_AHEAD = 256
"""Candidates read before their pictures are needed: more than a page, so that the next one is on its way."""

Outcome = EncodedPicture | PictureError
Outcomes = list[tuple[Place, Candidate, Outcome]]
"""Candidates with their place in the pool, and what came of each."""

_Known = tuple[Place, Candidate, EncodedPicture | None]


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A picture that was loaded, with its file: to be encoded, or where it was `encoded` before for its fingerprint."""

    picture: Image.Image
    data: bytes | None
    fingerprint: Fingerprint
    encoded: EncodedPicture | None


class PoolEncoder:
    """Encodes candidates' pictures, each once: one that is `remembered` (in the process, else on disk) is not loaded.

    A batch is what has come by the time the encoder is free, up to `batch_size` pictures. `threads` fetch and decode,
    two batches ahead of it, and take fingerprints.
    """

    def __init__(self, encoder: Encoder, remembered: EncodedPictures, *, batch_size: int, threads: int) -> None:
        self._encoder = encoder
        self._remembered = remembered
        self._batch_size = batch_size
        self._threads = threads

    @contextmanager
    def encoding(
        self,
        candidates: Iterable[Candidate],
        loader: LoadsPictures,
        memory: Memory | None,
        place_of: Callable[[Candidate], Place] | None = None,
    ) -> Iterator[Iterator[Outcomes]]:
        """Begin to load, and give the outcomes batch by batch, in no particular order.

        A candidate's place is its number from 0, unless `place_of` says another. Each batch is committed to the
        `memory` before it is given out. Leaving the context drops what has not begun.
        """

        def load(one: _Known) -> EncodedPicture | _Arrived | PictureError:
            _, candidate, known = one
            if known is not None and known.fingerprint is not None:
                return known
            try:
                loaded = loader.load(candidate, self._encoder.input_side)
            except PictureError as error:
                return error if known is None else known
            # A file on this machine is not kept in memory: its id is made from its content.
            content = candidate.id.encode() if loaded.data is None else loaded.data
            fingerprint = fingerprint_of(loaded.picture, content)
            return _Arrived(loaded.picture, loaded.data, fingerprint, known)

        loading = _TowerInLoading(self._encoder)
        known = self._with_known(candidates, memory, place_of, loading.expect_pictures)
        with loading, LookAhead(load, known, threads=self._threads, ahead=2 * self._batch_size) as arriving:
            yield self._batches(arriving, memory, loading.begin)

    def _with_known(
        self,
        candidates: Iterable[Candidate],
        memory: Memory | None,
        place_of: Callable[[Candidate], Place] | None,
        expect_pictures: Callable[[], None],
    ) -> Iterator[list[_Known]]:
        """Candidates as they are read, with what is remembered of each; some are not: then pictures are expected."""
        number = count()
        for chunk in read_ahead(candidates, room=_READ_AHEAD):
            known = {one.identity: here for one in chunk if (here := self._remembered.get(one)) is not None}
            if memory is not None and (unknown := [one for one in chunk if one.identity not in known]):
                known |= memory.look_up(self._encoder, unknown)
            if len(known) < len(chunk):
                expect_pictures()
            yield [
                ((next(number),) if place_of is None else place_of(one), one, known.get(one.identity)) for one in chunk
            ]

    def _batches(
        self,
        arriving: LookAhead[_Known, EncodedPicture | _Arrived | PictureError],
        memory: Memory | None,
        begin: Callable[[], None],
    ) -> Iterator[Outcomes]:
        begin()  # whoever asks for batches has encoded the texts
        while batch := arriving.take(self._batch_size):
            unencoded = [one for _, one in batch if isinstance(one, _Arrived) and one.encoded is None]
            embeddings = iter(self._encode([one.picture for one in unencoded]))
            outcomes: Outcomes = []
            to_keep: dict[tuple[str, str], EncodedPicture] = {}
            for (place, candidate, _), came in batch:
                outcome = _outcome(came, embeddings) if isinstance(came, _Arrived) else came
                if isinstance(outcome, EncodedPicture):
                    self._remembered.put(candidate, outcome)
                    if isinstance(came, _Arrived) and memory is not None:
                        keeps = memory.keeps_file_of(candidate)
                        to_keep[candidate.identity] = outcome if keeps else replace(outcome, data=None)
                outcomes.append((place, candidate, outcome))
            if memory is not None and to_keep:
                memory.put(self._encoder, to_keep)
            yield outcomes  # only now: whoever stops in the middle of a batch keeps all of it

    def _encode(self, pictures: list[Image.Image]) -> Embeddings:
        if not pictures:
            return np.empty((0, self._encoder.dimensions), dtype=np.float32)
        return self._encoder.encode_pictures(pictures)


class _TowerInLoading:
    """The image tower, loaded while the first pictures travel: once they are expected and the texts are encoded."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._texts_are_done = Event()
        self._is_over = False
        self._thread: Thread | None = None

    def expect_pictures(self) -> None:
        """A picture will have to be encoded."""
        if self._thread is None and isinstance(self._encoder, LoadsAhead):
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
            encoder.load_image_tower()
        except Exception as error:  # met again by whoever encodes the first picture
            logger.debug("the image tower could not be loaded ahead: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._is_over = True
        self._texts_are_done.set()
        if self._thread is not None:
            self._thread.join()  # a process must not end in the middle of it


def _outcome(arrived: _Arrived, embeddings: Iterator[Embeddings]) -> Outcome:
    if arrived.encoded is not None:
        return replace(arrived.encoded, data=arrived.data, fingerprint=arrived.fingerprint)
    embedding = next(embeddings)
    if np.isfinite(embedding).all():
        return EncodedPicture(embedding, arrived.data, fingerprint=arrived.fingerprint)
    return PictureError("the model gives no finite embedding for this picture")
