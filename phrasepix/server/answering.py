"""Answers of what searches: as JSON once it is over, or as events while it runs."""

from typing import Final

from fastapi import Request
from starlette.responses import Response

from phrasepix.server.budgets import rate_limit_headers
from phrasepix.server.json_response import PlainJsonResponse
from phrasepix.server.search_jobs import ClientGoneError, EventsResponse, SearchJob, Work
from phrasepix.server.services import Services

_EVENTS: Final = "text/event-stream"
_NO_CONTENT_FOR_NOBODY: Final = 499
"""What is written down of a request whose client has left."""


async def answered(services: Services, request: Request, work: Work) -> Response:
    """Have `work` done in a thread and answer what it returns, which names its `sources`; as events if these are asked
    for.
    """
    job = SearchJob(work, services.searching, services.turns, services.is_closing, services.model_steps)
    if _EVENTS in request.headers.get("accept", ""):
        return EventsResponse(job)
    try:
        answer = await job.result(request.receive)
    except ClientGoneError:
        return Response(status_code=_NO_CONTENT_FOR_NOBODY)
    return PlainJsonResponse(answer, headers=rate_limit_headers(answer["sources"], services.finder.config))
