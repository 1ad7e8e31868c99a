"""The searches that are kept by their ids, so that they can be looked at again, refined and saved from."""

import secrets
import threading
from collections import OrderedDict
from typing import Any

from phrasepix.errors import SearchGoneError
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix_core.text import printable, shortened

MOST_SEARCHES = 64
MOST_BYTES = 192 << 20

_ID_BYTES = 12
_CANDIDATE_BYTES = 4096
"""What a candidate of a pool takes, roughly: its texts and addresses."""


class KeptSearch:
    """A search by its id: what was asked for, and the newest results it has."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.id = secrets.token_hex(_ID_BYTES)
        self.request = request
        """What was asked for, as the client said it."""
        self.results: LiveResults | None = None
        self.size = 0
        """How many bytes it takes, by estimate."""

    @property
    def final(self) -> LiveResults:
        """Return the results of a search that is over. Raises `SearchGoneError`."""
        if self.results is None or not self.results.is_final:
            raise SearchGoneError("this search has no final results yet; wait for it")
        return self.results

    def match(self, rank: int) -> LiveMatch:
        """Return the match of a rank, from 1. Raises `SearchGoneError`."""
        results = self.results
        if results is None or not 1 <= rank <= len(results):
            raise SearchGoneError(f"this search has no picture {rank}")
        return results[rank - 1]


def _size_of(results: LiveResults) -> int:
    pictures = sum(3 * match.picture.width * match.picture.height for match in results)
    return pictures + _CANDIDATE_BYTES * len(results.pool.candidates)


class KeptSearches:
    """At most `most` searches of `most_bytes` in all, the newest always; the least recently used go first. Thread-safe.

    A search is kept from its first results on.
    """

    def __init__(self, most: int = MOST_SEARCHES, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, KeptSearch] = OrderedDict()

    def put(self, search: KeptSearch, results: LiveResults) -> None:
        """Keep a search, with the newest results it has."""
        with self._lock:
            search.results, search.size = results, _size_of(results)
            self._kept[search.id] = search
            self._kept.move_to_end(search.id)
            self._drop_excess()

    def get(self, search_id: str) -> KeptSearch:
        """Return the search of an id. Raises `SearchGoneError`."""
        with self._lock:
            if (search := self._kept.get(search_id)) is not None:
                self._kept.move_to_end(search_id)
                return search
        raise SearchGoneError(
            f"the search {shortened(printable(search_id))!r} is not kept, or not any more; search again"
        )

    def drop(self, search: KeptSearch) -> None:
        """Forget a search that failed."""
        with self._lock:
            self._kept.pop(search.id, None)

    def _drop_excess(self) -> None:
        size = sum(search.size for search in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > self._most or size > self._most_bytes):
            size -= self._kept.popitem(last=False)[1].size
