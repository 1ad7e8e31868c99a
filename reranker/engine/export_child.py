"""What `export_process` starts: `python -m reranker.engine.export_child ENGINES MODEL PRETRAINED TEXT_TOWER OFFLINE`.

On stdout it says each step it begins, then its outcome: one JSON object a line. torch is imported once the weights are
found: what is missing is said quickly.
"""

import json
import logging
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any

from phrasepix_core.files import reason_of
from reranker import steps
from reranker.engine.export_process import OFFLINE
from reranker.engine.exported_model import remove_partial
from reranker.engine.model_files import files_of
from reranker.engine.records import Record, states_of, write_record
from reranker.errors import ModelError, NotExportableError
from reranker.models.model_spec import ModelSpec


def main() -> None:
    """Export a model and say what came of it."""
    engines, spec = Path(sys.argv[1]), ModelSpec(sys.argv[2], sys.argv[3] or None, sys.argv[4] or None)
    download = sys.argv[5] != OFFLINE
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # this process's own: the warning of forks is not for it
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with suppress(OSError):  # where stderr is closed
        os.dup2(2, 1)  # what a library prints is no part of the outcome
    logging.getLogger("reranker").setLevel(logging.ERROR)  # what the probes are cut to is not for the person
    Thread(target=_end_with_the_parent, args=(engines,), daemon=True).start()

    def write_line(said: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):
            print(json.dumps(said), file=answer, flush=True)

    steps.logger.setLevel(logging.INFO)
    steps.logger.propagate = False  # libraries give the root a handler, which writes to stderr
    steps.logger.addHandler(steps.TellAsJson(write_line))
    write_line(outcome(spec, engines, download=download))
    sys.stderr.flush()
    os._exit(0)  # at once: to take torch down in order has no use


def _end_with_the_parent(engines: Path) -> None:
    os.read(0, 1)
    remove_partial(engines, os.getpid())
    os._exit(1)


def outcome(spec: ModelSpec, engines: Path, *, download: bool = True) -> dict[str, Any]:
    """What came of the export of a model: its record, an error to raise, or why it failed."""
    try:
        steps.exporting("starting PyTorch", 1, _steps_of(spec))
        # Before anything is read: what changes while it is read is noticed.
        made_from = states_of(files_of(spec, download=download))
        if spec.text_tower is None:
            record = _exported(spec, engines, download)
        else:
            record = _exported_text(spec.text_tower, engines, download)
    except ModelError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except OSError as error:
        return {"failed": f"nothing can be kept in {engines}: {reason_of(error)}"}
    except Exception as error:  # the searching process runs the model in torch, and meets the same where it must
        return {"failed": f"its export failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    write_record(engines, spec, record, made_from)
    return {"record": asdict(record)}


def _steps_of(spec: ModelSpec) -> int:
    return 4 if spec.text_tower is None else 3


def _exported(spec: ModelSpec, engines: Path, download: bool) -> Record:
    from reranker.engine.export import export
    from reranker.models.open_clip_encoder import OpenClipEncoder

    steps.exporting("reading the weights", 2, 4)
    encoder = OpenClipEncoder(spec.model, spec.pretrained, device="cpu", download=download)
    title = encoder.weights.title
    try:
        return Record(title, export(encoder, engines, release=True).fingerprint)
    except NotExportableError as error:
        return Record(title, None, str(error))


def _exported_text(name: str, engines: Path, download: bool) -> Record:
    from transformers.utils import logging

    from reranker.engine.text_export import export_text_tower
    from reranker.models.sentence_tower import SentenceTower

    logging.set_verbosity_error()  # what it says of training is not for the person
    steps.exporting("reading the weights", 2, 3)
    tower = SentenceTower(name, download=download)
    try:
        return Record(tower.weights.title, export_text_tower(tower, engines).fingerprint)
    except NotExportableError as error:
        return Record(tower.weights.title, None, str(error))


if __name__ == "__main__":
    main()
