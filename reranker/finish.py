"""What is done with an order once it stands."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from phrasepix_core.numbers import is_number
from reranker.errors import WrongQueryError

if TYPE_CHECKING:
    from phrasepix_core.candidate import Candidate
    from reranker.cached_loader import LoadsPictures
    from reranker.memory import Memory
    from reranker.ordering import Ordering
    from reranker.pictures import PictureLoader
    from reranker.progress import Progress
    from reranker.query import Query
    from reranker.ranked import RankedCandidate


class RanksAgain(Protocol):
    """What a second model ranks by: a `ClipReranker`."""

    def rank_again(
        self,
        query: "Query",
        candidates: "Sequence[Candidate]",
        *,
        loader: "PictureLoader",
        pictures: "LoadsPictures",
        memory: "Memory | None",
        finish: "Finish",
        ordering: "Ordering",
        on_progress: "Callable[[Progress], None]",
    ) -> "tuple[list[RankedCandidate], tuple[str, ...]]":
        """Return the candidates in this model's order, without those it cannot look at, and what people should know."""
        ...


@dataclass(frozen=True, slots=True)
class Refinement:
    """A second model that ranks the best `top` of the first one's order again; the others stay behind them.

    `reranker` gives it, when there is something to rank.
    """

    reranker: Callable[[], RanksAgain]
    top: int = 30
    on_progress: "Callable[[Progress], None]" = lambda progress: None

    def __post_init__(self) -> None:
        if self.top < 1:
            raise WrongQueryError(f"refine_top {self.top} is out of range; allowed: whole numbers from 1")


@dataclass(frozen=True, slots=True)
class Finish:
    """`diverse` 0…1 spreads the best (see `diversified`); `parts` are texts, of phrases and taught names, of which each
    match says how it shows them.

    With a `refinement` a second model has its say, before the best are spread. `in_words` is False where the model is
    asked about what it does not know, so that words for how matches fit would mean nothing. `with_copies`, what looks
    like a picture that was asked for, such as a part of it, may be found: only the same file is left out.

    Raises `WrongQueryError`.
    """

    diverse: float = 0.0
    parts: tuple[str, ...] = ()
    refinement: Refinement | None = None
    in_words: bool = True
    with_copies: bool = False

    def __post_init__(self) -> None:
        demand_share(self.diverse)


def demand_share(diverse: float) -> None:
    """Raise `WrongQueryError` where it is not within 0…1."""
    if not (is_number(diverse) and math.isfinite(diverse) and 0 <= diverse <= 1):
        raise WrongQueryError(
            f"diverse {diverse!r} is out of range; allowed: 0, the plain order, to 1, as different as can be"
        )


AS_IT_STANDS = Finish()
