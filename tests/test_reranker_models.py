"""Models by name, from directories and from the hub's cache: what is loaded, and what is said where it cannot be."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from reranker import ClipReranker, Encoder, OpenClipEncoder
from reranker.errors import ModelError, UnknownModelError, WeightsUnavailableError
from reranker.models.weights import find_weights
from tests.picture_server import stripes, unused_port
from tests.tiny_models import TINY, random_tiny, write_model

REMEDY = "or see it work with the built-in sample"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny", random_tiny(0))


@pytest.fixture(scope="module")
def encoder(directory: Path) -> OpenClipEncoder:
    return OpenClipEncoder(f"local-dir:{directory}", None, device="cpu")


def run(code: str, home: Path, **environment: str) -> Any:
    """What `code` prints as JSON, in a process of its own: the hub's settings are read once, on import."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE"))}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", PREAMBLE + code],
        env={**clean, "HF_HOME": str(home), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


PREAMBLE = """
import json
from reranker.errors import RerankerError
from reranker.models.weights import find_weights

def failure(model, pretrained=None, look=find_weights):
    try:
        look(model, pretrained)
    except RerankerError as error:
        return type(error).__name__, str(error)
    return "none", ""
"""


# --- what a model does


def test_an_encoder_of_open_clip_is_an_encoder(encoder: OpenClipEncoder) -> None:
    assert isinstance(encoder, Encoder)
    assert (encoder.dimensions, encoder.input_side, encoder.device) == (16, 32, "cpu")


def test_the_name_holds_model_and_precision_and_no_path(encoder: OpenClipEncoder, directory: Path) -> None:
    assert encoder.name.startswith("local-dir:tiny fp32 ")
    assert str(directory.parent) not in encoder.name
    assert encoder.name in repr(encoder)


def test_the_name_tells_weights_and_preprocessing_apart(
    encoder: OpenClipEncoder, directory: Path, tmp_path: Path
) -> None:
    same = write_model(tmp_path / "same" / "tiny", random_tiny(0))
    other_weights = write_model(tmp_path / "weights" / "tiny", random_tiny(1))
    other_mean = {**TINY, "preprocess_cfg": {**TINY["preprocess_cfg"], "mean": [0.5, 0.5, 0.5]}}
    other_preprocessing = write_model(tmp_path / "preprocessing" / "tiny", random_tiny(0), other_mean)
    names = [
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu").name
        for place in (same, other_weights, other_preprocessing)
    ]
    assert names[0] == encoder.name
    assert len({encoder.name, *names}) == 3


def test_embeddings_are_float32_unit_rows(encoder: OpenClipEncoder) -> None:
    texts = encoder.encode_texts(["a red boat", "", "two boats"])
    pictures = encoder.encode_pictures([stripes(["red"]), stripes(["blue", "green"], (300, 20)), stripes(["black"])])
    for rows in (texts, pictures):
        assert rows.dtype == np.float32
        assert rows.shape == (3, 16)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_nothing_to_encode_gives_no_rows(encoder: OpenClipEncoder) -> None:
    assert encoder.encode_pictures([]).shape == (0, 16)


def test_a_local_models_own_preprocessing_is_used(encoder: OpenClipEncoder) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (50, 90, 3), dtype=np.uint8))
    squashed = np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    normal = (squashed - np.array([0.5, 0.4, 0.3])) / np.array([0.2, 0.3, 0.4])
    pixels = torch.tensor(normal.transpose(2, 0, 1), dtype=torch.float32)
    with torch.inference_mode():
        expected = random_tiny(0).encode_image(pixels[None], normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode_pictures([picture]), expected, atol=1e-5)


def test_a_reranker_ranks_by_it(encoder: OpenClipEncoder) -> None:
    with ClipReranker(encoder) as reranker:
        assert reranker.rerank("a boat", []).matches == ()


