"""Whatever keeps stage 1's protocol can stand in for it, the double for people's own tests among them."""

from collections.abc import Callable
from itertools import islice

import pytest

from retriever import Candidate, Filters, PixabayRetriever, Retriever
from retriever.pixabay import PIXABAY
from retriever.pixabay.hits import candidate_from_hit
from retriever.testing import ListRetriever
from tests.servers import ScriptedServer, hit, stock_of


def candidate(number: int, tags: str, media_type: str = "photo") -> Candidate:
    return candidate_from_hit(hit(number, tags=tags, type=media_type), PIXABAY, "")


POOL = [
    candidate(1, "boat, sea"),
    candidate(2, "tiger, snow"),
    candidate(3, "boat, night"),
    candidate(4, "boat", "vector/svg"),
]


def identifiers(retriever: Retriever, tag: str, limit: int = 200, filters: Filters | None = None) -> list[str]:
    return [found.id for found in retriever.retrieve(tag, limit=limit, filters=filters or Filters())]


def test_both_retrievers_keep_the_protocol(api: ScriptedServer, connect: Callable[..., PixabayRetriever]) -> None:
    double, real = ListRetriever(POOL), connect(api)
    for retriever in (double, real):
        assert isinstance(retriever, Retriever)
    # Accepted by the type checker too, as parameters of that type.
    assert identifiers(double, "boat") == ["1", "3"]
    api.otherwise = stock_of([hit(1), hit(3)])
    assert identifiers(real, "boat") == ["1", "3"]
    assert (double.name, real.name) == ("list", "pixabay")


def test_something_without_the_method_does_not_keep_the_protocol() -> None:
    assert not isinstance(POOL, Retriever)


def test_the_double_offers_what_has_the_tag_in_its_order() -> None:
    assert identifiers(ListRetriever(POOL), "boat", filters=Filters(media_type="all")) == ["1", "3", "4"]
    assert identifiers(ListRetriever(POOL[::-1]), "boat") == ["3", "1"]
    assert identifiers(ListRetriever(POOL), "boa") == []
    assert identifiers(ListRetriever(POOL), "boat", filters=Filters(media_type="vector")) == ["4"]
    assert identifiers(ListRetriever(POOL), "boat", filters=Filters(orientation="vertical")) == []
    assert identifiers(ListRetriever(POOL), "boat", filters=Filters(colours=("red",))) == ["1", "3"], "not known"


@pytest.mark.parametrize(("limit", "expected"), [(0, []), (1, ["1"]), (2, ["1", "3"]), (9, ["1", "3"])])
def test_the_double_keeps_to_the_limit(limit: int, expected: list[str]) -> None:
    assert identifiers(ListRetriever(POOL), "boat", limit=limit) == expected


def test_the_double_can_be_asked_again_and_read_in_parts() -> None:
    retriever = ListRetriever(iter(POOL), name="mine")
    for _ in range(2):
        assert [found.id for found in islice(retriever.retrieve("boat"), 1)] == ["1"]
    assert retriever.name == "mine"
