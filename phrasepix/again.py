"""A search that was run, asked once more: with one of its pictures as the question, or with what people said of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phrasepix.errors import WrongPickError
from phrasepix.likes import example_of
from phrasepix.looking import Looked
from phrasepix.saving.pick import ranks_among
from phrasepix.settings import SearchProgress, Settings
from reranker.match import Match
from reranker.query import Query

if TYPE_CHECKING:
    from phrasepix.results import Results

_LIKED, _DISLIKED = 1.0, 0.3
"""What all liked pictures together weigh beside the query, and all disliked ones.

Rocchio (1971) moves a query by the means of what was found relevant and irrelevant, and the former counts for more; his
customary 0.75 and 0.15 are for differences of vectors. These, where a dislike is a penalty, were found by measurement
(`benchmarks/QUERIES.md`).
"""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Again:
    """How a search is asked again. Its settings may hold a key: they are neither shown nor pickled."""

    settings: Settings | None = None
    looked: Looked | None = None

    def like(self, match: Match) -> "Results":
        """The same sources asked for the same tags, with a picture of the results as the question."""
        from phrasepix.pipeline import Search

        settings, _ = self._at_hand()
        words = settings.words or settings.query.words
        with Search(replace(settings, query=Query((example_of(match),)), words=words), _silent) as search:
            return search.results()

    def refined(
        self,
        results: "Results",
        prefer: str | Sequence[int],
        avoid: str | Sequence[int],
        on_progress: Callable[[SearchProgress], None],
    ) -> "Results":
        """The pool ranked anew, towards the `results` preferred and away from those to avoid; nobody is asked."""
        from phrasepix.anew import ranked_anew

        settings, looked = self._at_hand()
        liked, disliked = (ranks_among(ranks, len(results)) for ranks in (prefer, avoid))
        if both := set(liked) & set(disliked):
            raise WrongPickError(f"picture {min(both)} is both preferred and to be avoided; decide for one")
        if not liked and not disliked:
            raise WrongPickError("no picture is preferred or to be avoided; give ranks such as 1,4")
        query = refined_query(
            settings.query, [results[rank - 1] for rank in liked], [results[rank - 1] for rank in disliked]
        )
        return ranked_anew(results, replace(settings, query=query), looked, on_progress)

    def _at_hand(self) -> tuple[Settings, Looked]:
        if self.settings is None or self.looked is None:
            raise WrongPickError("these results cannot be asked again: their search is not over, or of another process")
        return self.settings, self.looked

    def __reduce__(self) -> tuple[Any, ...]:
        return (Again, ())


def refined_query(query: Query, liked: Sequence[Match], disliked: Sequence[Match]) -> Query:
    """The query with matches that are liked among what it wants, and those disliked among what it does not."""
    whole = sum(part.weight for part in query.wanted)
    return Query(
        (*query.wanted, *(example_of(one, _LIKED * whole / len(liked), stays=True) for one in liked)),
        (*query.unwanted, *(example_of(one, _DISLIKED / len(disliked), stays=True) for one in disliked)),
    )


def _silent(progress: SearchProgress) -> None:
    """Nobody is watching."""
