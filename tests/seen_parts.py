"""What tests of remembered candidates share: sources on loopback, searches that remember, and rows made here."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from phrasepix import Finder, SearchRequest
from phrasepix.events import Event, Notice
from phrasepix.library.location import Location
from phrasepix.library.retriever import LibraryRetriever
from phrasepix.library.seen_search import OfferedCandidates, SeenSearch
from phrasepix.library.source import LibrarySource
from phrasepix.library.table import Library
from phrasepix.live_results import LiveResults
from phrasepix_core.candidate import Candidate
from reranker.testing import ColourEncoder
from retriever.filters import Filters
from retriever.profile import FOR_GOOD, SourceProfile
from retriever.testing import made_candidate
from tests.library_parts import column_of
from tests.picture_server import stripes

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)
SEEN = Location.of


def searched(
    source: Any, *, phrase: str = "blue", remember_in: str | None = "seen", **options: Any
) -> tuple[LiveResults, list[str]]:
    """What a search of a finder of its own finds, and what is to be known of it, once all is written."""
    told: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(str(event))

    asked: dict[str, Any] = {"tag": "boat", "model": ColourEncoder()} | options
    with Finder() as finder:
        request = SearchRequest(phrase, source=source, remember_in=remember_in, **asked)
        results = finder.search(request, on_event=listen)
    return results, told


def rows_in(name: str = "seen") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = Library.open(Location.of(name)).dataset.to_table().sort_by("key").to_pylist()
    return rows


def offered(number: int, **facts: Any) -> Candidate:
    return replace(made_candidate(number), source="stock", **facts)


STOCK = SourceProfile(
    name="stock",
    title="A Stock",
    home_url="https://stock.example/",
    api_url="https://stock.example/api",
    mention="Pictures by A Stock",
    credit="{creator} at A Stock",
    page_size=10,
    deepest=100,
    remembered_for=FOR_GOOD,
)


def seen(*candidates: Candidate, at: datetime = NOW, profile: SourceProfile = STOCK) -> SeenSearch:
    """What a search has seen of one source; each picture is as red as its number says."""
    encoder = ColourEncoder()

    def embeddings_of(some: Sequence[Candidate]) -> dict[tuple[str, str], Any]:
        made = [stripes(["red"] * int(one.id) + ["blue"] * 4) for one in some]
        return dict(zip((one.identity for one in some), encoder.encode_pictures(made), strict=True))

    return SeenSearch(
        library="seen",
        encoder=column_of(encoder),
        offered=[OfferedCandidates(profile, candidates)],
        embeddings_of=embeddings_of,
        seen_at=at,
    )


def found_at(moment: datetime, filters: Filters | None = None, tag: str = "") -> list[str]:
    """The ids of what the library finds at a moment."""
    source = LibrarySource("seen")
    retriever = LibraryRetriever(Library.open(Location.of("seen")), profile=source.profile, now=lambda: moment)
    return [one.id for one in retriever.retrieve(tag, filters=filters or Filters(media_type="all"))]
