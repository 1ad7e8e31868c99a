"""Kept searches: results by id, for faces that are asked again about an earlier search."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

from phrasepix.errors import SearchGoneError
from phrasepix.live_results import LiveResults
from phrasepix_core.text import printable, shortened

MOST_SEARCHES = 128
"""How many searches are kept unless somebody says otherwise."""
MOST_BYTES = 256 << 20
"""How much memory their pictures and candidates may take, likewise."""

_ID_BYTES = 6
"""Twelve hexadecimal digits: short enough to be repeated without a mistake, too many to be met by chance."""
_BYTES_OF_A_PIXEL = 3
_BYTES_OF_A_CANDIDATE = 4096
"""An upper estimate of a `Candidate` with its texts and addresses."""


@dataclass(frozen=True, slots=True)
class _Kept:
    results: LiveResults
    size: int


class KeptSearches:
    """The last searches by their ids, bounded in number and memory; the least recently used goes first. Thread-safe.

    The last one kept always stays, however large it is.
    """

    def __init__(self, most: int = MOST_SEARCHES, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def keep(self, results: LiveResults) -> str:
        """Keep results; return the id that they are found by."""
        search = secrets.token_hex(_ID_BYTES)
        size = size_of(results)
        with self._lock:
            self._kept[search] = _Kept(results, size)
            self._bytes += size
            while len(self._kept) > 1 and (len(self._kept) > self._most or self._bytes > self._most_bytes):
                self._bytes -= self._kept.popitem(last=False)[1].size
        return search

    def find(self, search: str) -> LiveResults:
        """Return the results of a search. Raises `SearchGoneError`."""
        with self._lock:
            if (kept := self._kept.get(search)) is not None:
                self._kept.move_to_end(search)
                return kept.results
        raise SearchGoneError(f"the search {shortened(printable(search))!r} is not kept, or no longer; search again")

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)


def size_of(results: LiveResults) -> int:
    """Estimate the bytes that results take: their pictures, and the candidates of their pool."""
    pictures = sum(_BYTES_OF_A_PIXEL * match.picture.width * match.picture.height for match in results)
    return pictures + _BYTES_OF_A_CANDIDATE * len(results.pool.candidates)
