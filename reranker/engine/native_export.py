"""From weights and configuration to artefacts, in this process: graphs are built from them, without torch."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from reranker import steps
from reranker.engine import runtime
from reranker.engine.exported_model import FORMAT, IMAGE_TOWER, TEXT_TOWER, ExportedModel
from reranker.engine.model_tokenizer import model_tokenizer
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.precomputed_texts import precompute_neutral_phrases
from reranker.engine.preprocessing import Preprocessing
from reranker.engine.staging import moved_into_place, staged
from reranker.errors import NotNativeError
from reranker.graphs.towers import Plan, Towers
from reranker.models.model_config import model_config, preprocess_config
from reranker.models.weights import Weights

_VERSION = 1
"""Raised when graphs compute something else than those of earlier versions."""
_STEPS = 3


def export_natively(weights: Weights, engines: Path, stage: str, *, download: bool = True) -> ExportedModel:
    """The artefacts of a model below `engines`, called `stage` until they are whole.

    Raises `NotNativeError` where no graph is built after the model's configuration or of its weights, what
    `model_tokenizer` raises, and OSError where nothing can be read or written.
    """
    config, preprocess = model_config(weights), preprocess_config(weights)
    plan = Plan.of(config)
    tokenizer = model_tokenizer(weights, download=download)
    preprocessing = Preprocessing.of_config(preprocess)
    with ThreadPoolExecutor(1) as aside, staged(engines, stage) as partial:
        digest = aside.submit(_digest_of, weights.weights_file)  # reads the file while it is written anew
        towers = Towers.build(plan, weights.weights_file, runtime.import_openvino())
        tokenizer.write(partial)
        steps.exporting("writing the text tower", 1, _STEPS)
        runtime.save_model(towers.text, partial / TEXT_TOWER)
        steps.exporting("writing the image tower", 2, _STEPS)
        runtime.save_model(towers.image, partial / IMAGE_TOWER)
        parts = [FORMAT, _VERSION, digest.result(), config, preprocess, tokenizer.facts]
        fingerprint = sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:24]
        artefacts = ExportedModel(
            partial,
            fingerprint,
            plan.dimensions,
            max(plan.image.size),
            preprocessing,
            tokenizer.context,
            tokenizer.clean,
            tokenizer.kind,
            tokenizer.padding,
            plan.text.ends,
            towers.image_parameters,
        )
        artefacts.write_manifest()
        del towers  # they hold the weights file open
        written = moved_into_place(partial, engines / fingerprint, ExportedModel.read)
    steps.exporting("reading the neutral phrases", 3, _STEPS)
    # In its place at last, where what is compiled for it is of use to the search.
    precompute_neutral_phrases(OpenVinoEncoder(written, weights.title), written.directory)
    return written


def why_not_native(config: Mapping[str, Any]) -> str:
    """Say why no graph is built after open_clip's `model_cfg`; empty if one is, as far as the configuration tells."""
    text = config.get("text_cfg")
    tokenizer = text.get("tokenizer_kwargs") if isinstance(text, Mapping) else None
    unread = {key: value for key, value in (tokenizer or {}).items() if key != "clean"}
    if any(unread.values()):
        return f"text_cfg.tokenizer_kwargs is {unread!r}"
    try:
        Plan.of(config)
    except NotNativeError as error:
        return str(error)
    return ""


def _digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()
