"""From a model's name to weights on this machine, with the config that belongs to them."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download, snapshot_download

from phrasepix_core.files import at_home
from phrasepix_core.messages import Hint
from phrasepix_core.text import printable
from reranker.errors import UnknownModelError, WeightsUnavailableError
from reranker.models import open_clip_registry
from reranker.models.data_only import OPEN_CLIP_CONFIG, demand_data_only
from reranker.models.hub import demand_answers, demand_network
from reranker.models.hub_errors import raise_if_decisive
from reranker.models.model_spec import HF_HUB, LOCAL_DIR
from reranker.models.tokenizer_files import TOKENIZER_FILES, find_tokenizer
from reranker.optional_packages import demand_package, how_to_install, is_installed

_WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_SAFE = ".safetensors"
_CONFIG_FILE = OPEN_CLIP_CONFIG
# Data alone: no Python, whatever it is called.
_BESIDE_THE_WEIGHTS = [
    _CONFIG_FILE, "*.txt", "tokenizer*.json", "tokenizer*.model", "vocab*.json", "vocab*.model", "sentencepiece*.model",
    "special_tokens_map.json",
]  # fmt: skip


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
        return next(path for name in _WEIGHT_FILES if (path := directory / name).is_file())


def files_beside(weights: Weights) -> list[Path]:
    """The files a model is loaded from, and those that would be taken in their stead if they were there."""
    if weights.file is not None:
        return [weights.file]
    directory = Path(weights.model.removeprefix(LOCAL_DIR))
    return [directory / name for name in (_CONFIG_FILE, *_WEIGHT_FILES, *TOKENIZER_FILES)]


def find_weights(model: str, pretrained: str | None, *, download: bool = True) -> Weights:
    """The weights of `model`, downloaded (with a progress bar) where they are not here yet, unless `download` is False.

    `model` is `local-dir:PATH`, `hf-hub:OWNER/NAME`, or a name of open_clip's registry with the tag `pretrained`.
    Raises `UnknownModelError` or `WeightsUnavailableError`.
    """
    if model.startswith(LOCAL_DIR):
        directory = at_home(Path(model.removeprefix(LOCAL_DIR)))
        return _of_directory(directory, f"{LOCAL_DIR}{printable(directory.resolve().name)}")
    if model.startswith(HF_HUB):
        return _of_directory(_snapshot(model.removeprefix(HF_HUB), download=download), model)
    return _of_registry(model, pretrained, download=download)


def _of_directory(directory: Path, title: str) -> Weights:
    place = printable(str(directory))
    if not directory.is_dir():
        raise UnknownModelError(f"model {title}: {place} is not a directory")
    if not (directory / _CONFIG_FILE).is_file():
        raise UnknownModelError(f"model {title}: {place} has no {_CONFIG_FILE}; is it an open_clip model?")
    if not any((directory / name).is_file() for name in _WEIGHT_FILES):
        raise WeightsUnavailableError(f"model {title}: {place} has none of {', '.join(_WEIGHT_FILES)}")
    demand_data_only(directory, title)
    weights = Weights(title, f"{LOCAL_DIR}{directory}", None, {})
    _demand_torch_for(weights.weights_file.name, title)
    with suppress(OSError, ValueError, AttributeError):  # whoever loads it says what is wrong with it
        config = json.loads((directory / _CONFIG_FILE).read_text(encoding="utf-8")).get("model_cfg")
        if tokenizer_name(config) and not (directory / TOKENIZER_FILES[0]).is_file():
            demand_package("transformers", f"the model {title}")
    return weights


def tokenizer_name(config: Any) -> str:
    """The hub's repository of the tokenizer that a `model_cfg` names; empty where it is CLIP's own."""
    text = config.get("text_cfg") if isinstance(config, dict) else None
    return str(text.get("hf_tokenizer_name") or "") if isinstance(text, dict) else ""


def _demand_torch_for(file: str, title: str) -> None:
    if not file.endswith(_SAFE):
        demand_package("torch", f"the model {title}, whose weights are a pickle ({file}),")


def _readable(names: Iterable[str]) -> list[str]:
    """Those of the files that can be read here: pickles by torch alone."""
    return [name for name in dict.fromkeys(names) if name.endswith(_SAFE) or is_installed("torch")]


def _snapshot(repository: str, *, download: bool) -> Path:
    def snapshot(weights: str, *, local: bool) -> Path | None:
        try:
            patterns = [weights, *_BESIDE_THE_WEIGHTS]
            directory = Path(snapshot_download(repository, allow_patterns=patterns, local_files_only=local))
        except Exception as error:  # those of the client's own HTTP library are of no common class
            if not local or isinstance(error, ValueError):
                raise_if_decisive(error, f"{HF_HUB}{repository}", repository)
            return None
        return directory if (directory / weights).is_file() and (directory / _CONFIG_FILE).is_file() else None

    for local in (True, False):
        if not local:
            demand_network(f"{HF_HUB}{repository}", download=download)
            demand_answers(f"{HF_HUB}{repository}", repository, (*_WEIGHT_FILES, _CONFIG_FILE))
        for weights in _readable(_WEIGHT_FILES):
            if (directory := snapshot(weights, local=local)) is not None:
                return directory
    pickles = (
        "" if is_installed("torch") else f"; if its weights are a pickle, it needs torch: {how_to_install('torch')}"
    )
    raise WeightsUnavailableError(
        f"model {HF_HUB}{repository}: the hub has no such model with {_CONFIG_FILE} and weights, or it is not public"
        f"{pickles}"
    )


def _of_registry(model: str, tag: str | None, *, download: bool) -> Weights:
    if tag is None or (pretrained := open_clip_registry.pretrained(model, tag)) is None:
        raise UnknownModelError(*_not_known(model, tag))
    title = f"{model}/{tag}"
    tokenizer = tokenizer_name(open_clip_registry.architecture(model))
    if tokenizer and not is_installed("transformers") and find_tokenizer(tokenizer, title, download=download) is None:
        demand_package("transformers", f"the model {model}")  # before the weights are downloaded
    file = _registry_file(title, pretrained.place, download=download)
    return Weights(title, model, file, dict(pretrained.preprocessing), pretrained.quick_gelu)


def _not_known(model: str, tag: str | None) -> tuple[str | Hint, ...]:
    """What is wrong with a name or a tag, and what there is instead."""
    if tags := open_clip_registry.pretrained_tags(model):
        what = "needs a pretrained tag" if tag is None else f"has no weights named {tag!r}"
        return f"model {model} {what}; ", Hint("pretrained"), f" is one of: {', '.join(tags)}"
    near = get_close_matches(model, open_clip_registry.architectures(), n=4)
    hint = f"near it: {', '.join(near)}" if near else "https://github.com/mlfoundations/open_clip names all"
    return (f"model {model!r} is not known to open_clip ({hint}); local-dir:PATH loads your own",)


def _registry_file(title: str, place: str, *, download: bool) -> Path:
    repository, _, name = place.rpartition("/")
    names: tuple[str, ...] = (name,) if name else _WEIGHT_FILES
    if name.endswith(".bin"):  # an older registry entry; the repository may hold the safer format too
        names = (name.removesuffix(".bin") + _SAFE, _WEIGHT_FILES[0], name)
    for local in (True, False):
        if not local:
            demand_network(title, download=download)
            demand_answers(title, repository, _readable(names))
        for candidate in _readable(names):
            try:
                return Path(hf_hub_download(repository, candidate, local_files_only=local))
            except Exception as error:  # those of the client's own HTTP library are of no common class
                if not local:
                    raise_if_decisive(error, title, repository)
                continue  # not kept here, or not in this repository: the next name may be
    if not is_installed("torch"):
        demand_package("torch", f"the model {title}, of which {repository} has no {_SAFE} file,")
    raise WeightsUnavailableError(f"the weights of {title} are not to be had from {repository} (files {names})")
