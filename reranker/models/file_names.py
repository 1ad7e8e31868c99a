"""How the files of a model are called, and which of them can be read here."""

from collections.abc import Iterable

from reranker.optional_packages import is_installed

CONFIG = "open_clip_config.json"
MODULES = "modules.json"
"""What makes a directory a model of open_clip, and a text tower of sentence-transformers."""
SAFE = ".safetensors"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def readable(names: Iterable[str]) -> list[str]:
    """Those of the files of weights that can be read here: pickles by torch alone."""
    return [name for name in dict.fromkeys(names) if name.endswith(SAFE) or is_installed("torch")]
