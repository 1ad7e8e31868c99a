"""`phrasepix compare`: one picture as the question, asked of several encoders side by side."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from phrasepix.cli.errors import NOTHING_FOUND, explained
from phrasepix.cli.find import CommandOptions
from phrasepix.cli.help_text import CONTEXT_SETTINGS
from phrasepix.cli.output import writing_to_stdout
from phrasepix.cli.parameters import (
    FilteringCommand,
    as_typed,
    filter_parameters,
    filters_of,
    search_parameters,
    values_of_search,
)
from phrasepix.cli.value_types import PathValue
from phrasepix.views.columns import COMPARISONS, header

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter
    from phrasepix.comparing.live_comparison import LiveComparison
    from retriever.filters import Filters

_SEARCH: Final = ("source", "tag", "top", "limit", "offline", "fold", "model", "pretrained", "device", "engine")
"""The options of a search that are typed here too."""


def _compare(
    picture: str,
    by: Sequence[str],
    page: Path | None,
    open_page: bool,
    as_json: bool,
    with_header: bool,
    debug: bool,
    **values: Any,
) -> None:
    """Compare encoders: each is asked which pictures are like yours, and answers in a row of its own.

    A page shows the rows, the key points that agree, and what one encoder finds that no other does.
    """
    with explained(debug=debug):
        from phrasepix.cli.answer import check_output
        from phrasepix.cli.galleries import write_page
        from phrasepix.cli.reporter import Reporter
        from phrasepix.comparing.comparing import Comparing
        from phrasepix.comparing.request import CompareRequest
        from phrasepix.finder import Finder
        from phrasepix.request import SearchRequest

        check_output(as_json=as_json, as_paths=False, gallery=page)
        search = SearchRequest(like=picture, filters=filters_of(values), **values_of_search(_SEARCH, values))
        with Finder() as finder:
            request = CompareRequest.of(search, by or None, finder.config.directory)
            with Reporter() as reporter:
                reporter.expect("asking the sources")
                comparison = Comparing(finder, reporter.show).compare(request)
            _write(comparison, as_json=as_json, with_header=with_header)
            if any(row.matches for row in comparison) or page is not None:
                title = f"compare {comparison.question.title}"
                write_page(comparison.save_page, title, page, open_it=open_page, reporter=reporter, kind="Page")
        _say_if_nothing(comparison, search.wishes, reporter)


def _write(comparison: "LiveComparison", *, as_json: bool, with_header: bool) -> None:
    from phrasepix.comparing.table import comparison_lines, comparison_table
    from phrasepix.views.console import console_of

    with writing_to_stdout():
        if as_json:
            sys.stdout.write(comparison.to_json() + "\n")
        elif (console := console_of(sys.stdout)) is not None:
            console.print(comparison_table(comparison, as_typed))
        else:
            sys.stdout.write((header(COMPARISONS) if with_header else "") + comparison_lines(comparison, as_typed))


def _say_if_nothing(comparison: "LiveComparison", filters: "Filters", reporter: "Reporter") -> None:
    """Leave with the exit code of a search that found nothing, if no encoder has."""
    if any(row.matches for row in comparison):
        return
    from phrasepix.cli.nothing_found import why_nothing

    results = next(row.results for row in comparison if row.results is not None)
    reporter.say(why_nothing(results, filters, unused=False))
    raise click.exceptions.Exit(NOTHING_FOUND)


compare = FilteringCommand(
    "compare",
    callback=_compare,
    help=_compare.__doc__,
    params=[
        click.Argument(["picture"], metavar="FILE_OR_URL"),
        click.Option(
            ["--by"],
            multiple=True,
            metavar="NAMES",
            help="The encoders, with commas between, such as sift,efficientnet-lite0,clip; clip is the model of "
            "--model. `phrasepix encoders` lists them.  [default: those that need no download, and clip]",
        ),
        *search_parameters(_SEARCH),
        *filter_parameters(CommandOptions),
        click.Option(
            ["--page"],
            type=PathValue(dir_okay=False),
            metavar="FILE",
            help="Where to write the page.  [default: in the cache directory]",
        ),
        click.Option(["open_page", "--open"], is_flag=True, help="Open the page in the browser."),
        click.Option(["as_json", "--json"], is_flag=True, help="One JSON object on stdout."),
        click.Option(
            ["with_header", "--header"],
            is_flag=True,
            help=f"In a pipe, name the columns first: {', '.join(COMPARISONS)} (tab-separated).",
        ),
        click.Option(["--debug"], is_flag=True, help="Show tracebacks."),
    ],
    context_settings=CONTEXT_SETTINGS,
)
