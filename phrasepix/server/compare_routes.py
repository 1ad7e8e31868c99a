"""Comparing: one picture asked of several encoders, as JSON or as events with a row each."""

from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Request
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from phrasepix.comparing.comparing import Comparing
from phrasepix.comparing.comparison import Comparison, EncoderRow, facts_of, pair_as_json
from phrasepix.comparing.drawing import drawing_of
from phrasepix.comparing.request import CompareRequest, compared_like
from phrasepix.errors import SearchGoneError, WrongParameterError
from phrasepix.kept_searches import KeptSearch
from phrasepix.live_results import LiveResults
from phrasepix.query_inputs import example_of
from phrasepix.server.answering import answered
from phrasepix.server.answers import answer_of
from phrasepix.server.openapi import COMPARE_ANSWERS, COMPARE_BODY, COMPARED, binary_answer
from phrasepix.server.problems import as_json_name
from phrasepix.server.request_reader import json_object
from phrasepix.server.search_jobs import SearchJob
from phrasepix.server.services import Services
from phrasepix.views.gallery.hotlinks import hotlinked
from phrasepix.views.thumbnails import jpeg_of
from phrasepix_core.messages import nearest_in_words, worded
from reranker.query import Example

_KEPT: Final = "private, max-age=86400, immutable"


class CompareLike(BaseModel):
    """A match as the question, and the encoders to compare by."""

    model_config = ConfigDict(extra="forbid")

    rank: int = Field(ge=1, description="The rank of the picture.")
    by: str | list[str] | None = Field(
        default=None, description="Names of encoders; without any, those that need no download, and clip."
    )
    top: int | None = Field(default=None, ge=1, description="How many each shows; by default as in that search.")


def compare_routes(services: Services) -> APIRouter:
    """Return the routes of comparisons."""
    routes = APIRouter(prefix="/api/v1", tags=["search"])

    def compared(request: CompareRequest, described: dict[str, Any], job: SearchJob) -> dict[str, Any]:
        """Keep each row's search by an id, tell the row, and return the whole comparison."""
        searches: dict[str, KeptSearch] = {}

        def keep(row: EncoderRow) -> None:
            job.check()
            if row.results is not None:
                searches[row.name] = KeptSearch(described | {"by": row.name})
                services.searches.put(searches[row.name], row.results)
            job.tell("row", {**facts_of(row), "problem": worded(row.problem, as_json_name) or None})

        comparison = Comparing(services.finder, job.listen).compare(request, keep)
        return _answer(comparison, searches)

    @routes.post("/compare", openapi_extra=COMPARE_BODY, responses=COMPARE_ANSWERS)
    async def compare(request: Request) -> Response:
        """Ask several encoders which pictures are like one."""
        given = json_object(await request.body())

        def work(job: SearchJob) -> dict[str, Any]:
            described = services.reader.with_uploads(given)
            by = services.reader.encoders(described.pop("by", None))
            if (unknown := next((name for name in described if name not in COMPARED), None)) is not None:
                meant = nearest_in_words(unknown, (*COMPARED, "by"))
                raise WrongParameterError(f"a comparison has no option {unknown!r}{meant}")
            search = services.reader.read(described)
            wanted = CompareRequest.of(search, by, services.finder.config.directory)
            return compared(wanted, described, job)

        return await answered(services, request, work)

    @routes.post("/searches/{search_id}/compare", responses=COMPARE_ANSWERS)
    async def compare_like(search_id: str, wanted: CompareLike, request: Request) -> Response:
        """Ask several encoders which pictures are like one of a search, where it looked and under its tags."""
        before = services.searches.get(search_id)

        def work(job: SearchJob) -> dict[str, Any]:
            results, match = before.final, before.match(wanted.rank)
            assert results.request is not None  # noqa: S101  # final results have it
            search = compared_like(example_of(match), results.request, top=wanted.top)
            by = services.reader.encoders(wanted.by)
            described = {**before.request, "compared": {"search": before.id, "rank": wanted.rank}}
            return compared(CompareRequest.of(search, by, services.finder.config.directory), described, job)

        return await answered(services, request, work)

    @routes.get(
        "/searches/{search_id}/question",
        response_class=Response,
        responses=binary_answer("image/jpeg", "The picture that was asked with."),
    )
    async def question(search_id: str) -> Response:
        """Return the picture that a search was asked with, small."""
        picture = _picture_of(services.searches.get(search_id))
        data = await services.in_thread(jpeg_of, picture)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": _KEPT})

    return routes


def _answer(comparison: Comparison, searches: dict[str, KeptSearch]) -> dict[str, Any]:
    """Return a comparison as JSON holds it: a `CompareAnswer`."""
    shown = None if comparison.question.candidate is None else hotlinked(comparison.question.candidate)
    any_id = next(search.id for search in searches.values())
    found = [row.results for row in comparison if row.results is not None]
    return {
        "question": comparison.question.title,
        "question_url": shown.url if shown else f"/api/v1/searches/{any_id}/question",
        "top": comparison.top,
        "pool_size": comparison.pool_size,
        "sources": list(dict.fromkeys(origin.name for results in found for origin in results.origins)),
        "rows": [_row(comparison, row, searches.get(row.name)) for row in comparison],
    }


def _row(comparison: Comparison, row: EncoderRow, search: KeptSearch | None) -> dict[str, Any]:
    shape = (4, 3) if comparison.picture is None else comparison.picture.size
    return {
        **facts_of(row),
        "problem": worded(row.problem, as_json_name) or None,
        "search": None if search is None or row.results is None else answer_of(search, row.results),
        "only_here": [match.rank for match in row.matches if comparison.is_only_here(match)],
        "in_rows": [comparison.rows_with(match) for match in row.matches],
        "pairs": [
            pair_as_json(pair) | {"drawing": asdict(drawing_of(pair, shape, row.matches[pair.rank - 1].picture.size))}
            for pair in row.pairs
        ],
    }


def _picture_of(search: KeptSearch) -> Image.Image:
    """The picture that a search was asked with. Raises `SearchGoneError`."""
    results: LiveResults = search.final
    wanted = () if results.query is None else results.query.wanted
    for part in wanted:
        if isinstance(part, Example) and isinstance(part.picture, Image.Image):
            return part.picture
    raise SearchGoneError("this search was asked with no picture")
