"""`--prefer RANKS --avoid RANKS`: the same pictures in an order nearer to what is meant; and what is noted of that."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter
    from phrasepix.live_results import LiveResults


def check_feedback(prefer: str | None, avoid: str | None, top: int) -> None:
    """Say what is wrong with the options before anything is searched for.

    Raises `WrongPickError`.
    """
    if prefer is None and avoid is None:
        return
    from phrasepix.errors import WrongPickError
    from phrasepix.saving.ranks import ranks_among

    liked, disliked = (() if ranks is None else ranks_among(ranks, top) for ranks in (prefer, avoid))
    if both := set(liked) & set(disliked):
        raise WrongPickError(f"picture {min(both)} is both preferred and to be avoided; decide for one")


def check_note(wanted: bool, prefer: str | None, avoid: str | None, project: Path | None) -> None:
    """Say what is missing for feedback to be noted, before anything is searched for.

    Raises `WrongPickError`.
    """
    from phrasepix.errors import WrongPickError

    if wanted and prefer is None and avoid is None:
        raise WrongPickError("--note-feedback notes what --prefer and --avoid say; give one of them")
    if wanted and project is None:
        raise WrongPickError("--note-feedback notes it in a project; say where with --project DIR or --save DIR")


def note(results: "LiveResults", prefer: str | None, avoid: str | None, project: Path, reporter: "Reporter") -> None:
    """Note in the project which of the results are right and which are not, and say where.

    Raises `NotWrittenError`.
    """
    from phrasepix.saving.feedback_file import feedback_on_ranks, note_feedback
    from phrasepix_core.files import at_home

    said = feedback_on_ranks(results, prefer or (), avoid or ())
    place = note_feedback(at_home(project).absolute(), said)
    reporter.say(f"Noted what was said of {len(said)} pictures:", place)
