"""Memory that searches have freed, given back to the system from time to time."""

import time

import anyio

from phrasepix_core.heap import give_back

_EVERY_S = 10.0
_WORKED_S = 0.2
"""Of the processors: who has worked less meanwhile has not searched."""


async def give_back_from_time_to_time(every_s: float = _EVERY_S) -> None:
    """Give memory back every `every_s` seconds in which the process has worked, until cancelled."""
    while True:
        before = time.process_time()
        await anyio.sleep(every_s)
        if time.process_time() - before >= _WORKED_S:
            await anyio.to_thread.run_sync(give_back)
