"""The engine for CPUs beside torch: the same tokens, the same pixels, the same vectors, and no torch for a search."""

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from reranker import ClipReranker, Encoder, OpenClipEncoder
from reranker.baseline_prompts import NEUTRAL_PHRASES, neutral_embeddings
from reranker.engine.clip_tokenizer import ClipTokenizer, write_merges
from reranker.engine.export import export
from reranker.engine.export_lock import export_lock
from reranker.engine.exported_model import ExportedModel
from reranker.engine.factory import load_encoder
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.preparing import prepare
from reranker.engine.preprocessing import Preprocessing
from reranker.engine.records import Record, read_record, stage_of
from reranker.errors import ModelError, UnknownModelError, WeightsUnavailableError
from reranker.models.model_spec import ModelSpec
from tests.first_often import first_often
from tests.picture_server import stripes
from tests.tiny_models import TINY, random_tiny, write_model

pytestmark = pytest.mark.own_export

ROOT = Path(__file__).parents[1]
SAMPLE_MODEL = ROOT / "phrasepix" / "sample" / "model"
PHRASES = ["two red boats at night in the rain", "", "a dog", "tiger <end_of_text> in the snow", "一只老虎 🐅"]


def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """Coarse and fine detail, so that a resize by another filter shows."""
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    fine = np.random.default_rng(seed + 1).integers(0, 60, (height, width, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int64)
    return Image.fromarray(np.clip(smooth + fine, 0, 255).astype(np.uint8))


# --- the tokenizer


@pytest.fixture(scope="module")
def merges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("merges")
    write_merges(directory)
    return directory


PIECES = (
    "a tiger in the snow", "don't", "IT'S", "we'LL've", "'ſ", "ß", "ﬁﬂ", "İstanbul", "Ǆ", "naïve", "e\u0301", "Ça",
    "mÃ©nage", "&amp;", "&lt;b&gt;", "&amp;amp;", "&eacute;", "&#128005;", "&#x1F405;", "&nosuch;", "&", "<br>",
    "“quoted”", "…", "—", "\U0001f405", "\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd",
    "☃\ufe0f", "虎", "トラ", "호랑이", "нет", "हिन्दी", "ไทย", "עברית", "العربية", "١٢٣", "½", "Ⅷ", "x²", "\n",
    "<start_of_text>", "<END_OF_TEXT>", "<end_of_text>", "</w>", "a_b_c", "123456", "3.14", "!!!", "?!", "#tag", "@",
    " ", "  ", "\t", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u00a0", "\u2003", "\u200b", "\u2028", "\ufeff",
    "\x00", "\x1b[31m", "\x7f", "\ufffd", "\U0001fae8", "\U00013000", "supercalifragilistic", "xqzvkwjp" * 12,
)  # fmt: skip


def random_text(rng: random.Random) -> str:
    parts = []
    for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 13, 40])):
        kind = rng.random()
        if kind < 0.55:
            parts.append(rng.choice(PIECES))
        elif kind < 0.75:
            parts.append("".join(chr(rng.randrange(32, 127)) for _ in range(rng.randrange(1, 12))))
        elif kind < 0.9:
            parts.append("".join(any_letter(rng) for _ in range(rng.randrange(1, 6))))
        else:
            parts.append("".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randrange(1, 15))))
    return rng.choice(["", " ", " "]).join(parts)


def any_letter(rng: random.Random) -> str:
    while True:
        number = rng.randrange(0x110000) if rng.random() < 0.3 else rng.randrange(0x3000)
        if not 0xD800 <= number < 0xE000:
            return chr(number)


@pytest.mark.parametrize(("clean", "strings"), [("lower", 4_000), ("whitespace", 2_000), ("canonicalize", 2_000)])
@pytest.mark.slow
def test_the_tokenizer_gives_open_clips_tokens(merges: Path, clean: str, strings: int) -> None:
    rng = random.Random(f"tokens {clean}")
    texts = [*PIECES, *(random_text(rng) for _ in range(strings))]
    theirs = SimpleTokenizer(context_length=32, clean=clean)
    expected = theirs(texts).numpy()
    ours = ClipTokenizer(merges, context=32, clean=clean)(texts)
    assert ours.dtype == np.int64
    different = [text for text, a, b in zip(texts, ours, expected, strict=True) if not np.array_equal(a, b)]
    assert different == []
    overlong = int((expected[:, -1] != 0).sum())
    assert strings / 50 < overlong < strings  # both kinds were among them


LONG_TOKENS = ("telecommunications", "interdisciplinary", "congratulations", "…………", "________________", "💕💕", "ðŁĺ")


@pytest.mark.slow
def test_a_tokenizer_that_looks_up_a_few_merges_gives_the_same_tokens(merges: Path) -> None:
    rng = random.Random("a few merges")
    glued = ["".join(rng.choices([*LONG_TOKENS, "a", "</w>", "'s", "!"], k=rng.randrange(1, 5))) for _ in range(60)]
    texts = [*PIECES, *glued, *(random_text(rng) for _ in range(60))]
    whole = ClipTokenizer(merges, context=77)
    whole(["x" * 300])  # a word that is too long to look merges up for
    for text in texts:
        np.testing.assert_array_equal(ClipTokenizer(merges, context=77)([text]), whole([text]), err_msg=repr(text))


