"""What a finder is configured by."""

from dataclasses import dataclass, field
from pathlib import Path

from retriever import directories


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a finder is configured by. What is None is read from the environment at each search."""

    key: str | None = field(default=None, repr=False)
    """The API key of the only source that is asked, in place of its environment variable and the config file."""
    base_url: str | None = None
    """The address of the only source that is asked, in place of its environment variable."""
    cache_directory: Path | None = None
    """Where answers, embeddings, pictures and exported models are kept, in place of `PHRASEPIX_CACHE_DIR`."""
    models_kept: int = 4
    """How many models stay loaded; the least recently used goes first."""
    both_towers: bool = False
    """Whether a model holds its text and its image tower all the time: more memory, and none is ever loaded twice."""
    unload_after_s: float | None = None
    """After how many seconds without a search models are unloaded; None: never."""
    connections_per_host: int | None = None
    """How many connections to one host of pictures there may be at once, over all searches of the finder.

    None: the eight that all of the process share, whichever finder searches or saves.
    """

    @property
    def directory(self) -> Path:
        """Where things are kept now."""
        return self.cache_directory or directories.cache_directory()
