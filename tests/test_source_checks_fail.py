"""Each check of `check_source` fails for a source that breaks its promise, and says what came and where to read on."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from pkgutil import resolve_name
from typing import Any
from urllib.request import urlopen

import pytest

from phrasepix_core.candidate import Clip
from retriever import Candidate, Filters, Rendition
from retriever.errors import KeyRefusedError, WrongParameterError
from retriever.profile import FOR_GOOD, SourceProfile
from retriever.protocol import Page, Retriever
from retriever.source import Opening
from retriever.testing import BrokenPromiseError, ListRetriever, check_source, made_candidate, source_checks
from retriever.testing.trial import CONTRACT, EVERYTHING
from tests.servers import ScriptedServer, as_json

KEY = "16180339-thekeyofthesechecks"
STOCK = SourceProfile(
    name="stock",
    title="Stock",
    home_url="https://stock.example/",
    api_url="https://stock.example/api",
    mention="Pictures from Stock",
    credit="{creator} on Stock, {licence}",
    page_size=2,
    deepest=50,
    key_url="https://stock.example/key",
    key_variable="STOCK_KEY",
    key_setting="stock_key",
    remembered_for=FOR_GOOD,
)
LICENCE: dict[str, Any] = {
    "licence": "CC BY 4.0", "licence_url": "https://creativecommons.org/licenses/by/4.0/", "commercial_use": True,
    "modification": True, "credit_owed": True,
}  # fmt: skip
NO_LICENCE: dict[str, Any] = {"licence": "", "licence_url": "", "commercial_use": False, "modification": None}


def picture(number: int, **facts: Any) -> Candidate:
    known: dict[str, Any] = {
        "source": "stock", "tags": ("boat", "sea"), "creator": "Ada L.", "credit": "Ada L. on Stock, CC BY 4.0",
        "colours": ("red",), "taken_on": date(2020 + number, 5, 1), "ai_generated": False, "g_rated": True,
    }  # fmt: skip
    return made_candidate(number, **LICENCE | known | facts)


POOL = (
    picture(1, width=900, height=600),
    picture(2, width=600, height=900, creator="Bob", credit="Bob", media_type="vector", colours=("blue",)),
    picture(3, width=600, height=600, ai_generated=True, g_rated=False, **NO_LICENCE),
)


class Stock(ListRetriever):
    """A retriever that keeps every promise; what is derived from it breaks one."""

    opening: Opening
    pool: Iterable[Candidate] = POOL

    def __init__(self, opening: Opening | None = None) -> None:
        super().__init__(self.pool, "stock")
        self.opening = opening or Opening()

    def send(self) -> None:
        """One request to the server of the opening."""
        assert self.opening.base_url
        with urlopen(self.opening.base_url) as answer:
            answer.read()

    def __repr__(self) -> str:
        return "Stock()"


@dataclass(frozen=True)
class StockSource:
    """The source of a retriever class."""

    kind: Callable[[Opening], Retriever]
    profile: SourceProfile = STOCK

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        return nullcontext(self.kind(opening))


class GivesAList(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Any:
        return list(super().retrieve(tag, limit=limit, filters=filters))


class AsksAtOnce(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        self.send()
        return super().retrieve(tag, limit=limit, filters=filters)


class AsksForAllPages(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        self.send()
        self.send()
        yield from super().retrieve(tag, limit=limit, filters=filters)


class HasNothing(Stock):
    pool = ()


class GivesOneMore(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        return super().retrieve(tag, limit=limit + 1, filters=filters)


class GivesOneFewer(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        return islice(super().retrieve(tag, limit=limit, filters=filters), limit - 1)


class GivesOneTwice(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        for candidate in super().retrieve(tag, limit=limit, filters=filters):
            yield candidate
            yield candidate


class ChangesItsOrder(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        self._candidates = self._candidates[::-1]
        return super().retrieve(tag, limit=limit, filters=filters)


class NumbersPicturesByOpening(Stock):
    openings = 0

    def __init__(self, opening: Opening) -> None:
        type(self).openings += 1
        self.pool = [replace(one, id=f"{self.openings}-{one.id}") for one in POOL]
        super().__init__(opening)


class MovesItsPages(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        found = super().retrieve(tag, limit=limit, filters=filters)
        self._candidates = tuple(replace(one, page_url=f"{one.page_url}/") for one in self._candidates)
        return found


class AlwaysFindsAll(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        found = super().retrieve("boat", limit=limit, filters=filters)
        return (replace(one, found_by=tag) for one in found)


class KnowsNoOtherTag(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        if tag != "boat":
            raise KeyError(tag)
        return super().retrieve(tag, limit=limit, filters=filters)


class TakesNoLimit(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        return super().retrieve(tag, limit=max(1, int(limit)), filters=filters)


class RefusesByAnErrorOfPython(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        try:
            return super().retrieve(tag, limit=limit, filters=filters)
        except WrongParameterError as error:
            raise ValueError(str(error)) from None


class RefusesAfterAsking(AsksAtOnce):
    pass


class TakesAsciiAlone(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        return super().retrieve(tag.encode("ascii").decode(), limit=limit, filters=filters)


class PassesFiltersOver(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        return super().retrieve(tag, limit=limit, filters=EVERYTHING)


class NamesFiltersNobodyAskedFor(Stock):
    def unhonoured(self, filters: Filters) -> frozenset[str]:
        return frozenset({"category"})


class PagesBackwards(Stock):
    def pages(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
        for one in reversed(list(self.retrieve(tag, limit=limit, filters=filters))):
            yield [one]


class PagesAtOnce(Stock):
    def pages(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
        self.send()
        return iter([list(self.retrieve(tag, limit=limit, filters=filters))])


class CountsWrong(Stock):
    def pages(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
        yield Page(list(self.retrieve(tag, limit=limit, filters=filters)), 0)


class SaysYesInWords(Stock):
    on_disk = "yes"


class GivesATextToSave(Stock):
    def file_to_save(self, candidate: Candidate) -> Any:
        return candidate.image_url


class ClosesOnce(Stock):
    is_closed = False

    def close(self) -> None:
        assert not self.is_closed, "closed already"
        self.is_closed = True


class OpensOnce(Stock):
    is_open = False

    def __init__(self, opening: Opening) -> None:
        assert not type(self).is_open, "open already"
        type(self).is_open = True
        super().__init__(opening)


class BelongsToItsThread(Stock):
    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._database = sqlite3.connect(":memory:")

    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        self._database.execute("SELECT 1")
        return super().retrieve(tag, limit=limit, filters=filters)

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # the collector may call it in any thread
            self._database.close()


class FailsAsUrllibDoes(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        self.send()
        yield from super().retrieve(tag, limit=limit, filters=filters)


class AsksOffline(FailsAsUrllibDoes):
    pass


class ShowsItsKey(Stock):
    def __repr__(self) -> str:
        return f"Stock({self.opening.key!r})"


class LogsItsKey(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        logging.getLogger("stock").debug("asking with %s", self.opening.key)
        return super().retrieve(tag, limit=limit, filters=filters)


class QuotesAWrongKey(Stock):
    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
        if self.opening.key != KEY:
            raise KeyRefusedError(f"no such key: {self.opening.key}")
        return super().retrieve(tag, limit=limit, filters=filters)


class HasTwoWordsAsName(Stock):
    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self.name = "my stock"


class GivesOther(Stock):
    pool = ("a picture", "another")  # type: ignore[assignment]

    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Any]:
        return iter(self.pool)


BROKEN: list[tuple[str, type[Stock], str]] = [
    ("asks_lazily", GivesAList, "list, which is no iterator"),
    ("asks_lazily", AsksAtOnce, "1 requests before next() was called"),
    ("asks_page_by_page", AsksForAllPages, "all 2 requests before the first candidate"),
    ("finds_pictures", HasNothing, "0 candidates; check_source(…, tag=…)"),
    ("keeps_to_the_limit", GivesOneMore, "2 candidates of 3"),
    ("keeps_to_the_limit", GivesOneFewer, "0 candidates of 3"),
    ("offers_each_picture_once", GivesOneTwice, "stock:1 twice"),
    ("repeats_its_order", ChangesItsOrder, "[('stock', '3'), ('stock', '2'), ('stock', '1')], then [('stock', '1')"),
    ("keeps_identities", NumbersPicturesByOpening, "[('stock', '"),
    ("keeps_identities", MovesItsPages, "then at https://pictures.example/1/"),
    ("finds_nothing_for_an_unknown_tag", AlwaysFindsAll, "3 candidates, such as"),
    ("finds_nothing_for_an_unknown_tag", KnowsNoOtherTag, "KeyError: 'qzxvkwj'"),
    ("refuses_wrong_parameters", TakesNoLimit, "1 candidates and no error"),
    ("refuses_wrong_parameters", RefusesByAnErrorOfPython, "ValueError: limit 0 is out of range"),
    ("refuses_wrong_parameters", RefusesAfterAsking, "WrongParameterError, after 1 requests"),
    ("takes_odd_tags", TakesAsciiAlone, "UnicodeEncodeError, which is no RetrieverError"),
    ("honours_filters", PassesFiltersOver, "stock:2, which is not so: media_type='vector'"),
    ("honours_filters", NamesFiltersNobodyAskedFor, "frozenset({'category'}), which is not a set of some of them"),
    ("answers_by_page", PagesBackwards, "[('stock', '3'),"),
    ("answers_by_page", PagesAtOnce, "1 requests before next() was called"),
    ("answers_by_page", CountsWrong, "page 1 of 3 candidates"),
    ("says_plainly_what_it_can", SaysYesInWords, "'yes'"),
    ("says_plainly_what_it_can", GivesATextToSave, "'https://pictures.example/1.jpg'"),
    ("opens_and_closes", ClosesOnce, "AssertionError: closed already"),
    ("opens_and_closes", OpensOnce, "AssertionError: open already"),
    ("serves_two_threads", BelongsToItsThread, "ProgrammingError: SQLite objects created in a thread"),
    ("fails_by_its_own_errors", FailsAsUrllibDoes, "URLError, which is no RetrieverError"),
    ("stays_offline", AsksOffline, "connections to 127.0.0.1"),
    ("keeps_the_key_secret", ShowsItsKey, "Stock('THE KEY')"),
    ("keeps_the_key_secret", LogsItsKey, "asking with THE KEY"),
    ("keeps_the_key_secret", QuotesAWrongKey, "no such key: THE KEY"),
    ("names_itself", HasTwoWordsAsName, "'my stock'"),
    ("gives_true_sizes", GivesOther, "str, which is no retriever.Candidate"),
]
FACTS: list[tuple[str, dict[str, Any], str]] = [
    ("names_itself", {"source": "pixabay"}, "source='pixabay'"),
    ("gives_facts_of_the_right_kind", {"tags": ["boat"]}, "a field that can be changed"),
    ("gives_facts_of_the_right_kind", {"title": None}, "title=None, no text"),
    ("gives_facts_of_the_right_kind", {"g_rated": "yes"}, "g_rated='yes'"),
    ("gives_facts_of_the_right_kind", {"taken_on": datetime(2020, 5, 1)}, "no datetime.date"),
    ("gives_facts_of_the_right_kind", {"media_type": "all"}, "media_type='all'"),
    ("gives_facts_of_the_right_kind", {"colours": ("mauve",)}, "colours=('mauve',)"),
    ("gives_texts_that_can_be_shown", {"title": "a\x1b[2Jboat"}, r"title='a\x1b[2Jboat'"),
    ("gives_texts_that_can_be_shown", {"credit": "Ada\u202e L."}, "credit="),
    ("gives_texts_that_can_be_shown", {"id": ""}, "an empty id"),
    ("gives_clean_tags", {"tags": ("boat", "")}, "the tag ''"),
    ("gives_clean_tags", {"tags": ("boat", " sea")}, "the tag ' sea'"),
    ("gives_clean_tags", {"tags": ("boat", "boat")}, "a tag twice"),
    ("gives_rights_as_they_are", {"creator": "None"}, "creator='None', which a program left behind"),
    ("gives_rights_as_they_are", {"credit": "{creator} on Stock"}, "which a program left behind"),
    ("gives_rights_as_they_are", {"credit": "Stock"}, "a credit that does not name the creator 'Ada L.'"),
    ("gives_rights_as_they_are", {"creator": "", "credit": ""}, "credit_owed=True, and no credit"),
    ("gives_rights_as_they_are", {"licence": "CC BY-NC 4.0", "licence_url": ""}, "commercial_use=True under"),
    ("gives_rights_as_they_are", {"licence": "", "licence_url": ""}, "under the licence none"),
    ("gives_rights_as_they_are", {"credit_owed": False}, "credit_owed=False under the licence CC BY 4.0"),
    ("gives_whole_addresses", {"page_url": "/photos/1"}, "page_url='/photos/1': no address"),
    ("gives_whole_addresses", {"creator_url": "javascript:alert(1)"}, "no address"),
    ("gives_whole_addresses", {"renditions": (Rendition("file:///etc/hostname", 9, 9),)}, "not on_disk"),
    ("gives_whole_addresses", {"clips": (Clip("", 9, 9),)}, "the url of a clip=''"),
    ("can_be_remembered", {"page_url": "ftp://p.example/1"}, "cannot be kept: an address is none of the web"),
    ("can_be_remembered", {"creator": "Ada\u202e L."}, "cannot be kept: creator is no text that can be shown"),
    ("can_be_remembered", {"tags": ["boat"]}, "after it was kept: "),
    ("gives_true_sizes", {"renditions": (Rendition("https://p.example/1", 0, 9),)}, "width=0"),
    ("gives_true_sizes", {"width": -1}, "-1 ×"),
    (
        "gives_true_sizes",
        {"renditions": (Rendition("https://p.example/2", 90, 90), Rendition("https://p.example/1", 9, 9))},
        "before Rendition",
    ),
    (
        "gives_true_sizes",
        {"renditions": (Rendition("https://p.example/1", 9, 9), Rendition("https://p.example/1", 90, 90))},
        "one address at two sizes",
    ),
    ("gives_true_sizes", {"renditions": (Rendition("https://p.example/1", 9, 9, False),)}, "may be missing"),
    ("gives_true_sizes", {"duration_s": 0.0}, "duration_s=0.0"),
]
PROFILES: list[tuple[str, dict[str, Any], str]] = [
    ("names_itself", {"name": "other"}, "'other' and 'stock'"),
    ("describes_itself", {"mention": ""}, "''"),
    ("describes_itself", {"home_url": "stock.example"}, "'stock.example'"),
    ("describes_itself", {"page_size": 0}, "0"),
    ("describes_itself", {"remembered_for": timedelta(-1)}, "a span below nothing"),
    ("describes_itself", {"remembered_for": None}, "None"),
    ("describes_itself", {"remembered_for": timedelta(0), "why_not_remembered": ""}, "and nothing is remembered"),
    ("describes_itself", {"key_setting": ""}, "some of the three, not all or none"),
    ("describes_itself", {"credit": "a picture"}, "'a picture'"),
    ("describes_itself", {"credit": "{author}"}, "KeyError: 'author'"),
    ("gives_rights_as_they_are", {"licence": "Stock License"}, "the profile's is 'Stock License'"),
]


@pytest.fixture
def opening() -> Iterator[Opening]:
    """With a key, and a server that answers anything."""
    with ScriptedServer() as server:
        server.otherwise = lambda asked: as_json({})
        yield Opening(key=KEY, base_url=server.url)


def fault_of(name: str, source: StockSource, opening: Opening) -> BrokenPromiseError:
    with pytest.raises(BrokenPromiseError) as caught:
        dict(source_checks(source, opening=opening, tag="boat"))[name]()
    assert caught.value.check == name
    assert resolve_name(caught.value.documented).__doc__
    return caught.value


def test_the_unbroken_double_keeps_every_promise(opening: Opening) -> None:
    undecided = check_source(StockSource(Stock), opening=opening, tag="boat")
    assert sorted(undecided) == ["answers_by_page", "asks_page_by_page"]
    assert undecided["asks_page_by_page"].startswith("3 pictures took 0 requests")


@pytest.mark.parametrize(("name", "kind", "came"), BROKEN)
def test_a_check_fails_for_a_source_that_breaks_its_promise(
    name: str, kind: type[Stock], came: str, opening: Opening
) -> None:
    assert came in fault_of(name, StockSource(kind), opening).came


@pytest.mark.parametrize(("name", "facts", "came"), FACTS)
def test_a_check_fails_for_a_candidate_that_breaks_its_promise(
    name: str, facts: dict[str, Any], came: str, opening: Opening
) -> None:
    class Odd(Stock):
        pool = (picture(1, **facts), picture(2))

        def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
            return (replace(one, found_by=tag) for one in self.pool)

    fault = fault_of(name, StockSource(Odd), opening)
    assert came in fault.came
    assert "candidate" in fault.given or name == "names_itself"


@pytest.mark.parametrize(("name", "facts", "came"), PROFILES)
def test_a_check_fails_for_a_profile_that_breaks_its_promise(
    name: str, facts: dict[str, Any], came: str, opening: Opening
) -> None:
    assert came in fault_of(name, StockSource(Stock, replace(STOCK, **facts)), opening).came


def test_what_a_tag_was_found_by_is_the_tag(opening: Opening) -> None:
    class Forgets(Stock):
        def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = EVERYTHING) -> Iterator[Candidate]:
            return (replace(one, found_by="") for one in super().retrieve(tag, limit=limit, filters=filters))

    fault = fault_of("gives_facts_of_the_right_kind", StockSource(Forgets), opening)
    assert fault.came == "found_by='', not the tag 'boat'"


def test_each_check_is_proven_to_fail() -> None:
    assert {name for name, *_ in [*BROKEN, *FACTS, *PROFILES]} == set(CONTRACT.names)


def test_the_error_names_the_source_the_promise_and_where_it_is_documented(opening: Opening) -> None:
    fault = fault_of("offers_each_picture_once", StockSource(GivesOneTwice), opening)
    assert isinstance(fault, AssertionError)
    assert str(fault).splitlines() == [
        "source 'stock' breaks a promise: each picture comes once",
        "  given: retrieve('boat', limit=20)",
        "  came:  stock:1 twice",
        "  see:   retriever.protocol.Retriever.retrieve (check offers_each_picture_once)",
    ]


def test_the_first_broken_promise_ends_check_source(opening: Opening) -> None:
    with pytest.raises(BrokenPromiseError, match="no more candidates come than the limit says"):
        check_source(StockSource(GivesOneMore), opening=opening, tag="boat")


def test_a_retriever_that_is_open_is_checked_as_it_is() -> None:
    undecided = check_source(Stock(), tag="boat")
    assert undecided["opens_and_closes"] == "it is a Retriever; give the Source that opens it"


def test_what_is_neither_a_source_nor_a_retriever_is_refused() -> None:
    with pytest.raises(TypeError, match=r"neither a retriever\.Source nor a retriever\.Retriever"):
        check_source("pixabay")  # type: ignore[arg-type]