def test_a_tokenizer_goes_on_from_one_text_to_the_next(merges: Path) -> None:
    rng = random.Random("one after the other")
    texts = ["a red boat", "a red boat", "two boats", *(random_text(rng) for _ in range(50))]
    tokenizer, expected = ClipTokenizer(merges, context=77), SimpleTokenizer(context_length=77)(texts).numpy()
    np.testing.assert_array_equal(np.concatenate([tokenizer([text]) for text in texts]), expected)


@pytest.mark.parametrize("context", [2, 8, 77])
def test_the_tokenizer_keeps_to_the_context(merges: Path, context: int) -> None:
    texts = ["a b c d e f g h i j", "", "x " * 300]
    expected = SimpleTokenizer(context_length=context)(texts).numpy()
    np.testing.assert_array_equal(ClipTokenizer(merges, context=context)(texts), expected)


# --- preprocessing


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "random"])
@pytest.mark.parametrize("size", [32, (32, 32), (48, 32), (31, 64)])
def test_preprocessing_gives_open_clips_pixels(
    resize_mode: str, interpolation: str, size: int | tuple[int, int]
) -> None:
    config = PreprocessCfg(
        size=size,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.4),
        interpolation=interpolation,
        resize_mode=resize_mode,
        fill_color=77,
    )
    transform = image_transform_v2(config, is_train=False)
    ours = Preprocessing.of_config(vars(config))
    shapes = [(32, 32), (640, 426), (427, 640), (33, 32), (32, 33), (64, 31), (31, 64), (20, 11), (300, 40), (97, 101)]
    for seed, (width, height) in enumerate(shapes):
        picture = photograph(width, height, seed)
        np.testing.assert_allclose(ours(picture), transform(picture).numpy(), atol=1e-6, rtol=0)
        assert ours(picture).dtype == np.float32


def test_preprocessing_without_settings_is_open_clips_default() -> None:
    picture = photograph(300, 260)
    expected = image_transform_v2(PreprocessCfg(), is_train=False)(picture).numpy()
    np.testing.assert_allclose(Preprocessing.of_config({})(picture), expected, atol=1e-6, rtol=0)


def test_preprocessing_survives_being_written_down() -> None:
    settings = Preprocessing.of_config({"size": (48, 32), "resize_mode": "longest", "fill_color": 9, "mean": 0.5})
    assert Preprocessing.of_config(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"resize_mode": "crumple"}, "resize_mode 'crumple'; known: shortest, longest, squash"),
        ({"interpolation": "lanczos"}, "interpolation 'lanczos'; known: bicubic, bilinear"),
        ({"mode": "L"}, "mode 'L'; known: RGB"),
        ({"size": (1, 2, 3)}, "size"),
        ({"mean": (0.5, 0.5)}, "normalises by"),
    ],
)
def test_unknown_preprocessing_is_refused(setting: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says.split(";")[0]) as caught:
        Preprocessing.of_config(setting)
    assert says in str(caught.value)


# --- the towers


def exported(directory: Path, engines: Path, precision: str = "auto") -> tuple[OpenClipEncoder, OpenVinoEncoder]:
    theirs = OpenClipEncoder(f"local-dir:{directory}", None, device="cpu")
    return theirs, OpenVinoEncoder(export(theirs, engines), theirs.weights.title, precision=precision)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Path:
    """With the export of the sample's model that all tests share."""
    place = tmp_path_factory.mktemp("exported")
    link_export(place)
    return place / "engines"


@pytest.fixture(scope="module")
def sample(engines: Path) -> tuple[OpenClipEncoder, OpenVinoEncoder]:
    return exported(SAMPLE_MODEL, engines, precision="f32")


def variant(**changes: Any) -> dict[str, Any]:
    """TINY with other settings of its text tower."""
    model = TINY["model_cfg"]
    return {**TINY, "model_cfg": {**model, "text_cfg": {**model["text_cfg"], **changes.pop("text_cfg", {})}, **changes}}


VARIANTS: dict[str, tuple[dict[str, Any], bool]] = {
    "plain": (TINY, True),
    "its own text tower": (variant(custom_text=True), True),
    "projected with a bias": (variant(custom_text=True, text_cfg={"proj_bias": True}), True),
    "quick gelu": (variant(quick_gelu=True), True),
    "not causal": (variant(custom_text=True, text_cfg={"no_causal_mask": True, "pool_type": "last"}), False),
    "a class token": (variant(custom_text=True, text_cfg={"embed_cls": True, "output_tokens": False}), False),
}


