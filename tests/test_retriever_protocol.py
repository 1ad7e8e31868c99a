"""Whatever keeps stage 1's protocol can stand in for it, the double for people's own tests among them."""

from collections.abc import Callable
from itertools import islice

import pytest

from retriever import Candidate, Filters, PixabayRetriever, Rendition, Retriever
from retriever.errors import WrongParameterError
from retriever.pixabay import PIXABAY
from retriever.pixabay.hits import candidate_from_hit
from retriever.testing import ListRetriever, made_candidate
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


@pytest.mark.parametrize(("limit", "expected"), [(1, ["1"]), (2, ["1", "3"]), (9, ["1", "3"])])
def test_the_double_keeps_to_the_limit(limit: int, expected: list[str]) -> None:
    assert identifiers(ListRetriever(POOL), "boat", limit=limit) == expected


@pytest.mark.parametrize(("tag", "limit"), [("boat", 0), ("boat", -3), (" ", 9), ("boat\x1b", 9)])
def test_the_double_refuses_what_every_source_refuses(tag: str, limit: int) -> None:
    with pytest.raises(WrongParameterError):
        ListRetriever(POOL).retrieve(tag, limit=limit)


def test_the_double_leaves_out_what_is_not_known_to_be_free() -> None:
    unknown, free = made_candidate(1, tags=("boat",)), made_candidate(2, tags=("boat",), commercial_use=True)
    filters = Filters(licence=("commercial",))
    assert identifiers(ListRetriever([unknown, free]), "boat", filters=filters) == ["2"]


def test_a_made_candidate_is_what_is_said_of_it() -> None:
    made = made_candidate("a", url="https://pictures.example/large.jpg", size=(90, 60), title="A boat", width=900)
    assert (made.id, made.source, made.title, made.width, made.height) == ("a", "list", "A boat", 900, 60)
    assert made.renditions == (Rendition("https://pictures.example/large.jpg", 90, 60),)
    assert made_candidate(7).image_url == "https://pictures.example/7.jpg"


def test_the_double_can_be_asked_again_and_read_in_parts() -> None:
    retriever = ListRetriever(iter(POOL), name="mine")
    for _ in range(2):
        assert [found.id for found in islice(retriever.retrieve("boat"), 1)] == ["1"]
    assert retriever.name == "mine"
