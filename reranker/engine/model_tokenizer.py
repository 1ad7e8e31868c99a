"""Which tokenizer a model has, as open_clip chooses it by the model's configuration, without open_clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reranker.engine.clip_tokenizer import CLEANINGS, write_merges
from reranker.engine.exported_model import FROM_FILE, OF_CLIP
from reranker.engine.hub_tokenizer import HubTokenizer, read_hub_tokenizer
from reranker.errors import NotExportableError
from reranker.models.model_config import model_config
from reranker.models.model_spec import LOCAL_DIR
from reranker.models.weights import Weights

_CONTEXT = 77
"""open_clip's own default, in tokens."""


@dataclass(frozen=True, slots=True)
class ModelTokenizer:
    """A tokenizer, as an exported model has it.

    `clean` is one of open_clip's ways to clean a text, `context` counts tokens. `hub` is None for CLIP's own.
    """

    clean: str
    context: int
    hub: HubTokenizer | None

    @property
    def kind(self) -> str:
        """Clip (its merges) or file (one of the hub's)."""
        return OF_CLIP if self.hub is None else FROM_FILE

    @property
    def padding(self) -> int:
        """The token id that fills a text up to the context."""
        return 0 if self.hub is None else self.hub.padding

    @property
    def facts(self) -> list[Any]:
        """All that its tokens depend on, as JSON."""
        return [self.clean, self.context, None if self.hub is None else [self.hub.text, self.hub.padding]]

    def write(self, directory: Path) -> None:
        """Write what it is made from into an exported model's directory."""
        if self.hub is None:
            write_merges(directory)
        else:
            self.hub.write(self.context, directory)


def model_tokenizer(weights: Weights, *, download: bool = True) -> ModelTokenizer:
    """The tokenizer of a model; its files are downloaded where they are not here yet, unless `download` is False.

    Raises `NotExportableError` where it needs transformers or open_clip, `ModelError`, `WeightsUnavailableError`.
    """
    text = model_config(weights).get("text_cfg")
    if not isinstance(text, Mapping):
        raise NotExportableError("its configuration has no text_cfg")
    options = dict(text.get("tokenizer_kwargs") or {})
    name = text.get("hf_tokenizer_name")
    clean = options.pop("clean", "whitespace" if name else "lower")
    if any(options.values()) or text.get("tokenizer_mode"):
        raise NotExportableError("its tokenizer has options of open_clip's that the engine does not know")
    if clean not in CLEANINGS:
        raise NotExportableError(f"its tokenizer cleans texts in a way that is not known: {clean!r}")
    context = int(text.get("context_length", _CONTEXT))
    if name:
        return ModelTokenizer(clean, context, read_hub_tokenizer(_files(weights, str(name), download)))
    if "siglip" in weights.model.lower() and not weights.model.startswith(LOCAL_DIR):
        raise NotExportableError("its tokenizer is made by open_clip")
    return ModelTokenizer(clean, context, None)


def _files(weights: Weights, name: str, download: bool) -> Path:
    """Where the tokenizer's files are: in a model's own directory, whatever repository its configuration names."""
    if weights.model.startswith(LOCAL_DIR):
        return Path(weights.model.removeprefix(LOCAL_DIR))
    from reranker.models.hub_files import find_tokenizer  # the hub's client takes longer than to read a directory

    found = find_tokenizer(name, weights.title, download=download)
    if found is None:
        raise NotExportableError(f"its tokenizer, {name}, is not kept as tokenizer.json: transformers alone makes it")
    return found
