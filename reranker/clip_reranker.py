"""Stage 2: candidates and a phrase in, the top-N by cosine out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Self, TypeVar

import numpy as np
from PIL import Image

from reranker.encoder import Embeddings, Encoder
from reranker.errors import PictureError, PictureUnreadableError, WrongQueryError
from reranker.match import Match, Ranking, SkippedPicture
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.pictures import LoadedPicture, PictureLoader
from reranker.pictures.decode import decode
from reranker.pictures.loader import larger_to_be_had
from reranker.pictures.look_ahead import look_ahead
from reranker.ranking import cosine_scores, top_indices
from retriever.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: candidates looked at so far (`done`), of which `skipped` could not be had."""

    done: int
    skipped: int


_SHOWN_SIDE = 300
"""The short side in pixels from which a picture is good to look at."""

Item = TypeVar("Item")


class ClipReranker:
    """Ranks candidates by how well their pictures show a phrase.

    `encoder` is by default open_clip's ViT-B-32 (laion2b_s34b_b79k). Pictures are loaded by `loader`
    with `threads` threads, two batches ahead of the encoder. What was encoded is remembered (by source and
    id, at most 256 MiB with the files, the longest unused go first), so that another phrase over the
    same pool encodes no picture again. With a `memory` this outlives the process; each batch is committed to it
    before the next one is encoded.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        loader: PictureLoader | None = None,
        batch_size: int = 32,
        threads: int = 8,
        memory: Memory | None = None,
    ) -> None:
        if encoder is None:
            from reranker.open_clip_encoder import OpenClipEncoder

            encoder = OpenClipEncoder()
        self.encoder = encoder
        self._loader = loader or PictureLoader()
        self._batch_size = batch_size
        self._threads = threads
        self._remembered = EncodedPictures()
        self._memory = memory

    def rerank(
        self,
        phrase: str,
        candidates: Iterable[Candidate],
        top: int = 10,
        *,
        loader: PictureLoader | None = None,
        memory: Memory | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Ranking:
        """The `top` candidates by cosine to the phrase, best first; ties keep the candidates' order.

        An empty pool gives an empty ranking, a `top` beyond the pool all of it. A candidate whose picture
        cannot be had is skipped and named. `loader` and `memory` stand in for the reranker's own for this call.
        Raises `WrongQueryError` for an empty phrase or a `top` below 1.
        """
        if not phrase.strip():
            raise WrongQueryError("the phrase is empty; say what the picture should show")
        if top < 1:
            raise WrongQueryError(f"top {top} is out of range; allowed: whole numbers from 1")
        query = self.encoder.encode_texts([phrase])[0]
        if not np.isfinite(query).all():
            raise WrongQueryError(f"the model {self.encoder.name} gives no finite embedding for this phrase")
        loader, memory = loader or self._loader, memory or self._memory
        pool: list[Candidate] = []
        encoded: list[EncodedPicture] = []
        skipped: list[SkippedPicture] = []
        for candidate, outcome in self._encoded(candidates, loader, memory):
            if isinstance(outcome, PictureError):
                skipped.append(SkippedPicture(candidate, str(outcome)))
            else:
                pool.append(candidate)
                encoded.append(outcome)
            on_progress(Progress(len(pool) + len(skipped), len(skipped)))
        pool_size = len(pool) + len(skipped)
        if not pool:
            return Ranking((), tuple(skipped), pool_size)
        scores = cosine_scores(query, np.stack([one.embedding for one in encoded]))
        order = iter(top_indices(scores, len(pool)))
        matches: list[Match] = []
        # A remembered picture may be gone from its source by now; then the next best takes its place.
        while best := list(islice(order, top - len(matches))):
            pictures = self._to_show([(pool[index], encoded[index]) for index in best], loader, memory)
            for index, picture in zip(best, pictures, strict=True):
                if isinstance(picture, PictureError):
                    skipped.append(SkippedPicture(pool[index], str(picture)))
                else:
                    matches.append(Match(len(matches) + 1, float(scores[index]), pool[index], picture))
        return Ranking(tuple(matches), tuple(skipped), pool_size)

    def _to_show(
        self, best: list[tuple[Candidate, EncodedPicture]], loader: PictureLoader, memory: Memory | None
    ) -> list[Image.Image | PictureError]:
        """The pictures of the best, large enough for people where a larger file can be had."""
        fetched: dict[tuple[str, str], EncodedPicture] = {}

        def picture(one: tuple[Candidate, EncodedPicture]) -> Image.Image | PictureError:
            candidate, encoded = one
            here = _decoded(encoded := _with_file(candidate, encoded, memory))
            if here is not None and (
                encoded.to_show
                or not larger_to_be_had(candidate.renditions, here, self.encoder.input_side, _SHOWN_SIDE)
            ):
                return here
            try:
                larger = loader.load(candidate, _SHOWN_SIDE, whole=True)
            except PictureError as error:
                return error if here is None else here
            shown = EncodedPicture(encoded.embedding, larger.data, to_show=True)
            self._remembered.put(candidate, shown)
            fetched[candidate.identity] = shown
            return larger.picture

        pictures = [shown for _, shown in look_ahead(picture, best, threads=self._threads, ahead=len(best) or 1)]
        if memory is not None:
            memory.put_files(fetched)
        return pictures

    def _encoded(
        self, candidates: Iterable[Candidate], loader: PictureLoader, memory: Memory | None
    ) -> Iterator[tuple[Candidate, EncodedPicture | PictureError]]:
        """Each candidate in order, with what is known of it by now or the reason why nothing is."""

        def load(
            one: tuple[Candidate, EncodedPicture | None],
        ) -> EncodedPicture | LoadedPicture | PictureError:
            candidate, known = one
            if known is not None:
                return known
            try:
                return loader.load(candidate, self.encoder.input_side)
            except PictureError as error:
                return error

        loaded = look_ahead(
            load, self._with_known(candidates, memory), threads=self._threads, ahead=2 * self._batch_size
        )
        for batch in _batches(loaded, self._batch_size):
            fresh = [outcome for _, outcome in batch if isinstance(outcome, LoadedPicture)]
            embeddings = iter(self._encode([one.picture for one in fresh]))
            known: list[tuple[Candidate, EncodedPicture | PictureError]] = []
            to_keep: dict[tuple[str, str], EncodedPicture] = {}
            for (candidate, _), outcome in batch:
                if isinstance(outcome, LoadedPicture):
                    outcome = _encoded_or_why_not(next(embeddings), outcome.data)
                    if isinstance(outcome, EncodedPicture):
                        to_keep[candidate.identity] = outcome
                if isinstance(outcome, EncodedPicture):
                    self._remembered.put(candidate, outcome)
                known.append((candidate, outcome))
            if memory is not None and to_keep:
                memory.put(self.encoder, to_keep)
            yield from known  # only now: whoever stops in the middle of a batch keeps all of it

    def _with_known(
        self, candidates: Iterable[Candidate], memory: Memory | None
    ) -> Iterator[tuple[Candidate, EncodedPicture | None]]:
        """Each candidate with what is remembered of it: in the process, else on disk (asked for a batch at a time)."""
        for batch in _batches(candidates, self._batch_size):
            known = {one.identity: here for one in batch if (here := self._remembered.get(one)) is not None}
            if memory is not None and (unknown := [one for one in batch if one.identity not in known]):
                known |= memory.look_up(self.encoder, unknown)
            for candidate in batch:
                yield candidate, known.get(candidate.identity)

    def _encode(self, pictures: list[Image.Image]) -> Embeddings:
        if not pictures:
            return np.empty((0, self.encoder.dimensions), dtype=np.float32)
        return self.encoder.encode_pictures(pictures)

    def close(self) -> None:
        """Close the loader's connections."""
        self._loader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _encoded_or_why_not(embedding: Embeddings, data: bytes) -> EncodedPicture | PictureError:
    if np.isfinite(embedding).all():
        return EncodedPicture(embedding, data)
    return PictureError("the model gives no finite embedding for this picture")


def _with_file(candidate: Candidate, encoded: EncodedPicture, memory: Memory | None) -> EncodedPicture:
    if encoded.data is not None or memory is None or (kept := memory.pictures.get(candidate.identity)) is None:
        return encoded
    return EncodedPicture(encoded.embedding, kept.data, kept.to_show)


def _decoded(encoded: EncodedPicture) -> Image.Image | None:
    if encoded.data is None:
        return None
    try:
        return decode(encoded.data)
    except PictureUnreadableError:
        return None  # damaged on disk: it is fetched again


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
