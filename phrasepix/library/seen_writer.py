"""Writer of what searches have seen: in a thread of its own, once their answers were given."""

import logging
import threading
from typing import TYPE_CHECKING, TypeAlias

from phrasepix.events import Listener, Notice
from phrasepix_core.errors import PhrasepixError
from phrasepix_core.forking import reset_in_children

if TYPE_CHECKING:  # brings NumPy: a finder is made without it
    from phrasepix.library.seen_search import SeenSearch

logger = logging.getLogger(__name__)

_GATHER_S = 1.0
"""How long what comes is gathered: it is written in one commit, after the answer was shown."""

_Waiting: TypeAlias = "list[tuple[SeenSearch, Listener]]"


class SeenWriter:
    """Remembers what searches have seen, behind their backs. Thread-safe.

    What comes within `gather_s` seconds is written together. What goes wrong is told to the listeners of the searches,
    once, and harms no answer. A process that ends waits for what it has begun; a forked child begins with nothing.
    """

    def __init__(self, gather_s: float = _GATHER_S) -> None:
        self._gather_s = gather_s
        self._lock: threading.Lock
        self._waiting: _Waiting
        self._thread: threading.Thread | None
        self._hurry: threading.Event
        self._begin()
        reset_in_children(self)

    def add(self, seen: "SeenSearch", on_event: Listener) -> None:
        """Have `seen` remembered soon; `on_event` is told, in another thread, if it cannot be."""
        with self._lock:
            self._waiting.append((seen, on_event))
            if self._thread is None:
                self._hurry = threading.Event()
                self._thread = threading.Thread(target=self._write_all, args=(self._hurry,), name="remember-seen")
                self._thread.start()

    def close(self) -> None:
        """Write what is waiting now, and wait for it."""
        with self._lock:
            thread = self._thread
            self._hurry.set()
        if thread is not None:
            thread.join()

    def _write_all(self, hurry: threading.Event) -> None:
        while True:
            hurry.wait(self._gather_s)
            with self._lock:
                waiting, self._waiting = self._waiting, []
                if not waiting:
                    self._thread = None
                    return
            by_library: dict[str, _Waiting] = {}
            for seen, on_event in waiting:
                by_library.setdefault(seen.library, []).append((seen, on_event))
            for several in by_library.values():
                _write(several)

    def reset_after_fork(self) -> None:
        """Begin with nothing: what is waiting is the parent's, and so is its thread."""
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._waiting = []
        self._thread = None
        self._hurry = threading.Event()


def _write(waiting: _Waiting) -> None:
    try:
        from phrasepix.library.seen import remember  # brings Lance, for which nobody waits

        remembered = remember([seen for seen, _ in waiting])
        notices = [Notice((str(one),), one.source) for one in remembered.left_out]
    except Exception as error:  # nobody waits for it: it would be lost with the thread
        reason = str(error) if isinstance(error, PhrasepixError) else f"{type(error).__name__}: {error}"
        notices = [Notice((f"what was seen is not remembered: {reason}",))]
    for _, on_event in waiting:
        for notice in notices:
            _tell(on_event, notice)


def _tell(on_event: Listener, notice: Notice) -> None:
    try:
        on_event(notice)
    except Exception:  # its search is over: there is nobody to raise it to
        logger.warning("%s", notice)
