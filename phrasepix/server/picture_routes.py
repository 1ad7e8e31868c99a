"""Uploading a picture to look for others like it."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from phrasepix.server.openapi import PICTURE_BODY
from phrasepix.server.services import Services


class Uploaded(BaseModel):
    """A picture that was uploaded."""

    picture: str = Field(description='What to call it by: "like": [{"picture": "upload:…"}].')
    width: int = Field(description="Pixels as it is kept.")
    height: int = Field(description="Pixels as it is kept.")


def picture_routes(services: Services) -> APIRouter:
    """Return the routes of uploaded pictures."""
    routes = APIRouter(prefix="/api/v1", tags=["pictures"])

    @routes.post("/pictures", status_code=201, openapi_extra=PICTURE_BODY)
    async def upload(request: Request) -> Uploaded:
        """Keep a picture to look for others like it; the body is its file."""
        reference, picture = await services.in_thread(services.pictures.add, await request.body())
        return Uploaded(picture=reference, width=picture.width, height=picture.height)

    return routes
