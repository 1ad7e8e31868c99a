"""Artefacts of a model that are not there yet: built in this process, or exported by torch in another."""

from pathlib import Path

from phrasepix_core.files import reason_of
from reranker.engine.export_process import export_in_child
from reranker.engine.exported_model import remove_stage
from reranker.engine.model_files import files_of
from reranker.engine.native_export import export_natively, why_not_native
from reranker.engine.native_text_export import export_text_natively
from reranker.engine.records import ExportNotKeptError, Record, stage_of, states_of, write_record
from reranker.errors import NotExportableError, NotNativeError
from reranker.models.model_spec import ModelSpec
from reranker.models.open_clip_registry import architecture, pretrained
from reranker.models.text_weights import find_text_tower
from reranker.models.weights import find_weights
from reranker.optional_packages import demand_package, demand_torch


def prepare(spec: ModelSpec, engines: Path, *, download: bool = True, is_alone: bool = False) -> Record:
    """The record of a choice whose artefacts are made below `engines`, and written down for the next process.

    With `download` False nothing is sent to anybody. `is_alone` says that no other process prepares this choice: what
    one that was killed left half made is removed. Raises `UnknownModelError`, `WeightsUnavailableError` or
    `ModelError`, and an `ExportFailedError` where it comes to no result, which says nothing of the model.
    """
    _demand_torch_by_name(spec)
    stage = stage_of(engines, spec)
    if is_alone:
        remove_stage(engines, stage)
    # Before anything is read: what changes while it is read is noticed.
    made_from = states_of(files_of(spec, download=download))
    try:
        record = _natively(spec, engines, stage, download)
    except (NotNativeError, NotExportableError, RuntimeError) as error:
        why = str(error)
    except OSError as error:
        raise ExportNotKeptError(f"nothing can be kept in {engines}: {reason_of(error)}") from None
    else:
        write_record(engines, spec, record, made_from)
        return record
    _demand_torch(spec, why)
    return export_in_child(spec, engines, download=download)


def _natively(spec: ModelSpec, engines: Path, stage: str, download: bool) -> Record:
    if spec.text_tower is not None:
        tower = find_text_tower(spec.text_tower, download=download)
        return Record(tower.title, export_text_natively(tower, engines, stage).fingerprint)
    weights = find_weights(spec.model, spec.pretrained, download=download)
    return Record(weights.title, export_natively(weights, engines, stage, download=download).fingerprint)


def _demand_torch_by_name(spec: ModelSpec) -> None:
    """Raise `ModelError` where the architecture alone says that torch is needed: before weights are downloaded."""
    if spec.text_tower is not None or pretrained(spec.model, spec.pretrained or "") is None:
        return  # the registry does not name it, or whoever looks for it says what is wrong
    if why := why_not_native(architecture(spec.model) or {}):
        _demand_torch(spec, why)


def _demand_torch(spec: ModelSpec, why: str) -> None:
    """Raise `ModelError` where what exports a model by torch is not installed."""
    what = f"the model {spec}, which is prepared by PyTorch only ({why}),"
    if spec.text_tower is None:
        demand_torch(what)
    else:
        demand_package("sentence_transformers", what)