@pytest.mark.parametrize("name", first_often(1, VARIANTS))
def test_the_exported_towers_say_what_open_clip_says(tmp_path: Path, name: str) -> None:
    config, ends = VARIANTS[name]
    torch.manual_seed(3)
    settings = dict(config["model_cfg"])
    kind = open_clip.CustomTextCLIP if settings.pop("custom_text", False) else open_clip.CLIP
    directory = write_model(tmp_path / "model", kind(**settings).eval(), config)
    theirs, ours = exported(directory, tmp_path / "engines", precision="f32")
    artefacts = export(theirs, tmp_path / "engines")
    assert artefacts.ends is ends
    pictures = [photograph(90, 50), photograph(32, 32), photograph(40, 300)]
    np.testing.assert_allclose(ours.encode_texts(PHRASES), theirs.encode_texts(PHRASES), atol=1e-5)
    np.testing.assert_allclose(ours.encode_pictures(pictures), theirs.encode_pictures(pictures), atol=1e-5)
    assert (ours.dimensions, ours.input_side, ours.device) == (theirs.dimensions, theirs.input_side, "cpu")


def test_the_samples_model_says_the_same(sample: tuple[OpenClipEncoder, OpenVinoEncoder]) -> None:
    theirs, ours = sample
    assert isinstance(ours, Encoder)
    pictures = [photograph(640, 426, seed) for seed in range(3)]
    np.testing.assert_allclose(ours.encode_pictures(pictures), theirs.encode_pictures(pictures), atol=1e-5)


