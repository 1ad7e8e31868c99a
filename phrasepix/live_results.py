"""Results in the hands of a person: they show and save themselves, and can be asked again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, overload

from phrasepix.errors import WrongPickError
from phrasepix.events import Listener, SearchProgress, ignore, listener_of
from phrasepix.request import SearchRequest
from phrasepix.results import FoundMatch, Results
from phrasepix.saving.reopener import Reopener
from phrasepix_core.files import write_atomically
from reranker.match import Match

if TYPE_CHECKING:
    from rich.console import Group

    from phrasepix.saving.save import Saved, SaveProgress


class SearchesAgain(Protocol):
    """Whoever can search on from results: a `Finder`."""

    def refine(
        self,
        results: "LiveResults",
        prefer: str | Sequence[int] = (),
        avoid: str | Sequence[int] = (),
        *,
        on_event: Listener = ignore,
    ) -> "LiveResults":
        """Rank the same pool again, nearer to what is preferred and farther from what is to be avoided."""
        ...

    def more_like(self, match: Match, of: SearchRequest, *, on_event: Listener = ignore) -> "LiveResults":
        """Search again with a picture as the question."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class LiveMatch(FoundMatch):
    """A match whose search can be asked again."""

    finder: SearchesAgain | None = field(default=None, compare=False)
    request: SearchRequest | None = field(default=None, compare=False)

    def more_like_this(self) -> "LiveResults":
        """Return what its search finds with this picture as the question: the same sources asked for the same tags.

        Raises what a search raises, and `WrongPickError` if its search is not over or was of another process.
        """
        if self.finder is None or self.request is None:
            raise WrongPickError(
                "this match cannot be asked again: its search is not over, or of another process; "
                "search with like=match"
            )
        return self.finder.more_like(self, self.request)

    def __reduce__(self) -> tuple[Any, ...]:
        known = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in {"finder", "request"}}
        return (_match_of, (known,))


@dataclass(frozen=True, eq=False, repr=False)
class LiveResults(Results):
    """Results that show and save themselves and can be refined. In a notebook they are cards, on a terminal a table.

    Pickled they are data alone: no key goes along, and they can no longer be asked again.
    """

    matches: tuple[LiveMatch, ...] = field(repr=False)
    finder: SearchesAgain | None = field(repr=False, default=None)
    """Whoever found them."""
    reopener: Reopener = field(repr=False, default_factory=Reopener)
    """How their sources are opened again to save pictures."""

    @classmethod
    def of(cls, results: Results, finder: SearchesAgain, reopener: Reopener) -> Self:
        """Return results as those of `finder`."""
        known = {one.name: getattr(results, one.name) for one in fields(Results)}
        request = results.request if results.is_final else None
        known["matches"] = tuple(LiveMatch.of(match, finder=finder, request=request) for match in results.matches)
        return cls(**known, finder=finder, reopener=reopener)

    @overload
    def __getitem__(self, index: int) -> LiveMatch: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LiveMatch, ...]: ...
    def __getitem__(self, index: int | slice) -> LiveMatch | tuple[LiveMatch, ...]:
        return self.matches[index]

    def __iter__(self) -> Iterator[LiveMatch]:
        return iter(self.matches)

    @property
    def order(self) -> list[str]:
        """What explains the order, in sentences; none if it is simply by how well each shows one phrase."""
        from phrasepix.views.order_in_words import order_in_words

        return order_in_words(self)

    def refined(
        self,
        prefer: str | Sequence[int] = (),
        avoid: str | Sequence[int] = (),
        *,
        on_progress: Callable[[SearchProgress], None] = ignore,
    ) -> "LiveResults":
        """Return the same pool in another order: nearer to the pictures preferred, farther from those to avoid.

        Both name ranks of these results, such as "1,4", "2-4" or [1, 4]. No source is asked and no picture encoded
        again; what is shown is what is at hand, and only what is not is fetched.

        Raises `WrongPickError`, also if the search is not over.
        """
        if self.finder is None:
            raise WrongPickError("these results cannot be asked again: their search is of another process")

        return self.finder.refine(self, prefer, avoid, on_event=listener_of(on_progress))

    def save_gallery(self, path: str | Path) -> Path:
        """Write one self-contained HTML page that shows the matches; return its absolute path.

        Pictures are embedded, but those whose source wants them shown by its own addresses (Unsplash).

        Raises `NotWrittenError`.
        """
        from phrasepix.views.gallery import gallery_page

        return write_atomically(Path(path), gallery_page(self))

    def save(
        self,
        directory: str | Path,
        pick: str | Sequence[int] | None = None,
        *,
        on_progress: "Callable[[SaveProgress], None]" = ignore,
    ) -> "Saved":
        """Save pictures into `directory`, at the largest size their sources let this key have, each with its credit.

        `pick` names ranks, such as "1,3", "2-4" or [1, 3]; without it all are saved, at most twenty at a time: the
        sources forbid to download in bulk. The credit goes into the file, if its format has a place for it, and into
        `CREDITS.md` and `credits.json` beside it. What is there already is not downloaded again; a download that broke
        off is continued. A picture that cannot be saved is listed in what is returned, and the others are saved.

        Raises `WrongPickError`, and `NotWrittenError` if nothing can be written to `directory`.
        """
        from phrasepix.saving.ranks import parse_ranks
        from phrasepix.saving.save import FoundWith, save_matches

        ranks = parse_ranks(pick, len(self))
        return save_matches(
            [self.matches[rank - 1] for rank in ranks],
            Path(directory),
            found_with=FoundWith(self.phrase, self.model),
            reopener=self.reopener,
            on_progress=on_progress,
        )

    def show(self, width: int = 220) -> None:
        """Show the matches in a notebook with ipyplot, `width` pixels each.

        Raises `ImportError`, which says how it is installed, if ipyplot is missing.
        """
        from phrasepix.notebook import plot

        plot(self, width)

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> Mapping[str, str]:
        from phrasepix.views.gallery import gallery_cards

        return {"text/html": gallery_cards(self), "text/plain": repr(self)}

    def __rich__(self) -> "Group":
        from phrasepix.views.terminal import results_table

        return results_table(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in {"finder", "request"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, finder=None, request=None)


def _match_of(known: Mapping[str, Any]) -> LiveMatch:
    return LiveMatch(**known)