@pytest.mark.parametrize("device", ["gpu", "CPU", "", "cuda:0"])
def test_an_unknown_device_is_refused_with_those_that_are_known(directory: Path, device: str) -> None:
    with pytest.raises(UnknownModelError, match=r"is not known.*; allowed: auto, cpu, cuda, mps"):
        OpenClipEncoder(f"local-dir:{directory}", None, device=device)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_the_remedy(directory: Path, device: str) -> None:
    present = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if present:
        pytest.skip(f"this machine has {device}")
    with pytest.raises(UnknownModelError, match=rf'device {device} is not present on this machine; device="auto"'):
        OpenClipEncoder(f"local-dir:{directory}", None, device=device)


# --- phrases longer than the context: 12 tokens, of which two are its beginning and its end


WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"]


@pytest.mark.parametrize("count", range(11))
def test_of_a_phrase_within_the_context_all_is_read(encoder: OpenClipEncoder, count: int) -> None:
    assert encoder.unread(" ".join(WORDS[:count])) == ""


@pytest.mark.parametrize("count", [11, 12, 13])
def test_of_a_longer_phrase_the_encoder_says_what_is_not_read(encoder: OpenClipEncoder, count: int) -> None:
    assert encoder.unread(" ".join(WORDS[:count])) == " ".join(WORDS[10:count])


def test_what_is_not_read_of_a_phrase_is_said_with_every_ranking(encoder: OpenClipEncoder) -> None:
    with ClipReranker(encoder) as reranker:
        for _ in range(2):  # the second time the phrase is not encoded again
            ranking = reranker.rerank(" ".join(WORDS), [])
            assert ranking.notices == ("the phrase is longer than the model reads; not read: “eleven twelve thirteen”",)
        assert reranker.rerank("one two", []).notices == ()
        *_, last = reranker.stream(" ".join(WORDS[:11]), [])
        assert last.notices == ("the phrase is longer than the model reads; not read: “eleven”",)


def test_a_word_that_is_read_only_in_part_is_named_too(encoder: OpenClipEncoder) -> None:
    assert encoder.unread("one two three four five six seven eight nine xqzvkwjp end") == "xqzvkwjp end"
    assert "xqzvkwjp" in encoder.unread("xqzvkwjpbdfg" * 5)


def test_in_a_script_without_spaces_the_letters_are_named(encoder: OpenClipEncoder) -> None:
    phrase = "老虎在雪地里玩耍"
    named = encoder.unread(phrase)
    assert phrase.endswith(named)
    assert 2 < len(named) < len(phrase)


def test_what_is_not_read_changes_nothing(encoder: OpenClipEncoder, caplog: pytest.LogCaptureFixture) -> None:
    read, more = encoder.encode_texts([" ".join(WORDS[:10]), " ".join(WORDS)])
    np.testing.assert_allclose(read, more, atol=1e-6)


# --- models that cannot be had


def test_an_unknown_model_is_told_those_near_it() -> None:
    with pytest.raises(UnknownModelError, match=r"model 'ViT-B-33' is not known to open_clip.*ViT-B-32") as caught:
        find_weights("ViT-B-33", "laion2b_s34b_b79k")
    assert isinstance(caught.value, ValueError)


def test_a_model_like_no_other_is_told_where_the_names_are() -> None:
    with pytest.raises(UnknownModelError, match=r"github\.com/mlfoundations/open_clip names all.*local-dir:PATH"):
        find_weights("zzz", None)


def test_an_unknown_tag_is_told_the_tags_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"has no weights named 'laion9b'.*laion2b_s34b_b79k"):
        find_weights("ViT-B-32", "laion9b")


def test_a_model_without_a_tag_is_told_the_tags_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"ViT-B-32 needs a pretrained tag; .*laion2b_s34b_b79k"):
        find_weights("ViT-B-32", None)


