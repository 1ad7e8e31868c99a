"""Models that read many languages, and the same in both engines."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from PIL import Image

from phrasepix import find_images
from phrasepix.models.catalogue import choose_model
from reranker import Encoder, OpenClipEncoder
from reranker.baseline_prompts import NEUTRAL_PHRASES, neutral_embeddings
from reranker.clip_reranker import ClipReranker
from reranker.encoder import Embeddings, KnowsTexts, TellsWhatItReads, image_tower_name, preparing
from reranker.engine.export_child import outcome
from reranker.engine.exported_model import ExportedModel
from reranker.engine.exported_text_tower import ExportedTextTower
from reranker.engine.factory import load_encoder, loads_at_once
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.openvino_text_tower import OpenVinoTextTower
from reranker.engine.records import read_record
from reranker.errors import ModelError, UnknownModelError
from reranker.models.model_spec import BEST, CLIP_MULTILINGUAL_V1, MULTILINGUAL, ModelSpec
from reranker.models.paired_encoder import PairedEncoder
from reranker.models.sentence_tower import SentenceTower
from reranker.testing import ColourEncoder
from tests.made_tokenizers import LINES, write_siglip, write_text_tower
from tests.picture_server import stripes
from tests.tiny_models import random_tiny, write_model

TEXTS = (*LINES, "", "A Tiger!", " zwei  rote\tBoote ", "🐅", "xyzzy")
LONG = "ein Tiger spielt im Schnee " * 12
NEAR = 1e-4


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def siglip(place: Path) -> Path:
    return write_siglip(place / "siglip")


@pytest.fixture(scope="module")
def text_tower(place: Path) -> Path:
    return write_text_tower(place / "text")


@pytest.fixture(scope="module")
def plain(place: Path) -> ModelSpec:
    return ModelSpec(f"local-dir:{write_model(place / 'tiny', random_tiny(0))}")


@pytest.fixture(scope="module")
def cache(place: Path, siglip: Path, text_tower: Path, plain: ModelSpec) -> Path:
    """With all of them exported, in this process, where torch is imported already."""
    cache = place / "cache"
    pairing = ModelSpec(plain.model, None, f"local-dir:{text_tower}")
    for choice in (ModelSpec(f"local-dir:{siglip}"), plain, pairing.of_texts):
        assert choice is not None
        told = outcome(choice, cache / "engines")
        assert told["record"]["fingerprint"], told
    return cache


@pytest.fixture
def pairing(plain: ModelSpec, text_tower: Path) -> ModelSpec:
    return ModelSpec(plain.model, None, f"local-dir:{text_tower}")


def pictures() -> list[Image.Image]:
    noise = np.random.default_rng(0).integers(0, 256, (3, 50, 90, 3), dtype=np.uint8)
    return [Image.fromarray(pixels) for pixels in noise]


# --- SigLIP 2


def test_a_model_like_siglip_2_says_the_same_in_both_engines(siglip: Path, cache: Path) -> None:
    theirs = OpenClipEncoder(f"local-dir:{siglip}", None, device="cpu")
    ours = load_encoder(ModelSpec(f"local-dir:{siglip}"), cache, device="cpu")
    assert isinstance(ours, OpenVinoEncoder)
    np.testing.assert_allclose(ours.encode_texts(TEXTS), theirs.encode_texts(TEXTS), atol=NEAR)
    np.testing.assert_allclose(ours.encode_pictures(pictures()), theirs.encode_pictures(pictures()), atol=NEAR)
    assert np.abs(ours.encode_texts(["a tiger"]) - ours.encode_texts(["A TIGER!"])).max() < 1e-6  # canonicalised


def test_what_such_a_model_does_not_read_is_said_in_both_engines(siglip: Path, cache: Path) -> None:
    for engine in ("torch", "openvino"):
        encoder = load_encoder(ModelSpec(f"local-dir:{siglip}"), cache, engine=engine, device="cpu")
        assert isinstance(encoder, TellsWhatItReads)
        assert encoder.unread(LONG).startswith("Schnee ein Tiger")
        assert encoder.unread("a tiger") == ""
        with ClipReranker(encoder) as reranker:
            (said,) = reranker.rerank(LONG, []).notices
        assert "not read: “Schnee ein Tiger" in said
        assert said.endswith("…”")  # the rest is as many words again as would fill a terminal


# --- a text tower beside an image tower


def reference(text_tower: Path, texts: Any) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(text_tower), device="cpu", local_files_only=True)
    return model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_a_pairing_encodes_texts_as_sentence_transformers_and_pictures_as_the_model(
    pairing: ModelSpec, plain: ModelSpec, text_tower: Path, cache: Path, engine: str
) -> None:
    encoder = load_encoder(pairing, cache, device="cpu", engine=engine)
    assert isinstance(encoder, PairedEncoder)
    np.testing.assert_allclose(encoder.encode_texts([*TEXTS, LONG]), reference(text_tower, [*TEXTS, LONG]), atol=NEAR)
    for text in TEXTS:  # alone nothing is padded to another's length
        np.testing.assert_allclose(encoder.encode_texts([text]), reference(text_tower, [text]), atol=NEAR)
    of_plain = load_encoder(plain, cache, device="cpu", engine=engine)
    np.testing.assert_array_equal(encoder.encode_pictures(pictures()), of_plain.encode_pictures(pictures()))
    prepared = [encoder.prepare_picture(picture) for picture in pictures()]
    np.testing.assert_array_equal(encoder.encode_prepared(prepared), of_plain.encode_pictures(pictures()))
    assert image_tower_name(encoder) == of_plain.name != encoder.name
    assert encoder.encode_texts([]).shape == (0, 16)


def test_neutral_phrases_are_encoded_with_the_export_of_a_text_tower(
    pairing: ModelSpec, text_tower: Path, cache: Path
) -> None:
    expected = reference(text_tower, NEUTRAL_PHRASES)
    encoders = [load_encoder(pairing, cache, device="cpu", engine=engine) for engine in ("openvino", "torch")]
    assert [isinstance(one, KnowsTexts) and one.known_texts(NEUTRAL_PHRASES) is not None for one in encoders] == [
        True,
        False,
    ]
    for encoder in encoders:
        np.testing.assert_allclose(neutral_embeddings(encoder, None), expected, atol=NEAR)


def test_beyond_its_context_a_text_tower_says_what_it_does_not_read(
    text_tower: Path, pairing: ModelSpec, cache: Path
) -> None:
    tower, pair = SentenceTower(f"local-dir:{text_tower}"), load_encoder(pairing, cache, device="cpu")
    assert isinstance(pair, TellsWhatItReads)
    assert tower.unread("тигр играет в снегу") == pair.unread("тигр играет в снегу") == ""
    assert tower.unread(LONG) == pair.unread(LONG) != ""


class Counted:
    """An encoder that counts the pictures it encodes."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.encoded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.encoded += len(pictures)
        return self._encoder.encode_pictures(pictures)

    def encode_prepared(self, prepared: Sequence[Any]) -> Embeddings:
        self.encoded += len(prepared)
        return preparing(self._encoder).encode_prepared(prepared)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        stripes(["red"] * (number + 1) + ["blue"] * (7 - number)).save(folder / f"{number}.png")
    return folder


