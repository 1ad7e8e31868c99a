"""Which engine runs a model: OpenVINO on a CPU, torch on cuda and mps and for what cannot be exported."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from phrasepix_core.extras import is_installed
from phrasepix_core.installing import install_command
from phrasepix_core.messages import Hint
from phrasepix_core.unwritable import say_unwritable, why_unwritable
from reranker.encoder import Encoder
from reranker.engine import runtime
from reranker.engine.export_lock import export_lock, log_notice
from reranker.engine.exported_model import ExportedModel
from reranker.engine.gpu_probe import may_have_graphics_device
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.own_process import demand_own_process
from reranker.engine.records import ExportFailedError, ExportNotKeptError, Record, lock_of, read_record
from reranker.errors import ModelError, NotExportableError, UnknownModelError
from reranker.loading import Loading
from reranker.models.model_spec import DEVICES, ENGINES, ModelSpec
from reranker.models.registry import load_registered
from reranker.optional_packages import demand_torch

if TYPE_CHECKING:  # what a search does without is imported where it is used
    from reranker.models.open_clip_encoder import OpenClipEncoder
    from reranker.models.paired_encoder import TextTower
    from reranker.models.sentence_tower import SentenceTower

Found = TypeVar("Found")

Notify = Callable[[str], None]
"""Is told, in a sentence, what people should know of how a model is run."""

_EXPORTS = 3
"""How often a model is exported whose artefacts are cleared away meanwhile."""
_PATIENCE_S = 1200.0
"""How long another process's export is waited for: downloading a large model over a slow line takes minutes."""


def load_encoder(
    spec: ModelSpec,
    cache_directory: Path,
    *,
    device: str = "auto",
    engine: str = "auto",
    download: bool = True,
    on_notice: Notify = log_notice,
) -> Encoder:
    """The encoder of a model, run by `engine` on `device`.

    `engine` is torch, openvino (on the CPU only) or auto: openvino on a CPU, else torch. What OpenVINO runs is made
    once below `cache_directory`, and found there from then on: in this process, without torch, or where only torch can
    export the model, by a process of its own. A model that cannot be exported runs in torch, as `on_notice` is told; so
    does a text tower of its own.
    An encoder that is registered by its name runs itself, and takes no `engine` but auto.
    With `download` False, weights that are not on this machine are an error, and nothing is sent to anybody.
    Raises `UnknownModelError`, `WeightsUnavailableError` or `ModelError`.
    """
    if engine not in ENGINES:
        raise UnknownModelError.not_among("engine", engine, ENGINES)
    if device not in DEVICES:
        raise UnknownModelError.not_among("device", device, DEVICES)
    if spec.adapter is not None:
        from reranker.adapters.adapted_encoder import AdaptedEncoder

        base = load_encoder(
            replace(spec, adapter=None),
            cache_directory,
            device=device,
            engine=engine,
            download=download,
            on_notice=on_notice,
        )
        return AdaptedEncoder(base, spec.adapter)
    if spec.plug_in:
        if engine != "auto":
            raise UnknownModelError(f"the encoder {spec.model} runs itself; leave out the engine")
        return load_registered(spec.model, Loading(device=device, cache_directory=cache_directory, download=download))
    if engine == "openvino":
        if device not in {"auto", "cpu"}:
            raise UnknownModelError(
                f"the engine openvino runs on the CPU; for device {device} take ", Hint("engine", "torch")
            )
        if not runtime.is_installed():
            raise ModelError(f"the engine openvino is not installed: {install_command('openvino', 'tokenizers')}")
    exports = engine == "openvino" or (engine == "auto" and runtime.is_installed() and _is_cpu(device))
    if not exports and device not in {"auto", "cpu"}:
        demand_torch(f"the device {device}")
    demand_own_process("OpenVINO" if exports else "PyTorch")
    engines = cache_directory / "engines"
    texts = spec.of_texts
    if texts is None:
        return _exported(spec, engines, download, on_notice) if exports else _in_torch(spec, device, download)
    from reranker.models.paired_encoder import PairedEncoder

    pictures = spec.of_pictures
    if exports:
        return PairedEncoder(
            _exported_text_tower(texts, engines, download, on_notice), _exported(pictures, engines, download, on_notice)
        )
    return PairedEncoder(_text_tower_in_torch(texts, device, download), _in_torch(pictures, device, download))


def loads_at_once(spec: ModelSpec, cache_directory: Path, *, device: str = "auto", engine: str = "auto") -> bool:
    """Whether `load_encoder` has nothing to download, to export or to import torch for."""
    if spec.plug_in:
        return False  # nobody knows what its package imports
    if engine not in {"auto", "openvino"} or device not in {"auto", "cpu"} or not runtime.is_installed():
        return False
    engines = cache_directory / "engines"
    exported = _is_there(spec.of_pictures, engines, ExportedModel.read)
    if spec.of_texts is not None:
        from reranker.engine.exported_text_tower import ExportedTextTower

        exported = exported and _is_there(spec.of_texts, engines, ExportedTextTower.read)
    return exported and (engine == "openvino" or not may_have_graphics_device())


def _is_there(spec: ModelSpec, engines: Path, read: Callable[[Path], object | None]) -> bool:
    record = read_record(engines, spec)
    return record is not None and record.fingerprint is not None and read(engines / record.fingerprint) is not None


