"""The sources a search can name."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from phrasepix.errors import UnknownSourceError
from phrasepix.sample import sample_retriever
from retriever.pixabay import PixabayRetriever, SkippedHit


class _Opener(Protocol):
    def __call__(
        self, *, key: str | None, base_url: str | None, on_skip: Callable[[SkippedHit], None], offline: bool
    ) -> AbstractContextManager[PixabayRetriever]: ...


@contextmanager
def _pixabay(
    *, key: str | None, base_url: str | None, on_skip: Callable[[SkippedHit], None], offline: bool
) -> Iterator[PixabayRetriever]:
    with PixabayRetriever(key, base_url=base_url, on_skip=on_skip, offline=offline) as retriever:
        yield retriever


@contextmanager
def _sample(
    *, key: str | None, base_url: str | None, on_skip: Callable[[SkippedHit], None], offline: bool
) -> Iterator[PixabayRetriever]:
    # Its answers are part of the package and come from this process, offline too.
    with sample_retriever(on_skip) as retriever:
        yield retriever


SOURCES: dict[str, _Opener] = {"pixabay": _pixabay, "sample": _sample}


def open_source(
    name: str, *, key: str | None, base_url: str | None, on_skip: Callable[[SkippedHit], None], offline: bool = False
) -> AbstractContextManager[PixabayRetriever]:
    """The retriever of the source `name`, open as long as the context. Raises `UnknownSourceError`."""
    if name not in SOURCES:
        raise UnknownSourceError(f"source {name!r} is not known; allowed: {', '.join(SOURCES)}")
    return SOURCES[name](key=key, base_url=base_url, on_skip=on_skip, offline=offline)
