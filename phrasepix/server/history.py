"""The searches that were made lately, as long as the server runs."""

import json
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

_MOST = 50


class History:
    """The newest searches, each request once; none if it does not `keep` them. Thread-safe."""

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self._lock = threading.Lock()
        self._searches: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def add(self, search_id: str, request: dict[str, Any], phrase: str, count: int) -> None:
        """Note a search that is over."""
        if not self.keeps:
            return
        entry = {
            "id": search_id,
            "phrase": phrase,
            "request": request,
            "matches": count,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        key = json.dumps(request, sort_keys=True)
        with self._lock:
            self._searches[key] = entry
            self._searches.move_to_end(key)
            while len(self._searches) > _MOST:
                self._searches.popitem(last=False)

    def newest(self) -> list[dict[str, Any]]:
        """Return the searches, the newest first."""
        with self._lock:
            return list(reversed(self._searches.values()))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._searches.clear()
