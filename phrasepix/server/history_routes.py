"""The recent searches."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from phrasepix.server.services import Services


class RecentSearches(BaseModel):
    """The searches that were made lately, the newest first."""

    enabled: bool = Field(description="Whether they are listed at all.")
    searches: list[dict[str, Any]]


def history_routes(services: Services) -> APIRouter:
    """Return the routes of recent searches."""
    routes = APIRouter(prefix="/api/v1", tags=["history"])
    history = services.history

    @routes.get("/history")
    async def recent() -> RecentSearches:
        """Return the searches that were made lately."""
        return RecentSearches(enabled=history.keeps, searches=history.newest())

    @routes.delete("/history", status_code=204, response_class=Response)
    async def forget() -> None:
        """Forget them."""
        history.clear()

    return routes
