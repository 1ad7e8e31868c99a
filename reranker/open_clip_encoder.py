"""CLIP models of open_clip as an `Encoder`."""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors import SafetensorError

from reranker.encoder import Embeddings, unit_rows
from reranker.errors import ModelError, UnknownModelError
from reranker.model_choice import DEFAULT_MODEL, DEVICES
from reranker.weights import Weights, find_weights

logger = logging.getLogger(__name__)

_LOADING_FAILURES = (
    RuntimeError, ValueError, OSError, LookupError, TypeError, AttributeError, AssertionError, EOFError,
    SafetensorError,
)  # fmt: skip
"""What open_clip and the readers of its files raise on a config or weights they cannot use."""


class OpenClipEncoder:
    """Any open_clip model: `model` of its registry with the tag `pretrained`, `hf-hub:…` or `local-dir:…`.

    `device` is auto (cuda, mps, else cpu), cpu, cuda or mps; on cuda the towers run in half precision.
    Preprocessing and tokenizer are the model's own. Raises `UnknownModelError` or `WeightsUnavailableError`.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL.model,
        pretrained: str | None = DEFAULT_MODEL.pretrained,
        *,
        device: str = "auto",
    ) -> None:
        self._device = _device(device)
        precision = "fp16" if self._device.type == "cuda" else "fp32"
        weights = find_weights(model, pretrained)
        try:
            self._model, _, self._preprocess = open_clip.create_model_and_transforms(
                weights.model,
                pretrained=None if weights.file is None else str(weights.file),
                precision=precision,
                device=self._device,
                **{f"image_{name}": value for name, value in weights.preprocessing.items()},
                force_quick_gelu=weights.quick_gelu,
                pretrained_text=False,  # a text tower's base weights are part of the CLIP weights
            )
            self._tokenizer = open_clip.get_tokenizer(weights.model)
        except ImportError as error:
            raise ModelError(f"model {model} needs a package that is not installed: {error}") from None
        except UnpicklingError:
            why = "it is damaged or holds more than weights, which might run code"
            raise ModelError(f"model {model} cannot be loaded from {weights.weights_file}: {why}") from None
        except _LOADING_FAILURES as error:
            why = " ".join(str(error).split())[:500] or type(error).__name__
            raise ModelError(f"model {model} cannot be loaded from {weights.weights_file}: {why}") from None
        self._model.eval()
        self._input_dtype: torch.dtype | None = open_clip.get_input_dtype(precision)  # None: as it is, float32
        self._name = f"{weights.title} {precision} {_fingerprint(weights, self._model.visual.preprocess_cfg)}"
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
    def device(self) -> str:
        """Where the towers run: cpu, cuda or mps."""
        return self._device.type

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions].

        What of a text lies beyond the model's context is not read, and the log says what.
        """
        for text in texts:
            if unread := self._unread(text):
                logger.warning("the phrase is longer than the model reads; not read: “%s”", unread)
        with torch.inference_mode():
            tokens = self._tokenizer(list(texts)).to(self._device)
            vectors = self._model.encode_text(tokens)
        return unit_rows(vectors.float().cpu().numpy())

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row an RGB picture: float32 [len(pictures), dimensions]."""
        if not pictures:
            return np.empty((0, self.dimensions), dtype=np.float32)
        with torch.inference_mode():
            batch = torch.stack([self._preprocess(picture) for picture in pictures])
            vectors = self._model.encode_image(batch.to(self._device, self._input_dtype))
        return unit_rows(vectors.float().cpu().numpy())

    def _unread(self, text: str) -> str:
        """The words of `text` beyond the context, found by how many of its first words give the same tokens."""
        tokens = self._tokenizer([text])[0]
        if int(tokens[-1]) == 0 or not text.strip():
            return ""  # padding at the end: all of it was read
        words = text.split()
        read, beyond = 0, len(words)
        while read < beyond:  # the fewest first words that already give these tokens
            middle = (read + beyond) // 2
            if torch.equal(self._tokenizer([" ".join(words[:middle])])[0], tokens):
                beyond = middle
            else:
                read = middle + 1
        if torch.equal(self._tokenizer([" ".join(words[:beyond])[:-1]])[0], tokens):
            beyond -= 1  # this word's own end was not read
        return " ".join(words[beyond:])

    def __repr__(self) -> str:
        return f"OpenClipEncoder({self._name!r}, device={self.device!r})"


def _device(wanted: str) -> torch.device:
    if wanted not in DEVICES:
        raise UnknownModelError(f"device {wanted!r} is not known; allowed: {', '.join(DEVICES)}")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if present[name]))
    if not present[wanted]:
        raise UnknownModelError(f"device {wanted} is not present on this machine; --device auto takes what is")
    return torch.device(wanted)


def _fingerprint(weights: Weights, preprocessing: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(preprocessing, sort_keys=True, default=str).encode())
    digest.update(_file_digest(weights.weights_file))
    return digest.hexdigest()[:16]


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
