"""The models that a search can name."""

from typing import Final

from phrasepix.sample import MODEL_DIRECTORY, SAMPLE_NAME
from phrasepix_core.messages import Hint, nearest
from phrasepix_core.text import printable
from reranker.encoder_profile import EncoderProfile
from reranker.errors import UnknownModelError
from reranker.models.model_spec import BEST, CLIP_MULTILINGUAL_V1, DEFAULT_MODEL, MULTILINGUAL, ModelSpec
from reranker.models.open_clip_registry import architecture
from reranker.models.registry import is_registered, registered_names

NAMED = {
    SAMPLE_NAME: ModelSpec(f"local-dir:{MODEL_DIRECTORY}"),
    "multilingual": MULTILINGUAL,
    "best": BEST,
    "clip-multilingual-v1": CLIP_MULTILINGUAL_V1,
}

_HUB = "https://huggingface.co"
_OPEN_CLIP = "https://github.com/mlfoundations/open_clip"


def _clip(title: str, dimensions: int, licence: str, home_url: str) -> EncoderProfile:
    return EncoderProfile(
        title=title,
        encodes=frozenset({"texts", "pictures"}),
        bytes_per_picture=4 * dimensions,
        licence=licence,
        home_url=home_url,
    )


PROFILES: Final = {
    DEFAULT_MODEL.model: _clip("CLIP ViT-B/32, trained on LAION-2B", 512, "MIT", _OPEN_CLIP),
    "multilingual": _clip("SigLIP 2 B/32, a hundred languages", 768, "Apache-2.0", f"{_HUB}/timm/ViT-B-32-SigLIP2-256"),
    "best": _clip("SigLIP 2 SO400M, the same and larger", 1152, "Apache-2.0", f"{_HUB}/timm/ViT-SO400M-16-SigLIP2-384"),
    "clip-multilingual-v1": _clip(
        "CLIP ViT-B/32 of OpenAI, phrases of fifty languages",
        512,
        "MIT; the text tower Apache-2.0",
        f"{_HUB}/sentence-transformers/clip-ViT-B-32-multilingual-v1",
    ),
    SAMPLE_NAME: _clip("the sample's own, for drawn scenes alone", 192, "MIT", ""),
}
"""What the models say of themselves that have a name here; others are named as open_clip does."""


def choose_model(
    model: str | None, pretrained: str | None, *, only_the_sample: bool, option: str = "model"
) -> tuple[str, ModelSpec]:
    """The model's title for people, and what to load: by default the sample's own for it alone, else ViT-B-32.

    `option` is the one that it was named by. Raises `UnknownModelError`.
    """
    if model is None and pretrained is None:
        model = SAMPLE_NAME if only_the_sample else DEFAULT_MODEL.model
    if model in NAMED:
        if pretrained is not None:
            raise _has_weights_of_its_own(model, pretrained)
        spec = NAMED[model]
        return model if spec.text_tower or model == SAMPLE_NAME else str(spec), spec
    if model is None or model == DEFAULT_MODEL.model:
        spec = ModelSpec(DEFAULT_MODEL.model, pretrained or DEFAULT_MODEL.pretrained)
    elif is_registered(model):
        if pretrained is not None:
            raise _has_weights_of_its_own(model, pretrained)
        spec = ModelSpec(model, plug_in=True)
    elif pretrained is None and (meant := _meant_by(model)):
        raise UnknownModelError(f"{option} {model!r} is not known; did you mean ", Hint(option, meant), "?")
    elif option == "by" and pretrained is None and not ({":", "+"} & set(model)) and architecture(model) is None:
        raise UnknownModelError(f"by {model!r} is not known; `phrasepix encoders` lists the encoders there are")
    else:
        spec = ModelSpec.of_name(model, pretrained)
    return printable(str(spec)), spec


def _meant_by(model: str) -> str:
    """The name that a misspelt one is likely to mean; empty if there is none, or if open_clip has one of that name."""
    if meant := nearest(model, NAMED):
        return meant
    return "" if ":" in model or architecture(model) else nearest(model, registered_names())


def names_that_read_texts() -> list[str]:
    """Return the names of models that rank by a phrase, the usual one first."""
    return [DEFAULT_MODEL.model, *(name for name in NAMED if name != SAMPLE_NAME)]


def _has_weights_of_its_own(model: str, pretrained: str) -> UnknownModelError:
    return UnknownModelError(f"the model {model} has weights of its own; leave out ", Hint("pretrained", pretrained))
