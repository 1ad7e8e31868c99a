"""Which artefacts belong to a model's name, known without open_clip: small files that are checked against the weights.

A record says which export a `ModelSpec` led to (or why it led to none), and the sizes and times of the files it was
made from. When one of those changes, the record counts for nothing and the model is looked up anew.
"""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phrasepix_core.errors import NotWrittenError
from phrasepix_core.files import at_home, write_atomically
from reranker.engine import runtime
from reranker.models.model_spec import LOCAL_DIR, ModelSpec

States = dict[str, list[int] | None]
"""For each file's path its size in bytes and the time of its last change in nanoseconds; None if it is not there."""


class ExportFailedError(Exception):
    """The export came to no result, which says nothing about the model: the next search may try again."""


class ExportNotKeptError(ExportFailedError):
    """There is no place for what the export made."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a choice: the model's title and its export's fingerprint, or why the engine cannot run it."""

    title: str
    fingerprint: str | None
    why_not: str = ""


def read_record(engines: Path, spec: ModelSpec) -> Record | None:
    """The record of a choice; None where there is none or what it was made from has changed."""
    try:
        kept = json.loads(_place(engines, spec).read_text(encoding="utf-8"))
        if kept["fingerprint"] is None and kept["engine_version"] != runtime.installed_version():
            return None  # what one version cannot run, another may
        if any(_state(Path(path)) != state for path, state in kept["files"].items()):
            return None
        return Record(str(kept["title"]), kept["fingerprint"], str(kept["why_not"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def lock_of(engines: Path, spec: ModelSpec) -> Path:
    """The file that a process locks while it exports the choice."""
    return _place(engines, spec).with_suffix(".lock")


def stage_of(engines: Path, spec: ModelSpec) -> str:
    """What artefacts of the choice are called while they are made in the process that searches."""
    return _place(engines, spec).stem


def states_of(files: Iterable[Path]) -> States:
    """The states of files, some of which need not exist; taken before they are read."""
    return {str(path.absolute()): _state(path) for path in files}


def write_record(engines: Path, spec: ModelSpec, record: Record, made_from: States) -> None:
    """Keep the record of a choice, with the states of the files it was `made_from`.

    Where that cannot be written, the next process looks the model up anew, which is slower.
    """
    place = _place(engines, spec)
    content = {
        "model": spec.model,
        "pretrained": spec.pretrained,
        "text_tower": spec.text_tower,
        "title": record.title,
        "fingerprint": record.fingerprint,
        "why_not": record.why_not,
        "engine_version": runtime.installed_version(),
        "files": made_from,
    }
    with suppress(OSError, NotWrittenError):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps(content, indent=1))


def _place(engines: Path, spec: ModelSpec) -> Path:
    names = [_absolute(spec.model), spec.pretrained]
    if spec.text_tower is not None:
        names.append(_absolute(spec.text_tower))
    key = json.dumps(names)
    return engines / "choices" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _absolute(name: str) -> str:
    """The same relative path is another model elsewhere."""
    if not name.startswith(LOCAL_DIR):
        return name
    return f"{LOCAL_DIR}{at_home(Path(name.removeprefix(LOCAL_DIR))).resolve()}"


def _state(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return [status.st_size, status.st_mtime_ns]
