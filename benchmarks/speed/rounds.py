"""Measuring side by side: rounds of A B C, A B C, … and what comes of them."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Values of one subject over all rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)


def interleaved(
    jobs: Mapping[str, Callable[[int], float]], rounds: int | Mapping[str, int], say: Callable[[str], None]
) -> dict[str, Spread]:
    """Each job once a round, given the round's number, in the same order each time; slow ones in fewer rounds."""
    wanted = dict.fromkeys(jobs, rounds) if isinstance(rounds, int) else rounds
    values: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(max(wanted.values())):
        for name, job in jobs.items():
            if number < wanted[name]:
                values[name].append(job(number))
        say(f"  round {number + 1}: " + ", ".join(f"{name} {done[-1]:.3g}" for name, done in values.items()))
    return {name: Spread(tuple(done)) for name, done in values.items()}
