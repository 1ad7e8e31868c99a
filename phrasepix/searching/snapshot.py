"""What is known of a pool's pictures before it is read: whose may be on this machine, and whose are kept."""

from collections.abc import Callable, Mapping, Sequence

from phrasepix.results import Origin, PoolSnapshot
from phrasepix.searching.pool import AskedSource
from phrasepix.searching.remembering import unkept_of
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from retriever.errors import WrongParameterError


def snapshot_of(sources: Sequence[AskedSource], seen: Mapping[str, Origin]) -> PoolSnapshot:
    """Return the snapshot of a pool of which nothing was read yet; of `seen` sources remembered candidates may be.

    Raises `WrongParameterError` if two sources of one name differ in where their pictures may come from.
    """
    seen_here = frozenset(origin.name for origin in seen.values() if origin.is_on_loopback)
    unkept = frozenset(source.name for source in sources if not source.may_be_kept)
    return PoolSnapshot(
        loopback_sources=_names_where(sources, lambda source: source.is_on_loopback) | seen_here,
        local_sources=_names_where(sources, lambda source: source.is_on_disk),
        unkept_sources=unkept | unkept_of([source.retriever for source in sources]),
    )


def loader_of(snapshot: PoolSnapshot, fetcher: PictureFetcher) -> PictureLoader:
    """Return what loads the pictures of a pool."""
    return PictureLoader(fetcher, loopback_sources=snapshot.loopback_sources, local_sources=snapshot.local_sources)


def _names_where(sources: Sequence[AskedSource], predicate: Callable[[AskedSource], bool]) -> frozenset[str]:
    """Return the names of the sources for which `predicate` holds.

    A picture says by its source's name alone where it may come from: raises `WrongParameterError` if two of one name
    differ in it.
    """
    holds = {source.name: predicate(source) for source in sources}
    for source in sources:
        if predicate(source) != holds[source.name]:
            raise WrongParameterError(
                f"two sources are called {source.name!r}, and the pictures of one alone are on this machine; "
                "give yours another name"
            )
    return frozenset(name for name, is_true in holds.items() if is_true)
