"""Saves pictures in a process of its own: `python -m tests.saving_process DIRECTORY KILL_AT NUMBER=URL …`.

With KILL_AT n it kills itself, as nobody can prevent, just before the n-th time that it moves a file into place.
Run it with `-B`: Python moves the bytecode it keeps into place, too.
"""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.results import Origin
from phrasepix.saving.reopener import Reopener
from phrasepix_core.candidate import Candidate
from retriever.testing import ListRetriever
from tests.picture_server import candidate


class LoopbackRetriever(ListRetriever):
    """A retriever of one's own whose pictures come from this machine."""

    on_loopback = True


def results_of(candidates: Sequence[Candidate], phrase: str = "two red boats", retriever: Any = None) -> LiveResults:
    """LiveResults as a search leaves them."""
    sources = {one.source for one in candidates}
    return LiveResults(
        phrase=phrase,
        tags=("stripes",),
        origins=(Origin("list", "a list", "Pictures of a list"),),
        model="colours",
        matches=tuple(
            LiveMatch(rank, 0.5, one, Image.new("RGB", (8, 8))) for rank, one in enumerate(candidates, start=1)
        ),
        pool_size=len(candidates),
        reopener=Reopener(retrievers={name: retriever or LoopbackRetriever(candidates, name) for name in sources}),
    )


def _kill_at(count: int) -> None:
    moved = 0

    def listen(event: str, arguments: object) -> None:
        nonlocal moved
        if event == "os.rename":
            moved += 1
            if moved == count:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(listen)


if __name__ == "__main__":
    _, directory, kill_at, *pictures = sys.argv
    _kill_at(int(kill_at))
    numbered = (picture.split("=", 1) for picture in pictures)
    saved = results_of([replace(candidate(number, url), source="list") for number, url in numbered]).save(
        Path(directory)
    )
    sys.exit("\n".join(failed.reason for failed in saved.failed) or None)
