"""From a model's name to weights on this machine, with the config that belongs to them."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import requests
from huggingface_hub import constants, get_token, hf_hub_download, hf_hub_url, snapshot_download

from phrasepix_core import environment
from phrasepix_core.files import at_home
from phrasepix_core.messages import Hint
from phrasepix_core.text import printable
from reranker import steps
from reranker.errors import UnknownModelError, WeightsUnavailableError
from reranker.models.data_only import OPEN_CLIP_CONFIG, demand_data_only
from reranker.models.download_progress import ToldProgress
from reranker.models.hub_errors import no_connection, raise_if_decisive
from reranker.models.model_spec import HF_HUB, LOCAL_DIR
from reranker.optional_packages import demand_package

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_CONFIG_FILE = OPEN_CLIP_CONFIG
# Data alone: no Python, whatever it is called.
_BESIDE_THE_WEIGHTS = [
    _CONFIG_FILE, "*.txt", "tokenizer*.json", "tokenizer*.model", "vocab*.json", "vocab*.model", "sentencepiece*.model",
    "special_tokens_map.json",
]  # fmt: skip
_REACHABLE_WITHIN_S = 5.0
_ANSWERS_WITHIN_S = 10.0
_PASSING = {408, 429, 500, 502, 503, 504}
"""Answers after which the hub's client asks again, five times, each time after as long as the hub says."""


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
    return [directory / name for name in (_CONFIG_FILE, *_WEIGHT_FILES, *_TOKENIZER_FILES)]


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
    with suppress(OSError, ValueError, AttributeError):  # open_clip says what is wrong with it
        _demand_tokenizer(json.loads((directory / _CONFIG_FILE).read_text(encoding="utf-8")).get("model_cfg"), title)
    return Weights(title, f"{LOCAL_DIR}{directory}", None, {})


def _demand_tokenizer(config: Any, title: str) -> None:
    text = config.get("text_cfg") if isinstance(config, dict) else None
    if isinstance(text, dict) and text.get("hf_tokenizer_name"):
        demand_package("transformers", f"the model {title}")


def _snapshot(repository: str, *, download: bool) -> Path:
    def snapshot(weights: str, *, local: bool) -> Path | None:
        try:
            patterns = [weights, *_BESIDE_THE_WEIGHTS]
            directory = Path(
                snapshot_download(repository, allow_patterns=patterns, local_files_only=local, tqdm_class=ToldProgress)
            )
        except Exception as error:  # those of the client's own HTTP library are of no common class
            if not local or isinstance(error, ValueError):
                raise_if_decisive(error, f"{HF_HUB}{repository}", repository)
            return None
        return directory if (directory / weights).is_file() and (directory / _CONFIG_FILE).is_file() else None

    for local in (True, False):
        if not local:
            demand_network(f"{HF_HUB}{repository}", download=download)
            demand_answers(f"{HF_HUB}{repository}", repository, (*_WEIGHT_FILES, _CONFIG_FILE))
        for weights in _WEIGHT_FILES:
            if (directory := snapshot(weights, local=local)) is not None:
                return directory
    raise WeightsUnavailableError(
        f"model {HF_HUB}{repository}: the hub has no such model with {_CONFIG_FILE} and weights, or it is not public"
    )


def _of_registry(model: str, pretrained: str | None, *, download: bool) -> Weights:
    import open_clip  # imports torch, which takes seconds: a directory is looked into without

    tags = open_clip.list_pretrained_tags_by_model(model)
    if not tags:
        near = get_close_matches(model, open_clip.list_models(), n=4)
        hint = f"near it: {', '.join(near)}" if near else "open_clip.list_models() names all"
        raise UnknownModelError(f"model {model!r} is not known to open_clip ({hint}); local-dir:PATH loads your own")
    if pretrained not in tags:
        what = "needs a pretrained tag" if pretrained is None else f"has no weights named {pretrained!r}"
        raise UnknownModelError(f"model {model} {what}; ", Hint("pretrained"), f" is one of: {', '.join(tags)}")
    _demand_tokenizer(open_clip.get_model_config(model), model)  # before anything is downloaded
    config = open_clip.get_pretrained_cfg(model, pretrained)
    preprocessing = {name: config[name] for name in ("mean", "std", "interpolation", "resize_mode") if config.get(name)}
    title = f"{model}/{pretrained}"
    file = _registry_file(title, config, download=download)
    return Weights(title, model, file, preprocessing, bool(config.get("quick_gelu")))


