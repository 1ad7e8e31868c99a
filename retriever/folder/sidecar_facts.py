"""Facts of a picture completed by those of its sidecars."""

from collections.abc import Sequence
from datetime import timedelta

from phrasepix_core.files import read_bounded
from retriever.folder.facts import Facts
from retriever.folder.packet import LARGEST_PACKET, read_packet
from retriever.folder.sidecars import Sidecar
from retriever.folder.takeout import facts_of_takeout
from retriever.folder.xmp import facts_of_packet

_LARGEST_JSON = 1 << 20
_SAME_DAY = timedelta(days=1)
"""Takeout tells the moment in UTC, a camera the day where it was."""


def with_sidecars(facts: Facts, sidecars: Sequence[Sidecar]) -> tuple[Facts, tuple[str, ...]]:
    """Facts of a picture with what its sidecars say, and the names of those that are damaged or cannot be read.

    They were written after the picture, and count before what is within: of several, the first one most. Takeout's day
    counts where it is another than the picture's own: then somebody mended it.
    """
    damaged: list[str] = []
    for sidecar in reversed(sidecars):
        said = _read(sidecar)
        if said is None:
            damaged.append(sidecar.path.name)
            continue
        if sidecar.is_takeout and facts.taken_on is not None and said.taken_on is not None:
            is_same = abs(facts.taken_on - said.taken_on) <= _SAME_DAY
            said = said.but(taken_on=facts.taken_on if is_same else said.taken_on)
        facts = said.or_else(facts)
    return facts, tuple(damaged)


def _read(sidecar: Sidecar) -> Facts | None:
    try:
        data = read_bounded(sidecar.path, _LARGEST_JSON if sidecar.is_takeout else LARGEST_PACKET)
    except OSError:
        return None
    if sidecar.is_takeout:
        return facts_of_takeout(data)
    return facts_of_packet(data) if read_packet(data) is not None else None
