"""Stage 2: candidates and a phrase in, the top-N by cosine out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Self, SupportsIndex

from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker.asked import Asked
from reranker.diversity import considered_for
from reranker.encoded_texts import EncodedTexts
from reranker.encoder import Encoder
from reranker.errors import PictureError, WrongQueryError
from reranker.examples import Examples
from reranker.finish import AS_IT_STANDS, Finish, Refinement
from reranker.folding import Compared, Likeness, places_kept, siblings_of
from reranker.kept_loader import KeptLoader, LoadsPictures
from reranker.match import Ranking, SkippedPicture
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.memory.embedding_store import EmbeddingStore
from reranker.ordering import PLAIN, Ordering
from reranker.pictures import PictureLoader
from reranker.pool_encoder import PoolEncoder
from reranker.progress import Progress
from reranker.query import Query
from reranker.ranked import Ranked, RankedOrder, readings_of, spread
from reranker.showing import PicturesToShow
from reranker.standing import Place, Standing

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
    what it has encoded, in place of `encoder`: ValueError where both are given.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        loader: PictureLoader | None = None,
        batch_size: int = 16,
        threads: int = 10,  # those of the loader's eight connections, and some that decode
        memory: Memory | None = None,
        texts: EncodedTexts | None = None,
    ) -> None:
        if encoder is not None and texts is not None:
            raise ValueError("texts bring their own encoder; leave out the other")
        self._texts = texts or EncodedTexts(_default_encoder() if encoder is None else encoder)
        self.encoder = encoder = self._texts.encoder
        self._loader = loader or PictureLoader()
        self._threads = threads
        self._in_use = self._texts.in_use
        self._remembered = EncodedPictures()
        self._compared = Compared()
        self._pool = PoolEncoder(
            encoder, self._in_use, self._texts.aside, self._remembered, batch_size=batch_size, threads=threads
        )
        self._memory = memory

    def prepare(self, query: Query, texts: EmbeddingStore | None = None) -> None:
        """Encode the phrases of a query that will be asked soon, in any thread: the model is loaded by it.

        Then the neutral phrases that matches are read against, unless the encoder came with them or they are kept in
        `texts` (`Memory.texts`). Raises `WrongQueryError` where one has no finite embedding.
        """
        with self._texts.search(query):
            for phrase in query.phrases:
                self._texts.phrase(phrase.text)
            self._texts.neutral(texts)

    def begin_to_prepare(self, query: Query, texts: EmbeddingStore | None = None) -> Future[None]:
        """Begin to `prepare` in another thread; what that raises is the future's."""
        return self._texts.aside.begin(lambda: self.prepare(query, texts))

    def rerank(
        self,
        query: str | Query,
        candidates: Iterable[Candidate],
        top: int = 10,
        *,
        loader: PictureLoader | None = None,
        memory: Memory | None = None,
        place_of: Callable[[int], Place] | None = None,
        fold: bool = True,
        finish: Finish = AS_IT_STANDS,
        ordering: Ordering = PLAIN,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Ranking:
        """The `top` candidates by cosine to the phrase or query, best first; ties keep the candidates' order.

        What the query does not want costs a candidate its `Match.penalty`. `ordering` may take its nearness to
        everyday captions off, and have the words of its source count.

        `place_of`, given the number a candidate is read as, from 0, says its place instead: it decides ties where the
        candidates' order is one of chance, such as that of several sources' answers.
        With `fold` they are different pictures: what shows the same one as a better candidate (the same file or page,
        a crop, a mirrored or recoloured copy) is listed in `Match.siblings`. `finish` may spread the best, have them
        ranked again by a second model, and ask of parts of the phrase how each match shows them.
        An empty pool gives an empty ranking, a `top` beyond the pool all of it. A candidate whose picture cannot be
        had is skipped and named. `loader` and `memory` stand in for the reranker's own for this call.
        `candidates` is read by another thread. Raises `WrongQueryError` for an empty phrase or a `top` below 1.
        """
        loader, memory = loader or self._loader, memory or self._memory
        asked = self._asked(query, finish, ordering, loader, memory)
        likeness = Likeness(_comparable(top, finish), self._compared) if fold else None
        for standing in self._standings(asked, candidates, top, loader, memory, place_of, likeness):
            on_progress(Progress(standing.done, len(standing.skipped), standing.best))
        return self._ranking(asked, standing, top, loader, memory, likeness, finish)

    def stream(
        self,
        query: str | Query,
        candidates: Iterable[Candidate],
        top: int = 10,
        *,
        loader: PictureLoader | None = None,
        memory: Memory | None = None,
        place_of: Callable[[int], Place] | None = None,
        fold: bool = True,
        finish: Finish = AS_IT_STANDS,
        ordering: Ordering = PLAIN,
    ) -> Iterator[Ranking]:
        """The ranking as it firms up: after each batch what is best by then, at last what `rerank` gives.

        Before the last, pictures may be small, only the `top` best are folded, a match whose picture would have to be
        fetched for it is left out, and nothing is known of how far one stands out; `finish` is of the last alone.
        """
        loader, memory = loader or self._loader, memory or self._memory
        asked = self._asked(query, finish, ordering, loader, memory)
        to_show = self._to_show(loader, memory, top)
        pictures: dict[tuple[str, str], Image.Image] = {}
        likeness = Likeness(_comparable(top, finish), self._compared) if fold else None
        for standing in self._standings(asked, candidates, top, loader, memory, place_of, likeness):
            pictures = _at_hand(standing, to_show, pictures)
            yield _so_far(standing, pictures, likeness, asked.examples)
        yield self._ranking(asked, standing, top, loader, memory, likeness, finish)

    def _asked(
        self, query: str | Query, finish: Finish, ordering: Ordering, loader: PictureLoader, memory: Memory | None
    ) -> Asked:
        query = query if isinstance(query, Query) else Query.of_phrase(query)
        examples = Examples(query, self.encoder, self._in_use, loader, self._remembered, memory)
        texts = None if memory is None else memory.texts
        return Asked(query, self._texts, examples, texts, finish.parts, ordering, in_words=finish.in_words)

    def _standings(
        self,
        asked: Asked,
        candidates: Iterable[Candidate],
        top: int,
        loader: LoadsPictures,
        memory: Memory | None,
        place_of: Callable[[int], Place] | None,
        likeness: Likeness | None,
    ) -> Iterator[Standing]:
        """The standing, the same one after each batch, at least once; its pictures are added to the `likeness`."""
        if isinstance(top, bool) or not isinstance(top, SupportsIndex) or top < 1:
            raise WrongQueryError(f"top {top!r} is out of range; allowed: whole numbers from 1")
        with self._texts.search(asked.query), self._pool.encoding(candidates, loader, memory, place_of) as batches:
            standing = asked.standing(top)  # while the first pictures are on their way
            comparable: list[int] = []
            yield standing
            for batch in batches:
                encoded = [(place, one, found) for place, one, found in batch if isinstance(found, EncodedPicture)]
                standing.add([one[:2] for one in encoded], [found.embedding for _, _, found in encoded])
                if likeness is not None:
                    for _, candidate, picture in encoded:
                        likeness.add(candidate, picture.fingerprint, picture.embedding)
                    comparable += range(len(standing) - len(encoded), len(standing))
                    if len(likeness) > likeness.most + likeness.most // 4:
                        comparable = standing.best_of(comparable, likeness.most)
                        likeness.keep_only(standing.candidate(number) for number in comparable)
                for place, candidate, found in batch:
                    if isinstance(found, PictureError):
                        standing.skip(place, candidate, str(found))
                yield standing

    def _ranking(
        self,
        asked: Asked,
        standing: Standing,
        top: int,
        loader: PictureLoader,
        memory: Memory | None,
        likeness: Likeness | None,
        finish: Finish,
    ) -> Ranking:
        skipped = list(standing.skipped)
        in_order = standing.in_order()
        order = RankedOrder(in_order, asked.reader(in_order))
        considered = considered_for(top, finish.diverse)
        notices = asked.notices
        if finish.refinement is not None:
            order, refined, notices_of_second = self._refined(
                asked, order, finish, finish.refinement, loader, memory, likeness
            )
            considered = min(considered, refined)  # one model's embeddings
            notices = tuple(dict.fromkeys((*notices, *notices_of_second)))
        if finish.diverse:
            order = spread(order, considered, finish.diverse, likeness)
        candidates = order.candidates()
        to_show = self._to_show(loader, memory, top)
        pictures: dict[int, Image.Image] = {}
        gone = asked.examples.own_by_identity(candidates)
        most = None if likeness is None else likeness.most
        # A remembered picture may be gone from its source by now; then the next best takes its place.
        while True:
            kept = places_kept(candidates, top, likeness, without=gone)
            to_load = [place for place in kept if place not in pictures]
            if not to_load:
                break
            if own := asked.examples.own_by_looks(candidates, to_load, likeness):
                gone |= own
                continue
            with to_show.loading([candidates[place] for place in to_load]) as loaded:
                siblings_of(kept, candidates, likeness, without=gone, within=most)  # compared meanwhile, and remembered
                for place, picture in zip(to_load, loaded(), strict=True):
                    if isinstance(picture, PictureError):
                        skipped.append(SkippedPicture(candidates[place], str(picture)))
                        gone.add(place)
                    else:
                        pictures[place] = picture
        siblings = siblings_of(kept, candidates, likeness, without=gone, within=most)
        readings = readings_of([order[place] for place in kept])
        matches = [
            order[place].match(rank, pictures[place], alike, reading)
            for rank, (place, alike, reading) in enumerate(zip(kept, siblings, readings, strict=True), start=1)
        ]
        return Ranking(tuple(matches), tuple(skipped), standing.done, notices=notices)

    def _refined(
        self,
        asked: Asked,
        order: RankedOrder,
        finish: Finish,
        refinement: Refinement,
        loader: PictureLoader,
        memory: Memory | None,
        likeness: Likeness | None,
    ) -> tuple[RankedOrder, int, tuple[str, ...]]:
        """The best, no two of one picture, in the second model's order, the others behind them; how many it ranked.

        Last, what people should know of it.

        What the second model cannot look at stays among the others.
        """
        best = places_kept(order.candidates(), refinement.top, likeness)
        if not best:
            return order, 0, ()
        asked.demand_pictures()
        kept = KeptLoader(self._to_show(loader, memory, 1).kept, fetched_for=self.encoder.input_side, otherwise=loader)
        again, notices = refinement.reranker().rank_again(
            asked.query,
            [order[place].candidate for place in best],
            loader=loader,
            pictures=kept,
            memory=memory,
            finish=finish,
            ordering=asked.ordering,
            on_progress=refinement.on_progress,
        )
        before = {order[place].candidate.identity: (place, order[place].scored.score) for place in best}
        refined = [
            replace(ranked, scored=replace(ranked.scored, first_score=before[ranked.candidate.identity][1]))
            for ranked in again
        ]
        return order.led_by([before[ranked.candidate.identity][0] for ranked in again], refined), len(refined), notices

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
    ) -> tuple[list[Ranked], tuple[str, ...]]:
        """Return the candidates of another model's order in this model's, and what people should know of it.

        Their pictures come from `pictures`, those of the query's examples from `loader`. A candidate whose picture
        cannot be loaded is left out.
        """
        asked = self._asked(query, finish, ordering, loader, memory)
        for standing in self._standings(asked, candidates, len(candidates), pictures, memory, None, None):
            on_progress(Progress(standing.done, len(standing.skipped), standing.best))
        in_order = standing.in_order()
        reader = asked.reader(in_order)
        return [Ranked(scored, reader) for scored in in_order], asked.notices

    def _to_show(self, loader: PictureLoader, memory: Memory | None, shown: int) -> PicturesToShow:
        return PicturesToShow(
            loader,
            self._remembered,
            memory,
            encoded_from=self.encoder.input_side,
            threads=self._threads,
            shown=shown,
        )

    def close(self) -> None:
        """Close the loader's connections."""
        self._loader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _default_encoder() -> Encoder:
    from reranker.models.open_clip_encoder import OpenClipEncoder  # imports torch: seconds

    return OpenClipEncoder()