def test_tokens_up_to_the_end_of_the_text_give_the_same_as_the_whole_context(
    sample: tuple[OpenClipEncoder, OpenVinoEncoder],
) -> None:
    theirs, ours = sample
    rng = random.Random(5)
    words = ["boat", "red", "two", "night", "x", "harbour", "<end_of_text>", "🐅", "l'été"]
    texts = [" ".join(rng.choices(words, k=length)) for length in range(40)]
    whole = theirs.encode_texts(texts)  # open_clip's own: all 32 tokens, padded
    one_by_one = np.concatenate([ours.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(one_by_one, whole, atol=1e-5)
    np.testing.assert_allclose(ours.encode_texts(texts), whole, atol=1e-5)


def test_a_batch_gives_what_each_picture_gives_alone(sample: tuple[OpenClipEncoder, OpenVinoEncoder]) -> None:
    _, ours = sample
    pictures = [photograph(120, 90 + seed, seed) for seed in range(35)]  # more than are looked at together
    alone = np.concatenate([ours.encode_pictures([picture]) for picture in pictures])
    np.testing.assert_allclose(ours.encode_pictures(pictures), alone, atol=1e-5)


def test_prepared_pictures_give_what_the_pictures_give(sample: tuple[OpenClipEncoder, OpenVinoEncoder]) -> None:
    _, engine = sample
    pictures = [photograph(90, 120, seed) for seed in range(5)]
    prepared = [engine.prepare_picture(picture) for picture in pictures]
    np.testing.assert_array_equal(engine.encode_prepared(prepared), engine.encode_pictures(pictures))
    assert engine.encode_prepared([]).shape == (0, engine.dimensions)


def test_nothing_gives_no_rows(sample: tuple[OpenClipEncoder, OpenVinoEncoder]) -> None:
    _, ours = sample
    assert ours.encode_pictures([]).shape == ours.encode_texts([]).shape == (0, 192)


def test_bf16_is_near_and_has_another_name(engines: Path, sample: tuple[OpenClipEncoder, OpenVinoEncoder]) -> None:
    theirs, full = sample
    half = OpenVinoEncoder(export(theirs, engines), theirs.weights.title, precision="bf16")
    pictures = [photograph(200, 150, seed) for seed in range(4)]
    for one, other in (
        (half.encode_pictures(pictures), full.encode_pictures(pictures)),
        (half.encode_texts(PHRASES), full.encode_texts(PHRASES)),
    ):
        assert (one * other).sum(axis=1).min() > 0.999
    assert len({half.name, full.name, theirs.name}) == 3
    assert "local-dir:model" in half.name
    assert str(SAMPLE_MODEL.parent) not in half.name


def test_an_unknown_precision_is_refused(engines: Path, sample: tuple[OpenClipEncoder, OpenVinoEncoder]) -> None:
    with pytest.raises(UnknownModelError, match="precision 'int8' is not known; allowed: auto, f32, bf16"):
        OpenVinoEncoder(export(sample[0], engines), "x", precision="int8")


@pytest.mark.slow
def test_each_tower_is_loaded_alone(exported_model: Path, cache: Path) -> None:
    theirs, ours = exported(exported_model, cache / "engines")
    artefacts = export(theirs, cache / "engines")
    for file in ("image.xml", "image.bin"):
        (artefacts.directory / file).unlink()
    np.testing.assert_allclose(ours.encode_texts(["a boat"]), theirs.encode_texts(["a boat"]), atol=1e-5)
    with pytest.raises(ModelError, match="damaged"):
        ours.encode_pictures([stripes(["red"])])


@pytest.mark.slow
def test_neutral_phrases_are_encoded_with_the_export_and_need_no_tower(
    exported_model: Path, cache: Path, tmp_path: Path
) -> None:
    theirs, ours = exported(exported_model, cache / "engines", precision="f32")
    place = export(theirs, cache / "engines").directory
    (place / "text.bin").unlink()
    np.testing.assert_allclose(neutral_embeddings(ours, None), theirs.encode_texts(NEUTRAL_PHRASES), atol=1e-5)
    assert ours.known_texts(["a dog", "nobody's dog"]) is None
    half = OpenVinoEncoder(export(theirs, tmp_path / "whole"), "half", precision="bf16")
    np.testing.assert_array_equal(half.known_texts(NEUTRAL_PHRASES), ours.known_texts(NEUTRAL_PHRASES))  # of f32


@pytest.mark.parametrize("damage", first_often(1, ["gone", "cut short", "other content", "encrypted"]))
def test_neutral_phrases_are_encoded_where_those_of_the_export_are_damaged(
    exported_model: Path, cache: Path, damage: str
) -> None:
    theirs, ours = exported(exported_model, cache / "engines", precision="f32")
    known = export(theirs, cache / "engines").directory / "known_texts.npz"
    content = known.read_bytes()
    known.unlink()
    if damage == "cut short":
        known.write_bytes(content[:-100])
    elif damage == "other content":
        known.write_bytes(b"no archive" * 100)
    elif damage == "encrypted":  # one bit in the archive's list of files
        place = content.index(b"PK\1\2") + 8
        known.write_bytes(content[:place] + b"\1" + content[place + 1 :])
    assert ours.known_texts(NEUTRAL_PHRASES) is None
    assert ExportedModel.read(known.parent) is not None, "the towers are as good without"
    np.testing.assert_allclose(neutral_embeddings(ours, None), theirs.encode_texts(NEUTRAL_PHRASES), atol=1e-5)


@pytest.mark.slow
def test_weights_are_freed_where_that_is_asked_for_only(tmp_path: Path) -> None:
    theirs = OpenClipEncoder(f"local-dir:{write_model(tmp_path / 'tiny', random_tiny(0))}", None, device="cpu")
    for release in (False, True):
        export(theirs, tmp_path / f"engines {release}", release=release)
        assert all(weights.is_meta is release for weights in theirs.model.parameters())


@pytest.mark.parametrize("count", first_often(1, [11, 0, 10, 13, 40]))
def test_what_is_not_read_of_a_phrase_is_told_as_with_torch(exported_model: Path, cache: Path, count: int) -> None:
    theirs, ours = exported(exported_model, cache / "engines")
    phrase = " ".join(["boat", "tiger", "snow", "xqzvkwjp"][number % 4] for number in range(count))
    assert theirs.unread(phrase) == ours.unread(phrase)
    assert bool(ours.unread(phrase)) == (count > 8)  # xqzvkwjp is several tokens


# --- which engine, and what is kept


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny", random_tiny(0))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def choice_of(directory: Path) -> ModelSpec:
    return ModelSpec(f"local-dir:{directory}")


def export_here(directory: Path, cache: Path) -> Record:
    """What the first search does."""
    return prepare(choice_of(directory), cache / "engines")


@pytest.fixture
def by_torch(tmp_path: Path) -> Path:
    """A model of a kind that no graph is built of here: torch exports it."""
    torch.manual_seed(0)
    config = variant(custom_text=True, text_cfg={"embed_cls": True, "output_tokens": False})
    settings = {name: value for name, value in config["model_cfg"].items() if name != "custom_text"}
    return write_model(tmp_path / "tiny", open_clip.CustomTextCLIP(**settings).eval(), config)


@pytest.fixture(scope="module")
def exported_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("exported")
    directory = write_model(place / "tiny", random_tiny(0))
    export_here(directory, place / "cache")
    return directory, place / "cache"


@pytest.fixture
def exported_model(exported_once: tuple[Path, Path], cache: Path) -> Path:
    """A model that is not to be changed; what was exported of it is in `cache`."""
    directory, kept = exported_once
    shutil.copytree(kept, cache)
    return directory


def known(directory: Path, cache: Path) -> Record | None:
    return read_record(cache / "engines", choice_of(directory))


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("reranker")]


def test_on_a_cpu_openvino_is_the_engine_and_torch_where_it_is_asked_for(exported_model: Path, cache: Path) -> None:
    choice = choice_of(exported_model)
    assert isinstance(load_encoder(choice, cache, device="cpu"), OpenVinoEncoder)
    assert isinstance(load_encoder(choice, cache, engine="openvino"), OpenVinoEncoder)
    in_torch = load_encoder(choice, cache, device="cpu", engine="torch")
    assert isinstance(in_torch, OpenClipEncoder)
    assert in_torch.name == OpenClipEncoder(choice.model, None, device="cpu").name


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"engine": "onnx"}, "engine 'onnx' is not known; allowed: auto, torch, openvino"),
        (
            {"engine": "openvino", "device": "cuda"},
            'the engine openvino runs on the CPU; for device cuda take engine="torch"',
        ),
        ({"engine": "openvino", "device": "gpu"}, "device 'gpu' is not known; allowed: auto, cpu, cuda, mps"),
        ({"device": "gpu"}, "device 'gpu' is not known; allowed: auto, cpu, cuda, mps"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(directory: Path, cache: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        load_encoder(choice_of(directory), cache, **settings)
    assert says in str(caught.value)
    assert not cache.exists()


def test_a_reranker_ranks_by_it(exported_model: Path, cache: Path) -> None:
    with ClipReranker(load_encoder(choice_of(exported_model), cache, device="cpu")) as reranker:
        assert reranker.rerank("a boat", []).matches == ()


RUN = """
import json, logging, sys
from pathlib import Path
from PIL import Image
from reranker.engine.factory import load_encoder
from reranker.models.model_spec import ModelSpec
said, started = [], []
sys.addaudithook(lambda event, args: started.append(args[1]) if event == "subprocess.Popen" else None)
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger("reranker").addHandler(handler)
model, cache = sys.argv[1:]
encoder = load_encoder(ModelSpec(model), Path(cache), device="cpu")
picture = Image.radial_gradient("L").convert("RGB")
print(json.dumps({
    "kind": type(encoder).__name__,
    "name": encoder.name,
    "texts": encoder.encode_texts(["a boat", "l'été “là-bas”"]).tolist(),
    "by_openvino": encoder.encode_texts(["a boat"] * 40)[0].tolist(),
    "pictures": encoder.encode_pictures([picture]).tolist(),
    "said": said,
    "exports": sum("reranker.engine.export_child" in one for one in started),
    "imported": sorted(set(sys.modules) & {
        "torch", "torchvision", "open_clip", "timm", "transformers", "openvino_telemetry", "huggingface_hub",
    }),
}))
"""


def start(directory: Path, cache: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-c", RUN, f"local-dir:{directory}", str(cache)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: "subprocess.Popen[str]") -> Any:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def test_the_engine_comes_without_its_converter_which_others_may_still_ask_for() -> None:
    code = (
        "import sys\n"
        "from reranker.engine.runtime import import_openvino\n"
        "openvino = import_openvino()\n"
        "assert 'openvino.tools' not in sys.modules and not hasattr(openvino, 'nothing')\n"
        "from openvino import convert_model\n"
        "import openvino.tools.ovc\n"
        "assert convert_model is openvino.tools.ovc.convert_model is openvino.convert_model\n"
        "assert 'openvino_telemetry' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def leftovers(cache: Path) -> list[Path]:
    return list(cache.rglob("*.partial"))


@pytest.mark.slow
def test_the_first_search_imports_no_torch_and_nor_do_those_after_it_and_none_reports_to_anybody(
    directory: Path, cache: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    first, second, third = (answer(start(directory, cache, HOME=str(home))) for _ in range(3))
    assert first["kind"] == "OpenVinoEncoder"
    assert first["imported"] == second["imported"] == third["imported"] == []
    assert leftovers(cache) == []
    assert not (home / "intel").exists()  # where OpenVINO's own reports would keep who is reporting
    assert first["name"] == second["name"]
    theirs = OpenClipEncoder(f"local-dir:{directory}", None, device="cpu")
    for one in (first, second, third):
        np.testing.assert_allclose(one["texts"], theirs.encode_texts(["a boat", "l'été “là-bas”"]), atol=1e-5)
        picture = Image.radial_gradient("L").convert("RGB")
        np.testing.assert_allclose(one["pictures"], theirs.encode_pictures([picture]), atol=1e-5)
        assert one["said"] == []


@pytest.mark.slow
def test_two_processes_that_need_the_same_export_make_it_once(by_torch: Path, cache: Path) -> None:
    processes = [start(by_torch, cache) for _ in range(2)]
    waited, exported = sorted((answer(process) for process in processes), key=lambda one: int(one["exports"]))
    assert waited["kind"] == exported["kind"] == "OpenVinoEncoder"
    assert [waited["exports"], exported["exports"]] == [0, 1]
    assert exported["said"] == []
    (said,) = waited["said"]
    assert said.endswith(" prepares this model already; waiting for it, at most 1200 s")
    np.testing.assert_allclose(waited["texts"], exported["texts"], atol=1e-6)
    assert len(list((cache / "engines").glob("*/manifest.json"))) == 1
    assert leftovers(cache) == []


@pytest.mark.slow
def test_processes_that_build_the_same_graphs_at_once_leave_one_export(directory: Path, cache: Path) -> None:
    told = [answer(process) for process in [start(directory, cache) for _ in range(3)]]
    assert {one["kind"] for one in told} == {"OpenVinoEncoder"}
    assert len({one["name"] for one in told}) == 1
    for one in told:
        np.testing.assert_allclose(one["texts"], told[0]["texts"], atol=1e-6)
    assert len(list((cache / "engines").glob("*/manifest.json"))) == 1
    assert leftovers(cache) == []


@pytest.mark.slow
def test_threads_that_build_the_same_graphs_at_once_where_nothing_is_locked_leave_one_export(
    directory: Path, cache: Path
) -> None:
    engines, together = cache / "engines", Barrier(8)

    def made(_: int) -> Record:
        together.wait(60)
        return prepare(choice_of(directory), engines)

    with ThreadPoolExecutor(8) as pool:
        records = list(pool.map(made, range(8)))
    assert len({record.fingerprint for record in records}) == 1
    assert read_record(engines, choice_of(directory)) == records[0]
    assert ExportedModel.read(engines / str(records[0].fingerprint)) is not None
    assert leftovers(cache) == []


def test_what_a_killed_search_left_half_made_is_removed_by_the_next(directory: Path, cache: Path) -> None:
    stage = cache / "engines" / f"{stage_of(cache / 'engines', choice_of(directory))}.999999.partial"
    other = stage.with_name("0123456789abcdef01234567.999999.partial")
    for place in (stage, other):
        place.mkdir(parents=True)
        (place / "text.bin").write_bytes(b"half")
    assert isinstance(load_encoder(choice_of(directory), cache, device="cpu"), OpenVinoEncoder)
    assert leftovers(cache) == [other]  # which another search may be amid


@contextmanager
def held(lock: Path) -> "Iterator[subprocess.Popen[str]]":
    """A process that holds the lock until it dies."""
    code = (
        "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); "
        "print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


def test_an_export_goes_on_when_the_process_it_waits_for_dies(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lock = tmp_path / "choices" / "one.lock"
    lock.parent.mkdir()

    def wait() -> bool:
        with export_lock(lock, patience_s=60):
            return True

    with held(lock) as holder, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        while not messages(caplog):
            time.sleep(0.01)
        assert not waiting.done()
        holder.kill()
        assert waiting.result(60)
    (said,) = messages(caplog)
    assert said.endswith("prepares this model already; waiting for it, at most 60 s")
    if sys.platform == "linux":
        assert said.startswith(f"process {holder.pid} (python")


def test_an_export_does_not_wait_for_ever_for_whoever_holds_the_lock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = tmp_path / "one.lock"
    with held(lock) as holder:
        with export_lock(lock, patience_s=0.2):
            pass
        assert holder.poll() is None
    waits, goes_on = messages(caplog)
    assert "waiting for it, at most 0.2 s" in waits
    assert goes_on.endswith("has not prepared it after 0.2 s; preparing it here too")


def test_where_nothing_can_be_locked_an_export_goes_on_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with export_lock(tmp_path / "file" / "one.lock", patience_s=60):
        pass


def test_what_goes_wrong_amid_an_export_is_raised_and_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk"), export_lock(tmp_path / "one.lock", patience_s=60):
        raise OSError("disk")
    with pytest.raises(OSError, match="again"), export_lock(tmp_path / "one.lock", patience_s=0.1):
        raise OSError("again")


def exporting(cache: Path, ended: Callable[[], bool]) -> int:
    """The id of the process that is amid an export, once there is one."""
    while not ended():
        for path in cache.rglob("text.xml"):
            if path.parent.suffix == ".partial":
                return int(path.parent.stem.rpartition(".")[2])
        time.sleep(0.01)
    raise AssertionError("nothing was exported")


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
@pytest.mark.slow
def test_an_interrupted_search_ends_the_export_too_and_leaves_nothing_behind(by_torch: Path, cache: Path) -> None:
    process = start(by_torch, cache)
    try:
        child = exporting(cache, lambda: process.poll() is not None)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT
    assert err.count("Traceback") == 1  # the searching process's own, where nobody catches the interruption
    assert is_gone(child)
    assert leftovers(cache) == []
    assert known(by_torch, cache) is None


@pytest.mark.slow
def test_a_killed_search_ends_the_export_too_and_leaves_nothing_that_is_taken_for_whole(
    by_torch: Path, cache: Path
) -> None:
    process = start(by_torch, cache)
    try:
        exporting(cache, lambda: process.poll() is not None)
    finally:
        process.kill()
        process.communicate(timeout=60)  # the export writes to the same stderr: it has ended as well
    assert not list((cache / "engines").glob("*/manifest.json"))
    assert known(by_torch, cache) is None
    export_here(by_torch, cache)
    assert isinstance(load_encoder(choice_of(by_torch), cache, device="cpu"), OpenVinoEncoder)


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a signal")
@pytest.mark.slow
def test_a_killed_export_is_said_and_torch_runs_the_model(
    by_torch: Path, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load_encoder, choice_of(by_torch), cache, device="cpu")
        os.kill(exporting(cache, loading.done), signal.SIGKILL)
        encoder = loading.result()
    assert isinstance(encoder, OpenClipEncoder)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert isinstance(load_encoder(choice_of(by_torch), cache, device="cpu"), OpenClipEncoder)
    assert messages(caplog) == [
        "the model local-dir:tiny runs in torch, which starts slower: "
        "the process that exported it was ended by SIGKILL, perhaps for want of memory",
        "the model local-dir:tiny runs in torch, which starts slower: "
        "the process that exported it ended with exit code 1 and without a result",
    ]
    assert leftovers(cache) == []
    assert known(by_torch, cache) is None  # what ended this export need not end the next


@pytest.mark.skipif(sys.platform == "win32", reason="these programs are not there")
@pytest.mark.parametrize(
    ("executable", "says"),
    [
        ("/bin/false", "the process that exported it ended with exit code 1 and without a result"),
        ("/bin/echo", "the process that exported it ended with exit code 0 and without a result"),
        ("/nowhere/python", "the process that exports it cannot be started: "),
        ("", "a program without an interpreter of its own cannot export it"),
    ],
)
def test_where_no_python_can_be_started_torch_runs_the_model(
    by_torch: Path,
    cache: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    executable: str,
    says: str,
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    assert isinstance(load_encoder(choice_of(by_torch), cache, device="cpu"), OpenClipEncoder)
    (said,) = messages(caplog)
    assert says in said
    assert known(by_torch, cache) is None


def test_a_frozen_application_is_not_started_once_more(
    by_torch: Path, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert isinstance(load_encoder(choice_of(by_torch), cache, device="cpu"), OpenClipEncoder)
    assert "without an interpreter of its own" in messages(caplog)[0]


def failure(load: Callable[[ModelSpec], object], choice: ModelSpec) -> tuple[type[ModelError], str]:
    with pytest.raises(ModelError) as caught:
        load(choice)
    return caught.type, str(caught.value)


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_the_same_error_as_in_torch(directory: Path, cache: Path) -> None:
    without_weights = write_model(directory.parent / "without weights", random_tiny(0))
    (without_weights / "open_clip_model.safetensors").unlink()
    damaged = write_model(directory.parent / "été “damaged”", random_tiny(0))
    (damaged / "open_clip_model.safetensors").write_bytes(b"")
    cases = {
        ModelSpec("local-dir:/nowhere"): UnknownModelError,
        ModelSpec("ViT-B-33", "laion2b_s34b_b79k"): UnknownModelError,
        choice_of(without_weights): WeightsUnavailableError,
        choice_of(damaged): ModelError,
    }
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda choice: failure(lambda c: load_encoder(c, cache, device="cpu"), choice), cases))
    expected = [failure(lambda c: OpenClipEncoder(c.model, c.pretrained, device="cpu"), choice) for choice in cases]
    assert said == expected
    assert [kind for kind, _ in said] == list(cases.values())
    assert leftovers(cache) == []


@pytest.mark.slow
def test_the_export_finds_the_packages_where_the_search_does(by_torch: Path, tmp_path: Path) -> None:
    beside = tmp_path / "a script's folder"
    for package in ("phrasepix_core", "reranker", "retriever"):
        shutil.copytree(ROOT / package, beside / package, ignore=shutil.ignore_patterns("__pycache__"))
    child = beside / "reranker" / "engine" / "export_child.py"
    content = child.read_text(encoding="utf-8")
    child.write_text(content.replace('"starting PyTorch"', 'exit("says the copy")'), encoding="utf-8")
    (beside / "script.py").write_text(RUN)  # without a guard against being imported
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, beside / "script.py", f"local-dir:{by_torch}", tmp_path / "cache"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert "says the copy" in done.stderr


def test_other_weights_under_the_same_name_are_noticed(directory: Path, cache: Path) -> None:
    export_here(directory, cache)
    before = load_encoder(choice_of(directory), cache, device="cpu")
    write_model(directory, random_tiny(1))
    assert known(directory, cache) is None
    export_here(directory, cache)
    after = load_encoder(choice_of(directory), cache, device="cpu")
    assert before.name != after.name
    expected = OpenClipEncoder(f"local-dir:{directory}", None, device="cpu").encode_texts(["a boat"])
    np.testing.assert_allclose(after.encode_texts(["a boat"]), expected, atol=1e-5)


def test_other_preprocessing_under_the_same_name_is_noticed(directory: Path, cache: Path) -> None:
    before = export_here(directory, cache)
    config = {**TINY, "preprocess_cfg": {**TINY["preprocess_cfg"], "resize_mode": "shortest"}}
    (directory / "open_clip_config.json").write_text(json.dumps(config))
    assert known(directory, cache) is None
    assert export_here(directory, cache).fingerprint != before.fingerprint


def test_weights_that_are_gone_are_missed(directory: Path, cache: Path) -> None:
    export_here(directory, cache)
    (directory / "open_clip_model.safetensors").unlink()
    with pytest.raises(WeightsUnavailableError, match=r"has none of open_clip_model\.safetensors"):
        load_encoder(choice_of(directory), cache, device="cpu")


@pytest.mark.parametrize("file", first_often(1, ["image.xml", "text.bin", "merges.txt", "manifest.json"]))
def test_artefacts_cut_short_are_exported_anew(exported_model: Path, cache: Path, file: str) -> None:
    encoder = load_encoder(choice_of(exported_model), cache, device="cpu")
    expected = encoder.encode_texts(["a boat"])
    (manifest,) = (cache / "engines").glob("*/manifest.json")
    path = manifest.with_name(file)
    path.write_bytes(path.read_bytes()[:-100])
    assert ExportedModel.read(manifest.parent) is None
    export_here(exported_model, cache)
    again = load_encoder(choice_of(exported_model), cache, device="cpu")
    np.testing.assert_allclose(again.encode_texts(["a boat"]), expected, atol=1e-6)
    assert again.encode_pictures([stripes(["red"])]).shape == (1, 16)
    assert ExportedModel.read(manifest.parent) is not None


@pytest.mark.parametrize("file", ["text.xml", "merges.txt"])
def test_artefacts_of_other_content_are_exported_anew(exported_model: Path, cache: Path, file: str) -> None:
    expected = load_encoder(choice_of(exported_model), cache, device="cpu").encode_texts(["a boat"])
    (manifest,) = (cache / "engines").glob("*/manifest.json")
    path = manifest.with_name(file)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"bo at</w>", b"bo aq</w>") if file == "merges.txt" else b"?" * len(content))
    encoder = load_encoder(choice_of(exported_model), cache, device="cpu")
    np.testing.assert_allclose(encoder.encode_texts(["a boat"]), expected, atol=1e-6)
    assert ExportedModel.read(manifest.parent) is not None


def test_a_loaded_model_survives_that_its_artefacts_are_cleared(exported_model: Path, cache: Path) -> None:
    encoder = load_encoder(choice_of(exported_model), cache, device="cpu")
    texts = [f"{number} boats" for number in range(40)]
    for _ in range(2):  # the tower that is not in memory is read when it is used next
        shutil.rmtree(cache / "engines")
        assert encoder.encode_texts(texts).shape == (40, 16)
        shutil.rmtree(cache / "engines")
        assert encoder.encode_pictures([stripes(["red"])]).shape == (1, 16)


def test_artefacts_that_are_gone_and_cannot_be_made_again_are_an_error(exported_model: Path, cache: Path) -> None:
    encoder = load_encoder(choice_of(exported_model), cache, device="cpu")
    shutil.rmtree(cache / "engines")
    (cache / "engines").write_text("a file in the way")
    with pytest.raises(ModelError, match=r"is gone from .*, and cannot be made again"):
        encoder.encode_pictures([stripes(["red"])])


def test_a_record_that_is_no_record_counts_for_nothing(exported_model: Path, cache: Path) -> None:
    (record,) = (cache / "engines" / "choices").iterdir()
    for content in (b"{oops", b"\xff\xfe", b"[]", b'{"fingerprint": null}', b""):
        record.write_bytes(content)
        assert known(exported_model, cache) is None
    expected = export_here(exported_model, cache)
    assert known(exported_model, cache) == expected


@pytest.mark.slow
def test_a_compiled_model_that_is_damaged_is_compiled_anew(exported_model: Path, cache: Path) -> None:
    for elsewhere in (cache / "engines").glob("*/compiled"):
        shutil.rmtree(elsewhere)  # of the place that the artefacts were copied from
    expected = answer(start(exported_model, cache))["by_openvino"]
    blobs = list((cache / "engines").rglob("*.blob"))
    assert len(blobs) == 2  # one for each tower
    for blob in blobs:
        blob.chmod(0o600)
        blob.write_bytes(blob.read_bytes()[:-500])
    np.testing.assert_allclose(answer(start(exported_model, cache))["by_openvino"], expected, atol=1e-6)


# --- models that cannot be exported


@pytest.fixture
def unusual(tmp_path: Path) -> Path:
    """A model whose tokenizer leaves out words at random where a text is too long: not the one the engine has."""
    config = variant(text_cfg={"tokenizer_kwargs": {"reduction_mask": "simple"}})
    return write_model(tmp_path / "unusual", random_tiny(0), config)


@pytest.mark.slow
def test_a_model_that_cannot_be_exported_runs_in_torch_and_each_load_says_so(
    unusual: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="reranker"):
        encoders = [load_encoder(choice_of(unusual), cache, device="cpu", engine=e) for e in ("auto", "openvino")]
    assert all(isinstance(encoder, OpenClipEncoder) for encoder in encoders)
    assert (
        messages(caplog)
        == [
            "the model local-dir:unusual runs in torch, which starts slower: "
            "its tokenizer, SimpleTokenizer, is not CLIP's own"
        ]
        * 2
    )
    assert encoders[0].encode_texts(["a boat"]).shape == (1, 16)


@pytest.mark.slow
def test_another_process_says_it_again(unusual: Path, cache: Path) -> None:
    export_here(unusual, cache)
    told = answer(start(unusual, cache))
    assert told["kind"] == "OpenClipEncoder"
    assert len(told["said"]) == 1
    assert "runs in torch" in told["said"][0]


def test_without_a_place_to_keep_anything_the_model_runs_in_torch(
    directory: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("a file")
    encoder = load_encoder(choice_of(directory), in_the_way, device="cpu")
    assert isinstance(encoder, OpenClipEncoder)
    assert messages(caplog) == [], "said once, of the folder"
    (said,) = (one.getMessage() for one in caplog.records if one.name == "phrasepix_core.unwritable")
    assert f"nothing new can be kept in {in_the_way} (Not a directory)" in said
    assert "Errno" not in said