def _is_cpu(device: str) -> bool:
    if device != "auto":
        return device == "cpu"
    if not (may_have_graphics_device() and is_installed("open_clip")):
        return True
    from reranker.models.open_clip_encoder import best_device

    return best_device() == "cpu"


def _in_torch(spec: ModelSpec, device: str, download: bool, because: str = "") -> "OpenClipEncoder":
    demand_torch(f"the model {spec}, run by torch{because},")
    from reranker.models.open_clip_encoder import OpenClipEncoder  # imports torch: seconds

    return OpenClipEncoder(spec.model, spec.pretrained, device=device, download=download)


def _text_tower_in_torch(texts: ModelSpec, device: str, download: bool, because: str = "") -> "SentenceTower":
    demand_torch(f"the text tower {texts.text_tower}, run by torch{because},")
    from reranker.models.open_clip_encoder import device_named
    from reranker.models.sentence_tower import SentenceTower  # imports torch and transformers: seconds

    return SentenceTower(texts.text_tower or "", device=device_named(device), download=download)


def _exported_text_tower(texts: ModelSpec, engines: Path, download: bool, on_notice: Notify) -> "TextTower":
    from reranker.engine.exported_text_tower import ExportedTextTower
    from reranker.engine.openvino_text_tower import OpenVinoTextTower

    try:
        find = partial(_artefacts_of, texts, engines, ExportedTextTower.read, download)
        title, artefacts = find(on_notice)
        return OpenVinoTextTower(artefacts, title, renew=_renewing(find, engines))
    except (NotExportableError, ExportFailedError) as error:
        why = _why_in_torch(error)
        is_said = _is_of_the_folder(error, engines)
    tower = _text_tower_in_torch(texts, "cpu", download, f" ({why})")
    if not is_said:
        on_notice(_in_torch_because(tower.weights.title, why))
    return tower


def _exported(spec: ModelSpec, engines: Path, download: bool, on_notice: Notify) -> Encoder:
    try:
        find = partial(_artefacts_of, spec, engines, ExportedModel.read, download)
        title, artefacts = find(on_notice)
        return OpenVinoEncoder(artefacts, title, renew=_renewing(find, engines))
    except (NotExportableError, ExportFailedError) as error:
        why = _why_in_torch(error)
        is_said = _is_of_the_folder(error, engines)
    encoder = _in_torch(spec, "cpu", download, f" ({why})")
    if not is_said:
        on_notice(_in_torch_because(encoder.weights.title, why))
    return encoder


def _artefacts_of(
    spec: ModelSpec, engines: Path, read: Callable[[Path], Found | None], download: bool, on_notice: Notify
) -> tuple[str, Found]:
    """The model's title and its artefacts, exported where they are not there yet: by one process at a time."""
    if (found := _exported_before(spec, engines, read)) is not None:
        return found
    from reranker.engine.preparing import prepare

    lock = lock_of(engines, spec)
    for attempt in range(1, _EXPORTS + 1):
        with export_lock(lock, patience_s=_PATIENCE_S, on_notice=on_notice) as is_alone:
            if (found := _exported_before(spec, engines, read)) is not None:
                return found  # by the process that was waited for
            try:
                record = prepare(spec, engines, download=download, is_alone=is_alone)
            except (ExportFailedError, ModelError):
                if attempt == _EXPORTS or not is_alone or lock.exists():
                    raise
                continue  # with the lock, the cache was cleared meanwhile
            if (found := _read_back(record, engines, read)) is not None:
                return found
    raise ExportFailedError(f"what was exported to {engines} cannot be read back")


def _renewing(find: Callable[[Notify], object], engines: Path) -> Callable[[], None]:
    """What has a model's artefacts made again that are gone, as `find` does; it raises `ModelError`."""

    def renew() -> None:
        try:
            find(log_notice)  # who is told now is no longer who was when the model was loaded
        except (NotExportableError, ExportFailedError) as error:
            raise ModelError(f"the exported model is gone from {engines}, and cannot be made again: {error}") from None

    return renew


def _exported_before(spec: ModelSpec, engines: Path, read: Callable[[Path], Found | None]) -> tuple[str, Found] | None:
    record = read_record(engines, spec)
    return None if record is None else _read_back(record, engines, read)


def _read_back(record: Record, engines: Path, read: Callable[[Path], Found | None]) -> tuple[str, Found] | None:
    """The title and the artefacts that a record speaks of; None where they are not there, or damaged."""
    if record.fingerprint is None:
        raise NotExportableError(record.why_not)
    artefacts = read(engines / record.fingerprint)
    return None if artefacts is None else (record.title, artefacts)


def _why_in_torch(error: NotExportableError | ExportFailedError) -> str:
    """Why a model is run by torch. Raises `ModelError` where it is not here and a place to write to is all it takes."""
    if isinstance(error, ExportNotKeptError) and not (is_installed("torch") and is_installed("open_clip")):
        raise ModelError(
            f"{error}. Models are made ready there, once: give it to the user who searches, make room, or name another "
            "cache directory (PHRASEPIX_CACHE_DIR)"
        ) from None
    return str(error)


def _is_of_the_folder(error: NotExportableError | ExportFailedError, engines: Path) -> bool:
    """Whether nothing at all can be kept where `engines` is; if so that is said, once for all that would be."""
    if isinstance(error, ExportNotKeptError) and (why := why_unwritable(engines.parent)):
        say_unwritable(engines.parent, why)
        return True
    return False


def _in_torch_because(title: str, why: str) -> str:
    return f"the model {title} runs in torch, which starts slower: {why}"
