"""Parser of ranks: which of the matches are meant."""

import re
import reprlib
from collections.abc import Iterable, Sequence

from phrasepix.errors import WrongPickError

MOST_AT_A_TIME = 20
"""How many pictures are saved at a time.

Every source forbids to download in bulk, and each picture costs up to two requests: twenty stay within the fifty an
hour that the strictest of them grants.
"""


def parse_ranks(pick: str | Sequence[int] | None, count: int) -> tuple[int, ...]:
    """The ranks, each once, among `count` matches: those of “1,3” or “2-4” or of numbers from 1; all where None.

    Raises `WrongPickError` where one is not among them, or where they are more than twenty.
    """
    ranks = tuple(range(1, count + 1)) if pick is None else _ranks(pick, MOST_AT_A_TIME)
    _demand(ranks, count)
    if len(ranks) > MOST_AT_A_TIME:
        raise _too_many(len(ranks))
    return ranks


def ranks_among(said: str | Sequence[int], count: int) -> tuple[int, ...]:
    """The ranks, each once, among `count` matches: those of “1,3” or “2-4” or of numbers from 1.

    Raises `WrongPickError` where one is not among them.
    """
    ranks = _ranks(said, 1 << 16)
    _demand(ranks, count)
    return ranks


def _demand(ranks: Sequence[int], count: int) -> None:
    for rank in ranks:
        if not 1 <= rank <= count:
            raise WrongPickError(
                f"there is no picture {rank} to pick; " + (f"there are 1 to {count}" if count else "nothing was found")
            )


def _ranks(pick: str | Sequence[int], longest: int) -> tuple[int, ...]:
    if not isinstance(pick, str):
        if not isinstance(pick, Iterable) or any(isinstance(one, bool) or not isinstance(one, int) for one in pick):
            raise WrongPickError(f'{reprlib.repr(pick)} picks nothing; give ranks such as "1,3", "2-4" or [1, 3]')
        return tuple(dict.fromkeys(pick))
    ranks: list[int] = []
    for part in pick.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,9})(?:\s*[-–]\s*([0-9]{1,9}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise WrongPickError(f"{part.strip()!r} picks nothing; give ranks such as 1,3 or 2-4")
        if last - first >= longest:
            raise _too_many(last - first + 1)
        ranks += range(first, last + 1)
    return tuple(dict.fromkeys(ranks))


def _too_many(count: int) -> WrongPickError:
    return WrongPickError(
        f"{count} pictures are more than are saved at a time ({MOST_AT_A_TIME}): the sources forbid to download in "
        "bulk. Pick those you will use, such as 1,3 or 2-4"
    )
