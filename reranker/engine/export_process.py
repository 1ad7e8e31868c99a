"""The export in a process of its own: torch's memory is given back, and the searching process never imports it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from phrasepix_core.environment import for_a_child
from reranker import steps
from reranker.engine.exported_model import remove_partial
from reranker.engine.records import ExportFailedError, Record
from reranker.errors import ModelError, UnknownModelError, WeightsUnavailableError
from reranker.models.model_spec import ModelSpec

_ERRORS = {error.__name__: error for error in (UnknownModelError, WeightsUnavailableError, ModelError)}


OFFLINE = "offline"
"""The argument that tells the child not to download."""


def export_in_child(spec: ModelSpec, engines: Path, *, download: bool = True) -> Record:
    """The record of a choice, whose model another Python process finds or downloads, exports and writes down.

    With `download` False, that process sends nothing to anybody.

    That process writes to the same stderr, and ends when this one does. Raises its `UnknownModelError`,
    `WeightsUnavailableError` or `ModelError`, and `ExportFailedError` where it comes to no result.
    """
    if not sys.executable or hasattr(sys, "frozen"):  # starting an application once more would be no export
        raise ExportFailedError("a program without an interpreter of its own cannot export it")
    model = [spec.model, spec.pretrained or "", spec.text_tower or "", "" if download else OFFLINE]
    environment = for_a_child(PYTHONPATH=_import_path())
    if not download:
        environment["HF_HUB_OFFLINE"] = "1"  # the child's own: what libraries would ask of the hub is forbidden too
    try:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "reranker.engine.export_child", str(engines.absolute()), *model],
            env=environment,
            stdin=subprocess.PIPE,  # never written to: its end tells the child that this process is gone
            stdout=subprocess.PIPE,
            # Ctrl-C in a terminal is for this process, which ends the child.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        raise ExportFailedError(f"the process that exports it cannot be started: {error}") from None
    with process:
        try:
            outcome = b"".join(_told(process.stdout)) if process.stdout else b""  # communicate() would close stdin
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            remove_partial(engines, process.pid)
    return _record_in(outcome, process.returncode)


def _told(said: IO[bytes]) -> Iterator[bytes]:
    """What a child says, but for its steps, which are passed on as it begins them."""
    for line in said:
        try:
            step = steps.Step(**json.loads(line)["step"])
        except (ValueError, TypeError, KeyError):
            yield line
        else:
            steps.begin(step)


def _import_path() -> str:
    """Where this process finds its modules, so that another finds the same ones."""
    return os.pathsep.join(str(Path(entry or ".").absolute()) for entry in sys.path if isinstance(entry, str))


def _record_in(outcome: bytes, exit_code: int) -> Record:
    try:
        match json.loads(outcome):
            case {"record": {"title": str(title), "fingerprint": str() | None as fingerprint, "why_not": str(why_not)}}:
                return Record(title, fingerprint, why_not)
            case {"error": str(name), "message": str(message)}:
                raise _ERRORS.get(name, ModelError)(message)
            case {"failed": str(why)}:
                raise ExportFailedError(why)
    except ValueError as error:
        if isinstance(error, ModelError):
            raise
    raise ExportFailedError(f"the process that exported it {_ending(exit_code)}")


def _ending(exit_code: int) -> str:
    if exit_code >= 0:
        return f"ended with exit code {exit_code} and without a result"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"was ended by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