@pytest.mark.slow
def test_a_pairing_encodes_no_picture_again_that_the_plain_model_has_encoded(
    pairing: ModelSpec, plain: ModelSpec, cache: Path, folder: Path
) -> None:
    first = Counted(load_encoder(plain, cache, device="cpu"))
    assert len(find_images("a tiger", source=folder, model=first, top=3)) == 3
    assert first.encoded == 6
    second = Counted(load_encoder(pairing, cache, device="cpu"))
    results = find_images("ein Tiger", source=folder, model=second, top=6, offline=True)
    assert second.encoded == 0
    scores = second.encode_texts(["ein Tiger"]) @ first.encode_pictures([match.picture for match in results]).T
    np.testing.assert_allclose([match.score for match in results], scores[0], atol=NEAR)


PAIR = """
import json, sys
from phrasepix import find_images
results = find_images("тигр играет в снегу", source=sys.argv[1], model=sys.argv[2], device="cpu", top=2)
heavy = {"torch", "transformers", "sentence_transformers", "open_clip"} & set(sys.modules)
print(json.dumps({"found": len(results), "model": results.model, "heavy": sorted(heavy)}))
"""


def test_a_process_that_finds_a_pairing_exported_imports_no_torch(
    pairing: ModelSpec, cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loads_at_once(pairing, cache, device="cpu")
    monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(cache))
    done = subprocess.run(
        [sys.executable, "-c", PAIR, str(folder), str(pairing)], capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(done.stdout) == {"found": 2, "model": str(pairing), "heavy": []}


@pytest.mark.slow
def test_other_files_of_a_text_tower_are_noticed(tmp_path: Path, text_tower: Path) -> None:
    changed = shutil.copytree(text_tower, tmp_path / "changed")
    choice = ModelSpec("", None, f"local-dir:{changed}")
    outcome(choice, tmp_path / "engines")
    assert read_record(tmp_path / "engines", choice) is not None
    (changed / "modules.json").write_text((changed / "modules.json").read_text() + " ")
    assert read_record(tmp_path / "engines", choice) is None


def test_an_encoder_that_says_nothing_of_its_image_tower_is_remembered_by_its_name(plain: ModelSpec) -> None:
    encoder = ColourEncoder()
    assert image_tower_name(encoder) == encoder.name


@pytest.mark.slow
def test_towers_of_full_size_say_the_same(tmp_path: Path) -> None:
    siglip = write_siglip(tmp_path / "siglip", model_config=open_clip.get_model_config("ViT-B-32-SigLIP2-256"))
    choice = ModelSpec(f"local-dir:{siglip}")
    outcome(choice, tmp_path / "engines")
    record = read_record(tmp_path / "engines", choice)
    assert record is not None
    artefacts = ExportedModel.read(tmp_path / "engines" / str(record.fingerprint))
    assert artefacts is not None
    ours = OpenVinoEncoder(artefacts, "full", precision="f32")
    theirs = OpenClipEncoder(choice.model, None, device="cpu")
    np.testing.assert_allclose(ours.encode_texts(TEXTS), theirs.encode_texts(TEXTS), atol=NEAR)
    np.testing.assert_allclose(ours.encode_pictures(pictures()), theirs.encode_pictures(pictures()), atol=NEAR)

    distilbert = write_text_tower(tmp_path / "text", 512, context=128, width=768, layers=6, heads=12, words=119_547)
    texts = ModelSpec("", None, f"local-dir:{distilbert}")
    outcome(texts, tmp_path / "engines")
    record = read_record(tmp_path / "engines", texts)
    assert record is not None
    exported = ExportedTextTower.read(tmp_path / "engines" / str(record.fingerprint))
    assert exported is not None
    said = OpenVinoTextTower(exported, "full").encode_texts([*TEXTS, LONG * 4])
    np.testing.assert_allclose(said, reference(distilbert, [*TEXTS, LONG * 4]), atol=NEAR)


# --- what cannot be


def test_towers_of_two_spaces_are_refused(plain: ModelSpec, cache: Path, tmp_path: Path) -> None:
    wide = write_text_tower(tmp_path / "wide", dimensions=12)
    with pytest.raises(ModelError, match=r"of another space than the model .*: 12 and 16 dimensions"):
        load_encoder(ModelSpec(plain.model, None, f"local-dir:{wide}"), cache, device="cpu", engine="torch")


def test_a_directory_that_is_no_text_tower_is_a_clear_error(plain: ModelSpec, cache: Path, tmp_path: Path) -> None:
    for name, says in (("nowhere", "is not a directory"), ("", "has no modules.json")):
        with pytest.raises(UnknownModelError, match=says):
            load_encoder(ModelSpec(plain.model, None, f"local-dir:{tmp_path / name}"), cache, engine="torch")
    (tmp_path / "modules.json").write_text("[]")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_encoder(ModelSpec(plain.model, None, f"local-dir:{tmp_path}"), cache, engine="torch")


@pytest.mark.parametrize("choice", [MULTILINGUAL, BEST, CLIP_MULTILINGUAL_V1, None], ids=str)
def test_without_the_extra_its_models_say_how_to_install_it_before_anything_is_downloaded(
    choice: ModelSpec | None, siglip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("transformers", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    with pytest.raises(ModelError, match=r"needs the package \w+: .*pip install .*sentence-transformers transformers"):
        load_encoder(choice or ModelSpec(f"local-dir:{siglip}"), tmp_path, device="cpu", engine="torch")


@pytest.mark.parametrize(
    ("name", "pretrained", "expected"),
    [
        ("multilingual", None, ModelSpec("ViT-B-32-SigLIP2-256", "webli")),
        ("best", None, ModelSpec("ViT-SO400M-16-SigLIP2-384", "webli")),
        (
            "clip-multilingual-v1",
            None,
            ModelSpec("ViT-B-32-quickgelu", "openai", "hf-hub:sentence-transformers/clip-ViT-B-32-multilingual-v1"),
        ),
        ("local-dir:/a/b+local-dir:c+d", None, ModelSpec("local-dir:c+d", None, "local-dir:/a/b")),
        ("hf-hub:a/b+hf-hub:c/d", None, ModelSpec("hf-hub:c/d", None, "hf-hub:a/b")),
        ("local-dir:/a+b/c+ViT-B-32", "openai", ModelSpec("ViT-B-32", "openai", "local-dir:/a+b/c")),
        ("local-dir:/a+b/c", None, ModelSpec("local-dir:/a+b/c")),
    ],
)
def test_names_of_models_say_what_is_loaded(name: str, pretrained: str | None, expected: ModelSpec) -> None:
    assert choose_model(name, pretrained, only_the_sample=False)[1] == expected


def test_a_named_model_has_weights_of_its_own() -> None:
    with pytest.raises(UnknownModelError, match='leave out pretrained="openai"'):
        choose_model("multilingual", "openai", only_the_sample=False)