def broken(tmp_path: Path, directory: Path, what: str) -> Path:
    place = tmp_path / "broken"
    if what == "missing":
        return place
    weights = (directory / "open_clip_model.safetensors").read_bytes()
    config = json.dumps(TINY)
    files: Mapping[str, bytes] = {
        "empty": {},
        "no config": {"open_clip_model.safetensors": weights},
        "no weights": {"open_clip_config.json": config.encode()},
        "config is no JSON": {"open_clip_config.json": b"{oops", "open_clip_model.safetensors": weights},
        "config is no text": {"open_clip_config.json": b"\xff\xfe\x00", "open_clip_model.safetensors": weights},
        "config is a list": {"open_clip_config.json": b"[1, 2]", "open_clip_model.safetensors": weights},
        "config of nothing": {"open_clip_config.json": b"{}", "open_clip_model.safetensors": weights},
        "config without towers": {
            "open_clip_config.json": b'{"model_cfg": {"embed_dim": 16}}',
            "open_clip_model.safetensors": weights,
        },
        "config of null": {"open_clip_config.json": b'{"model_cfg": null}', "open_clip_model.safetensors": weights},
        "config with an unknown entry": {
            "open_clip_config.json": config.replace('"embed_dim"', '"depth_of_thought": 3, "embed_dim"').encode(),
            "open_clip_model.safetensors": weights,
        },
        "an unknown resize mode": {
            "open_clip_config.json": config.replace("squash", "crumple").encode(),
            "open_clip_model.safetensors": weights,
        },
        "weights of another shape": {
            "open_clip_config.json": config.replace('"embed_dim": 16', '"embed_dim": 24').encode(),
            "open_clip_model.safetensors": weights,
        },
        "weights cut short": {
            "open_clip_config.json": config.encode(),
            "open_clip_model.safetensors": weights[: len(weights) // 2],
        },
        "weights empty": {"open_clip_config.json": config.encode(), "open_clip_model.safetensors": b""},
        "pickled weights cut short": {
            "open_clip_config.json": config.encode(),
            "open_clip_pytorch_model.bin": b"PK\x03\x04" + bytes(400),
        },
        "pickled weights that are text": {
            "open_clip_config.json": config.encode(),
            "open_clip_pytorch_model.bin": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        },
    }[what]
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)
    return place


@pytest.mark.parametrize(
    ("what", "kind", "says"),
    [
        ("missing", UnknownModelError, "is not a directory"),
        ("empty", UnknownModelError, "has no open_clip_config.json"),
        ("no config", UnknownModelError, "has no open_clip_config.json"),
        ("no weights", WeightsUnavailableError, "has none of open_clip_model.safetensors"),
        ("config is no JSON", ModelError, "cannot be loaded"),
        ("config is no text", ModelError, "cannot be loaded"),
        ("config is a list", ModelError, "cannot be loaded"),
        ("config of nothing", ModelError, "cannot be loaded"),
        ("config without towers", ModelError, "cannot be loaded"),
        ("config of null", ModelError, "cannot be loaded"),
        ("config with an unknown entry", ModelError, "depth_of_thought"),
        ("an unknown resize mode", ModelError, "cannot be loaded"),
        ("weights of another shape", ModelError, "cannot be loaded"),
        ("weights cut short", ModelError, "cannot be loaded"),
        ("weights empty", ModelError, "cannot be loaded"),
        ("pickled weights cut short", ModelError, "cannot be loaded"),
        ("pickled weights that are text", ModelError, "cannot be loaded"),
    ],
)
def test_a_directory_that_is_no_model_is_a_clear_error(
    tmp_path: Path, directory: Path, what: str, kind: type[ModelError], says: str
) -> None:
    place = broken(tmp_path, directory, what)
    with pytest.raises(kind, match="model local-dir:") as caught:
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")
    assert says in str(caught.value)
    assert "broken" in str(caught.value)


