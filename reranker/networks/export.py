"""From a network's weights to what OpenVINO runs: made once below a directory, and found there from then on."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from phrasepix_core.files import reason_of
from reranker import steps
from reranker.engine import runtime
from reranker.engine.export_lock import export_lock
from reranker.engine.exported_model import IMAGE_TOWER, remove_stage
from reranker.engine.records import Record, lock_of, read_record, stage_of, states_of, write_record
from reranker.engine.staging import moved_into_place, staged
from reranker.errors import ModelError, NotNativeError
from reranker.graphs.ops import Ops
from reranker.graphs.tensors import tensors_in
from reranker.graphs.weights import NamedTensors
from reranker.models.model_spec import ModelSpec
from reranker.networks.exported_network import FORMAT, ExportedNetwork
from reranker.networks.network import Network
from reranker.networks.weights import checked

_VERSION = 1
"""Raised when graphs compute something else than those of earlier versions."""
_PATIENCE_S = 1200.0
_ENGINES, _WEIGHTS = "engines", "weights"


def exported(network: Network, directory: Path, *, download: bool) -> ExportedNetwork:
    """The network as it is kept below `directory`; it is made, and its weights are fetched, where it is not there yet.

    Raises `WeightsUnavailableError`, and `ModelError` where the weights are none of this network, or nothing can be
    written.
    """
    engines, spec = directory / _ENGINES, _spec_of(network)
    if (found := _made_before(engines, spec)) is not None:
        return found
    with export_lock(lock_of(engines, spec), patience_s=_PATIENCE_S) as is_alone:
        if (found := _made_before(engines, spec)) is not None:
            return found  # by the process that was waited for
        if is_alone:
            remove_stage(engines, stage_of(engines, spec))
        kept = directory / _WEIGHTS
        file = network.home.find(network.name, kept, download=download)
        made_from = states_of([file])  # before it is read: what changes while it is read is noticed
        digest = checked(file, network.home, network.name, kept)
        try:
            made = _make(network, file, digest, engines, stage_of(engines, spec))
        except NotNativeError as error:
            raise ModelError(f"the encoder {network.name} cannot be made of {file}: {error}") from None
        except OSError as error:
            raise ModelError(f"the encoder {network.name} cannot be kept in {engines}: {reason_of(error)}") from None
        write_record(engines, spec, Record(network.name, made.fingerprint), made_from)
        return made


def has_weights(network: Network, directory: Path) -> bool:
    """Whether the network is kept below `directory`, or its weights are on this machine; nothing is fetched."""
    if _made_before(directory / _ENGINES, _spec_of(network)) is not None:
        return True
    try:
        network.home.find(network.name, directory / _WEIGHTS, download=False)
    except ModelError:
        return False
    return True


def _spec_of(network: Network) -> ModelSpec:
    return ModelSpec(f"network:{network.name}")


def _made_before(engines: Path, spec: ModelSpec) -> ExportedNetwork | None:
    record = read_record(engines, spec)
    return None if record is None or record.fingerprint is None else ExportedNetwork.read(engines / record.fingerprint)


def _make(network: Network, file: Path, digest: str, engines: Path, stage: str) -> ExportedNetwork:
    steps.exporting("building the network", 1, 1)
    parts = [FORMAT, _VERSION, network.name, digest, network.preprocessing.to_json(), repr(network.graph)]
    fingerprint = sha256(json.dumps(parts).encode()).hexdigest()[:24]
    ops, tensors = Ops(runtime.import_openvino()), tensors_in(file)
    weights = NamedTensors(ops, tensors, network.prefix)
    pixels = ops.input("pixels", [-1, 3, *network.graph.size], "f32")
    model = ops.model([pixels], network.graph.build(weights, pixels), "image")
    NamedTensors(ops, tensors, "", weights.taken).demand_all_taken(network.unused)
    with staged(engines, stage) as partial:
        runtime.save_model(model, partial / IMAGE_TOWER)
        made = ExportedNetwork(
            partial, fingerprint, network.graph.dimensions, network.preprocessing, weights.count(weights.taken)
        )
        made.write_manifest()
        del model, weights, ops  # they hold the file of weights open
        moved_into_place(partial, engines / fingerprint, ExportedNetwork.read)
    return replace(made, directory=engines / fingerprint)
