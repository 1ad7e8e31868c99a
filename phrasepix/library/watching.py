"""A library that follows its folders: kept in step whenever something changes in them."""

import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from phrasepix.errors import LibraryError, PhrasepixError, WrongValueError
from phrasepix.events import Listener, Notice
from phrasepix.library.folder_sync import SyncCounts
from phrasepix.library.keeper import LibraryKeeper
from phrasepix.library.location import Location
from phrasepix.library.object_prefix import place_of
from phrasepix.library.table import Library

USUAL_EVERY_S: Final = 60.0
"""How often folders are looked through where nothing tells of changes."""
_SETTLED_AFTER_MS: Final = 1500
"""How long nothing must change before it is synced, and…"""
_LATEST_AFTER_MS: Final = 10_000
"""…when it is at the latest, while much is copied."""
_LOOKED_AFTER_MS: Final = 15_000
"""How often it is looked whether folders came, went or were mounted."""


class LibraryWatcher:
    """Keeps the library at `location` in step by its `keeper` until `stop` is set; Ctrl-C raises `KeyboardInterrupt`.

    Changes are told by the system, if watchfiles is installed (the extra `watch`) and no time is given; otherwise the
    folders are looked through `every_s` seconds. `on_begun` is called once there is a library and a model to watch it
    by. `on_synced` gets what each sync did that did something; what goes
    wrong with one is told to `on_event`, and tried again with the next. Several processes may watch one library.
    """

    def __init__(
        self,
        location: Location,
        keeper: LibraryKeeper,
        *,
        on_event: Listener,
        on_synced: Callable[[SyncCounts], None],
        on_begun: Callable[[], None] = lambda: None,
        every_s: float | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        if every_s is not None and not every_s > 0:
            raise WrongValueError(f"every {every_s:g} s is out of range; allowed: numbers above 0")
        self._location = location
        self._keeper = keeper
        self._on_event = on_event
        self._on_synced = on_synced
        self._on_begun = on_begun
        self._every_s = every_s
        self._stop = stop or threading.Event()

    def run(self, model: str | None = None, pretrained: str | None = None) -> None:
        """Sync, and again whenever something changed.

        Raises `NoLibraryError`, and at the beginning `LibraryError` and `ModelError`.
        """
        Library.open(self._location)
        self._keeper.demand_model(model, pretrained)
        self._on_begun()
        for _ in self._changes():
            try:
                counts = self._keeper.sync(model, pretrained)
            except LibraryError as error:
                self._on_event(Notice((str(error),)))
                continue
            if counts.written or counts.deleted or counts.skipped:
                self._on_synced(counts)

    def _changes(self) -> Iterator[None]:
        """Yield at once, and whenever it is time to sync."""
        yield
        if self._every_s is not None or find_spec("watchfiles") is None:
            while not self._stop.wait(self._every_s or USUAL_EVERY_S):
                yield
            return
        while not self._stop.is_set():
            yield from self._told()

    def _told(self) -> Iterator[None]:
        """Yield when the system tells of changes, until other folders are to be watched."""
        from watchfiles import watch

        folders = self._folders()
        if not folders:  # none is mounted
            self._stop.wait(_LOOKED_AFTER_MS / 1000)
            if self._folders():
                yield
            return
        changes = watch(
            *folders,
            watch_filter=lambda _, path: not Path(path).is_relative_to(self._location.base),
            debounce=_LATEST_AFTER_MS,
            step=_SETTLED_AFTER_MS,
            stop_event=self._stop,
            rust_timeout=_LOOKED_AFTER_MS,
            yield_on_timeout=True,
        )
        try:
            for changed in changes:
                there = self._folders()
                if changed or there != folders:
                    yield
                if there != folders:
                    return
        except OSError as error:  # too many folders for the system, or one that went: they are looked through
            self._on_event(Notice((f"changes are not told by the system ({error}); the folders are looked through",)))
            if not self._stop.wait(USUAL_EVERY_S):
                yield

    def _folders(self) -> list[Path]:
        """The library's folders that are there now."""
        try:
            described = Library.open(self._location).description.folders
        except PhrasepixError:  # said by the next sync
            return []
        return [place for place in map(place_of, described) if isinstance(place, Path) and place.is_dir()]
