"""Matches on a terminal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from phrasepix.views.links import address_of, page_of, path_shown
from phrasepix.views.order_in_words import order_in_words
from phrasepix.views.videos import video_note
from phrasepix_core.candidate import Candidate
from phrasepix_core.text import printable, shortened
from reranker.match import LEAST_PENALTY, Match

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from phrasepix.results import FoundMatch, Results
    from phrasepix.views.cells import Lines

_BAR_WIDTH = 8
_STYLES = {"clear": "green", "fair": "yellow", "weak": ""}
"""By the word for how a match fits. Weak has the terminal's own colour: greys vanish on one ground or the other."""
_TAGS_SHOWN = 6
_LONGEST_ID = 16


def short_name(candidate: Candidate) -> str:
    """What a picture is called in a table: its path below the folder, else source and id, of a long id its ends."""
    if candidate.relative_path:
        return candidate.relative_path
    identifier = candidate.id
    if len(identifier) > _LONGEST_ID:
        identifier = f"{identifier[:8]}…{identifier[-4:]}"
    return f"{candidate.source}:{identifier}"


def results_table(results: "Results") -> "Group":
    """The matches as a table, with what was looked for above it and how they are ordered below.

    Source texts are shown as they are, never read as markup.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from phrasepix.views.cells import without_controls

    asked = (results.phrase, *(part.title for part in results.unwanted))
    said = " − ".join(f"“{shortened(words, 300)}”" for words in asked)
    about = f"{len(results)} of {results.pool_size} pictures · {results.model} · {results.mention}"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("#", justify="right", no_wrap=True, min_width=len(str(len(results))))
    table.add_column("score", no_wrap=True, min_width=6 + _BAR_WIDTH)
    parts = [part for part in _TOTAL_PARTS if part.is_in(results)]
    columns, below_score = (parts, []) if len(parts) == 1 else ([], parts)  # several leave the picture's too narrow
    for part in columns:
        table.add_column(part.name, justify="right", no_wrap=True)
    table.add_column("picture")
    for match in results:
        table.add_row(
            str(match.rank),
            Text("\n").join([_score(match), *_amounts(match, below_score)]),
            *(_amount(part.of(match)) for part in columns),
            _picture(match),
        )
    below = "\n".join(without_controls(line) for line in (about, *order_in_words(results)))
    return Group(Text(without_controls(said), "bold"), table, Text(below, "dim"))


def _picture(match: "FoundMatch") -> "Lines":
    """What is said of a match: its name, by whom, what it shows, its page, and what else is known."""
    from rich.style import Style
    from rich.text import Text

    from phrasepix.views.cells import Lines, in_the_middle

    candidate = match.candidate
    page = page_of(candidate)
    # A link is written as it is: what could end it early, or a space that rich reads as more of a style, makes none.
    link = Style(link=page) if page and page.isprintable() and " " not in page else Style()
    by = f"by {candidate.creator}" if candidate.creator else ""
    words = ", ".join(candidate.tags[:_TAGS_SHOWN]) or (candidate.title if says_more(candidate) else "")
    note = f"{video_note(candidate)} " if candidate.media_type == "video" else ""
    name = Text(short_name(candidate), link)
    lines = Lines()
    if candidate.relative_path:
        lines.add(name)
        lines.add(Text(by))
    else:
        lines.add(Text.assemble(name, f" {by}" if by else ""))
    lines.add(Text.assemble((note, "cyan"), words))
    if page and not candidate.relative_path:
        lines.add(Text(page, Style(dim=True) + link), cut=in_the_middle)
    lines.add(Text(f"used before: {match.used_before}" if match.used_before else "", "yellow"))
    lines.add(Text.assemble(*_parts(match)))
    lines.add(Text(_alike(match), "dim"))
    return lines


def number(value: float) -> str:
    """A score as people read it: three digits, and a minus sign as wide as a plus."""
    return f"{value:.3f}".replace("-", "−")


def deviations(value: float) -> str:
    """By how many standard deviations something stands out."""
    return f"{value:+.1f} σ".replace("-", "−")


def says_more(candidate: Candidate) -> bool:
    """Whether its title says more than the name of the file, which stands in for one."""
    return bool(candidate.title) and candidate.title != PurePosixPath(candidate.relative_path).stem


def _score(match: Match) -> "Text":
    """The cosine with a bar of how far the match stands out; below them the word for it, and the first score."""
    from rich.text import Text

    if not match.fit:
        bar, word = ("", ""), ("" if match.stands_out is None else deviations(match.stands_out), "dim")
    else:
        style = _STYLES[match.fit]
        bar, word = (f" {_bar(match.share)}", style), (match.fit, style)
    first = "" if match.first_score is None else f"first {number(match.first_score)}"
    points = "" if match.agreement is None else f"{len(match.agreement.points)} points"
    below = Text.assemble((" · ", "dim")).join(Text(*one) for one in (word, (points, ""), (first, "dim")) if one[0])
    return Text.assemble(number(match.score), bar, "\n" if below else "", below)


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
"""In their order: one that says something has a column, several have lines below the score."""


def _amount(amount: float) -> "Text":
    """What is added or taken off, with its sign."""
    from rich.text import Text

    is_seen = abs(amount) >= LEAST_PENALTY
    sign = "+" if amount > 0 else ""
    return Text(sign + number(amount) if is_seen else "–", "yellow" if is_seen else "dim")


def _amounts(match: Match, parts: "list[_TotalPart]") -> "Iterator[Text]":
    """A line for each part of the total, its amount to the right."""
    from rich.text import Text

    widest = max((len(part.name) for part in parts), default=0)
    for part in parts:
        amount = _amount(part.of(match))
        yield Text.assemble((f"{part.name:<{widest}}", "dim"), " " * max(1, 7 - amount.cell_len), amount)


def _parts(match: Match) -> Iterator[str | tuple[str, str]]:
    """The phrase's parts of which something is known, each with how the match shows it, in a word or in deviations."""
    known = [(part, part.stands_out) for part in match.parts if part.stands_out is not None]
    for place, (part, stands_out) in enumerate(known):
        if place:
            yield " · "
        yield part.text
        yield (f" {part.fit}", _STYLES[part.fit]) if part.fit else (f" {deviations(stands_out)}", "dim")


def _alike(match: Match) -> str:
    """How many show the same picture, and which."""
    if not match.siblings:
        return ""
    return f"+{len(match.siblings)} alike: {', '.join(short_name(one) for one in match.siblings)}"


def results_lines(results: "Results") -> str:
    """The matches as tab-separated lines, in the columns of `phrasepix.views.columns.MATCHES`; empty what is not
    known."""
    return "".join(
        "\t".join(
            printable(str(field))
            for field in (
                match.rank,
                f"{match.score:.6f}",
                match.candidate,
                address_of(match.candidate, match.candidate.page_url, results.loopback_sources),
                address_of(match.candidate, match.candidate.image_url, results.loopback_sources),
                ", ".join(match.candidate.tags),
                match.candidate.creator,
                ", ".join(str(one) for one in match.siblings),
                f"{match.penalty:.6f}",
                "" if match.stands_out is None else f"{match.stands_out:.3f}",
                match.fit,
                path_shown(match.candidate),
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
