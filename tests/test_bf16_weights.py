"""Towers whose weights are kept in bf16."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from numpy.typing import NDArray
from openvino import opset13

from reranker.engine import runtime
from reranker.engine.bf16_weights import bf16_copy, with_bf16_weights
from reranker.engine.exported_model import ExportedModel
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.errors import ModelError

HALFWAY = 1 + 2.0**-8
"""Between two neighbours of bf16, 1 and 1 + 2⁻⁷: the even one is nearest."""


def weights(rows: int, columns: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def tower(table: NDArray[np.float32], matrix: NDArray[np.float32], *, transposed: bool = False) -> Any:
    """Numbers [n] to the table's rows times the matrix."""
    numbers = opset13.parameter([-1], np.int64)
    looked_up = opset13.gather(opset13.constant(table), numbers, opset13.constant(np.int64(0)))
    product = opset13.matmul(looked_up, opset13.constant(matrix.T.copy() if transposed else matrix), False, transposed)
    return openvino.Model([product], [numbers], "tower")


def written(model: Any, directory: Path) -> Path:
    directory.mkdir()
    runtime.save_model(model, directory / "text.xml")
    return directory / "text.xml"


def run(model: Any, numbers: list[int]) -> NDArray[np.float32]:
    exactly = {"INFERENCE_PRECISION_HINT": "f32"}
    found: NDArray[np.float32] = runtime.core().compile_model(model, "CPU", exactly)(np.array(numbers))[0]
    return found


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """To eight bits of the fraction, ties to even."""
    mantissa, exponent = np.frexp(values.astype(np.float64))
    found: NDArray[np.float32] = np.ldexp(np.rint(mantissa * 256) / 256, exponent).astype(np.float32)
    return found


@pytest.mark.parametrize("transposed", [True, False])
def test_tables_and_products_have_rounded_weights(transposed: bool) -> None:
    table, matrix = weights(40, 24), np.eye(24, dtype=np.float32)
    table[3, :4] = HALFWAY, -HALFWAY, HALFWAY + 2.0**-7, 0.0
    said = run(with_bf16_weights(tower(table, matrix, transposed=transposed)), list(range(40)))
    np.testing.assert_array_equal(said, rounded(table))
    by_rows = run(with_bf16_weights(tower(matrix, weights(24, 9), transposed=transposed)), list(range(24)))
    np.testing.assert_array_equal(by_rows, rounded(weights(24, 9)))


def test_what_is_no_number_stays_none() -> None:
    table = weights(3, 8)
    table[1] = np.array([0x7FFFFFFF], dtype=np.uint32).view(np.float32)
    said = run(with_bf16_weights(tower(table, np.eye(8, dtype=np.float32))), [0, 1])
    assert np.isfinite(said[0]).all()
    assert np.isnan(said[1]).all()


def test_products_without_weights_stay_as_they_are() -> None:
    one = opset13.parameter([-1, 8], np.float32)
    model = openvino.Model([opset13.matmul(one, one, False, True)], [one], "own")
    assert "Convert" not in {node.get_type_name() for node in with_bf16_weights(model).get_ops()}


def test_a_copy_takes_half_the_room_and_is_made_once(tmp_path: Path) -> None:
    file = written(tower(weights(400, 64), weights(64, 500)), tmp_path / "tower")
    copy = bf16_copy(file, tmp_path / "compiled")
    assert copy.with_suffix(".bin").stat().st_size < 0.51 * file.with_suffix(".bin").stat().st_size
    first = copy.stat().st_mtime_ns
    file.unlink()
    assert bf16_copy(file, tmp_path / "compiled") == copy
    assert copy.stat().st_mtime_ns == first


def test_threads_that_make_a_copy_at_once_get_the_same(tmp_path: Path) -> None:
    file = written(tower(weights(400, 64), weights(64, 500)), tmp_path / "tower")
    with ThreadPoolExecutor(4) as threads:
        copies = list(threads.map(lambda _: bf16_copy(file, tmp_path / "compiled"), range(8)))
    assert len(set(copies)) == 1
    assert [path.name for path in (tmp_path / "compiled").iterdir()] == [copies[0].parent.name]


def artefacts_in(link: Any, directory: Path) -> ExportedModel:
    link(directory)
    (found,) = filter(None, (ExportedModel.read(path) for path in (directory / "engines").iterdir()))
    return found


def test_without_room_for_a_copy_the_tower_itself_is_run(link_export: Any, tmp_path: Path) -> None:
    artefacts = artefacts_in(link_export, tmp_path)
    for stem in ("text", "image"):
        (artefacts.compiled / f"{stem}-bf16-1").write_bytes(b"")  # a file in the place of the directory
    half, full = (OpenVinoEncoder(artefacts, "sample", precision=one) for one in ("bf16", "f32"))
    many = ["a boat"] * 40  # more than NumPy reads
    assert (half.encode_texts(many)[0] @ full.encode_texts(many)[0]).item() > 0.999


@pytest.mark.own_export
def test_a_damaged_copy_is_said_and_goes_with_the_next_export(link_export: Any, tmp_path: Path) -> None:
    artefacts = artefacts_in(link_export, tmp_path)
    copy = bf16_copy(artefacts.text_tower, artefacts.compiled)
    os.truncate(copy.with_suffix(".bin"), 1000)
    encoder = OpenVinoEncoder(artefacts, "sample", precision="bf16")
    with pytest.raises(ModelError, match=r"damaged.*the next search exports it anew"):
        encoder.encode_texts(["a boat"] * 40)  # more than NumPy reads
    assert ExportedModel.read(artefacts.directory) is None
