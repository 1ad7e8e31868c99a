"""Stage 2: candidates and a phrase in, the top-N by cosine out."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Self

from PIL import Image

from phrasepix_core.candidate import Candidate
from phrasepix_core.numbers import is_whole_number
from reranker.accumulator import PoolPosition, RankingAccumulator
from reranker.cached_loader import LoadsPictures
from reranker.dedup import Compared, DuplicateDetector
from reranker.diversity import considered_for
from reranker.encoder import Encoder
from reranker.encoder_profile import reads_texts
from reranker.errors import PictureError, WrongQueryError
from reranker.examples import Examples
from reranker.finish import AS_IT_STANDS, Finish
from reranker.match import Ranking
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.memory.embedding_store import EmbeddingStore
from reranker.optional_packages import demand_torch
from reranker.ordering import PLAIN, Ordering
from reranker.pictures import PictureLoader
from reranker.pool_encoder import PoolEncoder
from reranker.prepared_pools import PreparedPools
from reranker.progress import Progress
from reranker.query import EncodedQuery, Query
from reranker.query_encoder import QueryEncoder
from reranker.ranked import RankedCandidate, RankedOrder
from reranker.ranking_builder import RankingBuilder
from reranker.ranking_so_far import pictures_at_hand, ranking_so_far
from reranker.text_cache import TextEmbeddingCache

_LEAST_COMPARED, _COMPARED_FOR_EACH = 1000, 5
"""How many of the best are compared to find those that are one picture: 1000, or five for each that is shown.

