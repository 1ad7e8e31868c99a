"""How the files of a model are called."""

CONFIG = "open_clip_config.json"
MODULES = "modules.json"
"""What makes a directory a model of open_clip, and a text tower of sentence-transformers."""
SAFE = ".safetensors"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
TEXT_TOWER = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
"""Patterns of the files of a text tower of sentence-transformers."""
