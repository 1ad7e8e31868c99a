"""The truth check: what the encoder and the order say equals what open_clip itself says, on ViT-B-32.

The weights are random, from a seed: the arithmetic is that of the trained ones, and nothing is downloaded.
"""

import gc
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg
from open_clip.transformer import QuickGELU
from PIL import Image
from safetensors.torch import save_file

from reranker import ClipReranker, Embeddings, OpenClipEncoder
from reranker.engine.export import export
from reranker.engine.exported_model import ExportedModel
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.pictures import PictureLoader
from reranker.pictures.decode import decode
from reranker.pictures.loader import enough_for
from tests.picture_server import PictureServer, candidate, encoded, file

pytestmark = pytest.mark.slow  # a whole model; the sample's is compared in test_reranker_engine

PHOTOS = Path(__file__).parents[2] / "shared" / "photos"
PHRASES = ["a tiger playing in the snow", "two red boats at night in the rain", "people at a table", "a dog"]
MOST = 1e-5
WEIGHTS = "open_clip_model.safetensors"


@dataclass(frozen=True)
class Reference:
    """open_clip's own model, never saved and loaded, and the same as a directory."""

    model: Any
    preprocess: Any
    directory: Path

    def texts(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        with torch.inference_mode():
            tokens = open_clip.get_tokenizer("ViT-B-32")(list(phrases))
            rows: NDArray[np.float32] = self.model.encode_text(tokens, normalize=True).numpy()
        return rows

    def pictures(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        with torch.inference_mode():
            batch = torch.stack([self.preprocess(picture) for picture in pictures])
            rows: NDArray[np.float32] = self.model.encode_image(batch, normalize=True).numpy()
        return rows


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """On a machine that is busy with other things, threads that wait for each other take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    torch.manual_seed(20)
    model, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32", load_weights=False, device="cpu")
    model.eval()
    directory = tmp_path_factory.mktemp("vit-b-32")
    save_file(model.state_dict(), directory / WEIGHTS)
    config = {"model_cfg": open_clip.get_model_config("ViT-B-32"), "preprocess_cfg": asdict(PreprocessCfg())}
    (directory / "open_clip_config.json").write_text(json.dumps(config))
    yield Reference(model, preprocess, directory)
    (directory / WEIGHTS).unlink()  # 600 MB, which pytest would keep for three runs


@pytest.fixture(scope="module")
def encoder(reference: Reference) -> OpenClipEncoder:
    return OpenClipEncoder(f"local-dir:{reference.directory}", None, device="cpu")


def drawn_files() -> list[bytes]:
    """Smooth random pictures of many shapes, as lossless files."""
    random = np.random.default_rng(8)
    files = []
    for size in [(224, 224), (640, 426), (300, 900), (225, 223), (64, 48), (1000, 250), (511, 640), (333, 334)]:
        coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        files.append(encoded(coarse.resize(size, Image.Resampling.BICUBIC), "PNG"))
    return files


@pytest.fixture(scope="module", params=["drawn pictures", "photographs"])
def files(request: pytest.FixtureRequest) -> list[bytes]:
    if request.param == "drawn pictures":
        return drawn_files()
    photographs = sorted(PHOTOS.glob("*.jpg"))[:24]
    if not photographs:
        pytest.skip("no photographs beside the repository (../shared/photos)")
    return [path.read_bytes() for path in photographs]


@pytest.fixture(scope="module")
def pictures(files: list[bytes]) -> list[Image.Image]:
    return [opened(data) for data in files]


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


@pytest.fixture(scope="module")
def expected(reference: Reference, pictures: list[Image.Image]) -> Embeddings:
    return reference.pictures(pictures)


def largest_difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())


def test_texts_are_encoded_as_open_clip_encodes_them(reference: Reference, encoder: OpenClipEncoder) -> None:
    phrases = [*PHRASES, "", "naïve café — 東京", "word " * 70]
    assert largest_difference(encoder.encode_texts(phrases), reference.texts(phrases)) <= MOST


def test_pictures_are_encoded_as_open_clip_encodes_them(
    encoder: OpenClipEncoder, pictures: list[Image.Image], expected: Embeddings
) -> None:
    assert np.std(expected, axis=0).max() > 10 * MOST  # they differ by more than what is allowed
    assert largest_difference(encoder.encode_pictures(pictures), expected) <= MOST


@pytest.fixture(scope="module")
def artefacts(encoder: OpenClipEncoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExportedModel]:
    engines = tmp_path_factory.mktemp("engines")
    yield export(encoder, engines)
    shutil.rmtree(engines)  # as large as the weights


@pytest.fixture(scope="module")
def engine(artefacts: ExportedModel) -> OpenVinoEncoder:
    engine = OpenVinoEncoder(artefacts, "ViT-B-32", precision="f32")
    engine.keep_both_towers(True)
    return engine


@pytest.fixture(scope="module")
def with_loss(artefacts: ExportedModel) -> OpenVinoEncoder:
    return OpenVinoEncoder(artefacts, "ViT-B-32", precision="bf16")


def test_the_engine_for_cpus_encodes_as_open_clip_does(
    reference: Reference,
    engine: OpenVinoEncoder,
    with_loss: OpenVinoEncoder,
    pictures: list[Image.Image],
    expected: Embeddings,
) -> None:
    phrases = [*PHRASES, "", "naïve café — 東京", "word " * 70]
    assert largest_difference(engine.encode_texts(phrases), reference.texts(phrases)) <= MOST
    assert largest_difference(engine.encode_pictures(pictures), expected) <= MOST
    assert largest_difference(with_loss.encode_texts(phrases), reference.texts(phrases)) <= 5e-3
    assert largest_difference(with_loss.encode_pictures(pictures), expected) <= 5e-3


def test_a_large_jpeg_decoded_at_a_fraction_of_its_size_says_the_same(
    engine: OpenVinoEncoder, pictures: list[Image.Image]
) -> None:
    enough = enough_for(engine.input_side)
    large = [encoded(enlarged(picture, 2 * enough), "JPEG", quality=90) for picture in pictures[:12]]
    whole, reduced = [decode(data) for data in large], [decode(data, enough=enough) for data in large]
    assert {min(picture.size) for picture in reduced} == {enough}
    theirs, ours = engine.encode_pictures(whole), engine.encode_pictures(reduced)
    assert (theirs * ours).sum(axis=1).min() >= 0.999
    assert (ours @ theirs.T).argmax(axis=1).tolist() == list(range(len(large)))  # each is still nearest to itself


def enlarged(picture: Image.Image, short_side: int) -> Image.Image:
    scale = short_side / min(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)


def test_a_batch_of_one_equals_a_batch_of_eight_and_a_second_call_the_first(encoder: OpenClipEncoder) -> None:
    pictures = [opened(data) for data in drawn_files()]
    together = encoder.encode_pictures(pictures)
    np.testing.assert_array_equal(encoder.encode_pictures(pictures), together)
    apart = np.concatenate([encoder.encode_pictures([picture]) for picture in pictures[:4]])
    assert largest_difference(apart, together[:4]) <= MOST


def test_the_order_over_http_is_that_of_open_clips_own_cosines(
    reference: Reference, encoder: OpenClipEncoder, files: list[bytes], expected: Embeddings
) -> None:
    with PictureServer() as server:
        pool = [
            candidate(number, server.put(f"/{number}", file(data)), size=(640, 480))
            for number, data in enumerate(files)
        ]
        loader = PictureLoader(loopback_sources={"sample"})
        with ClipReranker(encoder, loader=loader, batch_size=7) as reranker:
            rankings = [reranker.rerank(phrase, pool, top=len(pool)) for phrase in PHRASES]
        assert server.asked_in_all == len(pool)
    gc.collect(1)
    cosines = reference.texts(PHRASES).astype(np.float64) @ expected.astype(np.float64).T
    for ranking, exact in zip(rankings, cosines, strict=True):
        assert not ranking.skipped
        order = [int(match.candidate.id) for match in ranking.matches]
        assert sorted(order) == list(range(len(files)))
        scores = np.array([match.score for match in ranking.matches])
        assert largest_difference(scores, exact[order]) <= MOST
        steps = exact[order][:-1] - exact[order][1:]
        assert steps.min() > -2 * MOST  # only what is a tie within the precision may stand the other way round
        assert (steps > 2 * MOST).mean() > 0.5


@contextmanager
def quick_gelu(model: Any) -> Iterator[None]:
    """The model with the other activation, for a while."""
    blocks = [*model.visual.transformer.resblocks, *model.transformer.resblocks]
    for block in blocks:
        block.mlp.gelu = QuickGELU()
    yield
    for block in blocks:
        block.mlp.gelu = torch.nn.GELU()


def test_a_registry_model_in_the_hubs_cache_is_loaded_offline_with_its_tags_preprocessing_and_activation(
    reference: Reference, tmp_path: Path
) -> None:
    repositories = ["laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "timm/vit_base_patch32_clip_224.openai"]
    for repository in repositories:
        place = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        snapshot = place / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
        snapshot.mkdir(parents=True)
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text(snapshot.name)
        (snapshot / WEIGHTS).symlink_to(reference.directory / WEIGHTS)
    (tmp_path / "picture.png").write_bytes(drawn_files()[1])
    code = """
import sys
import numpy as np
from PIL import Image
from reranker import OpenClipEncoder
with Image.open(sys.argv[1] + "/picture.png") as picture:
    for tag in ("laion2b_s34b_b79k", "openai"):
        encoder = OpenClipEncoder("ViT-B-32", tag, device="cpu")
        assert encoder.name.startswith(f"ViT-B-32/{tag} fp32 "), encoder.name
        rows = np.concatenate([encoder.encode_texts(["a dog"]), encoder.encode_pictures([picture.convert("RGB")])])
        np.save(f"{sys.argv[1]}/{tag}.npy", rows)
        del encoder
"""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE"))}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**clean, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    picture = opened(drawn_files()[1])
    own = np.concatenate([reference.texts(["a dog"]), reference.pictures([picture])])
    assert largest_difference(np.load(tmp_path / "laion2b_s34b_b79k.npy"), own) <= MOST
    with quick_gelu(reference.model):  # what OpenAI trained with
        expected = np.concatenate([reference.texts(["a dog"]), reference.pictures([picture])])
    assert largest_difference(expected, own) > 10 * MOST
    assert largest_difference(np.load(tmp_path / "openai.npy"), expected) <= MOST
