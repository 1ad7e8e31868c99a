"""Pools that are asked again: what was made ready of them changes nothing of what is found, and is never outdated."""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

import numpy as np
import pytest

from phrasepix_core.candidate import Candidate
from reranker import ClipReranker
from reranker.dedup import Compared, DuplicateDetector
from reranker.match import Ranking
from reranker.memory import EncodedPicture
from reranker.pictures import PictureLoader
from reranker.prepared_pools import PreparedPools
from reranker.testing import ColourEncoder
from tests.picture_server import PictureServer, candidate, encoded, file, put_pool, stripes

PHRASES = ["red", "blue", "a green boat", "red and blue", "yellow"]


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server
    gc.collect(1)


def a_reranker() -> ClipReranker:
    return ClipReranker(ColourEncoder(), loader=PictureLoader(loopback_sources={"sample"}), batch_size=4, threads=4)


def told(ranking: Ranking) -> list[object]:
    """All that is told of a ranking, but for the pictures themselves."""
    facts = attrgetter("rank", "candidate", "score", "penalty", "siblings", "stands_out", "fit", "share", "parts")
    return [*map(facts, ranking.matches), ranking.skipped, ranking.pool_size, ranking.notices]


def with_copies(server: PictureServer) -> list[Candidate]:
    """A pool in which some pictures are there twice: by their file, and by their looks."""
    pool = put_pool(server, 12)
    copy = server.put("/copy.png", file(encoded(stripes(["red", "blue", "red"]), "PNG")))
    again = server.put("/again.png", file(encoded(stripes(["red", "blue", "red"]), "PNG")))
    return [*pool, candidate("copy", copy), candidate("again", again), candidate("0 elsewhere", pool[0].image_url)]


@pytest.mark.parametrize("top", [1, 3, 20])
def test_a_pool_that_is_asked_again_is_ranked_as_if_it_were_new(server: PictureServer, top: int) -> None:
    pool = with_copies(server)
    with a_reranker() as kept:
        again = [told(kept.rerank(phrase, pool, top)) for phrase in PHRASES]
        streamed = [told([*kept.stream(phrase, pool, top)][-1]) for phrase in PHRASES]
    for phrase, one, other in zip(PHRASES, again, streamed, strict=True):
        with a_reranker() as new:
            assert one == other == told(new.rerank(phrase, pool, top))
    assert any(match[4] for ranking in again for match in ranking[:-3])  # type: ignore[index]


def test_what_a_source_tells_anew_of_a_picture_is_what_is_found(server: PictureServer) -> None:
    pool = put_pool(server, 6)
    with a_reranker() as reranker:
        reranker.rerank("red", pool)
        anew = [replace(one, title=f"a new title of {one.id}") for one in pool]
        found = reranker.rerank("red", anew).matches
        assert {match.candidate.title for match in found} == {one.title for one in anew}
        fewer = reranker.rerank("red", pool[:4])
        assert fewer.pool_size == 4
        assert {match.candidate for match in fewer.matches} == {*pool[:4]}
        turned = reranker.rerank("red", [*reversed(pool)])
        assert {match.candidate for match in turned.matches} == {*pool}


def known(number: int, dimensions: int = 4) -> EncodedPicture:
    row = np.zeros(dimensions, dtype=np.float32)
    row[number % dimensions] = 1
    return EncodedPicture(row)


def pool_of(count: int, first: int = 0) -> tuple[list[Candidate], list[EncodedPicture]]:
    numbers = range(first, first + count)
    return [candidate(str(one), f"https://example.org/{one}.png") for one in numbers], [known(one) for one in numbers]


def test_a_pool_is_known_by_the_very_objects_it_is_made_of() -> None:
    pools, compared = PreparedPools(), Compared()
    candidates, pictures = pool_of(5)
    first = pools.of(candidates, pictures, compared)
    assert pools.of([*candidates], [*pictures], compared) is first
    others: list[tuple[Sequence[Candidate], Sequence[EncodedPicture]]] = [
        (candidates[:4], pictures[:4]),
        (candidates[::-1], pictures[::-1]),
        ([replace(candidates[0]), *candidates[1:]], pictures),
        (candidates, [known(0), *pictures[1:]]),
    ]
    assert all(pools.of(*other, compared) is not first for other in others)
    with_file = [replace(pictures[0], data=b"a file to show it by"), *pictures[1:]]
    assert pools.of(candidates, with_file, compared) is first


def test_no_more_pictures_are_kept_than_it_may_be_and_the_longest_unused_pool_goes_first() -> None:
    pools, compared = PreparedPools(most_pictures=10), Compared()
    asked = [pool_of(4, first) for first in (0, 10, 20)]
    first, second = (pools.of(*one, compared) for one in asked[:2])
    assert pools.of(*asked[0], compared) is first
    pools.of(*asked[2], compared)
    assert pools.of(*asked[0], compared) is first
    assert pools.of(*asked[1], compared) is not second
    large = pool_of(11)
    assert pools.of(*large, compared) is not pools.of(*large, compared)


def test_what_is_added_to_one_detector_is_not_added_to_the_others_of_a_pool() -> None:
    pool = PreparedPools().of(*pool_of(3), compared := Compared())
    one, other = DuplicateDetector(compared=compared), DuplicateDetector(compared=compared)
    pool.add_to(one)
    pool.add_to(other)
    new = candidate("new", "https://example.org/2.png")
    one.add(new, None, known(0).embedding)
    assert one.with_each(new, pool_of(3)[0]) == [False, False, True]
    assert (len(one), len(other)) == (4, 3)
    third = DuplicateDetector(compared=compared)
    pool.add_to(third)
    assert len(third) == 3
    other.keep_only(pool_of(1)[0])
    assert (len(other), len(third)) == (1, 3)
