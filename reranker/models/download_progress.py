"""The hub's progress bar for a download, which also tells the log of steps how far it is."""

import time
from typing import Any

from huggingface_hub.utils import tqdm

from reranker import steps

_TELL_EVERY_S = 0.25


class ToldProgress(tqdm):  # type: ignore[misc]  # tqdm has no types
    """Draws as the hub's own bar does, and tells `reranker.steps` how many bytes of how many have come."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._come = int(kwargs.get("initial") or 0)
        self._is_of_bytes = kwargs.get("unit") == "B"
        self._told_at = 0.0
        super().__init__(*args, **kwargs)

    def update(self, n: float | None = 1) -> bool | None:
        """Add `n` bytes; a bar that is not drawn counts them too."""
        self._come += int(n or 0)
        if self._is_of_bytes and (now := time.monotonic()) >= self._told_at + _TELL_EVERY_S:
            self._told_at = now
            steps.downloading(self._come, int(self.total) if self.total else None)
        drawn: bool | None = super().update(n)
        return drawn