def _comparable(top: int, finish: Finish) -> int:
    """How many of the best are compared: most of them are different pictures, and what is alike ranks alike."""
    refined = 0 if finish.refinement is None else finish.refinement.top
    return max(_LEAST_COMPARED, _COMPARED_FOR_EACH * max(considered_for(top, finish.diverse), refined))


def _at_hand(
    standing: Standing, to_show: PicturesToShow, before: Mapping[tuple[str, str], Image.Image]
) -> dict[tuple[str, str], Image.Image]:
    """The pictures of the best that need not be fetched; those of `before` are not decoded again."""
    pictures: dict[tuple[str, str], Image.Image] = {}
    for one in standing.best:
        picture = before.get(one.candidate.identity) or to_show.at_hand(one.candidate)
        if picture is not None:
            pictures[one.candidate.identity] = picture
    return pictures


def _so_far(
    standing: Standing,
    pictures: Mapping[tuple[str, str], Image.Image],
    likeness: Likeness | None,
    examples: Examples,
) -> Ranking:
    best = standing.best
    candidates = [one.candidate for one in best]
    own = examples.own_by_identity(candidates)
    kept = places_kept(candidates, len(candidates), likeness, without=own)
    siblings = siblings_of(kept, candidates, likeness, without=own)
    matches = (
        Ranked(best[place]).match(rank, pictures[candidates[place].identity], alike)
        for rank, (place, alike) in enumerate(zip(kept, siblings, strict=True), start=1)
        if candidates[place].identity in pictures
    )
    return Ranking(tuple(matches), standing.skipped, standing.done, is_final=False)
