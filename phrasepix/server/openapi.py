"""The API's description (OpenAPI 3.1), made of the code: routes, the options of a request, and the answers."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from phrasepix.comparing.request import SEARCH_OPTIONS
from phrasepix.request_schema import request_schema
from phrasepix.server.problems import PROBLEM_TYPE
from phrasepix.server.result_models import CompareAnswer, Problem, SearchAnswer

if TYPE_CHECKING:
    from jinja2 import Environment

COMPARED: Final = ("version", "like", *SEARCH_OPTIONS, "filters", "words_for_tags")
"""What stands in the JSON of a comparison, beside `by`."""

STYLE: Final = Path(__file__).parent / "docs" / "docs.css"
_COMPONENTS: Final = "#/components/schemas/"
_ABOUT: Final = (
    "Every request shows the token that `phrasepix serve` prints: `Authorization: Bearer TOKEN`. Errors are problems "
    "(RFC 9457) in the words of the command line."
)

SEARCH_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENTS}SearchRequest"}}},
    }
}
"""The body of a search, for its route."""

SEARCH_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The results; as events progress, notice, results, done and error if they are accepted.",
        "content": {
            "application/json": {"schema": {"$ref": f"{_COMPONENTS}SearchAnswer"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }
}
"""The answers of a search, for its route."""

COMPARE_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENTS}CompareRequest"}}},
    }
}
"""The body of a comparison, for its route."""

COMPARE_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A row an encoder; as events progress, notice, row, done and error if they are accepted.",
        "content": {
            "application/json": {"schema": {"$ref": f"{_COMPONENTS}CompareAnswer"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }
}
"""The answers of a comparison, for its routes."""

PICTURE_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""The body of an upload, for its route."""


def binary_answer(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that returns a file."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": description, "content": content}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of an application, and keep it."""
    if app.openapi_schema is None:
        app.openapi_schema = _described(app)
    return app.openapi_schema


def docs_page(described: dict[str, Any]) -> str:
    """Return the description as a page, which loads nothing but a style of this server."""
    return _environment().get_template("docs.html.jinja").render(api=described, verbs=("get", "post", "delete"))


def _described(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title,
        version="1",
        summary=app.summary,
        description=_ABOUT,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_schemas())
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    described["security"] = [{"token": []}]
    problem = {"description": "A problem", "content": {PROBLEM_TYPE: {"schema": {"$ref": f"{_COMPONENTS}Problem"}}}}
    for operations in described["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
    return described


def _schemas() -> dict[str, Any]:
    """Return the schemas that no route's signature has."""
    _, models = models_json_schema(
        [(one, "serialization") for one in (SearchAnswer, CompareAnswer, Problem)],
        ref_template=f"{_COMPONENTS}{{model}}",
    )
    request = request_schema()
    del request["$schema"]
    definitions = request.pop("$defs")
    own = {f"Request{name.title()}": schema for name, schema in definitions.items()} | {"SearchRequest": request}
    own["CompareRequest"] = _comparison(request["properties"])
    renamed = json.dumps(own)
    for name in definitions:
        renamed = renamed.replace(f'"#/$defs/{name}"', f'"{_COMPONENTS}Request{name.title()}"')
    schemas: dict[str, Any] = {**models["$defs"], **json.loads(renamed)}
    return schemas


def _comparison(of_search: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a comparison's body, from that of a search's."""
    names = {"type": "string", "pattern": r"\S"}
    by = {
        "description": "Encoders by name, also with commas between; without any, those without a download, and clip.",
        "anyOf": [names, {"type": "array", "minItems": 1, "items": names}, {"type": "null"}],
    }
    return {
        "title": "CompareRequest",
        "description": "One picture as the question, where to look, and the encoders to compare.",
        "type": "object",
        "properties": {name: of_search[name] for name in COMPARED if name in of_search} | {"by": by},
        "required": ["like"],
        "additionalProperties": False,
    }


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # for whoever reads the page alone

    return Environment(
        loader=PackageLoader("phrasepix.server", "docs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
