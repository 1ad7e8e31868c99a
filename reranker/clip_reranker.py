"""Stage 2: candidates and a phrase in, the top-N by cosine out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Self, TypeVar

import numpy as np
from PIL import Image

from reranker.encoder import Embeddings, Encoder
from reranker.errors import PictureError, WrongQueryError
from reranker.match import Match, Ranking, SkippedPicture
from reranker.memory import EncodedPicture, EncodedPictures
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
    same pool encodes no picture again.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        loader: PictureLoader | None = None,
        batch_size: int = 32,
        threads: int = 8,
    ) -> None:
        if encoder is None:
            from reranker.open_clip_encoder import OpenClipEncoder

            encoder = OpenClipEncoder()
        self.encoder = encoder
        self._loader = loader or PictureLoader()
        self._batch_size = batch_size
        self._threads = threads
        self._remembered = EncodedPictures()

    def rerank(
        self,
        phrase: str,
        candidates: Iterable[Candidate],
        top: int = 10,
        *,
        loader: PictureLoader | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Ranking:
        """The `top` candidates by cosine to the phrase, best first; ties keep the candidates' order.

        An empty pool gives an empty ranking, a `top` beyond the pool all of it. A candidate whose picture
        cannot be had is skipped and named. `loader` stands in for the reranker's own for this call.
        Raises `WrongQueryError` for an empty phrase or a `top` below 1.
        """
        if not phrase.strip():
            raise WrongQueryError("the phrase is empty; say what the picture should show")
        if top < 1:
            raise WrongQueryError(f"top {top} is out of range; allowed: whole numbers from 1")
        query = self.encoder.encode_texts([phrase])[0]
        if not np.isfinite(query).all():
            raise WrongQueryError(f"the model {self.encoder.name} gives no finite embedding for this phrase")
        pool: list[Candidate] = []
        encoded: list[EncodedPicture] = []
        skipped: list[SkippedPicture] = []
        for candidate, outcome in self._encoded(candidates, loader or self._loader):
            if isinstance(outcome, PictureError):
                skipped.append(SkippedPicture(candidate, str(outcome)))
            else:
                pool.append(candidate)
                encoded.append(outcome)
            on_progress(Progress(len(pool) + len(skipped), len(skipped)))
        if not pool:
            return Ranking((), tuple(skipped), len(skipped))
        scores = cosine_scores(query, np.stack([one.embedding for one in encoded]))
        best = top_indices(scores, top)
        pictures = self._to_show([(pool[index], encoded[index]) for index in best], loader or self._loader)
        matches = tuple(
            Match(rank, float(scores[index]), pool[index], picture)
            for rank, (index, picture) in enumerate(zip(best, pictures, strict=True), start=1)
        )
        return Ranking(matches, tuple(skipped), len(pool) + len(skipped))

    def _to_show(self, best: list[tuple[Candidate, EncodedPicture]], loader: PictureLoader) -> Iterator[Image.Image]:
        """The pictures of the best, large enough for people where a larger file can be had."""

        def picture(one: tuple[Candidate, EncodedPicture]) -> Image.Image:
            candidate, encoded = one
            looked_at = decode(encoded.data)
            loaded_for = self.encoder.input_side
            if encoded.to_show or not larger_to_be_had(candidate.renditions, looked_at, loaded_for, _SHOWN_SIDE):
                return looked_at
            try:
                larger = loader.load(candidate, _SHOWN_SIDE)
            except PictureError:
                return looked_at
            self._remembered.put(candidate, EncodedPicture(encoded.embedding, larger.data, to_show=True))
            return larger.picture

        return (shown for _, shown in look_ahead(picture, best, threads=self._threads, ahead=len(best) or 1))

    def _encoded(
        self, candidates: Iterable[Candidate], loader: PictureLoader
    ) -> Iterator[tuple[Candidate, EncodedPicture | PictureError]]:
        """Each candidate in order, with what is known of it by now or the reason why nothing is."""

        def load(candidate: Candidate) -> EncodedPicture | LoadedPicture | PictureError:
            if (known := self._remembered.get(candidate)) is not None:
                return known
            try:
                return loader.load(candidate, self.encoder.input_side)
            except PictureError as error:
                return error

        loaded = look_ahead(load, candidates, threads=self._threads, ahead=2 * self._batch_size)
        for batch in _batches(loaded, self._batch_size):
            fresh = [outcome for _, outcome in batch if isinstance(outcome, LoadedPicture)]
            embeddings = iter(self._encode([one.picture for one in fresh]))
            known: list[tuple[Candidate, EncodedPicture | PictureError]] = []
            for candidate, outcome in batch:
                if isinstance(outcome, LoadedPicture):
                    outcome = _encoded_or_why_not(next(embeddings), outcome.data)
                if isinstance(outcome, EncodedPicture):
                    self._remembered.put(candidate, outcome)
                known.append((candidate, outcome))
            yield from known  # only now: whoever stops in the middle of a batch keeps all of it

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


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
