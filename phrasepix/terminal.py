"""Matches on a terminal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phrasepix.links import page_of
from phrasepix.videos import video_note
from reranker.match import Match
from retriever.candidate import Candidate

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from phrasepix.results import Results

_BAR_WIDTH = 8
_STYLES = {"clear": "green", "fair": "yellow", "weak": "bright_black"}
"""By the word for how a match fits."""
_TAGS_SHOWN = 6
_LONGEST_ID = 16
_LEAST_SEEN = 0.0005


def short_name(candidate: Candidate) -> str:
    """Source and id, of a long id its two ends: for tables, where page and rank say the rest."""
    identifier = candidate.id
    if len(identifier) > _LONGEST_ID:
        identifier = f"{identifier[:8]}…{identifier[-4:]}"
    return f"{candidate.source}:{identifier}"


def results_table(results: "Results") -> "Table":
    """The matches as a table; source texts are shown as they are, never read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text("".join([f"“{results.phrase}”", *(f" − “{part.title}”" for part in results.unwanted)])),
        caption=Text(f"{len(results)} of {results.pool_size} pictures · {results.model} · {results.mention}"),
        title_justify="left",
        caption_justify="left",
        expand=False,
    )
    table.add_column("#", justify="right", no_wrap=True, min_width=len(str(len(results))))
    table.add_column("score", no_wrap=True, min_width=6 + _BAR_WIDTH)
    parts = [part for part in _TOTAL_PARTS if part.is_in(results)]
    for part in parts:
        table.add_column(part.name, justify="right", no_wrap=True)
    table.add_column("picture", overflow="fold")
    for match in results:
        candidate = match.candidate
        page = page_of(candidate)
        words = ", ".join(candidate.tags[:_TAGS_SHOWN]) or candidate.title
        note = video_note(candidate) if candidate.media_type == "video" else ""
        table.add_row(
            str(match.rank),
            _score(match),
            *(_amount(part.of(match)) for part in parts),
            Text.assemble(
                (short_name(candidate), f"link {page}" if page else ""),
                f" by {candidate.creator}" if candidate.creator else "",
                "\n" if note or words else "",
                (f"{note} ", "cyan") if note else "",
                words,
                (f"\n{page}" if page else "", "dim"),
                (f"\nused before: {match.used_before}" if match.used_before else "", "yellow"),
                *_parts(match),
                (_alike(match), "dim"),
            ),
        )
    return table


def _score(match: Match) -> "Text":
    """The cosine with a bar of how far the match stands out; below them the word for it, and the first score."""
    from rich.text import Text

    if not match.fit:
        bar, word = ("", ""), ("" if match.stands_out is None else f"{match.stands_out:+.1f} σ", "dim")
    else:
        style = _STYLES[match.fit]
        bar, word = (f" {_bar(match.share)}", style), (match.fit, style)
    first = "" if match.first_score is None else f"first {match.first_score:.3f}"
    below = Text(" · ", "dim").join(Text(*one) for one in (word, (first, "dim")) if one[0])
    return Text.assemble(f"{match.score:.3f}", bar, "\n" if below else "", below)


@dataclass(frozen=True)
class _TotalPart:
    """What is added to a score beside the cosine, and which results have it."""

    name: str
    of: "Callable[[Match], float]"
    is_in: "Callable[[Results], bool]"


_TOTAL_PARTS = (
    _TotalPart("penalty", lambda match: -match.penalty, lambda results: bool(results.unwanted)),
    _TotalPart("nearness", lambda match: -match.nearness, lambda results: any(one.nearness for one in results)),
    _TotalPart("words", lambda match: match.bonus, lambda results: any(one.bonus for one in results)),
)
"""In the order of their columns: each has one where it says something."""


def _amount(amount: float) -> "Text":
    """What is added or taken off, with its sign."""
    from rich.text import Text

    is_seen = abs(amount) >= _LEAST_SEEN
    sign = "−" if amount < 0 else "+"
    return Text(f"{sign}{abs(amount):.3f}" if is_seen else "–", "yellow" if is_seen else "dim")


def _parts(match: Match) -> Iterator[str | tuple[str, str]]:
    """The phrase's parts, each with the word for how the match shows it."""
    for number, part in enumerate(match.parts):
        yield "\n" if number == 0 else " · "
        yield part.text
        if part.fit:
            yield f" {part.fit}", _STYLES[part.fit]


def _alike(match: Match) -> str:
    """How many show the same picture, and which."""
    if not match.siblings:
        return ""
    return f"\n+{len(match.siblings)} alike: {', '.join(short_name(one) for one in match.siblings)}"


def results_lines(results: "Results") -> str:
    """The matches as tab-separated lines: rank, score, picture, page, file, tags, creator, those alike.

    Then come the penalty, by how far each stands out (empty where that is not known), nearness and bonus.
    """
    return "".join(
        "\t".join(
            " ".join(str(field).split())
            for field in (
                match.rank,
                f"{match.score:.6f}",
                match.candidate,
                match.candidate.page_url,
                match.candidate.image_url,
                ", ".join(match.candidate.tags),
                match.candidate.creator,
                ", ".join(str(one) for one in match.siblings),
                f"{match.penalty:.6f}",
                "" if match.stands_out is None else f"{match.stands_out:.3f}",
                f"{match.nearness:.6f}",
                f"{match.bonus:.6f}",
            )
        )
        + "\n"
        for match in results
    )


def _bar(share: float) -> str:
    filled = round(share * _BAR_WIDTH)
    return "█" * filled + "░" * (_BAR_WIDTH - filled)
