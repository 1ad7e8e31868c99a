"""The page of models: of which architectures graphs are built from the weights, and which torch must export."""

from collections.abc import Iterator

from reranker.engine.native_export import why_not_native
from reranker.models.open_clip_registry import architecture, architectures, pretrained_tags


def models_page(note: str) -> str:
    """Return the page, which begins with `note`."""
    rows = [(name, _why_not(name), len(pretrained_tags(name))) for name in architectures()]
    native = sum(not why for _, why, _ in rows)
    head = [
        note,
        "# Models",
        f"open_clip knows {len(rows)} architectures. Of {native} the core builds the graph itself, from the weights "
        "and the configuration: no torch is installed or imported. The others need the extra `torch`, which exports a "
        "model once, or runs it where it cannot be exported. Configurations of `local-dir:` and `hf-hub:` models are "
        "read in the same way, and what is not known in one is named.",
        "Weights are safetensors. Those that torch wrote (`.bin`) are read as data, of which nothing is run; "
        "those in its older format, which is no zip archive, need the extra `torch`.",
        "| architecture | weights | graph | why not |\n|---|---:|---|---|\n" + "\n".join(_lines(rows)),
    ]
    return "\n\n".join(head) + "\n"


def _lines(rows: list[tuple[str, str, int]]) -> Iterator[str]:
    for name, why, tags in rows:
        yield f"| `{name}` | {tags or '–'} | {'by torch' if why else 'native'} | {why} |"


def _why_not(name: str) -> str:
    """The option that only torch or open_clip's tokenizer knows; empty where there is none."""
    why = why_not_native(architecture(name) or {})
    return why.removeprefix("the option ").removesuffix(", after which no graph is built here")
