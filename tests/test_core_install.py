"""The core does the main job by itself, is small, and what it cannot do without an extra says which."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docs.dependencies import GOAL_MB, PAGE, PIP_MB, WHY, closure, core, own_size_mb, size_mb
from phrasepix.sample import MODEL_DIRECTORY
from phrasepix_core.extras import EXTRA_OF
from reranker.engine.exported_model import ExportedModel
from reranker.engine.factory import load_encoder
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.records import read_record
from reranker.models.model_spec import CLIP_MULTILINGUAL_V1, ModelSpec
from reranker.models.open_clip_registry import pretrained_tags
from tests.extras import OF_EXTRAS
from tests.first_often import first_often
from tests.hub_server import HubServer
from tests.test_hub_tokenizers import bytes_behind_pieces

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch",
    "torchvision",
    "open_clip",
    "timm",
    "transformers",
    "sentence_transformers",
    "huggingface_hub",
    "scipy",
}

WITHOUT = """
import importlib.abc, sys

class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
import importlib.util
found = importlib.util.find_spec
def find_spec(name, package=None):
    try:
        return found(name, package)
    except ModuleNotFoundError:
        return None
importlib.util.find_spec = find_spec
"""


def without_extras(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that finds no package of the extras, installed or not."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(names=sorted(OF_EXTRAS | EXTRA_OF.keys())) + code, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )


# --- what it is


def test_every_dependency_of_the_core_says_what_it_saves() -> None:
    assert core() == sorted(WHY)
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name, reason in WHY.items() if f"| {name} |" not in page or reason.saves not in page] == []


def test_the_core_brings_nothing_of_the_extras() -> None:
    brought = closure(core()).keys()
    assert brought.isdisjoint({"torch", "open-clip-torch", "torchvision", "transformers", "sentence-transformers"})
    assert brought.isdisjoint({"scipy", "pandas", "matplotlib", "nvidia-cublas", "triton", "jupyter"})


def test_the_core_is_small() -> None:
    size = size_mb(closure(core()).values()) + own_size_mb()
    assert 200 < size <= GOAL_MB - PIP_MB


def test_every_dependency_of_the_core_can_be_imported() -> None:
    assert [reason.module for reason in WHY.values() if find_spec(reason.module) is None] == []


def test_what_the_docs_call_an_extra_is_one() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {
        line.split("`")[1] for line in PAGE.read_text().partition("## Extras")[2].splitlines() if line[:3] == "| `"
    }
    assert named == extras.keys() - {"benchmarks", "dev", "docs"}


# --- what it does

SEARCH = """
import json
from phrasepix import find_images
results = find_images("a red boat in the snow", tag="boat", source="sample", model="sample", top=3)
heavy = {heavy!r} & set(sys.modules)
print(json.dumps({{"found": [match.candidate.id for match in results], "heavy": sorted(heavy)}}))
"""


@pytest.mark.own_export
@pytest.mark.slow
def test_a_first_search_needs_no_extra_and_imports_none(tmp_path: Path) -> None:
    search = SEARCH.format(heavy=HEAVY)
    alone = without_extras(search, PHRASEPIX_CACHE_DIR=str(tmp_path / "alone"))
    assert alone.returncode == 0, alone.stderr[-2000:]
    told = json.loads(alone.stdout)
    assert len(told["found"]) == 3
    assert told["heavy"] == []
    beside = subprocess.run(
        [sys.executable, "-c", "import sys\n" + search],
        env=os.environ | {"PHRASEPIX_CACHE_DIR": str(tmp_path / "beside")},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert json.loads(beside.stdout) == told, "with the extras at hand it does otherwise"


PHRASES = ("a red boat in the snow", "", "two dogs beside a blue house at night")
COSINES = (
    (-0.100667, -0.087842, -0.063338),
    (0.146611, 0.149018, 0.160133),
    (-0.034120, -0.047884, -0.059616),
)
"""Of the phrases with three pictures of noise, by the sample's model as open_clip 3.3 runs it."""


def noise() -> list[Image.Image]:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 60, 90, 3), dtype=np.uint8)
    return [Image.fromarray(one) for one in pixels]


def exported_encoder(spec: ModelSpec, cache_directory: Path) -> OpenVinoEncoder:
    """The model that was exported below there, in f32."""
    record = read_record(cache_directory / "engines", spec)
    assert record is not None
    artefacts = ExportedModel.read(cache_directory / "engines" / str(record.fingerprint))
    assert artefacts is not None
    return OpenVinoEncoder(artefacts, "sample", precision="f32")


