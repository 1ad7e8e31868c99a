"""From a model's name to weights on this machine, with the config that belongs to them."""

import json
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from phrasepix_core.extras import is_installed
from phrasepix_core.files import at_home, is_folder
from phrasepix_core.messages import Hint
from phrasepix_core.text import printable
from reranker.errors import UnknownModelError, WeightsUnavailableError
from reranker.models import open_clip_registry
from reranker.models.data_only import demand_data_only
from reranker.models.file_names import CONFIG, TOKENIZER, WEIGHTS
from reranker.models.model_spec import HF_HUB, LOCAL_DIR
from reranker.optional_packages import demand_package


@dataclass(frozen=True, slots=True)
class Weights:
    """What open_clip is to load: `model` in its own notation, `file` of a registry model, its preprocessing.

    `title` names the model to people, without a path of this machine. `quick_gelu` is whether a registry
    model's weights were trained with that activation: with another they see badly and nothing says so.
    """

    title: str
    model: str
    file: Path | None
    preprocessing: dict[str, Any]
    quick_gelu: bool = False

    @property
    def weights_file(self) -> Path:
        """The file the weights are in."""
        if self.file is not None:
            return self.file
        directory = Path(self.model.removeprefix(LOCAL_DIR))
        return next(path for name in WEIGHTS if (path := directory / name).is_file())


def files_beside(weights: Weights) -> list[Path]:
    """The files a model is loaded from, and those that would be taken in their stead if they were there."""
    if weights.file is not None:
        return [weights.file]
    directory = Path(weights.model.removeprefix(LOCAL_DIR))
    return [directory / name for name in (CONFIG, *WEIGHTS, *TOKENIZER)]


def find_weights(model: str, pretrained: str | None, *, download: bool = True) -> Weights:
    """The weights of `model`, downloaded (with a progress bar) where they are not here yet, unless `download` is False.

    `model` is `local-dir:PATH`, `hf-hub:OWNER/NAME`, or a name of open_clip's registry with the tag `pretrained`.
    Raises `UnknownModelError` or `WeightsUnavailableError`.
    """
    if model.startswith(LOCAL_DIR):
        directory = at_home(Path(model.removeprefix(LOCAL_DIR)))
        return _of_directory(directory, f"{LOCAL_DIR}{printable(directory.resolve().name)}")
    if model.startswith(HF_HUB):
        from reranker.models.hub_files import find_model  # the hub's client takes longer than to read a directory

        return _of_directory(find_model(model.removeprefix(HF_HUB), download=download), model)
    return _of_registry(model, pretrained, download=download)


def _of_directory(directory: Path, title: str) -> Weights:
    place = printable(str(directory))
    if not is_folder(directory):
        raise UnknownModelError(f"model {title}: {place} is not a directory")
    if not (directory / CONFIG).is_file():
        raise UnknownModelError(f"model {title}: {place} has no {CONFIG}; is it an open_clip model?")
    if not any((directory / name).is_file() for name in WEIGHTS):
        raise WeightsUnavailableError(f"model {title}: {place} has none of {', '.join(WEIGHTS)}")
    demand_data_only(directory, title)
    weights = Weights(title, f"{LOCAL_DIR}{directory}", None, {})
    with suppress(OSError, ValueError, AttributeError):  # whoever loads it says what is wrong with it
        config = json.loads((directory / CONFIG).read_text(encoding="utf-8")).get("model_cfg")
        if tokenizer_name(config) and not (directory / TOKENIZER[0]).is_file():
            demand_package("transformers", f"the model {title}")
    return weights


def tokenizer_name(config: Any) -> str:
    """The hub's repository of the tokenizer that a `model_cfg` names; empty where it is CLIP's own."""
    text = config.get("text_cfg") if isinstance(config, dict) else None
    return str(text.get("hf_tokenizer_name") or "") if isinstance(text, dict) else ""


def _of_registry(model: str, tag: str | None, *, download: bool) -> Weights:
    if tag is None or (pretrained := open_clip_registry.pretrained(model, tag)) is None:
        raise UnknownModelError(*_not_known(model, tag))
    from reranker.models.hub_files import find_file_of_weights, find_tokenizer

    title = f"{model}/{tag}"
    tokenizer = tokenizer_name(open_clip_registry.architecture(model))
    if tokenizer and not is_installed("transformers") and find_tokenizer(tokenizer, title, download=download) is None:
        demand_package("transformers", f"the model {model}")  # before the weights are downloaded
    file = find_file_of_weights(title, pretrained.place, download=download)
    return Weights(title, model, file, dict(pretrained.preprocessing), pretrained.quick_gelu)


def _not_known(model: str, tag: str | None) -> tuple[str | Hint, ...]:
    """What is wrong with a name or a tag, and what there is instead."""
    if tags := open_clip_registry.pretrained_tags(model):
        what = "needs a pretrained tag" if tag is None else f"has no weights named {tag!r}"
        return f"model {model} {what}; ", Hint("pretrained"), f" is one of: {', '.join(tags)}"
    near = get_close_matches(model, open_clip_registry.architectures(), n=4)
    hint = f"near it: {', '.join(near)}" if near else "https://github.com/mlfoundations/open_clip names all"
    return (f"model {model!r} is not known to open_clip ({hint}); local-dir:PATH loads your own",)
