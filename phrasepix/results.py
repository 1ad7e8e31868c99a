"""What a search returns: the ranked matches, able to show and to save themselves."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from phrasepix.links import address_of, path_shown
from phrasepix.plain_json import plain_json
from phrasepix.saving.reopener import Reopener
from phrasepix_core.files import write_atomically
from phrasepix_core.text import shortened
from reranker.match import Match, fits_well
from reranker.query import Part, Phrase, Query
from retriever.candidate import Candidate
from retriever.protocol import Retriever, is_on_loopback, profile_of

if TYPE_CHECKING:
    from rich.console import Group

    from phrasepix.again import Again
    from phrasepix.saving.save import Saved, SaveProgress
    from phrasepix.settings import SearchProgress


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a search's pictures come from: the source's `name` and `title`, and the `mention` owed with its home.

    With `is_on_loopback`, its pictures and pages may be on this machine.
    """

    name: str
    title: str
    mention: str
    home_url: str = ""
    is_on_loopback: bool = False

    @classmethod
    def of_retriever(cls, retriever: Retriever) -> "Origin":
        """What a retriever says of its source; one that says nothing is called by its name."""
        profile, here = profile_of(retriever), is_on_loopback(retriever)
        if profile is None:
            return cls(retriever.name, retriever.name, f"Pictures from {retriever.name}", is_on_loopback=here)
        return cls(profile.name, profile.title, profile.mention, profile.home_url, here)


