"""The sources a search can name: the ones that come along, and those other packages add."""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from phrasepix.errors import UnknownSourceError
from retriever.source import GROUP, Source

BUILT_IN = {
    "pixabay": "retriever.pixabay",
    "sample": "phrasepix.sample",
}
"""The module of each source that comes along, whose `SOURCE` it is: found without reading what else is installed."""


def source_named(name: str) -> Source:
    """The source `name`. Raises `UnknownSourceError`."""
    if name in BUILT_IN:
        source: Source = import_module(BUILT_IN[name]).SOURCE
        return source
    for added in _added():
        if added.name == name:
            return _loaded(added)
    raise UnknownSourceError(f"source {name!r} is not known; allowed: {', '.join(source_names())}")


def source_names() -> tuple[str, ...]:
    """The names of all sources: those that come along, then the added ones."""
    return (*BUILT_IN, *(added.name for added in _added()))


def _added() -> list[EntryPoint]:
    return sorted((one for one in entry_points(group=GROUP) if one.name not in BUILT_IN), key=lambda one: one.name)


def _loaded(added: EntryPoint) -> Source:
    try:
        source = added.load()
    except Exception as error:  # whatever a package does wrong when it is imported
        raise UnknownSourceError(f"the source {added.name!r} of {added.value} cannot be loaded: {error}") from error
    if not isinstance(source, Source):
        raise UnknownSourceError(f"{added.value}, which is registered as source {added.name!r}, is none")
    return source
