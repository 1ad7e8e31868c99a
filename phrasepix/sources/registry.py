"""Registry of the sources a search can name: those that come along, those other packages add, and any folder."""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from phrasepix.errors import UnknownSourceError
from phrasepix.library.location import library_names
from phrasepix.library.source import LibrarySource
from phrasepix_core.entry_points import installed_entry_points
from phrasepix_core.files import is_folder
from phrasepix_core.messages import Hint
from phrasepix_core.urls import is_web_address, shown_url
from retriever.api_key import find_api_key
from retriever.errors import SourceFaultError
from retriever.folder.source import FolderSource
from retriever.http.response_cache import answer_files
from retriever.profile import SourceProfile
from retriever.source import GROUP, Source

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_WITHOUT_KEY = ("openverse", "commons")

BUILT_IN = {
    "pixabay": "retriever.pixabay",
    "openverse": "retriever.openverse",
    "commons": "retriever.commons",
    "pexels": "retriever.pexels",
    "unsplash": "retriever.unsplash",
    "sample": "phrasepix.sample.source",
}
"""The module of each source that comes along, whose `SOURCE` it is: found without reading what else is installed."""

_FOLDER, LIBRARY = "folder:", "library:"


def source_named(name: str | Path) -> Source:
    """The source `name`, or the folder it says: a `Path`, what looks like one, `folder:PATH`, or a folder's name.

    `library:NAME` or `library:URI` is a library.

    Raises `UnknownSourceError`, and `SourceFaultError` if another package adds it and it cannot be loaded; whether
    there is such a folder shows when it is opened.
    """
    if isinstance(name, str) and is_web_address(name):
        raise UnknownSourceError(
            f"source {shown_url(name)!r} is an address of the web, which is no source; a picture there is asked by ",
            Hint("like", shown_url(name)),
        )
    if isinstance(name, Path) or _looks_like_a_path(name):
        return FolderSource(name)
    if name.startswith(_FOLDER):
        return FolderSource(name.removeprefix(_FOLDER))
    if name.startswith(LIBRARY):
        return LibrarySource(name.removeprefix(LIBRARY))
    if (registered := registered_source(name)) is not None:
        return registered
    if is_folder(Path(name)):
        return FolderSource(name)
    if name in library_names():
        raise UnknownSourceError(f"source {name!r} is not known; the library of that name is {LIBRARY}{name}")
    raise UnknownSourceError.not_among("source", name, [*source_names(), "library:NAME", "or the path of a folder"])


def registered_source(name: str) -> Source | None:
    """The source of that name that comes along or that another package adds; None where there is none.

    A folder never is: for what a picture says of where it is from, whoever names no folder has none opened.
    Raises `SourceFaultError` if it cannot be loaded.
    """
    if name in BUILT_IN:
        source: Source = import_module(BUILT_IN[name]).SOURCE
        return source
    return next((_loaded(added) for added in _added() if added.name == name), None)


def _looks_like_a_path(name: str) -> bool:
    separators = {os.sep, os.altsep or os.sep, "/"}
    return not name.startswith((_FOLDER, LIBRARY)) and (
        name.startswith(("~", ".")) or any(one in name for one in separators)
    )


def source_names() -> tuple[str, ...]:
    """The names of all sources: those that come along, the added ones, then the libraries of this machine."""
    libraries = (f"{LIBRARY}{name}" for name in library_names())
    return tuple(dict.fromkeys((*BUILT_IN, *(added.name for added in _added()), *libraries)))


def default_sources(key: str | None, directory: Path, *, offline: bool) -> tuple[tuple[str, ...], str]:
    """Return Pixabay if there is a key for it, else the sources that need none, and what people should know of that.

    With `offline` nobody needs a key: those of them of which answers are kept in the cache `directory`.
    """
    if offline:
        kept = answer_files(directory)
        return tuple(name for name in ("pixabay", *_WITHOUT_KEY) if name in kept) or ("pixabay",), ""
    pixabay = source_named("pixabay").profile
    if find_api_key(pixabay.key_variable, pixabay.key_setting, key) is not None:
        return ("pixabay",), ""
    titles = " and ".join(source_named(name).profile.title for name in _WITHOUT_KEY)
    return _WITHOUT_KEY, (
        f"no Pixabay key was found: asking {titles}, which need none (a key is free: {pixabay.key_url})"
    )


def _added() -> "list[EntryPoint]":
    return sorted((one for one in installed_entry_points(GROUP) if one.name not in BUILT_IN), key=lambda one: one.name)


def _loaded(added: "EntryPoint") -> Source:
    try:
        source = added.load()
        is_one = isinstance(source, Source) and isinstance(source.profile, SourceProfile)
    except (Exception, SystemExit) as error:  # whatever a package does wrong when it is imported
        words = f"{type(error).__name__}: {error}"
        raise SourceFaultError(f"the source {added.name!r} of {added.value} cannot be loaded: {words}") from error
    if not is_one:
        raise SourceFaultError(f"{added.value}, which is registered as source {added.name!r}, is none")
    found: Source = source
    return found
