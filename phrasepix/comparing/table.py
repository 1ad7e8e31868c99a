"""A comparison on a terminal and in a pipe."""

from typing import TYPE_CHECKING

from phrasepix.comparing.comparison import Comparison, EncoderRow, is_found
from phrasepix.views.amounts import bytes_in_words, ms_in_words
from phrasepix.views.links import address_of, path_shown
from phrasepix.views.terminal import number, short_name
from phrasepix_core.messages import Words, worded
from phrasepix_core.text import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Group, RenderableType
    from rich.text import Text

    from phrasepix.live_results import LiveMatch


def comparison_table(comparison: Comparison, words: Words = str) -> "Group":
    """Return a table an encoder below the question, what it alone has found marked; `words` are for its hints."""
    from rich.console import Group
    from rich.text import Text

    from phrasepix.views.cells import without_controls

    parts: list[RenderableType] = [
        Text(without_controls(f"like “{shortened(comparison.question.title, 300)}”"), "bold")
    ]
    for row in comparison:
        parts += _row(comparison, row, words)
    return Group(*parts)


def _row(comparison: Comparison, row: EncoderRow, words: Words) -> "Iterator[RenderableType]":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from phrasepix.views.cells import without_controls

    yield Text.assemble(
        "\n",
        (without_controls(row.name), "bold"),
        (without_controls(f"  {row.title}") if row.title != row.name else ""),
    )
    if facts := facts_in_words(row):
        yield Text(" · ".join(facts), "dim")
    if row.problem:
        yield Text(without_controls(f"failed: {worded(row.problem, words)}"), "red")
    elif not row.matches:
        yield Text("found nothing", "yellow")
    else:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False, padding=(0, 1))
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(no_wrap=True)
        for match in row.matches:
            table.add_row(str(match.rank), number(match.score), _picture(match), _where(comparison, match))
        yield table


def facts_in_words(row: EncoderRow) -> list[str]:
    """Return what a row took: time and bytes a picture, and the whole search."""
    ms, size, seconds = row.ms_per_picture, row.bytes_per_picture, row.seconds
    return [
        *([] if ms is None else [f"{ms_in_words(ms)} a picture"]),
        *([] if size is None else [f"{bytes_in_words(size)} a picture"]),
        *([] if seconds is None else [f"this search {ms_in_words(1000 * seconds)}"]),
    ]


def _picture(match: "LiveMatch") -> "Text":
    from rich.text import Text

    from phrasepix.views.cells import without_controls

    points = "" if match.agreement is None else f"  {len(match.agreement.points)} points"
    return Text.assemble(without_controls(short_name(match.candidate)), (points, "dim"))


def _where(comparison: Comparison, match: "LiveMatch") -> "Text":
    from rich.text import Text

    if not is_found(match):
        return Text("does not agree", "dim")
    if comparison.is_only_here(match):
        return Text("only here", "green")
    return Text(f"{comparison.rows_with(match)} of {comparison.answered}" if comparison.answered > 1 else "", "dim")


def comparison_lines(comparison: Comparison, words: Words = str) -> str:
    """The matches of all rows as tab-separated lines, in the columns of `phrasepix.views.columns.COMPARISONS`."""
    return "".join(
        "\t".join(printable(str(field)) for field in fields) + "\n"
        for row in comparison
        for fields in _fields(comparison, row, words)
    )


def _fields(comparison: Comparison, row: EncoderRow, words: Words) -> "Iterator[tuple[object, ...]]":
    facts = tuple("" if one is None else f"{one:.6g}" for one in (row.ms_per_picture, row.bytes_per_picture))
    if row.results is None:
        yield (row.name, *[""] * 7, *facts, worded(row.problem, words))
    for match in row.matches:
        candidate = match.candidate
        loopback = () if row.results is None else row.results.loopback_sources
        yield (
            row.name,
            match.rank,
            f"{match.score:.6f}",
            candidate,
            address_of(candidate, candidate.page_url, loopback),
            path_shown(candidate),
            "" if match.agreement is None else len(match.agreement.points),
            comparison.rows_with(match),
            *facts,
            "",
        )
