"""`phrasepix PHRASE --tag TAG`: the main job on the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from phrasepix.cli.encoded_ahead import EncodedAhead
from phrasepix.cli.errors import FAILED, NOTHING_FOUND, explained
from phrasepix.cli.help_text import CONTEXT_SETTINGS
from phrasepix.cli.parameters import GroupedCommand, GroupedOption, parameters, request_of
from phrasepix.request import OUTPUT, SAVING, SEARCH, SearchRequest
from phrasepix.views.columns import MATCHES
from phrasepix_core.options import option
from retriever.filters import CANDIDATES

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter
    from phrasepix.events import Event
    from phrasepix.live_results import LiveResults
    from phrasepix.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions:
    """What the command line has besides the options of a search."""

    prefer: str | None = field(
        default=None,
        metadata=option(
            "Which matches of this same search are right, such as 1,4: others like them move up.",
            SEARCH,
            metavar="RANKS",
        ),
    )
    avoid: str | None = field(
        default=None, metadata=option("Which are not: others like them move down.", SEARCH, metavar="RANKS")
    )
    note_feedback: bool = field(
        default=False,
        metadata=option(
            "Note in the project's feedback.jsonl what {prefer} and {avoid} say, for `phrasepix adapt --from-picks`.",
            SAVING,
            kind=bool,
        ),
    )
    year: str | None = field(
        default=None,
        metadata=option("Taken (if not known: uploaded) in that year.", CANDIDATES, metavar="YYYY"),
    )
    as_json: bool = field(default=False, metadata=option("One JSON object on stdout.", OUTPUT, "--json", kind=bool))
    as_paths: bool = field(
        default=False,
        metadata=option(
            "The files of a folder's matches, one absolute path a line; with {save} those that are saved.",
            OUTPUT,
            "--paths",
            kind=bool,
        ),
    )
    null: bool = field(
        default=False,
        metadata=option("The same with a NUL behind each path, for xargs -0.", OUTPUT, "--null", "-0", kind=bool),
    )
    with_header: bool = field(
        default=False,
        metadata=option(
            f"In a pipe, where lines are tab-separated, name the columns first: {', '.join(MATCHES)}.",
            OUTPUT,
            "--header",
            kind=bool,
        ),
    )
    gallery: Path | None = field(
        default=None,
        metadata=option(
            "Where to write the gallery page.",
            OUTPUT,
            kind=Path,
            metavar="FILE",
            shown_default="in the cache directory",
        ),
    )
    open_gallery: bool = field(
        default=False, metadata=option("Open the gallery in the browser.", OUTPUT, "--open", kind=bool)
    )
    save: Path | None = field(
        default=None,
        metadata=option(
            "Save the pictures there, with their credit; twenty at most. Implies {project} DIR.",
            SAVING,
            kind=Path,
            metavar="DIR",
        ),
    )
    pick: str | None = field(
        default=None,
        metadata=option("Which to save, such as 1,3 or 2-4; all without it.", SAVING, metavar="RANKS"),
    )
    debug: bool = field(default=False, metadata=option("Show tracebacks.", "Other options", kind=bool))

    @property
    def wants_paths(self) -> bool:
        """Whether stdout gets paths."""
        return self.as_paths or self.null


_OWN = frozenset(CommandOptions.__slots__)


def _version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from phrasepix import __version__

        click.echo(f"phrasepix {__version__}")
        context.exit()


def find(phrase_words: tuple[str, ...] = (), **values: Any) -> None:
    """Find the picture a sentence describes.

    Asks stock sites or your own folders for candidates by a coarse TAG; those that show the PHRASE best come first.
    """
    own = CommandOptions(**{name: value for name, value in values.items() if name in _OWN})
    values["project"] = values["project"] or own.save
    with explained(debug=own.debug), _encoded_ahead(phrase_words, values) as ahead:
        from phrasepix.cli.answer import check_output
        from phrasepix.cli.feedback import check_feedback, check_note, note
        from phrasepix.cli.reporter import Reporter
        from phrasepix.cli.save import check_wish
        from phrasepix.finder import Finder

        check_wish(own.save, own.pick, values["top"], values["project"], values["unused"])
        check_output(as_json=own.as_json, as_paths=own.wants_paths, gallery=own.gallery)
        check_feedback(own.prefer, own.avoid, values["top"])
        check_note(own.note_feedback, own.prefer, own.avoid, values["project"])
        with Finder() as finder:
            with Reporter() as reporter:
                ahead.hand_to(finder)
                request = _requested(phrase_words, values, own, reporter)
                reporter.expect("asking the sources")
                results = finder.search(request, on_event=lambda event: _show(event, reporter))
                if results and (own.prefer is not None or own.avoid is not None):
                    before, results = (
                        results,
                        finder.refine(results, own.prefer or (), own.avoid or (), on_event=reporter.show),
                    )
                    if own.note_feedback:
                        note(before, own.prefer, own.avoid, values["project"], reporter)
            _write(results, request, own, reporter)


def _encoded_ahead(words: tuple[str, ...], values: Mapping[str, Any]) -> EncodedAhead:
    return EncodedAhead(
        " ".join(words),
        values["model"],
        values["pretrained"],
        device=values["device"],
        engine=values["engine"],
        sources=values["source"],
    )


def _requested(
    words: tuple[str, ...], values: Mapping[str, Any], own: CommandOptions, reporter: "Reporter"
) -> SearchRequest:
    """Return what was asked for, and say what is odd about it."""
    from phrasepix_core.files import at_home, is_there

    request = request_of(words, values)
    project = values["project"]
    if own.save is None and project is not None and not is_there(at_home(project) / "credits.json"):
        reporter.say(f"Nothing was saved in {project} before; what is used there is not known.")
    return request


def _write(results: "LiveResults", request: SearchRequest, own: CommandOptions, reporter: "Reporter") -> None:
    """Write the results to stdout, page and pictures to files, and what is to be said of them to stderr."""
    from phrasepix.cli.answer import write, write_paths
    from phrasepix.cli.galleries import write_page
    from phrasepix.cli.nothing_found import none_could_be_had, why_nothing

    _say_what_was_asked(results, reporter)
    if not own.wants_paths:
        write(results, as_json=own.as_json, with_header=own.with_header)
    elif own.save is None:
        write_paths(results, null=own.null, reporter=reporter)
    # How many were skipped is said once: here, or by what is said where nothing is left.
    _say_what_was_skipped(
        results, reporter, counted=not none_could_be_had(results, request.wishes, unused=request.unused)
    )
    if results.fits_well is False:
        reporter.say("Nothing here fits well: no picture stands out for this phrase. These are the nearest.")
    if results or own.gallery is not None:
        write_page(
            results.save_gallery,
            results.phrase,
            own.gallery,
            open_it=own.open_gallery,
            reporter=reporter,
            kind="Gallery",
        )
    if not results:
        reporter.say(why_nothing(results, request.wishes, unused=request.unused))
        raise click.exceptions.Exit(NOTHING_FOUND)
    if own.save is not None:
        from phrasepix.cli.save import save_picked

        if not save_picked(results, own.save, own.pick, as_paths=own.wants_paths, null=own.null):
            raise click.exceptions.Exit(FAILED)


def _show(event: "Event", reporter: "Reporter") -> None:
    reporter.show(event)
    from phrasepix.events import SearchProgress, Stage

    if isinstance(event, SearchProgress) and event.stage is Stage.LOADING_MODEL:
        # What shows the results is made ready while the search waits for its model.
        Thread(target=_prepare_gallery, daemon=True).start()


def _prepare_gallery() -> None:
    from phrasepix.views.gallery.render import prepare

    prepare()


def _say_what_was_asked(results: "Results", reporter: "Reporter") -> None:
    """A line for each source, where there is more to say than the one tag that was given."""
    if len(results.tags) < 2 and not any(one.problem for one in results.asked):
        return
    for origin in {origin.name: origin for origin in results.origins}.values():
        asked = [one for one in results.asked if one.source == origin.name]
        told = [
            f"{one.tag} ({one.problem or (f'{one.brought} new' if number and one.brought else one.brought)})"
            for number, one in enumerate(asked)
        ]
        if told:
            reporter.say(f"Asked {origin.title}: {', '.join(told)}")


def _say_what_was_skipped(results: "Results", reporter: "Reporter", *, counted: bool, shown: int = 5) -> None:
    if not results.skipped:
        return
    reporter.say(f"{len(results.skipped)} skipped:" if counted else "Skipped:")
    for one in results.skipped[:shown]:
        reporter.say(f"  {one.source}:{one.id}: {one.reason}")
    if len(results.skipped) > shown:
        reporter.say(f"  … and {len(results.skipped) - shown} more (--json lists them all)")


_EXAMPLES = (
    'phrasepix "a tiger in the snow" --tag tiger --open',
    'phrasepix "an old boat" --source ~/Pictures',
    'phrasepix "a lighthouse in a storm" --tag lighthouse --save my-book --pick 1,3',
    'phrasepix "a street in the rain" --minus people',
    "phrasepix --like photo.jpg --tag tiger",
    "phrasepix --like photo.jpg --source ~/Pictures --by sift",
    'phrasepix "two red boats at night in the rain" --tag boat --source sample',
)
_OTHERS = {
    "phrasepix serve": "A page to search with, and an API, on this machine.",
    "phrasepix library": "Your own pictures as a table, kept in step with folders; SQL over it.",
    "phrasepix compare": "One picture as the question, asked of several encoders side by side.",
    "phrasepix teach": "Names of your own, such as a friend's: each stands for what some pictures share.",
    "phrasepix adapt": "An encoder adapted to pictures of your own, sorted into folders.",
    "phrasepix sources": "Where pictures can come from, and what each source needs.",
    "phrasepix encoders": "What pictures can be compared by, and what each needs.",
    "phrasepix cache": "What is kept on this machine; `phrasepix cache clear` removes it.",
    "phrasepix mcp": "Tools for assistants, on stdin and stdout.",
}

COMMAND = GroupedCommand(
    "phrasepix",
    examples=_EXAMPLES,
    others=_OTHERS,
    callback=find,
    params=[
        *parameters(CommandOptions),
        GroupedOption(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
        ),
    ],
    help=find.__doc__,
    context_settings=CONTEXT_SETTINGS,
)
