"""What the searches of a finder share: sources that stay open, models, memory and connections."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from phrasepix.config import Config
from phrasepix.library.seen_writer import SeenWriter
from phrasepix.models.shelf import ModelShelf
from phrasepix_core.forking import reset_in_children
from phrasepix_core.heap import share_arenas
from reranker.threads import cores

if TYPE_CHECKING:  # imported while a phrase is encoded already
    from phrasepix.searching.run import Resources
    from phrasepix.sources.open_sources import OpenSources
    from reranker.memory import Memory
    from reranker.pictures.hosts import HostConnections

_MOST_MEMORIES = 4
"""How many cache directories stay open: whoever changes the directory seldom goes back to many."""
_IDLE_CHECKS = 4
"""How many times in the span after which models are unloaded it is looked whether it is over."""


class SharedResources:
    """What several configurations of one finder share. Thread-safe."""

    def __init__(self, config: Config) -> None:
        share_arenas(2 * cores())  # threads that decode pictures take turns, and wait for no other to allocate
        self.models = ModelShelf(most=config.models_kept, both_towers=config.both_towers)
        self.seen_writer = SeenWriter()
        self._unload_after_s = config.unload_after_s
        self._inherited: list[object] = []
        self._sources: OpenSources | None
        self._hosts: HostConnections | None
        self._memories: OrderedDict[Path, Memory]
        self._watcher: threading.Thread | None
        self._is_closed: threading.Event
        self._begin()
        reset_in_children(self)

    def resources(self, config: Config) -> "Resources":
        """Return what a search needs, by a configuration; what is not open yet is opened."""
        from phrasepix.searching.run import Resources
        from reranker.pictures.hosts import OF_PROCESS, HostConnections

        with self._lock:
            if self._hosts is None:
                bound = config.connections_per_host
                self._hosts = OF_PROCESS if bound is None else HostConnections(per_host=bound)
            sources = self._open_sources()
            memory = self._memory(config.directory)
            self._watch_for_idleness()
        return Resources(config, sources, self.models, memory, self._hosts)

    def close(self) -> None:
        """Close it all, once what was seen is written; `resources` opens it again."""
        self.seen_writer.close()
        with self._lock:
            sources, self._sources = self._sources, None
            memories, self._memories = self._memories, OrderedDict()
            self._is_closed.set()
            self._is_closed = threading.Event()
            self._watcher = None
        if sources is not None:
            sources.close()
        for memory in memories.values():
            memory.close()
        self.models.clear()

    def _open_sources(self) -> "OpenSources":
        from phrasepix.sources.open_sources import OpenSources

        if self._sources is None:
            self._sources = OpenSources()
        return self._sources

    def _memory(self, directory: Path) -> "Memory":
        from reranker.memory import Memory

        directory = directory.absolute()
        if directory not in self._memories:
            self._memories[directory] = Memory(directory)
        self._memories.move_to_end(directory)
        while len(self._memories) > _MOST_MEMORIES:
            self._memories.popitem(last=False)[1].close()  # a search that still uses it opens it again
        return self._memories[directory]

    def _watch_for_idleness(self) -> None:
        if self._unload_after_s is None or self._watcher is not None:
            return
        self._watcher = threading.Thread(
            target=self._unload_idle, args=(self._unload_after_s, self._is_closed), name="unload-idle", daemon=True
        )
        self._watcher.start()

    def _unload_idle(self, seconds: float, is_closed: threading.Event) -> None:
        while not is_closed.wait(seconds / _IDLE_CHECKS):
            self.models.drop_unused(seconds)

    def reset_after_fork(self) -> None:
        """Forget what was inherited without closing it: its files and threads are the parent's."""
        self._inherited.append((self._sources, self._memories))
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._sources = None
        self._hosts = None
        self._memories = OrderedDict()
        self._is_closed = threading.Event()
        self._watcher = None
