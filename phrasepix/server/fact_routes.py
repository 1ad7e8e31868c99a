"""What can be asked for: sources, models and options."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from phrasepix.models.catalogue import NAMED, choose_model, profile_named, usable_adapters
from phrasepix.request import request_options
from phrasepix.server.budgets import Budget, budget_of
from phrasepix.server.services import Services
from phrasepix.sources.registry import default_sources
from phrasepix.sources.status import SourceStatus, source_statuses
from phrasepix_core.options import DeclaredOption
from reranker.models.model_spec import DEFAULT_MODEL

_KINDS: dict[type, Literal["text", "integer", "number", "boolean"]] = {
    int: "integer",
    float: "number",
    bool: "boolean",
}


class SourceFacts(BaseModel):
    """A source, and whether a search can name it."""

    name: str
    title: str = Field(description="What people call it.")
    ready: bool
    why_not: str | None = Field(description="What to do if it is not ready.")
    key: str = Field(description="none needed, found or missing; empty if that cannot be told.")
    key_from: str | None = Field(description="Where a key is to be had.")
    budget: Budget | None
    rate_limit: str = Field(description="How often it may be asked, in words.")
    mention: str = Field(description="What must stand wherever its pictures are shown.")
    home_url: str
    hotlinking: str | None = Field(description="Whether its pictures may be shown by its addresses.")
    has_videos: bool
    is_default: bool = Field(description="Whether it is asked if a search names none.")


class ModelFacts(BaseModel):
    """A model by a name that a search can give."""

    name: str
    title: str = Field(description="What is loaded.")
    is_default: bool
    is_at_hand: bool = Field(description="Whether it is loaded, or within a moment.")
    reads_texts: bool = Field(description="Whether it ranks by a phrase; one that does not compares pictures.")


class OptionFacts(BaseModel):
    """An option of a search."""

    name: str = Field(description="In the JSON of a request; a filter's is filters.…")
    flag: str | None = Field(description="On the command line, if it is called otherwise there.")
    group: str
    help: str
    kind: Literal["text", "integer", "number", "boolean"]
    repeats: bool
    choices: list[str]
    range: tuple[float | None, float | None]
    default: str | int | float | bool | None
    shown_default: str = Field(description="What holds without it, in words.")


def fact_routes(services: Services) -> APIRouter:
    """Return the routes of what can be asked for."""
    routes = APIRouter(prefix="/api/v1", tags=["facts"])
    config = services.finder.config

    @routes.get("/sources")
    async def sources() -> list[SourceFacts]:
        """Return all sources, with what each needs and what is left of its rate limit."""

        def listed() -> list[SourceFacts]:
            usual, _ = default_sources(config.key, config.directory, offline=False)
            return [_source(one, budget_of(one.profile, config), one.name in usual) for one in source_statuses()]

        return await services.in_thread(listed)

    @routes.get("/models")
    async def models() -> list[ModelFacts]:
        """Return the models that have names of their own, and adapters; others are named as open_clip does."""

        def listed() -> list[ModelFacts]:
            own = (DEFAULT_MODEL.model, *NAMED)
            return [_model(services, name) for name in (*own, *usable_adapters())]

        return await services.in_thread(listed)

    @routes.get("/options")
    async def options() -> list[OptionFacts]:
        """Return every option of a search."""
        return [_option(one) for one in request_options() if one.option.in_json]

    return routes


def _source(status: SourceStatus, budget: Budget | None, is_default: bool) -> SourceFacts:
    profile = status.profile
    return SourceFacts(
        name=status.name,
        title=profile.title if profile else status.name,
        ready=status.is_ready,
        why_not=status.remedy or None,
        key=status.key,
        key_from=(profile.key_url or None) if profile else None,
        budget=budget,
        rate_limit=profile.rate_limit if profile else "",
        mention=profile.mention if profile else "",
        home_url=profile.home_url if profile else "",
        hotlinking=profile.hotlinking.value if profile else None,
        has_videos=profile.has_videos if profile else False,
        is_default=is_default,
    )


def _model(services: Services, name: str) -> ModelFacts:
    title, spec = choose_model(name, None, only_the_sample=False)
    profile = profile_named(name)
    finder = services.finder
    return ModelFacts(
        name=name,
        title=title,
        is_default=name == DEFAULT_MODEL.model,
        reads_texts=profile is None or "texts" in profile.encodes,
        is_at_hand=finder.models.is_at_hand(spec, "auto", "auto", finder.config.directory),
    )


def _option(declared: DeclaredOption) -> OptionFacts:
    option = declared.option
    names = {one.name.removeprefix("filters."): f"`{one.name}`" for one in request_options()}
    default: Any = declared.default
    return OptionFacts(
        name=declared.name,
        flag=next((flag for flag in option.flags if flag.startswith("--")), None),
        group=option.group,
        help=option.help.format_map(names),
        kind=_KINDS.get(option.kind, "text"),
        repeats=option.repeats,
        choices=list(option.choices),
        range=(option.least, option.most),
        default=default if isinstance(default, str | int | float | bool) else None,
        shown_default=option.shown_default,
    )
