"""Pictures labelled by what became of them in projects: picked, or avoided."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phrasepix.adapting.forbidden import why_entry_forbidden, why_forbidden
from phrasepix.adapting.labelled_folder import LabelledPicture, Skip
from phrasepix.saving.entries import CREDITS, DamagedCreditsError, Entry, identity_of, read_entries
from phrasepix.saving.feedback_file import FEEDBACK, PictureFeedback, read_feedback
from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.files import reason_of
from retriever.errors import WrongParameterError
from retriever.folder.as_candidate import candidate_of
from retriever.folder.contents_reader import ContentsReader
from retriever.folder.file_index import FileIndex
from retriever.folder.names import shown
from retriever.folder.raw import readable
from retriever.folder.walk import places

PICKED, AVOIDED = "picked", "avoided"
Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said last of one picture for one phrase, and the picture."""

    at: str
    label: str
    candidate: Candidate
    forbidden: str
    """Why it may teach no model; empty if it may."""


def picked_pictures(projects: Sequence[Path], notes: FileIndex, skip: Skip) -> list[LabelledPicture]:
    """The pictures that were saved or preferred in the projects, and those that were to be avoided; each once.

    For one phrase the last word counts. A picture that was right for one phrase and wrong for another says nothing of
    what is liked, and is left out; so is one that no model may be trained on, by its source's terms or its creator's
    wish. Raises `WrongParameterError` where a project is none, or cannot be read.
    """
    said: dict[Identity, dict[str, _Said]] = {}
    for project in projects:
        for identity, phrase, one in _all_said(project, notes, skip):
            before = said.setdefault(identity, {}).get(phrase)
            if before is None or before.at <= one.at:
                said[identity][phrase] = one
    found, several = [], []
    forbidden: dict[str, list[Candidate]] = {}
    for by_phrase in said.values():
        labels = {one.label for one in by_phrase.values()}
        last = max(by_phrase.values(), key=lambda one: one.at)
        if why := next((one.forbidden for one in by_phrase.values() if one.forbidden), ""):
            forbidden.setdefault(why, []).append(last.candidate)
        elif len(labels) > 1:
            several.append(last.candidate)
        else:
            found.append(LabelledPicture(last.label, last.candidate))
    for why, left_out in forbidden.items():
        names = ", ".join(_called(one) for one in left_out[:3])
        many = "a picture is" if len(left_out) == 1 else f"{len(left_out)} pictures are"
        skip(projects[0], f"{many} left out, such as {names}; {why}")
    if several:
        names = ", ".join(_called(one) for one in several[:3])
        skip(projects[0], f"{len(several)} pictures were right for one phrase and wrong for another, and are left out, "
             f"such as {names}")  # fmt: skip
    return found


def _all_said(project: Path, notes: FileIndex, skip: Skip) -> list[tuple[Identity, str, _Said]]:
    try:
        entries = read_entries(project)
    except (DamagedCreditsError, OSError) as error:
        raise WrongParameterError(f"{shown(str(project / CREDITS))} cannot be read: {reason_of(error)}") from None
    feedback = read_feedback(project, skip)
    if not entries and not feedback:
        raise WrongParameterError(
            f"{shown(str(project))} is no project: it has neither {CREDITS} nor {FEEDBACK}; save pictures there, or "
            "note there which are right"
        )
    files = _files(project, entries, notes, skip)
    saved = [
        (
            identity_of(entry),
            str(entry.get("phrase", "")),
            _Said(
                _when(entry),
                PICKED,
                files[entry["file"]],
                why_entry_forbidden(entry),
            ),
        )
        for entry in entries
        if entry["file"] in files
    ]
    noted = [
        (
            one.identity,
            one.phrase,
            _Said(
                one.at,
                PICKED if one.right else AVOIDED,
                _candidate(one),
                why_forbidden(one.source.partition(" at ")[0], is_unwanted=one.no_ai_training),
            ),
        )
        for one in feedback
    ]
    return [*noted, *saved]  # of what was said at the same time, that with a file counts


def _files(project: Path, entries: Sequence[Entry], notes: FileIndex, skip: Skip) -> dict[str, Candidate]:
    """The candidates of saved files that are there, by their names."""
    wanted = {entry["file"] for entry in entries}
    found = {}
    with ContentsReader(notes, skip) as reading:
        for entry in readable(places(project, skip), skip):
            name = entry.path.name
            if entry.path.parent != project or name not in wanted or (contents := reading.contents(entry)) is None:
                continue
            if contents.facts is None:
                skip(entry.path, contents.problem)
            else:
                found[name] = candidate_of(contents, contents.facts, [entry.path], "", below=project)
    return found


def _when(entry: Entry) -> str:
    return str(entry.get("retrieved_at", ""))


def _candidate(said: PictureFeedback) -> Candidate:
    """What was said something of: known by its identity, and read again only where it lies on this machine."""
    return Candidate(
        source=said.source,
        id=said.id,
        page_url="",
        renditions=(Rendition(said.file_url, 0, 0),),
        width=0,
        height=0,
        media_type="photo",
        tags=(),
        creator="",
        creator_url="",
        licence="",
        licence_url="",
        credit="",
        found_by="",
        title=said.title,
    )


def _called(candidate: Candidate) -> str:
    return shown(candidate.relative_path or candidate.title or str(candidate))
