"""Nothing that comes with a model is run, and no model leads elsewhere: configurations from hostile hands."""

import json
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch

from reranker import OpenClipEncoder
from reranker.errors import ModelError
from reranker.models.sentence_tower import SentenceTower
from tests.made_tokenizers import write_siglip, write_text_tower
from tests.tiny_models import TINY, random_tiny, write_model

CODE = """
import pathlib
pathlib.Path({ran!r}).touch()
from transformers import AutoTokenizer, PreTrainedTokenizerFast
class Tokenizer(PreTrainedTokenizerFast):
    pass
class Tower:
    @staticmethod
    def load(*arguments, **options):
        return Tower()
"""


class Trap:
    """What a malicious pickle does when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def changed(place: Path, changes: dict[str, Any]) -> None:
    """Lay code beside a model, and change JSON files of it: dotted paths into them, each with its new value."""
    for name in ("foreign.py", "tokenization_foreign.py", "modeling_foreign.py"):
        (place / name).write_text(CODE.format(ran=str(place / "ran")))
    for where, value in changes.items():
        name, _, path = where.partition(":")
        file = place / name
        content = json.loads(file.read_text()) if file.exists() else {}
        inner, keys = content, path.split(".")
        for key in keys[:-1]:
            inner = inner[int(key)] if isinstance(inner, list) else inner.setdefault(key, {})
        inner[keys[-1]] = value
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))


FOREIGN = {"AutoTokenizer": ["foreign.Tokenizer", None]}
TEXT, VISION = "open_clip_config.json:model_cfg.text_cfg", "open_clip_config.json:model_cfg.vision_cfg"


@pytest.mark.parametrize(
    ("changes", "file", "key"),
    [
        ({f"{TEXT}.tokenizer_kwargs": {"trust_remote_code": True}}, "open_clip_config.json", "trust_remote_code"),
        ({"tokenizer_config.json:auto_map": FOREIGN}, "tokenizer_config.json", "auto_map"),
        ({"config.json:auto_map": {"AutoConfig": "foreign.Config"}}, "config.json", "auto_map"),
        ({"config.json:text_config.auto_map": {"AutoModel": "a/b--c.D"}}, "config.json", "text_config.auto_map"),
        ({"processor_config.json:auto_map": {"AutoProcessor": "foreign.P"}}, "processor_config.json", "auto_map"),
        ({f"{TEXT}.tokenizer_kwargs": {"subfolder": "../other"}}, "open_clip_config.json", "subfolder"),
        ({f"{TEXT}.tokenizer_kwargs": {"gguf_file": "x.gguf"}}, "open_clip_config.json", "gguf_file"),
        ({f"{TEXT}.hf_model_name": "somebody/their-model"}, "open_clip_config.json", "hf_model_name"),
        ({f"{TEXT}.hf_model_name": "/tmp/their-model"}, "open_clip_config.json", "hf_model_name"),
        ({f"{TEXT}.hf_model_name": ["somebody/their-model"]}, "open_clip_config.json", "hf_model_name"),
        ({f"{TEXT}.tokenizer_kwargs": [{"trust_remote_code": 1}]}, "open_clip_config.json", "trust_remote_code"),
        ({f"{TEXT}.tokenizer_kwargs": [{"a": 1}]}, "open_clip_config.json", "tokenizer_kwargs"),
        ({f"{VISION}.timm_model_name": "hf-hub:somebody/theirs"}, "open_clip_config.json", "timm_model_name"),
        ({f"{VISION}.timm_model_name": "local-dir:../theirs"}, "open_clip_config.json", "timm_model_name"),
        ({f"{VISION}.layers": 10**8}, "open_clip_config.json", "vision_cfg.layers"),
        ({f"{TEXT}.vocab_size": 10**12}, "open_clip_config.json", "text_cfg.vocab_size"),
    ],
)
def test_a_configuration_that_leads_to_code_or_elsewhere_is_refused_by_file_and_key(
    tmp_path: Path, changes: dict[str, Any], file: str, key: str
) -> None:
    place = write_siglip(tmp_path / "model")
    changed(place, changes)
    with pytest.raises(ModelError, match=r"model local-dir:model cannot be loaded: ") as caught:
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")
    assert f": {file}: " in str(caught.value)
    assert key in str(caught.value)
    assert not (place / "ran").exists()


def test_code_that_merely_lies_beside_a_model_does_no_harm(tmp_path: Path) -> None:
    place = write_siglip(tmp_path / "model")
    changed(place, {"tokenizer_config.json:auto_map": {}, f"{TEXT}.tokenizer_kwargs": {"clean": "canonicalize"}})
    assert OpenClipEncoder(f"local-dir:{place}", None, device="cpu").dimensions == 16
    assert not (place / "ran").exists()


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "merges.txt"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    place = write_siglip(tmp_path / "model")
    (place / name).unlink(missing_ok=True)
    os.mkfifo(place / name)
    with pytest.raises(ModelError, match=rf"cannot be loaded: {re.escape(name)}: it is not a regular file"):
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")


@pytest.mark.parametrize("name", ["roberta-base", "xlm-roberta-base"])
def test_the_model_that_a_text_tower_is_built_after_is_checked_where_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = write_model(tmp_path / "model", random_tiny(0))
    changed(place, {f"{TEXT}.hf_model_name": name})
    (tmp_path / name).mkdir()  # transformers takes a directory of that name, wherever one happens to work
    changed(tmp_path / name, {"config.json:auto_map": {"AutoConfig": "foreign.Config", "AutoModel": "foreign.Tower"}})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"model local-dir:model cannot be loaded: config\.json: auto_map"):
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")
    assert not (tmp_path / name / "ran").exists()


def test_no_pickle_is_loaded_where_torch_is_told_to_run_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_siglip(tmp_path / "model")
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(ModelError, match="is a pickle, and TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"):
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")


@pytest.mark.parametrize("content", [b"{", b"\xef\xbb\xbf{}", b'{"a":' * 100_000, b"\xff\xfe{\0}\0"])
def test_a_configuration_that_cannot_be_checked_is_not_loaded(tmp_path: Path, content: bytes) -> None:
    place = write_siglip(tmp_path / "model")
    (place / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot be loaded: config\.json: it is not readable JSON"):
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")


def test_hidden_characters_of_a_configuration_are_not_printed(tmp_path: Path) -> None:
    place = write_model(tmp_path / "model", random_tiny(0))
    changed(place, {f"{TEXT}.hf_model_name": "a/\x1b[31m\u202eb" + "x" * 900})
    with pytest.raises(ModelError) as caught:
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    assert len(str(caught.value)) < 500


HEADERS = {
    "longer than any file": struct.pack("<Q", 1 << 63) + b"{}",
    "longer than this file": struct.pack("<Q", 5000) + b"{}",
    "no JSON": struct.pack("<Q", 8) + b"\0" * 8,
    "a tensor larger than the file": struct.pack("<Q", 79)
    + b'{"logit_scale":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,396000]}}',
    "offsets that run backwards": struct.pack("<Q", 67)
    + b'{"logit_scale":{"dtype":"F32","shape":[1],"data_offsets":[4294967,4]}}'[:67],
}


@pytest.mark.parametrize("what", HEADERS)
def test_weights_with_an_absurd_header_are_a_clear_error(tmp_path: Path, what: str) -> None:
    place = write_model(tmp_path / "model", random_tiny(0), TINY)
    (place / "open_clip_model.safetensors").write_bytes(HEADERS[what])
    with pytest.raises(ModelError, match=r"model local-dir:model cannot be loaded from .*open_clip_model\.safetensors"):
        OpenClipEncoder(f"local-dir:{place}", None, device="cpu")


# --- text towers of sentence-transformers

SENTENCE = "sentence_bert_config.json"


@pytest.mark.parametrize(
    ("changes", "file", "key"),
    [
        ({"modules.json:0.type": "foreign.Tower"}, "modules.json", "[0].type"),
        ({"modules.json:1.type": "subprocess.Popen"}, "modules.json", "[1].type"),
        ({"modules.json:1.type": "sentence_transformers.models.WordEmbeddings"}, "modules.json", "[1].type"),
        ({"modules.json:2.path": "../elsewhere"}, "modules.json", "[2].path"),
        ({"modules.json:2.path": "/etc"}, "modules.json", "[2].path"),
        ({"modules.json:2.path": "..\\elsewhere"}, "modules.json", "[2].path"),
        ({"2_Dense/config.json:activation_function": "os.abort"}, "2_Dense/config.json", "activation_function"),
        ({"2_Dense/config.json:activation_function": "torch.hub.load"}, "2_Dense/config.json", "activation_function"),
        ({"config.json:auto_map": {"AutoModel": "modeling_foreign.Tower"}}, "config.json", "auto_map"),
        ({"config.json:attn_implementation": "somebody/kernels"}, "config.json", "attn_implementation"),
        ({"config.json:_attn_implementation_internal": "a/b:c"}, "config.json", "_attn_implementation_internal"),
        ({"config.json:n_layers": 10**7}, "config.json", "n_layers"),
        ({"config.json:quantization_config": {"quant_method": "hqq"}}, "config.json", "quantization_config"),
        ({"tokenizer_config.json:auto_map": FOREIGN}, "tokenizer_config.json", "auto_map"),
        ({f"{SENTENCE}:model_args": {"weights_only": False}}, SENTENCE, "model_args.weights_only"),
        ({f"{SENTENCE}:config_args": {"trust_remote_code": True}}, SENTENCE, "config_args.trust_remote_code"),
        ({f"{SENTENCE}:model_kwargs": {"device_map": "auto"}}, SENTENCE, "model_kwargs.device_map"),
        ({"adapter_config.json:base_model_name_or_path": "a/b"}, "adapter_config.json", "adapter"),
        (
            {"model.safetensors.index.json:weight_map": {"a": "../../b.safetensors"}},
            "model.safetensors.index.json",
            "weight_map",
        ),
    ],
)
def test_a_text_tower_that_leads_to_code_or_elsewhere_is_refused_by_file_and_key(
    tmp_path: Path, tower: Callable[[Path], Path], changes: dict[str, Any], file: str, key: str
) -> None:
    place = tower(tmp_path)
    changed(place, changes)
    with pytest.raises(ModelError, match=r"model local-dir:tower cannot be loaded: ") as caught:
        SentenceTower(f"local-dir:{place}")
    assert f": {file}: " in str(caught.value)
    assert key in str(caught.value)
    assert not (place / "ran").exists()


def test_a_pickle_in_a_text_tower_runs_nothing(tmp_path: Path, tower: Callable[[Path], Path]) -> None:
    place = tower(tmp_path)
    torch.save({"linear.weight": Trap(place / "ran")}, place / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"text tower local-dir:tower cannot be loaded"):
        SentenceTower(f"local-dir:{place}")
    assert not (place / "ran").exists()


@pytest.mark.parametrize("what", ["longer than any file", "no JSON"])
def test_a_text_tower_with_an_absurd_header_is_a_clear_error(
    tmp_path: Path, tower: Callable[[Path], Path], what: str
) -> None:
    place = tower(tmp_path)
    (place / "model.safetensors").write_bytes(HEADERS[what])
    with pytest.raises(ModelError, match=r"text tower local-dir:tower cannot be loaded"):
        SentenceTower(f"local-dir:{place}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_tower(tmp_path_factory.mktemp("towers"))


@pytest.fixture
def tower(made: Path) -> Callable[[Path], Path]:
    """Gives a copy of a sound text tower below a directory."""
    return lambda place: copytree(made, place / "tower")
