"""What a search is asked for, and what it says while it runs."""

from dataclasses import dataclass, field
from pathlib import Path

from phrasepix.given import demand_directory, demand_filters, demand_model, demand_texts
from reranker.encoder import Encoder
from reranker.finish import demand_share
from reranker.ordering import Ordering
from reranker.query import Query
from reranker.standing import Scored
from retriever.errors import WrongParameterError
from retriever.filters import Filters
from retriever.protocol import Retriever

SourceChoice = str | Retriever
"""A source's name, or a retriever of one's own."""


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """Where a search is.

    `step` is “asking …”, “loading the model …” or “looking at the pictures”; `done` of `total` candidates were looked
    at (None: not known yet), of which `skipped` could not be had; the `best` of them so far, best first.
    """

    step: str
    done: int = 0
    total: int | None = None
    skipped: int = 0
    best: tuple[Scored, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a search is asked for; `find_images` says what each means.

    Without tags they are found in the `words`, by default those of the query.
    """

    query: Query
    tags: tuple[str, ...]
    top: int
    limit: int | None
    requests: int
    sources: tuple[SourceChoice, ...]
    filters: Filters
    model: str | Encoder | None
    pretrained: str | None
    device: str
    engine: str
    key: str | None = field(repr=False)
    base_url: str | None
    offline: bool
    project: str | Path | None
    unused: bool
    fold: bool
    words: str = ""
    diverse: float = 0.0
    explain: bool = False
    refine: str | Encoder | None = None
    refine_top: int = 30
    rank: str = "cosine"
    words_weight: float = 0.0

    def __post_init__(self) -> None:
        if not all(self.tags):
            raise WrongParameterError("the tag is empty; give the main noun of what you look for, such as --tag tiger")
        if len(self.sources) > 1 and (self.key is not None or self.base_url is not None):
            raise WrongParameterError(
                "key and base_url are of one source; with several, set each source's own environment variables"
            )
        demand_share(self.diverse)
        _ = self.ordering  # which demands its own
        demand_filters(self.filters)
        demand_model("model", self.model)
        demand_model("refine", self.refine)
        demand_directory("project", self.project)
        demand_texts(pretrained=self.pretrained, device=self.device, engine=self.engine, base_url=self.base_url)
        if not isinstance(self.key, str | None):
            raise WrongParameterError("the key is no text; give a str, or leave it out")  # and is shown nowhere
        if self.unused and self.project is None:
            raise WrongParameterError("unused needs the project whose pictures are left out; say which directory")

    @property
    def ordering(self) -> Ordering:
        """What ranks go by. Raises `WrongQueryError`."""
        return Ordering(self.rank, self.words_weight)
