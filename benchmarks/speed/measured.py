"""What a run measured, as it is kept in JSON and told by the report."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.speed.machine import Machine
from benchmarks.speed.rounds import Spread

NEW_PHRASE, HELP = "new phrase over remembered pictures, s", "--help, s"
PICTURES, TOWER = "pictures/s, from PIL pictures", "pictures/s, tower alone"
TEXT = "one phrase, warm, s"
LIMIT = "matrix product, 10⁹ operations/s"
FIRST, PEAK, PEAK_LARGE = "first search, s", "peak memory, bytes", "peak memory with more pictures, bytes"
EXPORT, PEAK_OF_EXPORT = "first search ever, s", "peak memory of the first search ever, bytes"
INDEX = "all pictures encoded and one phrase asked, fresh process, s"

OURS, OPEN_CLIP, SENTENCE_TRANSFORMERS = "phrasepix", "open_clip", "sentence-transformers"
SEED_RECIPE, RCLIP = "seed recipe", "rclip"

Groups = Mapping[str, Mapping[str, Spread]]


@dataclass(frozen=True, slots=True)
class Measured:
    """A run's figures: `groups` by what was measured and who did it; `differences` from open_clip's unit vectors."""

    date: str
    command: str
    machine: Machine
    pictures: int
    more_pictures: int
    pictures_show: str
    delay_s: float
    flops_per_picture: int
    groups: Groups
    differences: Mapping[str, float]
    without_rclip: str = ""

    def write(self, file: Path) -> None:
        """Keep it as JSON."""
        file.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        """What `write` kept."""
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        machine = kept.pop("machine")
        groups = {
            group: {name: Spread(tuple(spread["values"])) for name, spread in subjects.items()}
            for group, subjects in kept.pop("groups").items()
        }
        return cls(machine=Machine(**machine | {"flags": tuple(machine["flags"])}), groups=groups, **kept)
