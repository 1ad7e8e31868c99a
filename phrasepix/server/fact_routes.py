"""What can be asked for: sources, models and options."""

from typing import Any

from fastapi import APIRouter

from phrasepix.models.catalogue import NAMED, choose_model
from phrasepix.request import request_options
from phrasepix.server.services import Services
from phrasepix.sources.registry import default_sources
from phrasepix.sources.status import SourceStatus, source_statuses
from phrasepix_core.options import DeclaredOption
from reranker.models.model_spec import DEFAULT_MODEL


def fact_routes(services: Services) -> APIRouter:
    """Return the routes of what can be asked for."""
    routes = APIRouter(prefix="/api/v1", tags=["facts"])
    config = services.finder.config

    @routes.get("/sources")
    async def sources() -> list[dict[str, Any]]:
        def listed() -> list[dict[str, Any]]:
            usual, _ = default_sources(config.key, config.directory, offline=False)
            return [_source(one, is_default=one.name in usual) for one in source_statuses()]

        return await services.in_thread(listed)

    @routes.get("/models")
    async def models() -> list[dict[str, Any]]:
        names = [DEFAULT_MODEL.model, *NAMED]
        return [_model(services, name) for name in names]

    @routes.get("/options")
    async def options() -> list[dict[str, Any]]:
        return [_option(one) for one in request_options() if one.option.in_json]

    return routes


def _source(status: SourceStatus, *, is_default: bool) -> dict[str, Any]:
    profile = status.profile
    return {
        "name": status.name,
        "title": profile.title if profile else status.name,
        "ready": status.is_ready,
        "why_not": status.remedy or None,
        "key": status.key,
        "key_from": (profile.key_url or None) if profile else None,
        "budget": None,
        "rate_limit": profile.rate_limit if profile else "",
        "mention": profile.mention if profile else "",
        "home_url": profile.home_url if profile else "",
        "hotlinking": profile.hotlinking.value if profile else None,
        "has_videos": profile.has_videos if profile else False,
        "is_default": is_default,
    }


def _model(services: Services, name: str) -> dict[str, Any]:
    title, spec = choose_model(name, None, only_the_sample=False)
    finder = services.finder
    return {
        "name": name,
        "title": title,
        "is_default": name == DEFAULT_MODEL.model,
        "is_at_hand": finder.models.is_at_hand(spec, "auto", "auto", finder.config.directory),
    }


def _option(declared: DeclaredOption) -> dict[str, Any]:
    option = declared.option
    names = {one.name: f"`{one.name}`" for one in request_options()}
    names |= {name.removeprefix("filters."): shown for name, shown in names.items() if name.startswith("filters.")}
    default = declared.default
    return {
        "name": declared.name,
        "flag": next((flag for flag in option.flags if flag.startswith("--")), None),
        "group": option.group,
        "help": option.help.format_map(names),
        "kind": {str: "text", int: "integer", float: "number", bool: "boolean"}.get(option.kind, "path"),
        "repeats": option.repeats,
        "choices": list(option.choices),
        "range": [option.least, option.most],
        "default": default if isinstance(default, str | int | float | bool) else None,
        "shown_default": option.shown_default,
    }
