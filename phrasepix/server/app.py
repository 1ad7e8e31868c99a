"""The application: routes, errors as problems, the page's files, and the gate before all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from phrasepix.errors import PhrasepixError
from phrasepix.finder import Finder
from phrasepix.server.assistant_tools import AssistantTools
from phrasepix.server.body_limits import BodyLimits
from phrasepix.server.compare_routes import compare_routes
from phrasepix.server.fact_routes import fact_routes
from phrasepix.server.form_errors import NO_JSON, wrong_form
from phrasepix.server.freed_memory import give_back_from_time_to_time
from phrasepix.server.history_routes import history_routes
from phrasepix.server.inference_routes import inference_routes
from phrasepix.server.json_response import PlainJsonResponse
from phrasepix.server.openapi import STYLE, describe, docs_page
from phrasepix.server.picture_routes import picture_routes
from phrasepix.server.problems import WrongFormError, problem_response, response_of
from phrasepix.server.saving_routes import saving_routes
from phrasepix.server.search_routes import search_routes
from phrasepix.server.security import Gate
from phrasepix.server.services import Services
from phrasepix.server.settings import ServerSettings
from phrasepix_core import __version__

_PAGE = Path(__file__).parent / "page"
_LARGEST_BODY = 1 << 20
"""Bytes of a body, if its route allows no more."""
_LARGEST_WITH_PICTURES = 48 << 20
"""Bytes where pictures come as data URLs, a third larger than their files."""


def create_app(finder: Finder, settings: ServerSettings) -> FastAPI:
    """Return the application that serves a finder; closing the finder is left to the caller.

    `end` ends what is under way in it.
    """
    services = Services.of(finder, settings)
    tools = AssistantTools(services)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with services.model_steps.listening():
            async with anyio.create_task_group() as until_all_ends:
                until_all_ends.start_soon(give_back_from_time_to_time)
                async with anyio.create_task_group() as group:
                    group.start_soon(tools.run)
                    yield
                    end(app)
                until_all_ends.cancel_scope.cancel()
        services.pictures.close()

    app = FastAPI(
        title="phrasepix",
        version=__version__,
        summary="Finds the picture a sentence describes.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        default_response_class=PlainJsonResponse,
    )
    app.state.services, app.state.tools = services, tools
    for routes in (
        search_routes,
        compare_routes,
        picture_routes,
        saving_routes,
        fact_routes,
        history_routes,
        inference_routes,
    ):
        app.include_router(routes(services))
    app.router.routes.append(Route("/mcp", tools))
    _add_page(app, services)
    _add_problems(app)
    app.add_middleware(
        BodyLimits,
        usual=_LARGEST_BODY,
        larger={
            "/api/v1/pictures": settings.largest_upload_bytes,
            "/v1/embeddings": _LARGEST_WITH_PICTURES,
            "/v1/rerank": _LARGEST_WITH_PICTURES,
            "/api/v1/search": _LARGEST_WITH_PICTURES,
            "/api/v1/compare": _LARGEST_WITH_PICTURES,
        },
    )
    app.add_middleware(Gate, settings=settings)  # the outermost
    return app


def end(app: FastAPI) -> None:
    """End what is under way in an application: its searches at their next event, and the tools for assistants."""
    app.state.services.is_closing.set()
    app.state.tools.stop()


def _add_page(app: FastAPI, services: Services) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        # Whoever opens the page will search: the model is loaded while they type.
        return FileResponse(_PAGE / "index.html", background=BackgroundTask(services.warm_up))

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    async def schema() -> Response:
        return PlainJsonResponse(describe(app))

    @app.get("/api/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(docs_page(describe(app)))

    @app.get("/api/docs.css", include_in_schema=False)
    async def style() -> Response:
        return FileResponse(STYLE)

    app.mount("/page", StaticFiles(directory=_PAGE), name="page")


def _add_problems(app: FastAPI) -> None:
    """Have every error be a problem."""

    @app.exception_handler(PhrasepixError)
    async def ours(request: Request, error: PhrasepixError) -> Response:
        return response_of(error)

    @app.exception_handler(RequestValidationError)
    async def of_form(request: Request, error: RequestValidationError) -> Response:
        errors = error.errors()
        if errors[0]["loc"] == ("body",):  # there is none, or it is another value
            return response_of(WrongFormError("the body is no JSON object"))
        if errors[0]["type"] == NO_JSON:
            return response_of(WrongFormError(f"the body is no JSON: {errors[0].get('ctx', {}).get('error', '')}"))
        where, why = wrong_form(errors)
        return problem_response(422, "wrong-form", f"{where or 'the body'}: {why}", option=where or None)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI could not parse it: no UTF-8, or far too deep
            return response_of(WrongFormError("the body is no JSON object"))
        phrase = HTTPStatus(error.status_code).phrase
        return problem_response(
            error.status_code, phrase.lower().replace(" ", "-"), str(error.detail), headers=error.headers
        )
