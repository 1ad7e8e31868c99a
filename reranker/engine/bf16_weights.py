"""Weights kept in bf16: a tower that is computed in it loads in half the time and takes half the memory.

OpenVINO makes a copy of the weights for the CPU's kernels, and keeps those of the file beside it. Given f32 for a tower
that it computes in bf16 it reads all of them once more, and both stay; bf16 it takes as it is.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reranker.engine import runtime

_DIRECTORY = "bf16-1"
"""With the version of what `with_bf16_weights` makes."""
_AT_ONCE = 1 << 20
_NOT_A_NUMBER = 0x7FC0


def bf16_copy(tower: Path, compiled: Path) -> Path:
    """The file `tower` (.xml) with its weights in bf16, made below `compiled` unless it is there.

    It computes what the tower does at the precision bf16. Raises RuntimeError where the file is damaged, and OSError
    where the copy cannot be written.
    """
    copy = compiled / f"{tower.stem}-{_DIRECTORY}" / tower.name
    if not copy.is_file():
        with runtime.written_aside(copy.parent) as partial:
            partial.mkdir(parents=True)
            model = runtime.core().read_model(str(tower))
            runtime.save_model(with_bf16_weights(model), partial / tower.name)
        if not copy.is_file():
            raise FileExistsError(f"{copy.parent} is in the way")
    return copy


def with_bf16_weights(model: Any) -> Any:
    """The model of OpenVINO, changed in place: products of matrices and tables of embeddings have bf16 weights."""
    from openvino import opset13

    for node in model.get_ordered_ops():
        if node.get_type_name() == "MatMul":
            sides = [node.input_value(0), node.input_value(1)]
            weights = [_rounded(side.get_node()) for side in sides]
            if not any(weights):
                continue
            one, other = (
                opset13.convert(side, "bf16") if weight is None else weight
                for side, weight in zip(sides, weights, strict=True)
            )
            of = node.get_attributes()
            instead = opset13.matmul(one, other, of["transpose_a"], of["transpose_b"])
        elif node.get_type_name() == "Gather" and (table := _rounded(node.input_value(0).get_node())):
            instead = opset13.gather(
                table, node.input_value(1), node.input_value(2), node.get_attributes()["batch_dims"]
            )
        else:
            continue
        as_before = opset13.convert(instead, "f32").output(0)
        for reader in node.output(0).get_target_inputs():
            reader.replace_source_output(as_before)
    model.validate_nodes_and_infer_types()
    return model


def _rounded(node: Any) -> Any:
    """A constant of f32 in bf16; None for anything else."""
    import openvino
    from openvino import opset13

    if node.get_type_name() != "Constant" or node.get_element_type() != openvino.Type.f32:
        return None
    tensor = openvino.Tensor(openvino.Type.bf16, list(node.shape))
    rounded: NDArray[np.uint16] = tensor.data.view(np.uint16).reshape(-1)
    values: NDArray[np.float32] = node.data.reshape(-1)
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        bits = part.view(np.uint32)
        nearest = (bits + (0x7FFF + ((bits >> 16) & 1))) >> 16  # ties to even, as the CPU rounds
        rounded[start : start + _AT_ONCE] = np.where(np.isnan(part), _NOT_A_NUMBER, nearest)
    return opset13.constant(tensor)
