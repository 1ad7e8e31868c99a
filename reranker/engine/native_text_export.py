"""From a text tower of sentence-transformers to artefacts, in this process: its graph is built, without torch."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from reranker import steps
from reranker.engine import runtime
from reranker.engine.exported_model import TEXT_TOWER
from reranker.engine.exported_text_tower import FORMAT, ExportedTextTower
from reranker.engine.hub_tokenizer import read_hub_tokenizer
from reranker.engine.openvino_text_tower import OpenVinoTextTower
from reranker.engine.precomputed_texts import precompute_neutral_phrases
from reranker.engine.staging import moved_into_place, staged
from reranker.graphs.ops import Ops
from reranker.graphs.sentence_text import SentenceText
from reranker.models.data_only import demand_data_only_text_tower
from reranker.models.text_weights import TextWeights

_VERSION = 1
"""Raised when graphs compute something else than those of earlier versions."""
_STEPS = 2


def export_text_natively(weights: TextWeights, engines: Path, stage: str) -> ExportedTextTower:
    """The artefacts of a text tower below `engines`, called `stage` until they are whole.

    Raises `NotNativeError` where no graph is built after the tower's configuration or of its weights,
    `NotExportableError` where its tokenizer needs transformers, `ModelError` where it is more than data, and OSError.
    """
    demand_data_only_text_tower(weights.directory, weights.files, weights.title)
    plan = SentenceText.of(weights.directory)
    tokenizer = read_hub_tokenizer(weights.directory)
    with ThreadPoolExecutor(1) as aside, staged(engines, stage) as partial:
        digest = aside.submit(weights.fingerprint)  # reads the files while they are written anew
        ops = Ops(runtime.import_openvino())
        tokenizer.write(plan.context, partial)
        steps.exporting("writing the text tower", 1, _STEPS)
        tower = plan.build(ops, weights.directory)
        runtime.save_model(tower, partial / TEXT_TOWER)
        del tower, ops  # they hold the weights file open
        fingerprint = sha256(f"text {FORMAT} native {_VERSION} {digest.result()}".encode()).hexdigest()[:24]
        ExportedTextTower(partial, fingerprint, plan.dimensions, tokenizer.padding).write_manifest()
        written = moved_into_place(partial, engines / fingerprint, ExportedTextTower.read)
    steps.exporting("reading the neutral phrases", 2, _STEPS)
    # In its place at last, where what is compiled for it is of use to the search.
    precompute_neutral_phrases(OpenVinoTextTower(written, weights.title), written.directory)
    return written
