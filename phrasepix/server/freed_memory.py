"""Memory that searches have freed, given back to the system from time to time."""

import anyio

from phrasepix_core.heap import give_back

_EVERY_S = 30.0


class FreedMemory:
    """Gives memory back every `every_s` seconds, if there was a search meanwhile."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._is_due = False

    def note_search(self) -> None:
        """Say that there is a search."""
        self._is_due = True

    async def run(self) -> None:
        """Do so until cancelled."""
        while True:
            await anyio.sleep(self._every_s)
            if self._is_due:
                self._is_due = False
                await anyio.to_thread.run_sync(give_back)
