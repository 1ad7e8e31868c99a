"""Those who are compared, each as its users would call it, all with the same weights."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.speed.places import Places

Vectors = NDArray[np.float32]
BATCH = 32


class Rival(Protocol):
    """Something that turns pictures and texts into vectors."""

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """Unit rows of RGB pictures, preprocessing included."""
        ...

    def encode_text(self, text: str) -> Vectors:
        """The unit vector of one text, tokenizing included."""
        ...

    def tower(self, pixels: NDArray[np.float32]) -> Vectors:
        """What the image tower makes of ready pixels [n, 3, side, side]."""
        ...


class Ours:
    """The encoder as a search gets it, and its image tower."""

    def __init__(self, places: Places) -> None:
        from reranker.engine import runtime
        from reranker.engine.bf16_weights import bf16_copy
        from reranker.engine.exported_model import ExportedModel
        from reranker.engine.factory import load_encoder
        from reranker.models.model_spec import ModelSpec

        self._encoder = load_encoder(ModelSpec(f"local-dir:{places.model}"), places.cache)
        artefacts = next(
            found
            for manifest in (places.cache / "engines").glob("*/manifest.json")
            if (found := ExportedModel.read(manifest.parent)) is not None and found.fingerprint in self._encoder.name
        )
        precision = "bf16" if runtime.computes_bf16() else "f32"
        tower = artefacts.image_tower
        if precision == "bf16":
            tower = bf16_copy(tower, artefacts.compiled)
        self._tower = runtime.compile_tower(tower, precision, artefacts.compiled)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """Unit rows, preprocessing included."""
        return self._encoder.encode_pictures(pictures)

    def encode_text(self, text: str) -> Vectors:
        """A unit vector."""
        row: Vectors = self._encoder.encode_texts([text])[0]
        return row

    def tower(self, pixels: NDArray[np.float32]) -> Vectors:
        """The image tower's vectors of ready pixels."""
        return np.concatenate([self._tower(pixels[at : at + BATCH])[0] for at in range(0, len(pixels), BATCH)])


class OpenClip:
    """open_clip in fp32, `batch` pictures at a time."""

    batch = BATCH

    def __init__(self, places: Places) -> None:
        import open_clip

        name = f"local-dir:{places.model}"
        self._model, _, self._prepare = open_clip.create_model_and_transforms(name, device="cpu")
        self._model.eval()
        self._tokenizer = open_clip.get_tokenizer(name)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """Unit rows, preprocessing included."""
        import torch

        rows = []
        with torch.inference_mode():
            for at in range(0, len(pictures), self.batch):
                pixels = torch.stack([self._prepare(picture) for picture in pictures[at : at + self.batch]])
                rows.append(self._model.encode_image(pixels, normalize=True))
            return np.asarray(torch.cat(rows).numpy(), dtype=np.float32)

    def encode_text(self, text: str) -> Vectors:
        """A unit vector."""
        import torch

        with torch.inference_mode():
            return np.asarray(self._model.encode_text(self._tokenizer([text]), normalize=True)[0], dtype=np.float32)

    def tower(self, pixels: NDArray[np.float32]) -> Vectors:
        """The image tower's vectors of ready pixels."""
        import torch

        with torch.inference_mode():
            parts = torch.split(torch.from_numpy(pixels), self.batch)
            return np.asarray(torch.cat([self._model.encode_image(part) for part in parts]), dtype=np.float32)


class SeedRecipe(OpenClip):
    """The recipe everybody copies: one picture at a time."""

    batch = 1


class SentenceTransformers:
    """sentence-transformers with a CLIP module."""

    def __init__(self, places: Places) -> None:
        from sentence_transformers import SentenceTransformer

        self._model: Any = SentenceTransformer(str(places.sentence_transformer), device="cpu")

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """Unit rows, preprocessing included."""
        rows: Vectors = self._model.encode(
            list(pictures), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return rows

    def encode_text(self, text: str) -> Vectors:
        """A unit vector."""
        row: Vectors = self._model.encode(text, normalize_embeddings=True, show_progress_bar=False)
        return row

    def tower(self, pixels: NDArray[np.float32]) -> Vectors:
        """The image tower's vectors of ready pixels."""
        import torch

        clip = self._model[0].model
        with torch.inference_mode():
            parts = [
                clip.get_image_features(pixel_values=part) for part in torch.split(torch.from_numpy(pixels), BATCH)
            ]
            plain = [part if isinstance(part, torch.Tensor) else part.pooler_output for part in parts]
            return np.asarray(torch.cat(plain), dtype=np.float32)


RIVALS: dict[str, Callable[[Places], Rival]] = {
    "phrasepix": Ours,
    "open_clip": OpenClip,
    "sentence-transformers": SentenceTransformers,
    "seed recipe": SeedRecipe,
}


def model_config(model: Path) -> dict[str, Any]:
    """The architecture of a model's directory, open_clip's `model_cfg`."""
    config: dict[str, Any] = json.loads((model / "open_clip_config.json").read_text())["model_cfg"]
    return config