Of these alone a fingerprint is held, some 6 KB.
"""


class ClipReranker:
    """Ranks candidates by how well their pictures show a phrase.

    `encoder` is by default open_clip's ViT-B-32 (laion2b_s34b_b79k). Candidates are read, and their pictures loaded by
    `loader` with `threads` threads, while earlier ones are encoded, up to `batch_size` at a time. Pictures are held for
    a few batches only; what stays of each candidate is its embedding and some 100 bytes, and 7 KB of a thousand of the
    best. What was encoded is remembered (by source and id, at most 128 MiB with the files, the longest unused go
    first), so that another phrase over the same pool encodes no picture again. With a `memory` this
    outlives the process; each batch is committed to it before the next one is encoded. `texts` bring an encoder and
    what it has encoded, in place of `encoder`: ValueError where both are given. With `pools_at_once` the pictures of so
    many searches are loaded at once: for whoever reads each to its end without a pause, such as a server.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        loader: PictureLoader | None = None,
        batch_size: int = 16,
        threads: int = 10,  # those of the loader's eight connections, and some that decode
        memory: Memory | None = None,
        texts: TextEmbeddingCache | None = None,
        pools_at_once: int | None = None,
    ) -> None:
        if encoder is not None and texts is not None:
            raise ValueError("texts bring their own encoder; leave out the other")
        self._texts = texts or TextEmbeddingCache(_default_encoder() if encoder is None else encoder)
        self.encoder = encoder = self._texts.encoder
        self._loader = loader or PictureLoader()
        self._threads = threads
        self._in_use = self._texts.in_use
        self._remembered = EncodedPictures()
        self._compared = Compared()
        self._prepared = PreparedPools()
        self.pool_encoder = PoolEncoder(
            encoder, self._in_use, self._texts.aside, self._remembered,
            batch_size=batch_size, threads=threads, pools_at_once=pools_at_once,
        )  # fmt: skip
        """Encodes pictures that no query is asked of."""
        self._memory = memory

    def prepare(self, query: Query, texts: EmbeddingStore | None = None) -> None:
        """Encode the phrases of a query that will be asked soon, in any thread: the model is loaded by it.

        Then the neutral phrases that matches are read against, unless the encoder came with them or they are kept in
        `texts` (`Memory.texts`). Raises `WrongQueryError` where one has no finite embedding.
        """
        with self._texts.search(query):
            for phrase in query.phrases:
                self._texts.phrase(phrase.text)
            if reads_texts(self.encoder):
                self._texts.neutral(texts)

    def begin_to_prepare(self, query: Query, texts: EmbeddingStore | None = None) -> Future[None]:
        """Begin to `prepare` in another thread, unless there is nothing to begin; what that raises is the future's."""
        is_to_begin = self._texts.expect([phrase.text for phrase in query.phrases])
        if not is_to_begin and (self._texts.has_neutral() or not reads_texts(self.encoder)):
            done: Future[None] = Future()
            done.set_result(None)
            return done
        return self._texts.texts_aside.begin(lambda: self.prepare(query, texts))

    def encoded(self, query: Query, *, loader: PictureLoader, memory: Memory) -> EncodedQuery:
        """Return a query in the encoder's space, for a source that finds by vector. Raises as `rerank`."""
        with self._texts.search(query):
            return self._query_encoder(query, AS_IT_STANDS, PLAIN, loader, memory).encoded()

    def rerank(
        self,
        query: str | Query,
        candidates: Iterable[Candidate],
        top: int = 10,
        *,
        loader: PictureLoader | None = None,
        memory: Memory | None = None,
        places: Sequence[PoolPosition] | None = None,
        fold: bool = True,
        finish: Finish = AS_IT_STANDS,
        ordering: Ordering = PLAIN,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Ranking:
        """The `top` candidates by cosine to the phrase or query, best first; ties keep the candidates' order.

        What the query does not want costs a candidate its `Match.penalty`. `ordering` may take its nearness to
        everyday captions off, and have the words of its source count.

        `places` are of the candidates in the order in which they are read, each there once its candidate is: they
        decide ties where that order is one of chance, such as that of several sources' answers.
        With `fold` they are different pictures: what shows the same one as a better candidate (the same file or page,
        a crop, a mirrored or recoloured copy) is listed in `Match.siblings`. `finish` may spread the best, have them
        ranked again by a second model, and ask of parts of the phrase how each match shows them.
        An empty pool gives an empty ranking, a `top` beyond the pool all of it. A candidate whose picture cannot be
        had is skipped and named. `loader` and `memory` stand in for the reranker's own for this call.
        `candidates` is read by another thread. Raises `WrongQueryError` for an empty phrase or a `top` below 1.
        """
        loader, memory = loader or self._loader, memory or self._memory
        query_encoder = self._query_encoder(query, finish, ordering, loader, memory)
        detector = DuplicateDetector(_comparable(top, finish), self._compared) if fold else None

        def report(accumulator: RankingAccumulator) -> None:
            on_progress(Progress(accumulator.done, len(accumulator.skipped), accumulator.best))

        for accumulator in self._accumulated(query_encoder, candidates, top, loader, memory, places, detector):
            report(accumulator)
        report(accumulator)  # when all have been read: only now is it known how many there are
        return self._builder(query_encoder, finish, loader, memory, detector).ranking(accumulator, top)

    def stream(
        self,
        query: str | Query,
        candidates: Iterable[Candidate],
        top: int = 10,
        *,
        loader: PictureLoader | None = None,
        memory: Memory | None = None,
        places: Sequence[PoolPosition] | None = None,
        fold: bool = True,
        finish: Finish = AS_IT_STANDS,
        ordering: Ordering = PLAIN,
    ) -> Iterator[Ranking]:
        """The ranking as it firms up: after each batch what is best by then, at last what `rerank` gives.

        Before the last, pictures may be small, only the `top` best are folded, a match whose picture would have to be
        fetched for it is left out, and nothing is known of how far one stands out; `finish` is of the last alone.
        """
        loader, memory = loader or self._loader, memory or self._memory
        query_encoder = self._query_encoder(query, finish, ordering, loader, memory)
        detector = DuplicateDetector(_comparable(top, finish), self._compared) if fold else None
        builder = self._builder(query_encoder, finish, loader, memory, detector)
        to_show = builder.to_show(top)
        pictures: dict[tuple[str, str], Image.Image] = {}
        for accumulator in self._accumulated(query_encoder, candidates, top, loader, memory, places, detector):
            pictures = pictures_at_hand(accumulator, to_show, pictures)
            yield ranking_so_far(accumulator, pictures, detector, query_encoder.examples)
        yield builder.ranking(accumulator, top)

    def _query_encoder(
        self, query: str | Query, finish: Finish, ordering: Ordering, loader: PictureLoader, memory: Memory | None
    ) -> QueryEncoder:
        query = query if isinstance(query, Query) else Query.of_phrase(query)
        examples = Examples(
            query, self.encoder, self._in_use, loader, self._remembered, memory, with_copies=finish.with_copies
        )
        texts = None if memory is None else memory.texts
        return QueryEncoder(query, self._texts, examples, texts, finish.parts, ordering, in_words=finish.in_words)

    def _accumulated(
        self,
        query_encoder: QueryEncoder,
        candidates: Iterable[Candidate],
        top: int,
        loader: LoadsPictures,
        memory: Memory | None,
        places: Sequence[PoolPosition] | None,
        detector: DuplicateDetector | None,
    ) -> Iterator[RankingAccumulator]:
        """The accumulator, the same one after each batch, at least once; its pictures are added to the `detector`."""
        if not is_whole_number(top) or operator.index(top) < 1:
            raise WrongQueryError(f"top {top!r} is out of range; allowed: whole numbers from 1")
        candidates, pictures = self.pool_encoder.if_remembered(candidates)
        if pictures is not None and (detector is None or len(pictures) <= detector.most):
            assert isinstance(candidates, Sequence)  # noqa: S101  # else it is not known what is remembered
            yield from self._remembered_pool(query_encoder, candidates, pictures, top, places, detector)
            return
        with (
            self._texts.search(query_encoder.query),
            self.pool_encoder.encoding(candidates, loader, memory, places) as batches,
        ):
            accumulator = query_encoder.accumulator(top)  # while the first pictures are on their way
            comparable: list[int] = []
            yield accumulator
            for batch in batches:
                encoded = [(place, one, found) for place, one, found in batch if isinstance(found, EncodedPicture)]
                accumulator.add(
                    [candidate for _, candidate, _ in encoded],
                    [found.embedding for _, _, found in encoded],
                    [place for place, _, _ in encoded],
                )
                if detector is not None:
                    for _, candidate, picture in encoded:
                        detector.add(candidate, picture.fingerprint, picture.embedding)
                    comparable += range(len(accumulator) - len(encoded), len(accumulator))
                    if len(detector) > detector.most + detector.most // 4:
                        comparable = accumulator.best_of(comparable, detector.most)
                        detector.keep_only(accumulator.candidate(number) for number in comparable)
                for place, candidate, found in batch:
                    if isinstance(found, PictureError):
                        accumulator.skip(place, candidate, str(found))
                yield accumulator

    def _remembered_pool(
        self,
        query_encoder: QueryEncoder,
        candidates: Sequence[Candidate],
        pictures: Sequence[EncodedPicture],
        top: int,
        places: Sequence[PoolPosition] | None,
        detector: DuplicateDetector | None,
    ) -> Iterator[RankingAccumulator]:
        """The accumulator of `_accumulated`, where all pictures are remembered: no thread has anything to do for it."""
        with self._texts.search(query_encoder.query):
            accumulator = query_encoder.accumulator(top)
            yield accumulator
            if not candidates:
                return
            prepared = self._prepared.of(candidates, pictures, self._compared)
            if places is not None and len(places) > len(candidates):
                places = places[: len(candidates)]
            accumulator.add(candidates, prepared.embeddings, places)
            accumulator.prepared = prepared
            if detector is not None:
                prepared.add_to(detector)
            yield accumulator

    def _builder(
        self,
        query_encoder: QueryEncoder,
        finish: Finish,
        loader: PictureLoader,
        memory: Memory | None,
        detector: DuplicateDetector | None,
    ) -> RankingBuilder:
        return RankingBuilder(
            self.encoder, self._remembered, query_encoder, finish,
            loader=loader, memory=memory, detector=detector, threads=self._threads,
        )  # fmt: skip

    def rank_again(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        *,
        loader: PictureLoader,
        pictures: LoadsPictures,
        memory: Memory | None,
        finish: Finish,
        ordering: Ordering,
        on_progress: Callable[[Progress], None],
    ) -> tuple[list[RankedCandidate], tuple[str, ...]]:
        """Return the candidates of another model's order in this model's, and what people should know of it.

        Their pictures come from `pictures`, those of the query's examples from `loader`. A candidate whose picture
        cannot be loaded is left out.
        """
        query_encoder = self._query_encoder(query, finish, ordering, loader, memory)
        for accumulator in self._accumulated(query_encoder, candidates, len(candidates), pictures, memory, None, None):
            on_progress(Progress(accumulator.done, len(accumulator.skipped), accumulator.best))
        in_order = accumulator.in_order()
        order = RankedOrder(in_order, query_encoder.calibrator(in_order))
        builder = self._builder(query_encoder, finish, loader, memory, None)
        return list(builder.verified(order, 0, pictures)), query_encoder.notices

    def close(self) -> None:
        """Close the loader's connections."""
        self._loader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _default_encoder() -> Encoder:
    demand_torch("ClipReranker without an encoder")
    from reranker.models.open_clip_encoder import OpenClipEncoder  # imports torch: seconds

    return OpenClipEncoder()


def _comparable(top: int, finish: Finish) -> int:
    """How many of the best are compared: most of them are different pictures, and what is alike ranks alike."""
    refined = 0 if finish.refinement is None else finish.refinement.top
    return max(_LEAST_COMPARED, _COMPARED_FOR_EACH * max(considered_for(top, finish.diverse), refined))
