"""Which model to use, as data that can be named before anything heavy is imported."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model in open_clip's notation: a registry name with its `pretrained` tag, `hf-hub:…` or `local-dir:…`."""

    model: str
    pretrained: str | None = None

    def __str__(self) -> str:
        return f"{self.model}/{self.pretrained}" if self.pretrained else self.model


DEFAULT_MODEL = ModelChoice("ViT-B-32", "laion2b_s34b_b79k")
"""Small, MIT-licensed, and its tokenizer ships with open_clip."""

DEVICES = ("auto", "cpu", "cuda", "mps")

ENGINES = ("auto", "torch", "openvino")