@dataclass(frozen=True, slots=True)
class Failure:
    """A source of several that could not be asked, or not to the end, and why."""

    source: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture or an entry of an answer that could not be used, and why; `catalogue` is as for a `Candidate`."""

    source: str
    id: str
    reason: str
    catalogue: str = ""

    @classmethod
    def of(cls, candidate: Candidate, reason: str) -> "Skipped":
        """A candidate that could not be used."""
        return cls(candidate.source, candidate.id, reason, candidate.catalogue)

    @property
    def identity(self) -> tuple[str, str]:
        """Whose id, and the id: that of the candidate."""
        return (self.catalogue or self.source, self.id)


@dataclass(frozen=True, slots=True)
class AskedTag:
    """A tag that a source was asked for, and how many pictures it `brought` that no tag before it had.

    `problem` says in a few words why it could not be asked; empty where it could.
    """

    source: str
    tag: str
    brought: int
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Results(Sequence[Match]):
    """The ranked matches of one search, best first.

    `phrase` says what was looked for, for people, and `query` all of it. `tags` are those asked for, `asked` says of
    which source in which order and what each brought (a folder that was looked through without a tag is not there).
    `language` is the tags' (two letters; empty where none was asked). `origins` are the sources that were asked,
    `failures` those among them that did not answer to the end. `pool_size` counts the candidates they were chosen from;
    those of a search that still runs are not `is_final`. `refined_by` is the model that ranked the best again; empty
    where none did. `diverse` is how far the best were spread, 0…1. In a notebook a `Results` shows itself as cards, on
    a terminal (with rich) as a table.
    """

    phrase: str
    tags: tuple[str, ...]
    origins: tuple[Origin, ...]
    model: str
    matches: tuple[Match, ...] = field(repr=False)
    skipped: tuple[Skipped, ...] = field(repr=False, default=())
    pool_size: int = 0
    is_final: bool = True
    failures: tuple[Failure, ...] = ()
    asked: tuple[AskedTag, ...] = ()
    refined_by: str = ""
    diverse: float = 0.0
    language: str = ""
    reopener: Reopener = field(repr=False, default_factory=Reopener)
    query: Query | None = field(repr=False, default=None)
    again: "Again | None" = field(repr=False, default=None)

    @overload
    def __getitem__(self, index: int) -> Match: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Match, ...]: ...
    def __getitem__(self, index: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[index]

    def __len__(self) -> int:
        return len(self.matches)

    @property
    def fits_well(self) -> bool | None:
        """Whether any match stands out as showing the phrase; None where that is not known."""
        return fits_well(self.matches) if self.is_final else None

    @property
    def mention(self) -> str:
        """What must stand wherever the results are shown."""
        return " · ".join(origin.mention for origin in self.origins)

    @property
    def loopback_sources(self) -> frozenset[str]:
        """The names of the sources whose addresses may be on this machine."""
        return frozenset(origin.name for origin in self.origins if origin.is_on_loopback)

    @property
    def order(self) -> list[str]:
        """What explains the order, in sentences; none if it is simply by how well each shows one phrase."""
        from phrasepix.ordering import order_in_words

        return order_in_words(self)

    @property
    def unwanted(self) -> tuple[Part, ...]:
        """What was to be kept away from."""
        return self.query.unwanted if self.query else ()

    def refined(
        self,
        prefer: str | Sequence[int] = (),
        avoid: str | Sequence[int] = (),
        *,
        on_progress: "Callable[[SearchProgress], None]" = lambda progress: None,
    ) -> "Results":
        """The same pool in another order: nearer to the pictures preferred, farther from those to avoid.

        Both name ranks of these results, such as "1,4", "2-4" or [1, 4]. No source is asked and no picture encoded
        again; what is shown is what is at hand, and only what is not is fetched.

        Raises `WrongPickError`, also where the search is not over.
        """
        from phrasepix.again import Again

        return (self.again or Again()).refined(self, prefer, avoid, on_progress)

    def to_json(self) -> str:
        """One JSON object: phrase, query, tags and what each brought, sources, model, matches, skipped, failures."""
        return plain_json(
            {
                "phrase": self.phrase,
                "query": {
                    "wanted": [_part_as_json(part) for part in (self.query.wanted if self.query else ())],
                    "unwanted": [_part_as_json(part) for part in self.unwanted],
                },
                "tags": list(self.tags),
                "asked": [asdict(one) for one in self.asked],
                "language": self.language,
                "sources": [origin.name for origin in self.origins],
                "model": self.model,
                "refined_by": self.refined_by or None,
                "pool_size": self.pool_size,
                "fits_well": self.fits_well,
                "matches": [_match_as_json(match, self.loopback_sources) for match in self.matches],
                "skipped": [{"id": one.id, "source": one.source, "reason": one.reason} for one in self.skipped],
                "failures": [{"source": one.source, "reason": one.reason} for one in self.failures],
            }
        )

    def save_gallery(self, path: str | Path) -> Path:
        """Write one self-contained HTML page that shows the matches; returns its absolute path.

        Pictures are embedded, but those whose source wants them shown by its own addresses (Unsplash).

        Raises `NotWrittenError`.
        """
        from phrasepix.gallery import gallery_page

        return write_atomically(Path(path), gallery_page(self))

    def save(
        self,
        directory: str | Path,
        pick: str | Sequence[int] | None = None,
        *,
        on_progress: "Callable[[SaveProgress], None]" = lambda progress: None,
    ) -> "Saved":
        """Save pictures into `directory`, at the largest size their sources let this key have, each with its credit.

        `pick` names ranks, such as "1,3", "2-4" or [1, 3]; without it all are saved, at most twenty at a time: the
        sources forbid to download in bulk. The credit goes into the file, where its format has a place for it, and into
        `CREDITS.md` and `credits.json` beside it. What is there already is not downloaded again; a download that broke
        off is continued. A picture that cannot be saved is listed in what is returned, and the others are saved.

        Raises `WrongPickError`, and `NotWrittenError` where nothing can be written to `directory`.
        """
        from phrasepix.saving.pick import picked
        from phrasepix.saving.save import FoundWith, save_matches

        ranks = picked(pick, len(self))
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
        from phrasepix.gallery import gallery_cards

        return {"text/html": gallery_cards(self), "text/plain": repr(self)}

    def __rich__(self) -> "Group":
        from phrasepix.terminal import results_table

        return results_table(self)

    def __repr__(self) -> str:
        of = f"{len(self.matches)} of {self.pool_size} pictures{'' if self.is_final else ' so far'}"
        tagged = f" tagged {', '.join(self.tags)}" if any(self.tags) else ""
        asked = " and ".join(one.title for one in self.origins)
        return f"<Results for {shortened(self.phrase)!r}: {of}{tagged} from {asked}>"


def _part_as_json(part: Part) -> dict[str, Any]:
    return {"phrase" if isinstance(part, Phrase) else "picture": part.title, "weight": round(part.weight, 6)}


def _match_as_json(match: Match, loopback_sources: Collection[str]) -> dict[str, Any]:
    candidate = match.candidate

    def address(url: str) -> str:
        return address_of(candidate, url, loopback_sources)

    return {
        "rank": match.rank,
        "score": round(match.score, 6),
        "penalty": round(match.penalty, 6),
        "nearness": round(match.nearness, 6),
        "bonus": round(match.bonus, 6),
        "first_score": _rounded(match.first_score, 6),
        "stands_out": _rounded(match.stands_out, 3),
        "fit": match.fit or None,
        "parts": [
            {"text": one.text, "stands_out": _rounded(one.stands_out, 3), "fit": one.fit or None} for one in match.parts
        ],
        "source": candidate.source,
        "id": candidate.id,
        "title": candidate.title,
        "page_url": address(candidate.page_url),
        "image_url": address(candidate.image_url),
        "path": path_shown(candidate) or None,
        "width": candidate.width,
        "height": candidate.height,
        "media_type": candidate.media_type,
        "duration_s": candidate.duration_s,
        "clips": [{"url": address(clip.url), "width": clip.width, "height": clip.height} for clip in candidate.clips],
        "tags": list(candidate.tags),
        "colours": list(candidate.colours),
        "taken_on": candidate.taken_on and candidate.taken_on.isoformat(),
        "uploaded_on": candidate.uploaded_on and candidate.uploaded_on.isoformat(),
        "found_by": candidate.found_by,
        "creator": candidate.creator,
        "creator_url": address(candidate.creator_url),
        "licence": candidate.licence,
        "licence_url": address(candidate.licence_url),
        "commercial_use": candidate.commercial_use,
        "modification": candidate.modification,
        "credit_owed": candidate.credit_owed,
        "credit": candidate.credit,
        "credit_line": {form: match.credit(form) for form in ("text", "markdown", "html")},
        "used_before": match.used_before or None,
        "ai_generated": candidate.ai_generated,
        "no_ai_training": candidate.no_ai_training,
        "g_rated": candidate.g_rated,
        "siblings": [
            {
                "source": one.source,
                "id": one.id,
                "page_url": address_of(one, one.page_url, loopback_sources),
                "credit": one.credit,
            }
            for one in match.siblings
        ],
    }


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
