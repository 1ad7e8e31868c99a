"""Pages are asked for lazily, and only as many as are needed."""

from collections.abc import Callable
from itertools import islice

import pytest

from retriever import Filters, PixabayRetriever
from retriever.errors import SourceAnswerError, WrongParameterError
from tests.servers import ScriptedServer, as_json, hit, of_hits, plain, stock_of

Connect = Callable[..., PixabayRetriever]


def test_nothing_is_asked_before_the_first_candidate_is_wanted(api: ScriptedServer, connect: Connect) -> None:
    connect(api).retrieve("boat")
    assert api.asked == []


def test_the_second_page_is_asked_for_only_when_it_is_needed(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(number) for number in range(1, 451)])
    candidates = connect(api).retrieve("boat", limit=450)
    assert len(list(islice(candidates, 200))) == 200
    assert api.pages == [1]
    next(candidates)
    assert api.pages == [1, 2]
    assert len(list(candidates)) == 249
    assert api.pages == [1, 2, 3]


@pytest.mark.parametrize(
    ("limit", "per_page", "pages"),
    [(1, "3", [1]), (2, "3", [1]), (3, "3", [1]), (40, "40", [1]), (200, "200", [1]), (201, "200", [1, 2])],
)
def test_a_limit_is_met_with_pages_no_larger_than_it_and_from_3_to_200(
    limit: int, per_page: str, pages: list[int], api: ScriptedServer, connect: Connect
) -> None:
    api.otherwise = stock_of([hit(number) for number in range(1, 451)])
    found = list(connect(api).retrieve("boat", limit=limit))
    assert [candidate.id for candidate in found] == [str(number) for number in range(1, limit + 1)]
    assert {asked.query["per_page"] for asked in api.asked} == {per_page}
    assert api.pages == pages


def test_two_hundred_are_asked_for_where_nobody_says_how_many(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(number) for number in range(1, 451)])
    assert len(list(connect(api).retrieve("boat"))) == 200
    assert len(api.asked) == 1


def test_no_more_than_500_are_asked_for_however_many_there_are(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(number) for number in range(1, 2001)])
    assert len(list(connect(api).retrieve("boat", limit=5000))) == 500
    assert api.pages == [1, 2, 3]


def test_no_fourth_page_is_asked_for_where_a_server_promises_more_than_500(
    api: ScriptedServer, connect: Connect
) -> None:
    api.otherwise = lambda asked: of_hits([hit(number) for number in range(100)], total=2000)
    assert len(list(connect(api).retrieve("boat", limit=600))) == 100
    assert api.pages == [1, 2, 3]


def test_later_pages_are_asked_for_under_the_same_filters(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(number) for number in range(300)])
    list(connect(api).retrieve("boat", limit=300, filters=Filters(orientation="vertical", language="de")))
    first, second = (asked.query for asked in api.asked)
    assert first["orientation"] == "vertical"
    assert first | {"page": "2"} == second


def test_total_hits_ends_the_search_without_another_request(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(number) for number in range(1, 61)])
    assert len(list(connect(api).retrieve("boat", limit=200))) == 60
    assert len(api.asked) == 1


def test_an_empty_page_ends_the_search(api: ScriptedServer, connect: Connect) -> None:
    api.play(of_hits([hit(1), hit(2), hit(3)], total=300), of_hits([], total=300))
    assert len(list(connect(api).retrieve("boat", limit=4))) == 3
    assert len(api.asked) == 2


def test_a_page_out_of_range_ends_the_search_like_an_empty_one(api: ScriptedServer, connect: Connect) -> None:
    api.play(
        of_hits([hit(number) for number in range(200)], total=450),
        plain(400, '[ERROR 400] "page" is out of valid range.'),
    )
    assert len(list(connect(api).retrieve("boat", limit=450))) == 200
    assert len(api.asked) == 2


def test_another_error_on_a_later_page_is_not_taken_for_the_end(api: ScriptedServer, connect: Connect) -> None:
    api.play(of_hits([hit(number) for number in range(200)], total=450), plain(400, "[ERROR 400] something else"))
    candidates = connect(api).retrieve("boat", limit=450)
    assert len(list(islice(candidates, 200))) == 200
    with pytest.raises(SourceAnswerError, match="something else"):
        next(candidates)


def test_a_candidate_seen_on_two_pages_counts_once(api: ScriptedServer, connect: Connect) -> None:
    first = [hit(1), hit(1), hit(2), hit(3), hit(4)]
    second = [hit(3), hit(4), hit(5), hit(6), hit(7)]
    api.play(of_hits(first, total=15), of_hits(second, total=15))
    found = list(connect(api).retrieve("boat", limit=5))
    assert [candidate.id for candidate in found] == ["1", "2", "3", "4", "5"]
    assert api.pages == [1, 2]


@pytest.mark.parametrize("total", [None, "12", 3.5, {"a": 1}])
def test_odd_totals_do_not_end_the_search_early(total: object, api: ScriptedServer, connect: Connect) -> None:
    api.play(
        as_json({"totalHits": total, "hits": [hit(1), hit(2), hit(3)]}),
        as_json({"totalHits": total, "hits": [hit(4)]}),
    )
    assert len(list(connect(api).retrieve("boat", limit=4))) == 4


def test_the_tag_that_found_a_candidate_stands_on_it(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(1)])
    assert [candidate.found_by for candidate in connect(api).retrieve("boat")] == ["boat"]


@pytest.mark.parametrize("limit", [0, -1, 2.5, True, "5"])
def test_a_limit_that_is_no_count_is_refused_before_anything_is_sent(
    limit: int, api: ScriptedServer, connect: Connect
) -> None:
    with pytest.raises(WrongParameterError, match="whole numbers from 1"):
        connect(api).retrieve("boat", limit=limit)
    assert api.asked == []


def test_one_picture_is_looked_up_by_its_id(api: ScriptedServer, connect: Connect) -> None:
    api.play(of_hits([hit(77)]))
    found = connect(api).look_up(77)
    assert found is not None
    assert found.id == "77"
    assert api.asked[0].query["id"] == "77"
    assert api.asked[0].query["image_type"] == "all"


def test_a_picture_that_is_gone_is_none(api: ScriptedServer, connect: Connect) -> None:
    api.play(of_hits([]))
    assert connect(api).look_up(77) is None


def test_the_same_id_from_another_server_is_another_picture(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(1)])
    with ScriptedServer() as other:
        other.otherwise = stock_of([hit(1)])
        here, there = (next(connect(server).retrieve("boat")) for server in (api, other))
    assert here.id == there.id
    assert here.source == there.source == "pixabay"
    assert here.identity != there.identity
