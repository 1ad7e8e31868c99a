"""What a person said of pictures while searching for a project: a line each in its directory, if they want it noted.

It stands beside `credits.json`, and is only ever added to. What `phrasepix adapt` learns from it: `adapting.picks`.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from phrasepix.errors import NotWrittenError
from phrasepix.results import Results
from phrasepix.saving.credits_file import LOCK
from phrasepix.saving.lock import locked
from phrasepix.saving.ranks import ranks_among
from phrasepix_core.candidate import Candidate
from phrasepix_core.files import append_to_own, create, make_folder, read_bounded, reason_of, shown_path

FEEDBACK = "feedback.jsonl"
_LARGEST_BYTES = 32 << 20
_PATIENCE_S = 120.0
_FLAGS = ("right", "no_ai_training")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFeedback:
    """That a picture was `right`, or was not, for a phrase, said `at` a time (ISO 8601).

    `source` is whose `id` it is, `file_url` where it lies if that is on this machine, and `title` what it is called.
    `no_ai_training`: its creator wants no model trained on it.
    """

    source: str
    id: str
    phrase: str
    right: bool
    at: str
    title: str = ""
    file_url: str = ""
    no_ai_training: bool = False

    @property
    def identity(self) -> tuple[str, str]:
        """As `Candidate.identity`."""
        return (self.source, self.id)


def feedback_on(candidate: Candidate, phrase: str, *, right: bool) -> PictureFeedback:
    """Return that a candidate was right for a phrase, or was not, said now."""
    return PictureFeedback(
        source=candidate.identity[0],
        id=candidate.id,
        phrase=phrase,
        right=right,
        at=datetime.now(UTC).isoformat(timespec="microseconds"),
        title=candidate.title,
        file_url=candidate.image_url if candidate.image_url.startswith("file:") else "",
        no_ai_training=candidate.no_ai_training is True,
    )


def feedback_on_ranks(
    results: Results, prefer: str | Sequence[int], avoid: str | Sequence[int]
) -> list[PictureFeedback]:
    """Return that some of the results were right for their phrase and others were not, by their ranks, said now.

    Raises `WrongPickError` for a rank that is none.
    """
    return [
        feedback_on(results[rank - 1].candidate, results.phrase, right=right)
        for ranks, right in ((prefer, True), (avoid, False))
        for rank in ranks_among(ranks, len(results))
    ]


def note_feedback(directory: Path, said: Iterable[PictureFeedback]) -> Path:
    """Add what was said to the directory's file, which is made where it is missing; returns the file.

    Raises `NotWrittenError`.
    """
    place = directory / FEEDBACK
    lines = "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in said)
    try:
        make_folder(directory)
        with locked(directory / LOCK, patience_s=_PATIENCE_S):
            if not place.exists():
                create(place).close()
            with append_to_own(place) as file:
                file.write(lines.encode("utf-8", "replace"))
    except OSError as error:
        raise NotWrittenError(f"cannot write {shown_path(place)}: {reason_of(error)}") from None
    return place


def read_feedback(directory: Path, skip: Callable[[Path, str], None]) -> list[PictureFeedback]:
    """What was said, in the order of its lines; `skip` is told how many of them are damaged, or why none is read."""
    place = directory / FEEDBACK
    try:
        lines = read_bounded(place, _LARGEST_BYTES).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        skip(place, f"cannot be read: {reason_of(error)}")
        return []
    found = [_feedback_in(line) for line in lines if line.strip()]
    kept = [one for one in found if one is not None]
    if damaged := len(found) - len(kept):
        skip(place, f"{damaged} of its {len(found)} lines are damaged and left out")
    return kept


def _feedback_in(line: str) -> PictureFeedback | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    known = {one.name: said[one.name] for one in fields(PictureFeedback) if one.name in said}
    if not all(isinstance(value, bool if name in _FLAGS else str) for name, value in known.items()):
        return None
    try:
        return PictureFeedback(**known)
    except TypeError:  # a field is missing
        return None
