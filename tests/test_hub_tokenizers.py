"""A tokenizer of the hub's gives the same tokens without transformers as with them, or is refused."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from reranker.engine.file_tokenizer import FileTokenizer
from reranker.engine.hub_tokenizer import read_hub_tokenizer
from reranker.engine.model_tokenizer import model_tokenizer
from reranker.errors import NotExportableError
from reranker.models.weights import find_weights

LINES = (
    "a tiger playing in the snow", "two red boats at night in the rain", "ein Tiger spielt im Schnee, Öl trinkend",
    "тигр играет в снегу", "老虎在雪地里玩耍", "雪の中で遊ぶ虎", "نمر يلعب في الثلج", "बर्फ में खेलता हुआ बाघ",
)  # fmt: skip
TEXTS = [*LINES, "", "  A  Tiger,\tplaying: “Snow” 🐅!", "É bien <pad> </s> [MASK]", "snow " * 60]
CONTEXT = 12


def sentence_pieces(special: Sequence[str] = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")) -> Tokenizer:
    """As xlm-roberta's, or T5's by its special tokens: pieces with a probability each, ▁ before each word."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=list(special), unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    ends = [(token, special.index(token)) for token in ("<s>", "</s>") if token in special]
    template = "<s> $A </s>" if "<s>" in special else "$A </s>"
    tokenizer.post_processor = processors.TemplateProcessing(single=template, special_tokens=ends)
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def as_t5() -> Tokenizer:
    """As SigLIP's."""
    return sentence_pieces(("<pad>", "</s>", "<unk>"))


def word_pieces(lowercase: bool) -> Tokenizer:
    """As BERT's and DistilBERT's."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        LINES, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def bytes_behind_pieces() -> Tokenizer:
    """As Gemma's, which SigLIP 2 has: pairs of pieces over ▁words, bytes for what is not among them, an end of text."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer.train_from_iterator(
        LINES, trainers.BpeTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return tokenizer


