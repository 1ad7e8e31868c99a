"""`--save DIR --pick RANKS`: what is saved, and what became of it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phrasepix.live_results import LiveResults
    from phrasepix.saving.save import SaveProgress


def check_wish(save: Path | None, pick: str | None, top: int, project: Path | None, unused: bool) -> None:
    """Say what is wrong with the options before anything is searched for.

    Raises `WrongPickError`, and `NotWrittenError` if nothing can be saved where it is wanted.
    """
    from phrasepix.errors import WrongPickError

    if pick is not None and save is None:
        raise WrongPickError("--pick says which pictures are saved; say where with --save DIR")
    if unused and project is None:
        raise WrongPickError("--unused leaves out what was saved before; say where with --project DIR or --save DIR")
    if save is not None:
        from phrasepix.saving.ranks import parse_ranks

        parse_ranks(pick, top)
        _check_directory(save)


def _check_directory(directory: Path) -> None:
    """Raise `NotWrittenError` if pictures cannot be saved there: before sources are asked, and weights loaded."""
    from phrasepix.errors import NotWrittenError
    from phrasepix_core.files import at_home, is_folder, reason_of, shown_path

    place = at_home(directory).absolute()
    why = ""
    for there in (place, *place.parents):
        try:
            there.stat()
        except FileNotFoundError:
            continue  # it is made when there is something to save
        except (OSError, ValueError) as error:
            why = reason_of(error)
        else:
            if not is_folder(there):
                why = f"{shown_path(there)} is a file"
            elif not os.access(there, os.W_OK | os.X_OK):
                why = f"the folder {shown_path(there)} cannot be written to"
        break
    if why:
        raise NotWrittenError(f"cannot write to {shown_path(place)}: {why}")


def save_picked(results: "LiveResults", directory: Path, pick: str | None, *, as_paths: bool, null: bool) -> bool:
    """Save the matches picked and say so on stderr; whether all could be saved. Their paths may be wanted on stdout."""
    from phrasepix.cli.reporter import Reporter
    from phrasepix.events import SearchProgress, Stage

    with Reporter() as reporter:

        def show(progress: "SaveProgress") -> None:
            of = "" if progress.bytes_total is None else f" of {progress.bytes_total / 1e6:.1f}"
            size = f", {progress.bytes_done / 1e6:.1f}{of} MB" if progress.bytes_done else ""
            reporter.show(
                SearchProgress(f"saving {progress.picture}{size}", progress.done, progress.total, stage=Stage.SAVING)
            )

        saved = results.save(directory, pick, on_progress=show)
    for one in saved.pictures:
        note = f" (its credit stands beside it only: {one.without_credit_inside})" if one.without_credit_inside else ""
        reporter.say(f"{'Saved' if one.is_new else 'Saved before'}: {one.path}{note}")
    for failed in saved.failed:
        reporter.say(f"Not saved: {failed.match.candidate}: {failed.reason}")
    if saved.pictures:
        reporter.say("Credits:", saved.directory / "CREDITS.md")
    if as_paths:
        from phrasepix.cli.answer import put_paths

        put_paths((one.path for one in saved.pictures), null=null)
    return not saved.failed
