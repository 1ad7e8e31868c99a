"""Which model to use, as data that can be named before anything heavy is imported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

LOCAL_DIR, HF_HUB = "local-dir:", "hf-hub:"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model in open_clip's notation: a registry name with its `pretrained` tag, `hf-hub:…` or `local-dir:…`.

    With a `text_tower` (of sentence-transformers: `hf-hub:…` or `local-dir:…`) phrases are encoded by that one, and
    only pictures by the model, whose space it must be in.

    If it is a `plug_in`, `model` is the name under which another package registers an encoder
    (`reranker.models.registry`). With an `adapter`, the directory of one, its layer changes what the model says.
    """

    model: str
    pretrained: str | None = None
    text_tower: str | None = None
    plug_in: bool = False
    adapter: Path | None = None

    @classmethod
    def of_name(cls, name: str, pretrained: str | None = None) -> Self:
        """The choice that a name means; `TEXT+MODEL` is a text tower with the model whose space it is in.

        A “+” in a path is part of it, unless local-dir: or hf-hub: or, with a `pretrained` tag, a name of open_clip's
        registry follows.
        """
        if name.startswith((LOCAL_DIR, HF_HUB)):
            for cut in (place for place, letter in enumerate(name) if letter == "+"):
                text, model = name[:cut], name[cut + 1 :]
                if model.startswith((LOCAL_DIR, HF_HUB)) or (pretrained and not {"/", "+"} & set(model)):
                    return cls(model, pretrained, text)
        return cls(name, pretrained)

    @property
    def of_texts(self) -> "ModelSpec | None":
        """The text tower alone, which is a choice of its own; None where the model has its own."""
        return ModelSpec("", None, self.text_tower) if self.text_tower else None

    @property
    def of_pictures(self) -> "ModelSpec":
        """What pictures are encoded with."""
        return ModelSpec(self.model, self.pretrained)

    def __str__(self) -> str:
        name = f"{self.model}/{self.pretrained}" if self.pretrained else self.model
        return f"{self.text_tower}+{name}" if self.text_tower else name


DEFAULT_MODEL = ModelSpec("ViT-B-32", "laion2b_s34b_b79k")
"""Small, MIT-licensed, and its tokenizer ships with open_clip."""

MULTILINGUAL = ModelSpec("ViT-B-32-SigLIP2-256", "webli")
"""Over a hundred languages, Apache-2.0."""

BEST = ModelSpec("ViT-SO400M-16-SigLIP2-384", "webli")
"""The same, three times as large and slower by far more."""

CLIP_MULTILINGUAL_V1 = ModelSpec(
    "ViT-B-32-quickgelu", "openai", f"{HF_HUB}sentence-transformers/clip-ViT-B-32-multilingual-v1"
)
"""Phrases of fifty languages in the space of OpenAI's ViT-B-32, whose embeddings of pictures it shares."""

DEVICES = ("auto", "cpu", "cuda", "mps")

ENGINES = ("auto", "torch", "openvino")
