"""Rankings of pools that are scored: what a `Finish` asks for is done, and the pictures to show are found."""

from dataclasses import replace

from PIL import Image

from reranker.accumulator import RankingAccumulator
from reranker.cached_loader import CachedLoader, LoadsPictures
from reranker.dedup import DuplicateDetector, duplicates_of, representatives
from reranker.display_pictures import DisplayPictures
from reranker.diversity import considered_for
from reranker.encoder import Encoder
from reranker.errors import PictureError
from reranker.finish import Finish, Refinement
from reranker.match import Ranking, SkippedPicture
from reranker.memory import EncodedPictures, Memory
from reranker.pair_verifier import PairVerifier
from reranker.pairs import VerifiesPairs
from reranker.pictures import PictureLoader
from reranker.query_encoder import QueryEncoder
from reranker.ranked import RankedOrder, calibrated_scores_of, diversify


class RankingBuilder:
    """Builds rankings for one query, of an `encoder` that has `remembered` the pictures.

    With a `detector` they are of different pictures. Pictures to show that are not kept are loaded by `loader` with
    `threads` threads.
    """

    def __init__(
        self,
        encoder: Encoder,
        remembered: EncodedPictures,
        query_encoder: QueryEncoder,
        finish: Finish,
        *,
        loader: PictureLoader,
        memory: Memory | None,
        detector: DuplicateDetector | None,
        threads: int,
    ) -> None:
        self._encoder = encoder
        self._remembered = remembered
        self._query_encoder = query_encoder
        self._finish = finish
        self._loader = loader
        self._memory = memory
        self._detector = detector
        self._threads = threads

    def ranking(self, accumulator: RankingAccumulator, top: int) -> Ranking:
        """Return the `top` best of what was accumulated, as `ClipReranker.rerank` does."""
        finish, detector = self._finish, self._detector
        skipped = list(accumulator.skipped)
        in_order = accumulator.in_order()
        order = RankedOrder(in_order, self._query_encoder.calibrator(in_order, accumulator.prepared))
        considered = considered_for(top, finish.diverse)
        order = self.verified(order, considered, self._loader)
        notices = self._query_encoder.notices
        if finish.refinement is not None:
            order, refined, notices_of_second = self._refined(order, finish.refinement)
            considered = min(considered, refined)  # one model's embeddings
            notices = tuple(dict.fromkeys((*notices, *notices_of_second)))
        if finish.diverse:
            order = diversify(order, considered, finish.diverse, detector)
        candidates = order.candidates()
        to_show = self.to_show(top)
        pictures: dict[int, Image.Image] = {}
        gone = self._query_encoder.examples.own_by_identity(candidates)
        most = None if detector is None else detector.most
        # A remembered picture may be gone from its source by now; then the next best takes its place.
        while True:
            kept = representatives(candidates, top, detector, without=gone)
            to_load = [place for place in kept if place not in pictures]
            if own := self._query_encoder.examples.own_by_looks(candidates, to_load, detector):
                gone |= own
                continue
            before = len(gone)
            with to_show.loading([candidates[place] for place in to_load]) as loaded:
                siblings = duplicates_of(kept, candidates, detector, without=gone, within=most)  # meanwhile
                for place, picture in zip(to_load, loaded(), strict=True):
                    if isinstance(picture, PictureError):
                        skipped.append(SkippedPicture(candidates[place], str(picture)))
                        gone.add(place)
                    else:
                        pictures[place] = picture
            if len(gone) == before:
                break
        calibrated_scores = calibrated_scores_of([order[place] for place in kept])
        matches = [
            order[place].match(rank, pictures[place], alike, calibrated)
            for rank, (place, alike, calibrated) in enumerate(
                zip(kept, siblings, calibrated_scores, strict=True), start=1
            )
        ]
        return Ranking(tuple(matches), tuple(skipped), accumulator.done, notices=notices)

    def verified(self, order: RankedOrder, at_least: int, loader: LoadsPictures) -> RankedOrder:
        """Return the best in the order of their agreement with the picture asked for, where the encoder verifies pairs.

        At least so many are compared; what was not looked at before is loaded by `loader`.
        """
        if not isinstance(encoder := self._encoder, VerifiesPairs):
            return order
        verifier = PairVerifier(encoder, self._encoder, self._remembered, self._memory, loader, threads=self._threads)
        return verifier.verified(order, self._query_encoder.examples.of_wanted(), at_least=at_least)

    def to_show(self, shown: int) -> DisplayPictures:
        """Return what finds the pictures that matches are shown by, so many at a time."""
        return DisplayPictures(
            self._loader,
            self._remembered,
            self._memory,
            encoded_from=self._encoder.input_side,
            threads=self._threads,
            shown=shown,
        )

    def _refined(self, order: RankedOrder, refinement: Refinement) -> tuple[RankedOrder, int, tuple[str, ...]]:
        """The best, no two of one picture, in the second model's order, the others behind them; how many it ranked.

        Last, what people should know of it. What the second model cannot look at stays among the others.
        """
        best = representatives(order.candidates(), refinement.top, self._detector)
        if not best:
            return order, 0, ()
        self._query_encoder.demand_pictures()
        kept = CachedLoader(self.to_show(1).kept, fetched_for=self._encoder.input_side, otherwise=self._loader)
        again, notices = refinement.reranker().rank_again(
            self._query_encoder.query,
            [order[place].candidate for place in best],
            loader=self._loader,
            pictures=kept,
            memory=self._memory,
            finish=self._finish,
            ordering=self._query_encoder.ordering,
            on_progress=refinement.on_progress,
        )
        before = {order[place].candidate.identity: (place, order[place].scored.score) for place in best}
        refined = [
            replace(ranked, scored=replace(ranked.scored, first_score=before[ranked.candidate.identity][1]))
            for ranked in again
        ]
        return order.led_by([before[ranked.candidate.identity][0] for ranked in again], refined), len(refined), notices
