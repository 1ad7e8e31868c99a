"""Writes what open_clip knows by name, and CLIP's merges, as data for those who have no open_clip.

`python -m training.open_clip_data` asks the installed open_clip and writes `reranker/models/open_clip_data/`:
`registry.json` and `clip_merges.txt.xz`. Facts alone, no code. `tests/test_open_clip_data.py` holds them to it.
"""

import gzip
import json
import lzma
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import open_clip
from open_clip.tokenizer import default_bpe

DIRECTORY = Path(__file__).parents[1] / "reranker" / "models" / "open_clip_data"
_MERGES_USED = 49152 - 256 - 2
"""CLIP's vocabulary less the bytes, with and without the end of a word, and the two ends of a text."""
_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")


def registry() -> dict[str, Any]:
    """Architectures, the weights there are of each, and how those want their pictures.

    Weights are told by their repository on the hub, with a file's name behind it where that is not the usual one.
    """
    preprocessings: list[dict[str, Any]] = []
    pretrained: dict[str, dict[str, Any]] = {}
    for model, tag in open_clip.list_pretrained():
        theirs = open_clip.get_pretrained_cfg(model, tag)
        if not theirs["hf_hub"]:
            raise SystemExit(f"{model}/{tag} is not on the hub: the registry says of no other place")
        preprocessing = {name: theirs[name] for name in _PREPROCESSING}
        preprocessing = json.loads(json.dumps(preprocessing))
        if preprocessing not in preprocessings:
            preprocessings.append(preprocessing)
        ours = {"hf_hub": theirs["hf_hub"], "preprocessing": preprocessings.index(preprocessing)}
        pretrained.setdefault(model, {})[tag] = ours | ({"quick_gelu": True} if theirs.get("quick_gelu") else {})
    return {
        "origin": "https://github.com/mlfoundations/open_clip, MIT: see LICENSES.md",
        "version": version("open_clip_torch"),
        "architectures": {model: open_clip.get_model_config(model) for model in open_clip.list_models()},
        "preprocessings": preprocessings,
        "pretrained": pretrained,
    }


def in_lines(value: dict[str, Any]) -> str:
    """The same as JSON, an entry a line: what a new version of open_clip changes is seen."""
    parts = []
    for name, entries in value.items():
        inner = ",\n".join(
            f"  {json.dumps(entry)}" if isinstance(entries, list) else f"  {json.dumps(entry)}: {json.dumps(content)}"
            for entry, content in (entries.items() if isinstance(entries, dict) else ((one, None) for one in entries))
        )
        left, right = "[]" if isinstance(entries, list) else "{}"
        text = json.dumps(entries) if isinstance(entries, str) else f"{left}\n{inner}\n {right}"
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def merges() -> str:
    """The merges that CLIP's vocabulary is made of, a line each, in their order."""
    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode().split("\n")
    return "".join(f"{line}\n" for line in lines[1 : 1 + _MERGES_USED])


def main(directory: Path = DIRECTORY) -> None:
    """Write both files."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "registry.json").write_text(in_lines(registry()), encoding="utf-8")
    packed = lzma.compress(merges().encode(), preset=9 | lzma.PRESET_EXTREME)
    (directory / "clip_merges.txt.xz").write_bytes(packed)
    for path in sorted(directory.iterdir()):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