def bytes_alone() -> Tokenizer:
    """As RoBERTa's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        LINES,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


Settings = dict[str, Any]
BERT: Settings = {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": False, "model_max_length": 512}
GEMMA: Settings = {
    "tokenizer_class": "GemmaTokenizer",
    "pad_token": "<pad>",
    "eos_token": "<eos>",
    "bos_token": "<bos>",
}
XLM: Settings = {"tokenizer_class": "XLMRobertaTokenizer"}
PLAIN: Settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "<eos>"}


def written(directory: Path, tokenizer: Tokenizer, settings: Settings | None, **files: object) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    if settings is not None:
        files["tokenizer_config"] = settings
    for name, content in files.items():
        (directory / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (sentence_pieces, XLM),
        (
            sentence_pieces,
            XLM | {"truncation_side": "left", "padding_side": "left", "pad_token": "<mask>"},
        ),
        (as_t5, {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "pad_token": "</s>", "eos_token": "</s>"}),
        (lambda: word_pieces(False), BERT),
        (lambda: word_pieces(True), {"tokenizer_class": "BertTokenizerFast"}),
        (bytes_behind_pieces, GEMMA | {"padding_side": "right", "add_bos_token": False, "add_eos_token": True}),
        (bytes_behind_pieces, GEMMA),
        (bytes_behind_pieces, PLAIN),
        (bytes_alone, {"tokenizer_class": "RobertaTokenizer"}),
    ],
    ids=["XLM-RoBERTa", "sides", "SigLIP", "DistilBERT", "BERT", "SigLIP 2", "Gemma", "plain", "RoBERTa"],
)
def test_tokens_are_those_of_open_clips_tokenizer_of_transformers(
    tmp_path: Path, make: Callable[[], Tokenizer], settings: Settings
) -> None:
    pytest.importorskip("transformers", reason="transformers is what it is compared with")
    tokenizer = pytest.importorskip("open_clip.tokenizer", reason="open_clip is what it is compared with")
    place = written(tmp_path / "files", make(), settings)
    ours = read_hub_tokenizer(place)
    ours.write(CONTEXT, tmp_path)
    for clean in ("whitespace", "canonicalize"):
        theirs = tokenizer.HFTokenizer(str(place), context_length=CONTEXT, clean=clean)
        assert ours.padding == theirs.tokenizer.pad_token_id
        np.testing.assert_array_equal(FileTokenizer(tmp_path, clean=clean)(TEXTS), theirs(TEXTS).numpy())


@pytest.mark.parametrize(
    ("make", "settings", "files", "token", "side"),
    [
        (sentence_pieces, {"model_max_length": 512}, {}, "<pad>", "right"),
        (sentence_pieces, None, {}, "<pad>", "right"),
        (sentence_pieces, None, {"special_tokens_map": {"pad_token": {"content": "<mask>"}}}, "<mask>", "right"),
        (sentence_pieces, {"pad_token": None}, {"special_tokens_map": {"pad_token": "<s>"}}, "<pad>", "right"),
        (lambda: word_pieces(True), {"do_lower_case": True}, {}, "[PAD]", "right"),
        (bytes_behind_pieces, {"tokenizer_class": "GemmaTokenizerFast"}, {}, "<pad>", "left"),
    ],
    ids=["an old one", "no settings", "a map of its tokens", "two that differ", "BERT", "Gemma"],
)
def test_what_fills_a_text_up_is_found(
    tmp_path: Path,
    make: Callable[[], Tokenizer],
    settings: Settings | None,
    files: dict[str, object],
    token: str,
    side: str,
) -> None:
    found = read_hub_tokenizer(written(tmp_path, make(), settings, **files))
    assert (found.pad_token, found.padding_side) == (token, side)
    assert found.padding == make().token_to_id(token)


REFUSED: dict[str, tuple[Callable[[], Tokenizer], Settings, str]] = {
    "a class of its own": (sentence_pieces, {"tokenizer_class": "NllbTokenizer"}, "its class is NllbTokenizer"),
    "another end": (bytes_behind_pieces, GEMMA | {"add_eos_token": False}, "add_eos_token is not what"),
    "another start": (bytes_behind_pieces, GEMMA | {"add_bos_token": True}, "add_bos_token is not what"),
    "other letters": (lambda: word_pieces(True), BERT, "lowercase is not what"),
    "other accents": (lambda: word_pieces(True), {"strip_accents": False}, "strip_accents is not what"),
    "letters by default": (lambda: word_pieces(False), {"tokenizer_class": "BertTokenizer"}, "lowercase is not what"),
    "a token more": (sentence_pieces, XLM | {"additional_special_tokens": ["<de>"]}, "has no token '<de>'"),
    "a token elsewhere": (
        sentence_pieces,
        XLM | {"added_tokens_decoder": {"7": {"content": "<pad>"}}},
        "has no token '<pad>'",
    ),
    "a space before": (bytes_alone, {"add_prefix_space": True}, "add_prefix_space is not what"),
    "an odd side": (sentence_pieces, XLM | {"padding_side": "top"}, "its padding_side is 'top'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_transformers_alone_knows_is_refused(tmp_path: Path, what: str) -> None:
    make, settings, says = REFUSED[what]
    with pytest.raises(NotExportableError, match=f"its tokenizer needs transformers: .*{says}"):
        read_hub_tokenizer(written(tmp_path, make(), settings))


def test_without_anything_to_fill_up_with_it_is_refused(tmp_path: Path) -> None:
    bare = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    with pytest.raises(NotExportableError, match="does not say what it fills texts up with"):
        read_hub_tokenizer(written(tmp_path, bare, None))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("tokenizer.json", None, "is not kept as tokenizer.json"),
        ("tokenizer.json", "{", "cannot be read from tokenizer.json"),
        ("tokenizer.json", "[]", "cannot be read from tokenizer.json"),
        ("tokenizer_config.json", "{", "cannot be read"),
        ("tokenizer_config.json", "[]", "holds no object"),
    ],
)
def test_damaged_files_are_told(tmp_path: Path, name: str, content: str | None, says: str) -> None:
    written(tmp_path, sentence_pieces(), XLM)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(NotExportableError, match=says):
        read_hub_tokenizer(tmp_path)


# --- which tokenizer a model has


def model_with(place: Path, text: dict[str, Any]) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    config = {"model_cfg": {"embed_dim": 16, "vision_cfg": {"layers": 1}, "text_cfg": {"layers": 1} | text}}
    (place / "open_clip_config.json").write_text(json.dumps(config))
    (place / "open_clip_model.safetensors").touch()
    return place


@pytest.mark.parametrize(
    ("text", "clean", "context"),
    [
        ({}, "lower", 77),
        ({"context_length": 32, "tokenizer_kwargs": {"clean": "canonicalize"}}, "canonicalize", 32),
        ({"hf_tokenizer_name": "made/here"}, "whitespace", 77),
        ({"hf_tokenizer_name": "made/here", "tokenizer_kwargs": {"clean": "canonicalize"}}, "canonicalize", 77),
    ],
)
def test_a_models_tokenizer_is_that_of_open_clip(tmp_path: Path, text: Settings, clean: str, context: int) -> None:
    open_clip = pytest.importorskip("open_clip", reason="open_clip is what it is compared with")
    pytest.importorskip("transformers", reason="transformers is what it is compared with")
    place = written(model_with(tmp_path / "model", text), sentence_pieces(), XLM)
    found = model_tokenizer(find_weights(f"local-dir:{place}", None))
    theirs = open_clip.get_tokenizer(f"local-dir:{place}")
    assert (found.clean, found.context) == (clean, context)
    assert found.context == theirs.context_length
    assert theirs.clean_fn is open_clip.tokenizer.get_clean_fn(clean)
    assert (found.kind == "clip") == isinstance(theirs, open_clip.tokenizer.SimpleTokenizer)
    found.write(tmp_path)
    assert (tmp_path / ("merges.txt" if found.kind == "clip" else "tokenizer.json")).is_file()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ({"tokenizer_kwargs": {"reduction_mask": "simple"}}, "options of open_clip's"),
        ({"tokenizer_kwargs": {"additional_special_tokens": ["<a>"]}}, "options of open_clip's"),
        ({"hf_tokenizer_name": "a/b", "tokenizer_kwargs": {"strip_sep_token": True}}, "options of open_clip's"),
        ({"hf_tokenizer_name": "a/b", "tokenizer_mode": "clips"}, "options of open_clip's"),
        ({"tokenizer_kwargs": {"clean": "scrub"}}, "not known: 'scrub'"),
    ],
)
def test_options_of_open_clips_tokenizers_are_refused(tmp_path: Path, text: Settings, says: str) -> None:
    place = written(model_with(tmp_path / "model", text), sentence_pieces(), XLM)
    with pytest.raises(NotExportableError, match=says):
        model_tokenizer(find_weights(f"local-dir:{place}", None))
