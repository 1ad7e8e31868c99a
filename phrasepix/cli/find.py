"""`phrasepix PHRASE --tag TAG`: the main job on the command line."""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from phrasepix.cli.faults import FAILED, NOTHING_FOUND, explained
from phrasepix.columns import MATCHES

if TYPE_CHECKING:
    from phrasepix.cli.screen import Screen
    from phrasepix.results import Results
    from phrasepix.search import SearchProgress

_SEARCH, _FILTERS, _MODEL, _OUTPUT = "The search", "Which candidates", "The model", "What comes out"
_SAVING = "Saving"


def _version(wanted: bool) -> None:
    if wanted:
        from phrasepix import __version__

        typer.echo(f"phrasepix {__version__}")
        raise typer.Exit


def find(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHRASE",
            help="The sentence the picture should show; may be left out with --like.",
            show_default=False,
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            "-t",
            metavar="TAG",
            help="The coarse tag, or several with commas between; may be repeated. Without one, tags are found in the "
            "phrase.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE_OR_URL",
            help="A picture that what is looked for should resemble, alone or beside the phrase; may be repeated.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    minus: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="What should not be there, such as people; may be repeated.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    prefer: Annotated[
        str | None,
        typer.Option(
            metavar="RANKS",
            help="Which matches of this same search are right, such as 1,4: others like them move up.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    avoid: Annotated[
        str | None,
        typer.Option(
            metavar="RANKS",
            help="Which are not: others like them move down.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("-n", "--top", metavar="N", min=1, help="How many to show.", rich_help_panel=_SEARCH)
    ] = 10,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="How many candidates of each source to look at for each tag (without one: in all): 200 unless said, "
            "all of a folder.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    requests: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="How many requests to send to each source for tags found in the phrase.",
            rich_help_panel=_SEARCH,
        ),
    ] = 4,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            "-s",
            metavar="NAME",
            help="Where to look: a name that phrasepix sources lists, or a folder; may be repeated. By default "
            "pixabay, without a key for it openverse and commons.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    media_type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="photo, illustration, vector, all (of these) or video.",
            rich_help_panel=_FILTERS,
        ),
    ] = "photo",
    orientation: Annotated[
        str, typer.Option(metavar="WAY", help="horizontal, vertical, square or all.", rich_help_panel=_FILTERS)
    ] = "all",
    aspect: Annotated[
        str | None,
        typer.Option(
            metavar="W:H", help="Width to height, such as 16:9 or 1.78, within 3 %.", rich_help_panel=_FILTERS
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="XX",
            help="The tag's language, two letters; by default that of the phrase the tags are found in, of a given tag "
            "English.",
            show_default=False,
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One of Pixabay's categories, such as animals.", rich_help_panel=_FILTERS),
    ] = None,
    colour: Annotated[
        list[str] | None,
        typer.Option(
            "--colour",
            "--color",
            metavar="NAME",
            help="A dominant colour, such as red or grayscale; may be repeated.",
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    min_width: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, show_default=False, help="Pixels of the original, at least.", rich_help_panel=_FILTERS
        ),
    ] = 0,
    min_height: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, show_default=False, help="Pixels of the original, at least.", rich_help_panel=_FILTERS
        ),
    ] = 0,
    licence: Annotated[
        list[str] | None,
        typer.Option(
            "--licence",
            "--license",
            metavar="USE",
            help="A use that must be allowed: commercial or modification; may be repeated.",
            show_default="any",
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    year: Annotated[
        str | None,
        typer.Option(metavar="YYYY", help="Taken (if not known: uploaded) in that year.", rich_help_panel=_FILTERS),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Not before 2024-05-01, 2024-05 or 2024.", rich_help_panel=_FILTERS),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Not after that day, month or year.", rich_help_panel=_FILTERS),
    ] = None,
    creator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what that creator made.", rich_help_panel=_FILTERS)
    ] = None,
    no_ai: Annotated[
        bool, typer.Option("--no-ai", help="Nothing that is marked as AI-generated.", rich_help_panel=_FILTERS)
    ] = False,
    editors_choice: Annotated[
        bool, typer.Option("--editors-choice", help="Only the editors' choice.", rich_help_panel=_FILTERS)
    ] = False,
    safe_search: Annotated[
        bool,
        typer.Option("--safe-search/--no-safe-search", help="Only what is fit for all ages.", rich_help_panel=_FILTERS),
    ] = True,
    order: Annotated[
        str, typer.Option(metavar="ORDER", help="popular or latest.", rich_help_panel=_FILTERS)
    ] = "popular",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="multilingual, best, clip-multilingual-v1, an open_clip model, hf-hub:…, local-dir:…, TEXT+MODEL or "
            "sample; by default ViT-B-32 (English), for the sample its own.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    pretrained: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="The weights' tag, for an open_clip model.", rich_help_panel=_MODEL),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda or mps.", rich_help_panel=_MODEL)
    ] = "auto",
    engine: Annotated[
        str,
        typer.Option(
            metavar="ENGINE",
            help="auto, torch, or openvino (the default on a CPU).",
            rich_help_panel=_MODEL,
        ),
    ] = "auto",
    refine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A second, heavier model that ranks the best again; an open_clip one with its tag as NAME/TAG.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    refine_top: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the best it ranks.", rich_help_panel=_MODEL)
    ] = 30,
    rank: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help="cosine, or normalised: less what makes a picture near every text.",
            rich_help_panel=_SEARCH,
        ),
    ] = "cosine",
    words_weight: Annotated[
        float,
        typer.Option(
            "--words",
            metavar="0…1",
            help="How much the source's tags and title for a picture count: from 0, not at all, to 1.",
            rich_help_panel=_SEARCH,
        ),
    ] = 0.0,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline", help="Send nothing to anybody; answer from what is remembered.", rich_help_panel=_SEARCH
        ),
    ] = False,
    fold: Annotated[
        bool,
        typer.Option(
            "--fold/--no-fold", help="Show the same picture once, with its likes listed.", rich_help_panel=_OUTPUT
        ),
    ] = True,
    diverse: Annotated[
        float,
        typer.Option(
            metavar="0…1",
            help="Spread the best: from 0, the plain order, to 1, as different as can be.",
            rich_help_panel=_OUTPUT,
        ),
    ] = 0.0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how each match shows each part.", rich_help_panel=_OUTPUT)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout.", rich_help_panel=_OUTPUT)
    ] = False,
    as_paths: Annotated[
        bool,
        typer.Option(
            "--paths",
            help="The files of a folder's matches, one absolute path a line; with --save DIR those that are saved.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    null: Annotated[
        bool,
        typer.Option(
            "--null", "-0", help="The same with a NUL behind each path, for xargs -0.", rich_help_panel=_OUTPUT
        ),
    ] = False,
    with_header: Annotated[
        bool,
        typer.Option(
            "--header",
            help=f"In a pipe, where lines are tab-separated, name the columns first: {', '.join(MATCHES)}.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write the gallery page; by default in the cache directory.",
            show_default=False,
            dir_okay=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    open_gallery: Annotated[
        bool, typer.Option("--open", help="Open the gallery in the browser.", rich_help_panel=_OUTPUT)
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save the pictures there, with their credit; twenty at most. Implies --project DIR.",
            show_default=False,
            file_okay=False,
            rich_help_panel=_SAVING,
        ),
    ] = None,
    pick: Annotated[
        str | None,
        typer.Option(
            metavar="RANKS",
            help="Which to save, such as 1,3 or 2-4; all without it.",
            show_default=False,
            rich_help_panel=_SAVING,
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Mark what was saved there before.",
            show_default=False,
            file_okay=False,
            rich_help_panel=_SAVING,
        ),
    ] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="Leave out what was saved there before.", rich_help_panel=_SAVING)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=_OUTPUT)] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Find the picture a sentence describes.

    Asks stock sites or your own folders for candidates by a coarse TAG; those that show the PHRASE best come first.
    """
    project = project or save
    with explained(debug=debug):
        from phrasepix.cli.answer import check_output, write, write_paths
        from phrasepix.cli.feedback import check_feedback, refined
        from phrasepix.cli.save import check_wish, save_picked
        from phrasepix.cli.screen import Screen

        check_wish(save, pick, top, project, unused)
        check_output(as_json=as_json, as_paths=as_paths or null, gallery=gallery)
        check_feedback(prefer, avoid, top)
        phrase = " ".join(words) if words else None  # the quotes are easily forgotten, and what was meant is plain

        with Screen() as screen, _encoded_ahead(phrase, source or (), model, pretrained, device, engine):
            if save is None and project is not None and not (project / "credits.json").exists():
                screen.say(f"Nothing was saved in {project} before; what is used there is not known.")
            from phrasepix.cli.filters import filters_of_options

            filters = filters_of_options(
                media_type=media_type,
                orientation=orientation,
                aspect=aspect,
                min_width=min_width,
                min_height=min_height,
                colours=colour or (),
                licences=licence or (),
                year=year,
                since=since,
                until=until,
                no_ai=no_ai,
                safe_search=safe_search,
                creator=creator,
                language=language,
                category=category,
                editors_choice=editors_choice,
                order=order,
            )
            from phrasepix.search import find_images

            results = find_images(
                phrase,
                like=like,
                minus=minus,
                tag=tag or (),
                top=top,
                limit=limit,
                requests=requests,
                source=source or None,
                filters=filters,
                model=model,
                pretrained=pretrained,
                device=device,
                engine=engine,
                offline=offline,
                project=project,
                unused=unused,
                fold=fold,
                diverse=diverse,
                explain=explain,
                refine=refine,
                refine_top=refine_top,
                rank=rank,
                words=words_weight,
                on_progress=lambda progress: _show(progress, screen),
            )
            results = refined(results, prefer, avoid, screen.show)
        _say_what_was_asked(results, screen)
        if not (as_paths or null):
            write(results, as_json=as_json, with_header=with_header)
        elif save is None:
            write_paths(results, null=null, screen=screen)
        from phrasepix.cli.nothing_found import none_could_be_had, why_nothing

        # How many were skipped is said once: here, or by what is said where nothing is left.
        _say_what_was_skipped(results, screen, counted=not none_could_be_had(results, filters, unused=unused))
        if results.fits_well is False:
            screen.say("Nothing here fits well: no picture stands out for this phrase. These are the nearest.")
        if results or gallery is not None:
            _write_gallery(results, gallery, open_gallery, screen)
        if not results:
            screen.say(why_nothing(results, filters, unused=unused))
            raise typer.Exit(NOTHING_FOUND)
        if save is not None and not save_picked(results, save, pick, as_paths=as_paths or null, null=null):
            raise typer.Exit(FAILED)


def _encoded_ahead(
    phrase: str | None,
    sources: Collection[str],
    model: str | None,
    pretrained: str | None,
    device: str,
    engine: str,
) -> AbstractContextManager[None]:
    if phrase is None or not phrase.strip():
        return nullcontext()
    from phrasepix.cli.encoded_ahead import encoded_ahead

    return encoded_ahead(phrase, model, pretrained, device=device, engine=engine, sources=sources)


def _show(progress: "SearchProgress", screen: "Screen") -> None:
    screen.show(progress)
    if progress.step.startswith("loading the model"):
        # What shows the results is made ready while the search waits for its model.
        Thread(target=_prepare_gallery, daemon=True).start()


def _prepare_gallery() -> None:
    from phrasepix.gallery.render import prepare

    prepare()


def _say_what_was_asked(results: "Results", screen: "Screen") -> None:
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
            screen.say(f"Asked {origin.title}: {', '.join(told)}")


def _say_what_was_skipped(results: "Results", screen: "Screen", *, counted: bool, shown: int = 5) -> None:
    if not results.skipped:
        return
    screen.say(f"{len(results.skipped)} skipped:" if counted else "Skipped:")
    for one in results.skipped[:shown]:
        screen.say(f"  {one.source}:{one.id}: {one.reason}")
    if len(results.skipped) > shown:
        screen.say(f"  … and {len(results.skipped) - shown} more (--json lists them all)")


def _write_gallery(results: "Results", path: Path | None, open_it: bool, screen: "Screen") -> None:
    from phrasepix.cli.galleries import place_for_gallery
    from phrasepix.errors import NotWrittenError

    place = None
    try:
        place = path or place_for_gallery(results.phrase)
        written = results.save_gallery(place)
    except NotWrittenError as error:
        if path is not None:
            raise
        if place is not None:
            place.unlink(missing_ok=True)  # empty as it was begun
        screen.say(f"No gallery: {error}")
        return
    screen.say("Gallery:", written)
    if open_it and typer.launch(written.as_uri()) != 0:
        screen.say("No browser could be opened; open the file above in one.")
