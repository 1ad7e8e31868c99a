"""Pictures labelled by the folders that they lie in."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from phrasepix.adapting.forbidden import forbidden_in
from phrasepix_core.candidate import Candidate
from retriever.errors import WrongParameterError
from retriever.folder.as_candidate import candidate_of
from retriever.folder.contents_reader import ContentsReader
from retriever.folder.file_index import FileIndex
from retriever.folder.names import shown
from retriever.folder.raw import readable
from retriever.folder.walk import places

Skip = Callable[[Path, str], None]
"""Is told of a file or folder that is left out, and why."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and the label of the folder it lies in."""

    label: str
    candidate: Candidate


def labelled_pictures(folder: Path, notes: FileIndex, skip: Skip) -> list[LabelledPicture]:
    """The pictures below the folders in `folder`, whose names are the labels; each content once.

    What lies in `folder` itself has no label and is left out, as are contents that lie under two labels: one of them
    must be wrong, and what phrasepix saved there of which no model may be trained. `notes` has what was read of files
    before. Raises `WrongParameterError` where `folder` is no folder
    that can be read, or holds none.
    """
    labels = _labels(folder)
    found: dict[str, list[tuple[str, Path, Candidate]]] = {}
    forbidden_below: dict[Path, dict[str, str]] = {}
    with ContentsReader(notes, skip) as reading:
        for label in labels:
            for entry in readable(places(label, skip), skip):
                there = entry.path.parent
                if there not in forbidden_below:
                    forbidden_below[there] = forbidden_in(there)
                if why := forbidden_below[there].get(entry.path.name):
                    skip(entry.path, f"left out; {why}")
                    continue
                if (contents := reading.contents(entry)) is None:
                    continue
                if contents.facts is None:
                    skip(entry.path, contents.problem)
                    continue
                candidate = candidate_of(contents, contents.facts, [entry.path], "", below=folder)
                found.setdefault(contents.digest, []).append((shown(label.name), entry.path, candidate))
    _say_unlabelled(folder, skip)
    return [LabelledPicture(same[0][0], same[0][2]) for same in _of_one_label(found, skip)]


def _labels(folder: Path) -> list[Path]:
    try:
        labels = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WrongParameterError(f"the folder {shown(str(folder))} cannot be read: {reason}") from None
    if not labels:
        raise WrongParameterError(
            f"{shown(str(folder))} has no folders; sort pictures into some, whose names are what to tell apart"
        )
    return labels


def _say_unlabelled(folder: Path, skip: Skip) -> None:
    below = places(folder, lambda path, reason: None)  # what lies in the folder itself comes first
    if loose := [one.path for one in takewhile(lambda one: one.path.parent == folder, below)]:
        skip(loose[0], f"left out, for it lies in no folder with a label, as do {len(loose) - 1} others")


def _of_one_label(
    found: dict[str, list[tuple[str, Path, Candidate]]], skip: Skip
) -> Iterator[list[tuple[str, Path, Candidate]]]:
    """The contents that lie under one label only; `skip` is told of the others."""
    several = []
    for same in found.values():
        if len(Counter(label for label, _, _ in same)) > 1:
            several.append(same)
        else:
            yield same
    for same in several:
        first, *others = same
        other = next(one for one in others if one[0] != first[0])
        skip(first[1], f"the same picture is labelled {first[0]!r} here and {other[0]!r} at {shown(str(other[1]))}; "
             "it is left out: remove one of them")  # fmt: skip