def _registry_file(title: str, config: dict[str, Any], *, download: bool) -> Path:
    if not (place := config.get("hf_hub")):
        import open_clip

        if not download:
            return _downloaded_before(title, config)
        steps.begin(steps.DOWNLOADING)
        try:
            return Path(open_clip.download_pretrained(config))
        except (OSError, RuntimeError) as error:
            raise WeightsUnavailableError(f"the weights of {title} cannot be downloaded: {error}") from None
    repository, _, name = place.rpartition("/")
    names: tuple[str, ...] = (name,) if name else _WEIGHT_FILES
    if name.endswith(".bin"):  # an older registry entry; the repository may hold the safer format too
        names = (name.removesuffix(".bin") + ".safetensors", _WEIGHT_FILES[0], name)
    for local in (True, False):
        if not local:
            demand_network(title, download=download)
            demand_answers(title, repository, dict.fromkeys(names))
        for candidate in dict.fromkeys(names):
            try:
                return Path(hf_hub_download(repository, candidate, local_files_only=local, tqdm_class=ToldProgress))
            except Exception as error:  # those of the client's own HTTP library are of no common class
                if not local:
                    raise_if_decisive(error, title, repository)
                continue  # not kept here, or not in this repository: the next name may be
    raise WeightsUnavailableError(f"the weights of {title} are not to be had from {repository} (files {names})")


def _downloaded_before(title: str, config: dict[str, Any]) -> Path:
    """The file that open_clip downloaded from an address of its own."""
    file = Path("~/.cache/clip").expanduser() / Path(str(config.get("url", ""))).name
    if not file.is_file():
        demand_network(title, download=False)
    return file


def demand_network(title: str, *, download: bool = True) -> None:
    """Ask the hub once, briefly: its own client would retry for most of a minute before it says so.

    Raises `WeightsUnavailableError` if it does not answer or must not be asked, which `download` False says too.
    """
    looked_in = f"the weights of {title} are not on this machine (looked in {constants.HF_HUB_CACHE})"
    remedy = (
        " Run once with a connection, set HF_HOME to where they are, name a directory with ",
        Hint("model", "local-dir:PATH"),
        ", or see it work with the built-in sample: source and model are called “sample”",
    )
    if not download:
        raise WeightsUnavailableError(f"{looked_in}, and an offline search downloads nothing.", *remedy)
    if constants.HF_HUB_OFFLINE or environment.variable("HF_HUB_OFFLINE").upper() in {"1", "TRUE", "YES", "ON"}:
        by = "HF_HUB_OFFLINE" if environment.variable("HF_HUB_OFFLINE") else "TRANSFORMERS_OFFLINE"
        raise WeightsUnavailableError(f"{looked_in} and {by} forbids the download: unset it.", *remedy)
    try:
        requests.head(constants.ENDPOINT, timeout=_REACHABLE_WITHIN_S, auth=_no_login)
    except requests.RequestException as error:
        if why := no_connection(error):
            raise WeightsUnavailableError(f"{looked_in} and {why}") from None
        raise WeightsUnavailableError(f"{looked_in} and {constants.ENDPOINT} cannot be reached.", *remedy) from None
    steps.begin(steps.DOWNLOADING)


def demand_answers(title: str, repository: str, names: Iterable[str]) -> None:
    """Ask the hub for the first byte of each of the files, once: its client would go on asking for minutes.

    What is not there is no error. Raises `WeightsUnavailableError` where the hub has no time, and `UnknownModelError`
    where no repository can be called so.
    """
    headers = {"Range": "bytes=0-0"}
    if token := get_token():
        headers["Authorization"] = f"Bearer {token}"
    for name in names:
        try:
            url = hf_hub_url(repository, name)
            with requests.get(
                url,
                headers=headers,
                timeout=_ANSWERS_WITHIN_S,
                auth=_no_login,
                stream=True,
            ) as answer:
                if answer.status_code in _PASSING:
                    answer.raise_for_status()
        except requests.ConnectionError:
            continue  # the client tries again, which takes half a minute at most
        except Exception as error:
            raise_if_decisive(error, title, repository)


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no login: without this one, requests would look for one in `.netrc`."""
    return request
