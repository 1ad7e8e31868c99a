"""Sources that stay open from one search to the next."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from phrasepix.sources.registry import source_named
from phrasepix_core import environment
from phrasepix_core.forking import reset_in_children
from phrasepix_core.user_agent import CONTACT_VARIABLE
from retriever import directories
from retriever.api_key import config_file
from retriever.errors import SourceFaultError
from retriever.profile import SourceProfile
from retriever.protocol import Retriever
from retriever.source import Opening, ServesSeveralSearches

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Open:
    """A source that is open, and how many searches use it."""

    title: str
    retriever: Retriever
    resources: ExitStack
    users: int = 0
    is_dropped: bool = False


class OpenSources:
    """Opens each source once for all searches that ask it in the same way; at most `most` stay open. Thread-safe.

    A source of which retrievers do not serve several searches (`ServesSeveralSearches`), such as a folder, is opened
    for each. A forked child process begins with none open.
    """

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._inherited: list[object] = []
        self._begin()
        reset_in_children(self)

    @contextmanager
    def open(self, name: str, opening: Opening) -> Iterator[Retriever]:
        """Yield the retriever of a source, open at least as long as the context.

        Raises whatever the source's own code raises when it is opened, and nothing when it is closed.
        """
        source = source_named(name)
        key = (name, opening.key, opening.base_url, opening.offline, *_circumstances(source.profile, opening))
        with self._lock:
            lent = self._lent(key)
        if lent is None:
            with ExitStack() as opened:
                retriever = opened.enter_context(source.open(opening))
                title = source.profile.title
                if not isinstance(retriever, ServesSeveralSearches):
                    with _closing(opened.pop_all(), title):
                        yield retriever
                    return
                lent = self._keep(key, _Open(title, retriever, opened.pop_all()))
        try:
            assert isinstance(lent.retriever, ServesSeveralSearches)  # noqa: S101  # others are not kept
            yield lent.retriever.reporting_to(opening.on_skip, opening.on_notice)
        finally:
            self._give_back(lent)

    def close(self) -> None:
        """Close what no search uses; the rest is closed when its last search is over."""
        with self._lock:
            dropped = [self._drop(key) for key in list(self._open)]
        _close_all(dropped)

    def _lent(self, key: Hashable) -> _Open | None:
        if (lent := self._open.get(key)) is not None:
            self._open.move_to_end(key)
            lent.users += 1
        return lent

    def _keep(self, key: Hashable, opened: _Open) -> _Open:
        """Keep a source that was opened, or use the one that another search has opened meanwhile."""
        dropped: list[_Open | None] = []
        with self._lock:
            if (lent := self._lent(key)) is None:
                opened.users, lent = 1, opened
                self._open[key] = opened
                while len(self._open) > self._most:
                    dropped.append(self._drop(next(iter(self._open))))
            else:
                dropped.append(opened)
        _close_all(dropped)
        return lent

    def _drop(self, key: Hashable) -> _Open | None:
        """Forget a source; returned if it is to be closed now."""
        opened = self._open.pop(key)
        opened.is_dropped = True
        return opened if not opened.users else None

    def _give_back(self, lent: _Open) -> None:
        with self._lock:
            lent.users -= 1
            is_over = lent.is_dropped and not lent.users
        if is_over:
            _close_all([lent])

    def reset_after_fork(self) -> None:
        """Forget what was inherited without closing it: its connections are the parent's."""
        self._inherited.append(self._open)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[Hashable, _Open] = OrderedDict()


def _circumstances(profile: SourceProfile, opening: Opening) -> tuple[Hashable, ...]:
    """What else decides how a source is opened: a key that is set later takes effect at the next search."""
    directory = opening.cache_directory or directories.cache_directory()
    variables = (profile.key_variable, profile.address_variable, CONTACT_VARIABLE)
    try:
        status = config_file().stat()
        config: Hashable = (status.st_mtime_ns, status.st_size, status.st_ino)
    except OSError:
        config = None
    return (directory, directories.data_directory(), config, *(environment.variable(name) for name in variables))


@contextmanager
def _closing(resources: ExitStack, title: str) -> Iterator[None]:
    """Close a source after its search. What its code does wrong by then takes no results away."""
    try:
        yield
    finally:
        _close(resources, title)


def _close_all(dropped: "list[_Open | None]") -> None:
    for opened in dropped:
        if opened is not None:
            _close(opened.resources, opened.title)


def _close(resources: ExitStack, title: str) -> None:
    try:
        resources.close()
    except Exception as fault:  # a plug-in may do anything wrong
        logger.warning("%s", SourceFaultError.of(title, fault))
