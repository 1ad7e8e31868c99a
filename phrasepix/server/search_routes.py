"""Searching: a new search, one refined, one like a picture; each as JSON or as events."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from phrasepix.finder import Finder
from phrasepix.kept_searches import KeptSearch
from phrasepix.live_results import LiveResults
from phrasepix.request import SearchRequest
from phrasepix.server.answering import answered
from phrasepix.server.answers import answer_of, match_of
from phrasepix.server.json_response import PlainJsonResponse
from phrasepix.server.openapi import SEARCH_ANSWERS, SEARCH_BODY, binary_answer
from phrasepix.server.request_reader import json_object
from phrasepix.server.result_models import SearchAnswer
from phrasepix.server.search_jobs import SearchJob
from phrasepix.server.services import Services
from phrasepix.views.gallery.hotlinks import hotlinked
from phrasepix.views.thumbnails import jpeg_of

_LARGEST = (2048, 2048)
"""The pixels that a picture to look at has at most."""
_KEPT = "private, max-age=86400, immutable"


class Feedback(BaseModel):
    """Which matches of a search are right, and which are not."""

    model_config = ConfigDict(extra="forbid")

    prefer: list[int] = Field(default=[], description="Ranks of pictures that are right: others like them move up.")
    avoid: list[int] = Field(default=[], description="Ranks of pictures that are not: others like them move down.")


class MoreLike(BaseModel):
    """A match to look for more pictures like."""

    model_config = ConfigDict(extra="forbid")

    rank: int = Field(ge=1, description="The rank of the picture.")


def _found(finder: Finder, wanted: SearchRequest, job: SearchJob) -> Iterator[LiveResults]:
    """Yield the results as they firm up, if anybody listens, or the final ones alone."""
    if job.tells:
        yield from finder.stream(wanted, on_event=job.listen)
    else:
        yield finder.search(wanted, on_event=job.listen)


def search_routes(services: Services) -> APIRouter:
    """Return the routes of searches."""
    routes = APIRouter(prefix="/api/v1", tags=["search"])

    def told(described: dict[str, Any], found: Iterable[LiveResults], job: SearchJob) -> dict[str, Any]:
        """Keep the results that come, and tell them; return the final ones. A search that fails is not kept."""
        search = KeptSearch(described)
        answer: dict[str, Any] = {}
        try:
            for results in found:
                job.check()
                services.searches.put(search, results)
                answer = answer_of(search, results)
                if not results.is_final:
                    job.tell("results", answer)
        except BaseException:
            services.searches.drop(search)
            raise
        return answer

    @routes.post("/search", openapi_extra=SEARCH_BODY, responses=SEARCH_ANSWERS)
    async def search(request: Request) -> Response:
        """Search for pictures."""
        given = json_object(await request.body())

        def work(job: SearchJob) -> dict[str, Any]:
            described = services.reader.with_uploads(given)
            wanted = services.reader.read(described)
            answer = told(described, _found(services.finder, wanted, job), job)
            services.history.add(answer["id"], described, answer["phrase"], len(answer["matches"]))
            return answer

        return await answered(services, request, work)

    @routes.get("/searches/{search_id}", responses={200: {"model": SearchAnswer}})
    async def kept(search_id: str) -> Response:
        """Return the results of a search that is over."""
        search = services.searches.get(search_id)
        return PlainJsonResponse(answer_of(search, search.final))

    @routes.post("/searches/{search_id}/refine", responses=SEARCH_ANSWERS)
    async def refine(search_id: str, feedback: Feedback, request: Request) -> Response:
        """Rank the same pictures again, by what is right among them and what is not; no source is asked.

        If the server was started with --note-feedback, that is noted in the folder of the search's project.
        """
        before = services.searches.get(search_id)

        def work(job: SearchJob) -> dict[str, Any]:
            prefer, avoid = feedback.prefer, feedback.avoid
            results = services.finder.refine(before.final, prefer, avoid, on_event=job.listen)
            project = str(before.request.get("project") or "")
            results = services.feedback.noted(results, before.final, prefer, avoid, project)
            asked = {**before.request, "refined": {"search": before.id, **feedback.model_dump()}}
            return told(asked, [results], job)

        return await answered(services, request, work)

    @routes.post("/searches/{search_id}/more-like", responses=SEARCH_ANSWERS)
    async def more_like(search_id: str, wanted: MoreLike, request: Request) -> Response:
        """Search under the same tags for what is like a picture."""
        before = services.searches.get(search_id)

        def work(job: SearchJob) -> dict[str, Any]:
            results = before.final
            match = before.match(wanted.rank)
            assert results.request is not None  # noqa: S101  # final results have it
            found = services.finder.more_like(match, results.request, on_event=job.listen)
            asked = {**before.request, "more_like": {"search": before.id, "rank": wanted.rank}}
            return told(asked, [found], job)

        return await answered(services, request, work)

    @routes.get(
        "/searches/{search_id}/pictures/{rank}",
        response_class=Response,
        responses=binary_answer("image/jpeg", "The picture."),
    )
    async def picture(
        search_id: str,
        rank: int,
        size: Literal["small", "zoom"] = "small",
        of: Annotated[str, Query(description="The picture's own name: its rank may have changed since.")] = "",
    ) -> Response:
        """Return a picture of a search, or lead to its source's own address if the source wants that."""
        search = services.searches.get(search_id)
        match, results = match_of(search, rank, of), search.results
        if (shown := hotlinked(match.candidate)) is not None:
            return RedirectResponse(shown.url)

        def jpeg() -> bytes:
            if size == "small" or results is None:
                return jpeg_of(match.picture)
            return jpeg_of(services.finder.large_picture(match, results), _LARGEST)

        data = await services.in_thread(jpeg)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": _KEPT})

    return routes