def test_the_cosines_without_torch_are_those_that_open_clip_gives(tmp_path: Path) -> None:
    spec = ModelSpec(f"local-dir:{MODEL_DIRECTORY}")
    load_encoder(spec, tmp_path, device="cpu", engine="openvino")
    encoder = exported_encoder(spec, tmp_path)
    np.testing.assert_allclose(encoder.encode_texts(PHRASES) @ encoder.encode_pictures(noise()).T, COSINES, atol=1e-5)


def test_those_are_what_open_clip_gives() -> None:
    pytest.importorskip("open_clip", reason="open_clip is what it is compared with")
    from reranker import OpenClipEncoder

    encoder = OpenClipEncoder(f"local-dir:{MODEL_DIRECTORY}", None, device="cpu")
    np.testing.assert_allclose(encoder.encode_texts(PHRASES) @ encoder.encode_pictures(noise()).T, COSINES, atol=1e-5)


# --- what it does not do, and says

LOAD = """
import json
from pathlib import Path
from reranker.engine.factory import load_encoder
from reranker.errors import ModelError
from reranker.models.model_spec import ModelSpec
said = []
for spec, options in json.loads(sys.argv[1]):
    try:
        load_encoder(ModelSpec(*spec), Path(sys.argv[2]), **options)
        said.append(["loaded", ""])
    except ModelError as error:
        said.append([type(error).__name__, str(error)])
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def unread(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights are in a file that only torch might read."""
    directory = tmp_path_factory.mktemp("models") / "unread"
    directory.mkdir()
    config = (MODEL_DIRECTORY / "open_clip_config.json").read_text()
    (directory / "open_clip_config.json").write_text(config)
    (directory / "open_clip_pytorch_model.bin").write_bytes(b"PK\x03\x04")
    return directory


