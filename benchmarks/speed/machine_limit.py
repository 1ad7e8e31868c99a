"""The machine's own limit: how fast it multiplies matrices as large as those in a ViT-B-32."""

import time
from typing import Any

import numpy as np
import torch

from reranker.engine import runtime
from reranker.threads import cores

_TOKENS = 32 * 50  # a batch of 32 pictures
_WIDTH, _HIDDEN = 768, 3072
_LAYERS = 6
_SHAPES = ((_TOKENS, _WIDTH, _HIDDEN), (2048, 2048, 2048), (4096, 4096, 4096))


def gflops_by_product(precision: str) -> float:
    """The best of several products, in OpenVINO and in torch, in 10⁹ operations per second, on all cores."""
    return max(*(_in_torch(shape, precision) for shape in _SHAPES), _in_openvino(precision))


def _best_of(job: Any, operations: float, times: int = 5) -> float:
    job()
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - begun)
    return operations / min(seconds) / 1e9


def _in_torch(shape: tuple[int, int, int], precision: str) -> float:
    rows, inner, columns = shape
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = torch.randn(rows, inner).to(kind), torch.randn(inner, columns).to(kind)
    into = torch.empty(rows, columns, dtype=kind)
    repeats = max(1, round(2e10 / (2 * rows * inner * columns)))

    def job() -> None:
        for _ in range(repeats):
            torch.mm(left, right, out=into)

    return _best_of(job, 2.0 * rows * inner * columns * repeats)


_compiled: dict[str, Any] = {}


def _in_openvino(precision: str) -> float:
    """The MLP's two products, one after another, so that only the first takes in and the last gives out f32."""
    if precision not in _compiled:
        openvino = runtime.import_openvino()
        operations = openvino.opset13
        rng = np.random.default_rng(0)
        node = inputs = operations.parameter([_TOKENS, _WIDTH], np.float32)
        for _ in range(_LAYERS):
            for rows, columns in ((_WIDTH, _HIDDEN), (_HIDDEN, _WIDTH)):
                weights = rng.standard_normal((rows, columns), dtype=np.float32) / np.sqrt(rows)
                node = operations.matmul(node, operations.constant(weights.astype(np.float32)), False, False)
        settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": cores()}
        model = openvino.Model([node], [inputs], "products")
        _compiled[precision] = runtime.core().compile_model(model, "CPU", settings | {"PERFORMANCE_HINT": "LATENCY"})
    compiled = _compiled[precision]
    pixels = np.random.default_rng(1).standard_normal((_TOKENS, _WIDTH), dtype=np.float32)
    return _best_of(lambda: compiled([pixels]), 2.0 * _TOKENS * _WIDTH * _HIDDEN * 2 * _LAYERS)
