"""Forgetting candidates of stock sources: those that may not be kept any more, and those that people name."""

from collections.abc import Collection
from datetime import datetime, timedelta

from phrasepix.errors import NoLibraryError
from phrasepix.library.guards import failures, writing
from phrasepix.library.maintenance import compact
from phrasepix.library.quoting import one_of
from phrasepix.library.seen_rows import expired
from phrasepix.library.shortlist_build import renew_shortlists
from phrasepix.library.table import Library

_OF_SOURCES = "source IS NOT NULL"


def forget_expired(library: Library, now: datetime, *, compacting: bool = True) -> int:
    """Delete what the terms of its source let nobody keep any more; return how many rows.

    Without `compacting` the rows are only marked, until the table is tidied. Raises `LibraryError`.
    """
    if not library.description.expires:
        return 0
    return _forget(library, expired(now), compacting=compacting)


def forget(library: Library, sources: Collection[str] = ()) -> int:
    """Delete what was seen at some sources, by their names, or at all; return how many rows.

    Its former versions go too: nothing of it is left on the disk. Raises `NoLibraryError` if it has nothing of a
    source, and `LibraryError`.
    """
    if unknown := [name for name in sources if name not in library.description.sources]:
        there = ", ".join(sorted(library.description.sources)) or "none"
        raise NoLibraryError(
            f"the library {library.location.name} remembers nothing of {', '.join(unknown)}; its sources: {there}"
        )
    with writing(library.location):
        forgotten = _forget(library, one_of("source", sorted(sources)) if sources else _OF_SOURCES, compacting=True)
        with failures(library.location):
            library.dataset.cleanup_old_versions(timedelta(0), delete_unverified=library.location.lock is not None)
    return forgotten


def _forget(library: Library, where: str, *, compacting: bool) -> int:
    with writing(library.location), failures(library.location):
        library.refresh()
        if set(library.lacking) & {"source", "kept_until"}:
            return 0
        if forgotten := library.count(where):
            library.dataset.delete(where)
            library.refresh()
            if compacting:
                compact(library.dataset, deleted_from=0.0)  # a deleted row is only marked until then
                library.refresh()
                renew_shortlists(library)
        library.describe(
            sources={
                name: source
                for name, source in library.description.sources.items()
                if library.count(one_of("source", [name]))
            },
            expires=library.count("kept_until IS NOT NULL") > 0,
        )
    return forgotten


def seen_by_source(library: Library) -> dict[str, int]:
    """Return how many candidates are remembered, by the names of their sources. Raises `LibraryError`."""
    return {name: library.count(one_of("source", [name])) for name in sorted(library.description.sources)}