def test_without_torch_all_that_needs_it_says_how_it_is_installed(unread: Path, tmp_path: Path) -> None:
    sample = [f"local-dir:{MODEL_DIRECTORY}", None]
    wanted = [
        (sample, {"engine": "torch"}),
        (sample, {"device": "cuda"}),
        (sample, {"device": "mps"}),
        ([f"local-dir:{unread}", None], {}),
        ([CLIP_MULTILINGUAL_V1.model, "openai", CLIP_MULTILINGUAL_V1.text_tower], {"engine": "torch"}),
    ]
    done = without_extras(LOAD, json.dumps(wanted), str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    for kind, message in answers:
        assert kind == "ModelError"
        assert "needs the package torch: " in message
        assert "pip install" in message
        assert "open-clip-torch torch (phrasepix's extra “torch”)" in message
        assert "\n" not in message
    begins = [
        "the model ",
        "the device cuda ",
        "the device mps ",
        f"the model local-dir:{unread}, which is prepared by PyTorch only (open_clip_pytorch_model.bin cannot be read ",
        "the text tower ",
    ]
    assert [message.startswith(start) for (_, message), start in zip(answers, begins, strict=True)] == [True] * 5


@pytest.mark.slow
def test_weights_that_torch_wrote_are_run_without_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch writes the weights")
    from safetensors.torch import load_file

    directory = tmp_path / "pickled"
    shutil.copytree(MODEL_DIRECTORY, directory)
    weights = directory / "open_clip_model.safetensors"
    torch.save(load_file(weights), directory / "open_clip_pytorch_model.bin")
    weights.unlink()
    spec = ModelSpec(f"local-dir:{directory}")
    done = without_extras(LOAD, json.dumps([[[spec.model, None], {}]]), str(tmp_path / "cache"))
    assert json.loads(done.stdout) == [["loaded", ""]]
    encoder = exported_encoder(spec, tmp_path / "cache")
    np.testing.assert_allclose(encoder.encode_texts(PHRASES) @ encoder.encode_pictures(noise()).T, COSINES, atol=1e-5)


FIND = """
import json
from reranker.engine.model_tokenizer import model_tokenizer
from reranker.errors import ModelError
from reranker.models.weights import find_weights
said = []
for model, tag in json.loads(sys.argv[1]):
    try:
        weights = find_weights(model, tag)
        said.append([weights.weights_file.name, model_tokenizer(weights).kind])
    except ModelError as error:
        said.append([type(error).__name__, str(error)])
print(json.dumps(said))
"""
IN_THE_HUB = [["hf-hub:some/clip", None], ["ViT-B-32", "openai"], ["ViT-B-32-SigLIP2-256", "webli"]]


def found(files: dict[str, bytes], home: Path) -> list[tuple[str, str]]:
    """What models of a hub come to, all of whose repositories have those files, where no extra is installed."""
    with HubServer(files) as hub:
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        done = without_extras(FIND, json.dumps(IN_THE_HUB), **settings)
    assert done.returncode == 0, done.stderr[-2000:]
    return [(one, other) for one, other in json.loads(done.stdout.splitlines()[-1])]


def test_weights_and_tokenizers_of_the_hub_are_found_without_any_extra(tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in MODEL_DIRECTORY.iterdir() if path.suffix == ".json"}
    tokenizer = bytes_behind_pieces().to_str().encode()
    settings = json.dumps({"tokenizer_class": "GemmaTokenizer", "padding_side": "right"}).encode()
    files |= {"tokenizer.json": tokenizer, "tokenizer_config.json": settings, "open_clip_model.safetensors": b"{}"}
    weights = "open_clip_model.safetensors"
    assert found(files, tmp_path) == [(weights, "clip"), (weights, "clip"), (weights, "file")]


def test_an_architecture_that_torch_alone_runs_says_so_before_its_weights_are_asked_for(tmp_path: Path) -> None:
    wanted: list[tuple[list[str], dict[str, str]]] = [
        (["EVA02-B-16", "merged2b_s8b_b131k"], {}),
        (["EVA02-B-16", "no_such_tag"], {}),
        (["ViT-B-32", "openai"], {}),
    ]
    with HubServer({}) as hub:
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
        done = without_extras(LOAD, json.dumps(wanted), str(tmp_path / "cache"), **settings)
    assert done.returncode == 0, done.stderr[-2000:]
    (kind, message), (unknown, _), (absent, _) = json.loads(done.stdout)
    assert kind == "ModelError"
    assert "eva02_base_patch16_clip_224" in message
    assert "open-clip-torch torch (phrasepix's extra “torch”)" in message
    assert (unknown, absent) == ("UnknownModelError", "WeightsUnavailableError")
    assert not [path for path in hub.asked if "eva" in path.lower()]
    assert hub.asked


def test_weights_that_torch_wrote_are_found_on_the_hub_without_any_extra(tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in MODEL_DIRECTORY.iterdir() if path.suffix == ".json"}
    weights = "open_clip_pytorch_model.bin"
    snapshot, of_registry, with_tokenizer = found(files | {weights: b"PK"}, tmp_path)
    assert snapshot == (weights, "clip")
    assert of_registry == (weights, "clip")
    assert with_tokenizer[0] == "ModelError"
    assert "needs the package transformers: " in with_tokenizer[1], "the tokenizer is looked for before the weights"
    assert "(phrasepix's extra “multilingual”)" in with_tokenizer[1]


def test_without_torch_a_cache_that_cannot_be_written_is_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    code = "from phrasepix.cli import main\nmain()"
    job = ["a red boat", "--tag", "boat", "--source", "sample", "--model", "sample"]
    done = without_extras(code, *job, PHRASEPIX_CACHE_DIR=str(tmp_path / "kept"))
    assert (done.returncode, done.stdout) == (3, "")
    engines = tmp_path / "kept" / "engines"
    assert f"Error: nothing can be kept in {engines}: Not a directory. Models are made ready there" in done.stderr
    assert "PHRASEPIX_CACHE_DIR" in done.stderr
    assert "pip install" not in done.stderr


@pytest.mark.slow
def test_the_command_says_it_too(tmp_path: Path) -> None:
    code = "from phrasepix.cli import main\nmain()"
    job = ["a red boat", "--tag", "boat", "--source", "sample", "--model", "sample", "--engine", "torch"]
    done = without_extras(code, *job)
    assert done.returncode == 3
    assert "needs the package torch" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("job", "extra"),
    first_often(
        2,
        [
            (["serve"], "serve"),
            (["library", "status"], "library"),
            (["mcp"], "serve"),
            (["library", "add", "."], "library"),
            (["library", "sql", "SELECT 1"], "library"),
            (["a boat", "--source", "library:mine"], "library"),
        ],
    ),
    ids=lambda given: given if isinstance(given, str) else " ".join(given),
)
def test_a_command_without_its_extra_says_how_that_is_installed(job: list[str], extra: str, tmp_path: Path) -> None:
    code = "from phrasepix.cli import main\nmain()"
    done = without_extras(code, *job, PHRASEPIX_DATA_DIR=str(tmp_path))
    assert done.returncode in {2, 3}
    assert done.stdout == ""
    assert "pip install" in done.stderr
    assert f"extra “{extra}”" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_that_the_core_offers_have_weights() -> None:
    for name in ("ViT-B-32", "ViT-B-32-SigLIP2-256", "ViT-SO400M-16-SigLIP2-384"):
        assert pretrained_tags(name)
