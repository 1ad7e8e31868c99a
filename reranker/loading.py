"""How an encoder is to be loaded."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How an encoder is to be loaded."""

    device: str = "auto"
    """Where it runs: auto, cpu, cuda or mps."""
    cache_directory: Path
    """The directory of phrasepix for what can be made or fetched again; use a folder of your own below it."""
    download: bool = True
    """Whether weights may be downloaded. If not, and they are not on this machine, raise `WeightsUnavailableError`."""