def test_pickled_weights_are_loaded_too(tmp_path: Path, encoder: OpenClipEncoder) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps(TINY))
    torch.save(random_tiny(0).state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    pickled = OpenClipEncoder(f"local-dir:{tmp_path}", None, device="cpu")
    np.testing.assert_array_equal(pickled.encode_texts(["a boat"]), encoder.encode_texts(["a boat"]))


class Trap:
    """What a malicious pickle does when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_pickled_weights_cannot_run_code(tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps(TINY))
    torch.save({"weights": Trap(tmp_path / "ran")}, tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        OpenClipEncoder(f"local-dir:{tmp_path}", None, device="cpu")
    assert not (tmp_path / "ran").exists()


# --- the hub and its cache


def put_in_cache(home: Path, repository: str, files: Mapping[str, Path]) -> Path:
    """A repository in the hub's cache as its client lays it out; the files are linked. Gives the snapshot."""
    place = home / "hub" / f"models--{repository.replace('/', '--')}"
    revision = "0123456789abcdef0123456789abcdef01234567"
    snapshot = place / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(revision)
    for name, target in files.items():
        (snapshot / name).symlink_to(target)
    return snapshot


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE forbids the download"),
        ({"HF_ENDPOINT": "http://127.0.0.1:{port}"}, "cannot be reached"),
    ],
    ids=["offline by choice", "no network"],
)
def test_without_weights_and_network_one_clear_error_names_model_cache_and_remedy(
    tmp_path: Path, environment: dict[str, str], says: str
) -> None:
    environment = {name: value.format(port=unused_port()) for name, value in environment.items()}
    code = """
print(json.dumps([
    failure("ViT-B-32", "laion2b_s34b_b79k"), failure("ViT-B-32", "openai"), failure("hf-hub:someone/some-clip"),
]))
"""
    answers = run(code, tmp_path, **environment)
    names = ["ViT-B-32/laion2b_s34b_b79k", "ViT-B-32/openai", "hf-hub:someone/some-clip"]
    for name, (kind, message) in zip(names, answers, strict=True):
        assert kind == "WeightsUnavailableError"
        assert f"the weights of {name} are not on this machine (looked in {tmp_path / 'hub'})" in message
        assert says in message
        assert REMEDY in message
        assert "\n" not in message


@pytest.mark.slow
def test_a_model_in_the_hubs_cache_is_loaded_offline(tmp_path: Path, directory: Path, encoder: OpenClipEncoder) -> None:
    put_in_cache(tmp_path, "someone/tiny-clip", {path.name: path for path in directory.iterdir()})
    (tmp_path / "other").mkdir()
    put_in_cache(tmp_path, "someone/half-a-clip", {"open_clip_config.json": directory / "open_clip_config.json"})
    code = """
from reranker import OpenClipEncoder
encoder = OpenClipEncoder("hf-hub:someone/tiny-clip", None, device="cpu")
print(json.dumps({
    "name": encoder.name, "text": encoder.encode_texts(["a boat"]).tolist(),
    "half": failure("hf-hub:someone/half-a-clip", look=OpenClipEncoder),
}))
"""
    answer = run(code, tmp_path, HF_HUB_OFFLINE="1")
    assert answer["name"] == encoder.name.replace("local-dir:tiny", "hf-hub:someone/tiny-clip")
    np.testing.assert_allclose(answer["text"], encoder.encode_texts(["a boat"]), atol=1e-6)
    assert answer["half"][0] == "WeightsUnavailableError"


def test_a_registry_models_preprocessing_and_activation_are_those_of_its_tag(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.touch()
    for repository in ("timm/vit_base_patch32_clip_224.openai", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"):
        put_in_cache(tmp_path, repository, {"open_clip_model.safetensors": weights})
    put_in_cache(tmp_path, "timm/ViT-B-16-SigLIP", {"open_clip_model.safetensors": weights})
    code = """
def told(model, tag):
    weights = find_weights(model, tag)
    return [weights.title, weights.quick_gelu, weights.preprocessing]
print(json.dumps({
    "openai": told("ViT-B-32", "openai"),
    "laion": told("ViT-B-32", "laion2b_s34b_b79k"),
    "siglip": told("ViT-B-16-SigLIP", "webli"),
}))
"""
    answer = run(code, tmp_path, HF_HUB_OFFLINE="1")
    assert answer["openai"][:2] == ["ViT-B-32/openai", True]
    assert answer["laion"][:2] == ["ViT-B-32/laion2b_s34b_b79k", False]
    assert answer["siglip"][2]["mean"] == [0.5, 0.5, 0.5]
    assert answer["siglip"][2]["resize_mode"] == "squash"
