"""CLIP models of open_clip as an `Encoder`."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import open_clip
import torch
from huggingface_hub import constants
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError

from phrasepix_core import environment
from phrasepix_core.messages import Hint
from phrasepix_core.text import printable, shortened
from reranker.encoder import Embeddings, unit_rows
from reranker.engine.own_process import demand_own_process
from reranker.engine.preprocessing import Preprocessing
from reranker.errors import ModelError, UnknownModelError, WeightsUnavailableError
from reranker.families import family_of_model
from reranker.models.model_config import model_config
from reranker.models.model_spec import DEFAULT_MODEL, DEVICES, LOCAL_DIR
from reranker.models.open_clip_registry import architecture
from reranker.models.text_models import demand_text_model_is_data
from reranker.models.truncation import unread_words
from reranker.models.weights import Weights, find_weights, tokenizer_name
from reranker.optional_packages import demand_package
from reranker.reduced_picture import ReducedPicture

_LOADING_FAILURES = (
    RuntimeError, ValueError, OSError, LookupError, TypeError, AttributeError, AssertionError, EOFError,
    MemoryError, SafetensorError,
)  # fmt: skip
"""What open_clip and the readers of its files raise on a config or weights they cannot use."""

_RUNS_PICKLES = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


class OpenClipEncoder:
    """Any open_clip model: `model` of its registry with the tag `pretrained`, `hf-hub:…` or `local-dir:…`.

    `device` is auto (cuda, mps, else cpu), cpu, cuda or mps; on cuda the towers run in half precision.
    Preprocessing and tokenizer are the model's own. With `download` False, only what is on this machine is loaded.
    Raises `UnknownModelError` or `WeightsUnavailableError`.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL.model,
        pretrained: str | None = DEFAULT_MODEL.pretrained,
        *,
        device: str = "auto",
        download: bool = True,
    ) -> None:
        demand_own_process("PyTorch")
        self._device = _device(device)
        precision = "fp16" if self._device.type == "cuda" else "fp32"
        _demand_tokenizer(architecture(model), model)  # before anything is downloaded
        weights = find_weights(model, pretrained, download=download)
        _demand_tokenizer(_config(weights), weights.title)
        _demand_nothing_runs(weights)
        if not download:
            _demand_nothing_of_the_hub(weights)
        try:
            self._model, _, self._preprocess = open_clip.create_model_and_transforms(
                weights.model,
                pretrained=None if weights.file is None else str(weights.file),
                precision=precision,
                device=self._device,
                **{f"image_{name}": value for name, value in weights.preprocessing.items()},
                force_quick_gelu=weights.quick_gelu,
                pretrained_text=False,  # a text tower's base weights are part of the CLIP weights
                weights_only=True,  # a pickle runs nothing
            )
            options = _trusting_nothing(weights) | ({} if download else _kept_tokenizer(weights))
            self._tokenizer = open_clip.get_tokenizer(weights.model, **options)
        except ImportError as error:
            raise ModelError(f"model {weights.title} needs a package that is not installed: {error}") from None
        except UnpicklingError:
            why = "it is damaged or holds more than weights, which might run code"
            raise ModelError(f"model {weights.title} cannot be loaded from {weights.weights_file}: {why}") from None
        except _LOADING_FAILURES as error:
            why = shortened(printable(str(error)), 500) or type(error).__name__
            raise ModelError(f"model {weights.title} cannot be loaded from {weights.weights_file}: {why}") from None
        self._model.eval()
        self._input_dtype: torch.dtype | None = open_clip.get_input_dtype(precision)  # None: as it is, float32
        self._weights = weights
        self._fingerprint = _fingerprint(weights, self.preprocessing)
        self._name = f"{weights.title} {precision} {self._fingerprint}"
        self._for_reduced = _preprocessing_for_reduced(self.preprocessing)
        self._dimensions = int(self.encode_texts([""]).shape[1])

    @property
    def name(self) -> str:
        """Model, precision and a digest of weights and preprocessing."""
        return self._name

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self._dimensions

    @property
    def input_side(self) -> int:
        """The side in pixels of what the image tower looks at."""
        size = self._model.visual.image_size
        return int(max(size)) if isinstance(size, tuple | list) else int(size)

    @property
    def family(self) -> str:
        """How it was trained, as far as its name tells; empty where it does not."""
        return family_of_model(self._weights.title)

    @property
    def device(self) -> str:
        """Where the towers run: cpu, cuda or mps."""
        return self._device.type

    @property
    def weights(self) -> Weights:
        """Where the weights came from."""
        return self._weights

    @property
    def fingerprint(self) -> str:
        """A digest of weights and preprocessing."""
        return self._fingerprint

    @property
    def model(self) -> Any:
        """open_clip's own model, in evaluation mode."""
        return self._model

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The model's own `preprocess_cfg`."""
        return dict(self._model.visual.preprocess_cfg)

    @property
    def tokenizer(self) -> Any:
        """open_clip's tokenizer of the model."""
        return self._tokenizer

    @property
    def padding(self) -> int:
        """The token id that fills a text up to the context."""
        return int(getattr(getattr(self._tokenizer, "tokenizer", None), "pad_token_id", None) or 0)

    def tokenize(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Token ids, filled up with `padding`: int64 [len(texts), context]."""
        tokens: NDArray[np.int64] = self._tokenizer(list(texts)).numpy()
        return tokens

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions].

        What of a text lies beyond the model's context is not read; `unread` says what.
        """
        if not texts:  # tokenizers of transformers take no empty list
            return np.empty((0, self.dimensions), dtype=np.float32)
        demand_own_process("PyTorch")
        with torch.inference_mode():
            tokens = torch.from_numpy(self.tokenize(texts)).to(self._device)
            vectors = self._model.encode_text(tokens)
        return unit_rows(vectors.float().cpu().numpy())

    def unread(self, text: str) -> str:
        """Return the words of a text that lie beyond the model's context; empty if it reads all."""
        return unread_words(text, self.tokenize, self.padding)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row an RGB picture: float32 [len(pictures), dimensions]."""
        if not pictures:
            return np.empty((0, self.dimensions), dtype=np.float32)
        demand_own_process("PyTorch")
        with torch.inference_mode():
            batch = torch.stack([self._prepared(picture) for picture in pictures])
            vectors = self._model.encode_image(batch.to(self._device, self._input_dtype))
        return unit_rows(vectors.float().cpu().numpy())

    def _prepared(self, picture: Image.Image) -> Any:
        if self._for_reduced is not None and isinstance(picture, ReducedPicture):
            return torch.from_numpy(self._for_reduced(picture))
        # open_clip resizes first: the palette numbers of a picture, not its colours.
        return self._preprocess(picture.convert("RGB"))

    def __repr__(self) -> str:
        return f"OpenClipEncoder({self._name!r}, device={self.device!r})"


def _preprocessing_for_reduced(config: dict[str, Any]) -> Preprocessing | None:
    """What open_clip's transform does, for pictures that it would take for whole ones; None where ours does not."""
    with suppress(ModelError):
        return Preprocessing.of_config(config)
    return None


def _demand_nothing_runs(weights: Weights) -> None:
    """Raise `ModelError` where open_clip or torch would run what comes with a model, or what it is built after."""
    if text_model := _text_config(weights).get("hf_model_name"):
        demand_text_model_is_data(text_model, weights.title)
    if weights.weights_file.suffix != ".safetensors" and environment.variable(_RUNS_PICKLES) not in {"", "0"}:
        raise ModelError(
            f"model {weights.title} is a pickle, and {_RUNS_PICKLES} has torch run what is in one; unset that variable"
        )


def _trusting_nothing(weights: Weights) -> dict[str, bool]:
    """Options that have transformers load a tokenizer as data, and that of a directory from there alone."""
    if not _text_config(weights).get("hf_tokenizer_name"):
        return {}  # it is open_clip's own, which knows no such options
    from_there = {"local_files_only": True} if weights.model.startswith(LOCAL_DIR) else {}
    return {"trust_remote_code": False, **from_there}


def _demand_tokenizer(config: dict[str, Any] | None, title: str) -> None:
    if tokenizer_name(config):
        demand_package("transformers", f"the model {title}, run by torch,")


def _config(weights: Weights) -> dict[str, Any]:
    """A model's configuration; nothing where there is none."""
    try:
        return model_config(weights)
    except ModelError:  # open_clip says what is wrong with it
        return {}


def _text_config(weights: Weights) -> dict[str, Any]:
    """What a model's configuration says of its text tower; nothing where there is none."""
    text = _config(weights).get("text_cfg")
    return text if isinstance(text, dict) else {}


def best_device() -> str:
    """The fastest device of this machine: cuda, mps or cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def device_named(wanted: str) -> str:
    """cuda, mps or cpu for a device's name, which may be auto. Raises `UnknownModelError` where it is not present."""
    return _device(wanted).type


def _device(wanted: str) -> torch.device:
    if wanted not in DEVICES:
        raise UnknownModelError.not_among("device", wanted, DEVICES)
    if wanted == "auto":
        return torch.device(best_device())
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present[wanted]:
        raise UnknownModelError(
            f"device {wanted} is not present on this machine; ", Hint("device", "auto"), " takes what is"
        )
    return torch.device(wanted)


def _demand_nothing_of_the_hub(weights: Weights) -> None:
    """Raise `WeightsUnavailableError` if open_clip would ask the hub for the config of the text tower."""
    name = _text_config(weights).get("hf_model_name")
    if name and not constants.HF_HUB_OFFLINE:
        raise WeightsUnavailableError(
            f"model {weights.title}: its text tower {name} is looked up on the hub, which an offline search may not "
            "ask. Set HF_HUB_OFFLINE=1 for the whole process, or search online"
        )


def _kept_tokenizer(weights: Weights) -> dict[str, bool]:
    """Options that have open_clip take a registry model's tokenizer from this machine."""
    comes_from_the_hub = weights.file is not None and _text_config(weights).get("hf_tokenizer_name")
    return {"local_files_only": True} if comes_from_the_hub else {}


def _fingerprint(weights: Weights, preprocessing: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(preprocessing, sort_keys=True, default=str).encode())
    digest.update(_file_digest(weights.weights_file))
    return digest.hexdigest()[:16]


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
