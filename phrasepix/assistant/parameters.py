"""Parameters of the assistant's search, made of the declared options, and the request that they describe."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from phrasepix.errors import OutsideRootError
from phrasepix.models.catalogue import NAMED, PROFILES, usable_adapters
from phrasepix.public_pictures import public_example
from phrasepix.query_inputs import is_address
from phrasepix.request import SearchRequest, request_options
from phrasepix.request_schema import description_of, plain_form
from phrasepix.saving.confined import confined_project
from phrasepix.sources.confined import confined_source
from phrasepix_core.messages import Hint
from phrasepix_core.options import DeclaredOption
from phrasepix_core.root import Root
from reranker.models.model_spec import DEFAULT_MODEL
from reranker.models.registry import registered_names
from reranker.pictures.fetch import PictureFetcher
from reranker.query import Example

_FILTER: Final = "filters."
_CHOSEN: Final = (
    "phrase",
    "tag",
    "like",
    "by",
    "minus",
    "top",
    "limit",
    "source",
    "model",
    "words",
    "diverse",
    "project",
    "unused",
    "remember_in",
    "filters.media_type",
    "filters.orientation",
    "filters.aspect_ratio",
    "filters.min_width",
    "filters.min_height",
    "filters.colours",
    "filters.licence",
    "filters.since",
    "filters.until",
    "filters.exclude_ai",
    "filters.creator",
    "filters.language",
)
"""The options that an assistant may name. Left out is what the person at the machine decides, or what steers output."""

_MODELS: Final = (DEFAULT_MODEL.model, *NAMED)
"""The models that an assistant may name: no path, and nothing that was not tried with phrasepix."""

MOST_SHOWN: Final = 50
"""Matches of one search, at most: an assistant reads all of them."""


def encoder_names() -> list[str]:
    """Return the encoders that pictures may be compared by: those that `phrasepix encoders` lists."""
    return list(dict.fromkeys((*PROFILES, *registered_names(), *usable_adapters())))


def search_parameters(*, has_root: bool) -> dict[str, Any]:
    """Return the JSON schemas of the search's parameters by their names, each of one plain type."""
    return {_short(one): _schema(one, has_root=has_root) for one in _chosen()}


def by_parameter(*, has_root: bool) -> dict[str, Any]:
    """Return the JSON schema of what pictures are compared by, where a picture is the question anyway."""
    declared = next(one for one in _chosen() if one.name == "by")
    return _schema(declared, has_root=has_root) | {
        "description": "The encoder to compare pictures by, such as sift, colour or phash; by default the model that "
        "ranked that search."
    }


def request_of(arguments: Mapping[str, Any], root: Root | None) -> SearchRequest:
    """Return the request that arguments of the search describe; paths in it are below the root, addresses public.

    Pictures at addresses are fetched. Raises `WrongParameterError`, `WrongQueryError`, `UnknownSourceError`,
    `OutsideRootError`, and what `public_example` raises.
    """
    described: dict[str, Any] = {"filters": {}}
    for declared in _chosen():
        if (value := arguments.get(_short(declared))) is not None:
            within = described["filters"] if declared.name.startswith(_FILTER) else described
            read = _READ.get(declared.name)
            within[_short(declared)] = value if read is None else read(value, root)
    return SearchRequest.from_dict(described, picture_at=lambda said: _picture(said, root))


def as_argument(hint: Hint) -> str:
    """Return a hint as an argument of a tool."""
    name = hint.option.removeprefix(_FILTER)
    if hint.value is None:
        return name
    return f"{name}: {json.dumps(hint.value, ensure_ascii=False, default=str)}"


def _chosen() -> Iterator[DeclaredOption]:
    by_name = {one.name: one for one in request_options()}
    return (by_name[name] for name in _CHOSEN)


def _short(declared: DeclaredOption) -> str:
    return declared.name.removeprefix(_FILTER)


def _schema(declared: DeclaredOption, *, has_root: bool) -> dict[str, Any]:
    described = description_of(declared)
    facts = _facts(has_root=has_root).get(declared.name, "")
    described["description"] = f"{described['description']} {facts}".rstrip()
    form = plain_form(declared)
    if declared.name == "model":
        form["enum"] = list(_MODELS)
    if declared.name == "by":
        form["enum"] = encoder_names()
    if declared.name == "top":
        form["maximum"] = MOST_SHOWN
    if declared.option.repeats:
        form = {"type": "array", "items": form}
    return form | described


def _facts(*, has_root: bool) -> dict[str, str]:
    """Return what an assistant is told of a parameter beyond its declaration."""
    how = "named by its path below the root" if has_root else "not taken: the server was started without a root"
    return {
        "like": f"An address begins with http or https. A file is {how}.",
        "source": f"The tool `sources` lists the names. A folder is {how}.",
        "project": f"A directory is {how}.",
        "by": "It goes with like, without a phrase, and takes the place of model.",
        "model": "Only the names listed are taken here; one that was not used before is downloaded.",
    }


def _picture(said: str, root: Root | None) -> Example | Path:
    """Return the picture at an address, or the file below the root that is named."""
    if is_address(said):
        with PictureFetcher() as fetcher:
            return public_example(said, fetcher)
    if root is None:
        raise OutsideRootError("no file can be named: the server was started without a root")
    return root.path(said)


def _pictures(values: list[str], root: Root | None) -> list[dict[str, str]]:
    return [{"picture": value} for value in values]


def _unwanted(values: list[str], root: Root | None) -> list[dict[str, str]]:
    """Return texts as what they are: a word that is spelt like a path reads no file."""
    return [{"phrase": value} for value in values]


def _sources(values: list[str], root: Root | None) -> list[str]:
    return [confined_source(value, root) for value in values]


def _project(value: str, root: Root | None) -> str:
    return str(confined_project(value, root))


_READ: Final[dict[str, Callable[[Any, Root | None], Any]]] = {
    "like": _pictures,
    "minus": _unwanted,
    "source": _sources,
    "project": _project,
}
"""How what a request reads otherwise than as it is given is read, by the option's name."""
