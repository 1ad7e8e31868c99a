"""A ranking before its last: what a stream shows while pictures still arrive."""

from collections.abc import Mapping

from PIL import Image

from reranker.accumulator import RankingAccumulator
from reranker.dedup import DuplicateDetector, duplicates_of, representatives
from reranker.display_pictures import DisplayPictures
from reranker.examples import Examples
from reranker.match import Ranking
from reranker.ranked import RankedCandidate


def pictures_at_hand(
    accumulator: RankingAccumulator, to_show: DisplayPictures, before: Mapping[tuple[str, str], Image.Image]
) -> dict[tuple[str, str], Image.Image]:
    """The pictures of the best that need not be fetched; those of `before` are not decoded again."""
    pictures: dict[tuple[str, str], Image.Image] = {}
    for one in accumulator.best:
        picture = before.get(one.candidate.identity) or to_show.at_hand(one.candidate)
        if picture is not None:
            pictures[one.candidate.identity] = picture
    return pictures


def ranking_so_far(
    accumulator: RankingAccumulator,
    pictures: Mapping[tuple[str, str], Image.Image],
    detector: DuplicateDetector | None,
    examples: Examples,
) -> Ranking:
    """What is best by now, but for matches whose picture would have to be fetched to be shown."""
    best = accumulator.best
    candidates = [one.candidate for one in best]
    own = examples.own_by_identity(candidates)
    kept = representatives(candidates, len(candidates), detector, without=own)
    siblings = duplicates_of(kept, candidates, detector, without=own)
    matches = (
        RankedCandidate(best[place]).match(rank, pictures[candidates[place].identity], alike)
        for rank, (place, alike) in enumerate(zip(kept, siblings, strict=True), start=1)
        if candidates[place].identity in pictures
    )
    return Ranking(tuple(matches), accumulator.skipped, accumulator.done, is_final=False)
