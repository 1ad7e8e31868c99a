"""A pool's pictures and their embeddings: remembered, or fetched, decoded and encoded side by side."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count

import numpy as np
from PIL import Image

from reranker.encoder import Embeddings, Encoder
from reranker.errors import PictureError
from reranker.look_ahead import LookAhead, read_ahead
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.pictures import LoadedPicture, PictureLoader
from reranker.standing import Place
from retriever.candidate import Candidate

_READ_AHEAD = 256
"""Candidates read before their pictures are needed: more than a page, so that the next one is on its way."""

Outcome = EncodedPicture | PictureError
Outcomes = list[tuple[Place, Candidate, Outcome]]
"""Candidates with their place in the pool, and what came of each."""

_Known = tuple[Place, Candidate, EncodedPicture | None]


class PoolEncoder:
    """Encodes candidates' pictures, each once: one that is `remembered` (in the process, else on disk) is not loaded.

    A batch is what has come by the time the encoder is free, up to `batch_size` pictures. `threads` fetch and decode,
    two batches ahead of it.
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
        loader: PictureLoader,
        memory: Memory | None,
        place_of: Callable[[Candidate], Place] | None = None,
    ) -> Iterator[Iterator[Outcomes]]:
        """Begin to load, and give the outcomes batch by batch, in no particular order.

        A candidate's place is its number from 0, unless `place_of` says another. Each batch is committed to the
        `memory` before it is given out. Leaving the context drops what has not begun.
        """

        def load(one: _Known) -> EncodedPicture | LoadedPicture | PictureError:
            _, candidate, known = one
            if known is not None:
                return known
            try:
                return loader.load(candidate, self._encoder.input_side)
            except PictureError as error:
                return error

        with LookAhead(
            load, self._with_known(candidates, memory, place_of), threads=self._threads, ahead=2 * self._batch_size
        ) as arriving:
            yield self._batches(arriving, memory)

    def _with_known(
        self,
        candidates: Iterable[Candidate],
        memory: Memory | None,
        place_of: Callable[[Candidate], Place] | None,
    ) -> Iterator[list[_Known]]:
        """Candidates as they are read, with what is remembered of each."""
        number = count()
        for chunk in read_ahead(candidates, room=_READ_AHEAD):
            known = {one.identity: here for one in chunk if (here := self._remembered.get(one)) is not None}
            if memory is not None and (unknown := [one for one in chunk if one.identity not in known]):
                known |= memory.look_up(self._encoder, unknown)
            yield [
                ((next(number),) if place_of is None else place_of(one), one, known.get(one.identity)) for one in chunk
            ]

    def _batches(
        self, arriving: LookAhead[_Known, EncodedPicture | LoadedPicture | PictureError], memory: Memory | None
    ) -> Iterator[Outcomes]:
        while batch := arriving.take(self._batch_size):
            embeddings = iter(self._encode([one.picture for _, one in batch if isinstance(one, LoadedPicture)]))
            outcomes: Outcomes = []
            to_keep: dict[tuple[str, str], EncodedPicture] = {}
            for (place, candidate, _), outcome in batch:
                if isinstance(outcome, LoadedPicture):
                    outcome = _encoded_or_why_not(next(embeddings), outcome.data)
                    if isinstance(outcome, EncodedPicture):
                        to_keep[candidate.identity] = (
                            EncodedPicture(outcome.embedding) if candidate.hotlink else outcome
                        )
                if isinstance(outcome, EncodedPicture):
                    self._remembered.put(candidate, outcome)
                outcomes.append((place, candidate, outcome))
            if memory is not None and to_keep:
                memory.put(self._encoder, to_keep)
            yield outcomes  # only now: whoever stops in the middle of a batch keeps all of it

    def _encode(self, pictures: list[Image.Image]) -> Embeddings:
        if not pictures:
            return np.empty((0, self._encoder.dimensions), dtype=np.float32)
        return self._encoder.encode_pictures(pictures)


def _encoded_or_why_not(embedding: Embeddings, data: bytes | None) -> Outcome:
    if np.isfinite(embedding).all():
        return EncodedPicture(embedding, data)
    return PictureError("the model gives no finite embedding for this picture")
