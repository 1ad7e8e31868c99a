"""Which engine runs a model: OpenVINO on a CPU, torch on cuda and mps and for what cannot be exported."""

import logging
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from reranker.encoder import Encoder
from reranker.engine import runtime
from reranker.engine.artefacts import Artefacts
from reranker.engine.graphics import may_have_graphics_device
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.records import Record, States, read_record, states_of, write_record
from reranker.errors import ModelError, NotExportableError, UnknownModelError
from reranker.model_choice import DEVICES, ENGINES, ModelChoice

if TYPE_CHECKING:
    from reranker.open_clip_encoder import OpenClipEncoder
    from reranker.weights import Weights

logger = logging.getLogger(__name__)

_told: set[ModelChoice] = set()


def load_encoder(choice: ModelChoice, cache_directory: Path, *, device: str = "auto", engine: str = "auto") -> Encoder:
    """The encoder of a model, run by `engine` on `device`.

    `engine` is torch, openvino (on the CPU only) or auto: openvino on a CPU, else torch. What OpenVINO runs is exported
    once below `cache_directory` and found there from then on, without importing torch. A model that cannot be exported
    runs in torch, which the log says once. Raises `UnknownModelError`, `WeightsUnavailableError` or `ModelError`.
    """
    if engine not in ENGINES:
        raise UnknownModelError(f"engine {engine!r} is not known; allowed: {', '.join(ENGINES)}")
    if device not in DEVICES:
        raise UnknownModelError(f"device {device!r} is not known; allowed: {', '.join(DEVICES)}")
    if engine == "openvino":
        if device not in {"auto", "cpu"}:
            raise UnknownModelError(f"the engine openvino runs on the CPU; for device {device} take --engine torch")
        if not runtime.is_installed():
            raise ModelError("the engine openvino is not installed: pip install openvino tokenizers")
        return _exported(choice, cache_directory / "engines")
    if engine == "auto" and runtime.is_installed() and _is_cpu(device):
        return _exported(choice, cache_directory / "engines")
    return _in_torch(choice, device)


def _is_cpu(device: str) -> bool:
    if device != "auto":
        return device == "cpu"
    if not may_have_graphics_device():
        return True
    from reranker.open_clip_encoder import best_device

    return best_device() == "cpu"


def _in_torch(choice: ModelChoice, device: str) -> "OpenClipEncoder":
    from reranker.open_clip_encoder import OpenClipEncoder  # imports torch: seconds

    return OpenClipEncoder(choice.model, choice.pretrained, device=device)


def _exported(choice: ModelChoice, engines: Path) -> Encoder:
    engine_version = version("openvino")
    known = read_record(engines, choice, engine_version)
    if known is not None and known.fingerprint is not None:
        artefacts = Artefacts.read(engines / known.fingerprint)
        if artefacts is not None:
            return OpenVinoEncoder(artefacts, known.title)
    from reranker.weights import find_weights

    # Before torch is imported: what is missing is said at once, and what changes while it is read is noticed.
    made_from = states_of(_files_of(find_weights(choice.model, choice.pretrained)))
    encoder = _in_torch(choice, "cpu")
    title = encoder.weights.title
    if known is not None and known.fingerprint is None:
        _tell(choice, title, known.why_not)
        return encoder
    from reranker.engine.export import export

    try:
        artefacts = export(encoder, engines)
    except NotExportableError as error:
        _tell(choice, title, str(error))
        _remember(engines, choice, Record(title, None, str(error)), made_from, engine_version)
        return encoder
    except OSError as error:
        _tell(choice, title, f"nothing can be kept in {engines}: {error}")
        return encoder
    _remember(engines, choice, Record(title, artefacts.fingerprint), made_from, engine_version)
    return OpenVinoEncoder(artefacts, title)


def _remember(engines: Path, choice: ModelChoice, record: Record, made_from: States, engine_version: str) -> None:
    try:
        write_record(engines, choice, record, made_from, engine_version)
    except OSError as error:  # the next process looks the model up anew, which is slower
        logger.debug("what %s led to cannot be kept in %s: %s", choice, engines, error)


def _tell(choice: ModelChoice, title: str, why: str) -> None:
    if choice not in _told:
        _told.add(choice)
        logger.warning("the model %s runs in torch, which starts slower: %s", title, why)


def _files_of(weights: "Weights") -> Iterator[Path]:
    """The files whose change means another model under the same name; some of them need not exist."""
    from reranker.weights import files_beside

    yield from files_beside(weights)
    for folder in weights.weights_file.parents:
        if folder.name == "snapshots":  # the hub's cache: which snapshot is the newest stands in refs
            yield folder.parent / "refs" / "main"
