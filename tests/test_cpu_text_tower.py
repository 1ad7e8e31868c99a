"""A text tower that NumPy runs first, and OpenVINO from then on."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reranker.engine import cpu_facts, runtime
from reranker.engine.cpu_text_tower import CpuTextTower
from reranker.engine.graph_file import UnknownGraphError, read_graph
from reranker.engine.numpy_tower import NumpyTower
from reranker.engine.tower import Tower
from reranker.errors import ModelError

TOKENS = np.array([[1, 4, 2, 9, 0]], dtype=np.int64)
VOCABULARY, WIDTH = 10, 8


class Exported:
    """What an export of one tower left in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.compiled = directory / "compiled"
        self.is_set_aside = False

    def set_aside(self) -> None:
        self.is_set_aside = True


def save(file: Path, *, activation: str = "tanh") -> Path:
    """Write a tower that averages what it knows of its tokens."""
    openvino = runtime.import_openvino()
    op = openvino.opset13
    tokens = op.parameter(openvino.PartialShape([-1, -1]), openvino.Type.i64)
    table = np.random.default_rng(0).standard_normal((VOCABULARY, WIDTH)).astype(np.float32)
    known = op.gather(op.constant(table), tokens, op.constant(0))
    mean = op.reduce_mean(known, op.constant([1]), keep_dims=False)
    result = op.result(getattr(op, activation)(mean))
    runtime.save_model(openvino.Model([result], [tokens], "text"), file)
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save(tmp_path / "text.xml")


def calls(tower: CpuTextTower, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who ran which call, from now on."""
    ran: list[str] = []

    def noting(who: str, run: Callable[..., NDArray[np.float32]]) -> Callable[..., NDArray[np.float32]]:
        def noted(self: object, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
            ran.append(who)
            return run(self, tokens)

        return noted

    monkeypatch.setattr(NumpyTower, "__call__", noting("numpy", NumpyTower.__call__))
    monkeypatch.setattr(Tower, "__call__", noting("openvino", Tower.__call__))
    return ran


def test_numpy_runs_the_first_few_calls_and_both_say_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tower = CpuTextTower(Exported(file.parent), file, "f32")
    ran = calls(tower, monkeypatch)
    said = [tower(TOKENS) for _ in range(6)]
    assert ran == ["numpy"] * 4 + ["openvino"] * 2
    np.testing.assert_allclose(said, np.broadcast_to(said[-1], (6, 1, WIDTH)), atol=1e-6)
    tower.release()
    tower(TOKENS)
    assert ran[-1] == "numpy"


def test_openvino_runs_what_is_long(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tower = CpuTextTower(Exported(file.parent), file, "f32")
    ran = calls(tower, monkeypatch)
    tower(np.tile(TOKENS, (13, 1)))
    assert ran == ["openvino"]


def test_openvino_runs_what_numpy_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tower = CpuTextTower(Exported(tmp_path), save(tmp_path / "text.xml", activation="hsigmoid"), "f32")
    ran = calls(tower, monkeypatch)
    assert tower(TOKENS).shape == (1, WIDTH)
    assert ran == ["numpy", "openvino"]
    tower(TOKENS)
    assert ran[2:] == ["openvino"]


@pytest.mark.parametrize("damage", [b"", b"<net version='11'><layers>", b"no graph", b"\x00" * 100])
def test_a_damaged_tower_is_set_aside_by_whoever_runs_it(file: Path, damage: bytes) -> None:
    file.write_bytes(damage)
    with pytest.raises(UnknownGraphError, match=r"text\.xml"):
        NumpyTower(file)(TOKENS)
    exported = Exported(file.parent)
    with pytest.raises(ModelError, match="is damaged"):
        CpuTextTower(exported, file, "f32")(TOKENS)
    assert exported.is_set_aside


@pytest.mark.parametrize(
    ("written", "instead", "says"),
    [
        ('version="11"', 'version="12"', "its version is 12"),
        ('type="Tanh"', 'type="Tan"', "not known: Tan"),
        ('element_type="f32"', 'element_type="u1"', "u1"),
        ('to-layer="', 'to-layer="9', "9"),
        ('from-port="0"', 'from-port="7"', "7"),
        ('offset="0"', 'offset="99999"', "offset"),
    ],
)
def test_what_is_strange_in_a_graph_is_named(file: Path, written: str, instead: str, says: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert written in text
    file.write_text(text.replace(written, instead), encoding="utf-8")
    with pytest.raises(UnknownGraphError, match=says):
        NumpyTower(file)(TOKENS)


def test_tokens_beyond_the_vocabulary_are_an_error_of_the_graph(file: Path) -> None:
    with pytest.raises(UnknownGraphError, match="is not run without OpenVINO"):
        NumpyTower(file)(TOKENS + VOCABULARY)


def test_a_tower_without_weights_is_a_missing_file(file: Path) -> None:
    file.with_suffix(".bin").unlink()
    with pytest.raises(FileNotFoundError):
        read_graph(file)


def test_a_text_is_read_without_openvino(file: Path) -> None:
    code = (
        "import sys, numpy as np; from reranker.engine.numpy_tower import NumpyTower; from pathlib import Path\n"
        f"print(NumpyTower(Path({str(file)!r}))(np.array([[1, 4]])).shape, 'openvino' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n")[0] == f"(1, {WIDTH}) False"


def test_what_openvino_says_of_the_cpu_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = runtime.computes_bf16()
    assert cpu_facts.computes_bf16(tmp_path / "compiled") is truth
    if not (kept := list((tmp_path / "compiled").iterdir())):
        pytest.skip("this system does not tell one CPU from another")
    monkeypatch.setattr(runtime, "computes_bf16", lambda: pytest.fail("asked again"))
    assert cpu_facts.computes_bf16(tmp_path / "compiled") is truth
    monkeypatch.setattr(runtime, "computes_bf16", lambda: not truth)
    for damage in ("", "{", '"yes"', "7"):
        kept[0].write_text(damage, encoding="utf-8")
        assert cpu_facts.computes_bf16(tmp_path / "compiled") is not truth
    monkeypatch.setattr(cpu_facts, "_cpu_of_linux", lambda: "flags: of another machine")
    kept[0].write_text("true", encoding="utf-8")
    assert cpu_facts.computes_bf16(tmp_path / "compiled") is not truth


def test_where_nothing_can_be_kept_openvino_is_asked_each_time(tmp_path: Path) -> None:
    (tmp_path / "compiled").write_text("a file where a directory should be", encoding="utf-8")
    assert cpu_facts.computes_bf16(tmp_path / "compiled") is runtime.computes_bf16()
