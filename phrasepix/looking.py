"""What pictures are looked at with: what loads them, and what is remembered of them."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from phrasepix_core.candidate import Candidate
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from retriever.directories import cache_directory


@dataclass(frozen=True, slots=True)
class Looked:
    """The pool a search has looked at, and whose pictures may come from where.

    `loopback_sources` and `local_sources` are as for a `PictureLoader`, no files are kept of `unkept_sources`.
    """

    candidates: Sequence[Candidate]
    places: Mapping[tuple[str, str], tuple[int, ...]]
    loopback_sources: Collection[str]
    local_sources: Collection[str]
    unkept_sources: Collection[str]


def loader_and_memory(looked: Looked, fetcher: PictureFetcher, opened: ExitStack) -> tuple[PictureLoader, Memory]:
    """What pictures are loaded by and what is remembered of them, open as long as `opened`."""
    loader = PictureLoader(fetcher, loopback_sources=looked.loopback_sources, local_sources=looked.local_sources)
    memory = Memory(cache_directory(), no_files_of=looked.unkept_sources)
    return opened.enter_context(loader), opened.enter_context(memory)
