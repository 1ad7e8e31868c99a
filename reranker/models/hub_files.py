"""Files of models on the hub: found among those that were downloaded before, or downloaded."""

from collections.abc import Collection
from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download

from reranker.errors import WeightsUnavailableError
from reranker.models.download_progress import ToldProgress
from reranker.models.file_names import CONFIG, MODULES, SAFE, TEXT_TOWER, TOKENIZER, WEIGHTS
from reranker.models.hub import demand_answers, demand_network
from reranker.models.hub_errors import raise_if_decisive
from reranker.models.model_spec import HF_HUB

# Data alone: no Python, whatever it is called.
_BESIDE_THE_WEIGHTS = [
    CONFIG, "*.txt", "tokenizer*.json", "tokenizer*.model", "vocab*.json", "vocab*.model", "sentencepiece*.model",
    "special_tokens_map.json",
]  # fmt: skip
_NOT_OF_TEXT_TOWERS = ("onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.onnx", "*.py")


def find_model(repository: str, *, download: bool = True) -> Path:
    """The directory of an open_clip model: configuration, weights, and what belongs to them.

    Raises `WeightsUnavailableError` or `UnknownModelError`.
    """

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
        return directory if (directory / weights).is_file() and (directory / CONFIG).is_file() else None

    for local in (True, False):
        if not local:
            demand_network(f"{HF_HUB}{repository}", download=download)
            demand_answers(f"{HF_HUB}{repository}", repository, (*WEIGHTS, CONFIG))
        for weights in WEIGHTS:
            if (directory := snapshot(weights, local=local)) is not None:
                return directory
    raise WeightsUnavailableError(
        f"model {HF_HUB}{repository}: the hub has no such model with {CONFIG} and weights, or it is not public"
    )


def find_file_of_weights(title: str, place: str, *, download: bool = True) -> Path:
    """The weights at `place` on the hub, `OWNER/NAME/FILE`, the file empty where it has the usual name.

    `title` names the model to people. Raises `WeightsUnavailableError` or `UnknownModelError`.
    """
    repository, _, name = place.rpartition("/")
    names: Collection[str] = (name,) if name else WEIGHTS
    if name.endswith(".bin"):  # an older registry entry; the repository may hold the safer format too
        names = dict.fromkeys((name.removesuffix(".bin") + SAFE, WEIGHTS[0], name))
    for local in (True, False):
        if not local:
            demand_network(title, download=download)
            demand_answers(title, repository, names)
        for candidate in names:
            try:
                return Path(hf_hub_download(repository, candidate, local_files_only=local, tqdm_class=ToldProgress))
            except Exception as error:  # those of the client's own HTTP library are of no common class
                if not local:
                    raise_if_decisive(error, title, repository)
                continue  # not kept here, or not in this repository: the next name may be
    raise WeightsUnavailableError(
        f"the weights of {title} are not to be had from {repository} (files {', '.join(names)})"
    )


def find_tokenizer(repository: str, title: str, *, download: bool = True) -> Path | None:
    """The directory of the tokenizer that the hub's `repository` has, downloaded if it is not here yet.

    None where it has no `tokenizer.json`. `title` names the model to people. Raises `WeightsUnavailableError` or
    `UnknownModelError`.
    """
    for local in (True, False):
        if not local:
            demand_network(title, download=download, what="tokenizer files")
            demand_answers(title, repository, TOKENIZER)
        try:
            found = snapshot_download(repository, allow_patterns=list(TOKENIZER), local_files_only=local)
        except Exception as error:  # those of the client's own HTTP library are of no common class
            if not local or isinstance(error, ValueError):
                raise_if_decisive(error, title, repository, what="tokenizer files")
            continue
        if (Path(found) / TOKENIZER[0]).is_file():
            return Path(found)
    return None


def find_text_model(repository: str, *, download: bool = True) -> Path:
    """The directory of a model of sentence-transformers. Raises `WeightsUnavailableError` or `UnknownModelError`."""
    for local in (True, False):
        if not local:
            demand_network(f"{HF_HUB}{repository}", download=download)
            demand_answers(f"text tower {HF_HUB}{repository}", repository, (MODULES,))
        try:
            directory = Path(
                snapshot_download(
                    repository,
                    allow_patterns=list(TEXT_TOWER),
                    ignore_patterns=list(_NOT_OF_TEXT_TOWERS),
                    local_files_only=local,
                    tqdm_class=ToldProgress,
                )
            )
        except Exception as error:  # those of the client's own HTTP library are of no common class
            if not local or isinstance(error, ValueError):
                raise_if_decisive(error, f"text tower {HF_HUB}{repository}", repository)
            continue
        if (directory / MODULES).is_file():
            return directory
    raise WeightsUnavailableError(
        f"text tower {HF_HUB}{repository}: the hub has no such model with {MODULES}, or it is not public"
    )
