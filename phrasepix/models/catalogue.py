"""The models that a search can name."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from phrasepix.models.adapters import adapter_named, adapter_names
from phrasepix.sample import MODEL_DIRECTORY, SAMPLE_NAME
from phrasepix_core.messages import Hint, nearest
from phrasepix_core.text import printable
from reranker.encoder_profile import BYTES_OF_A_NUMBER, EncoderProfile, adapted_profile
from reranker.errors import RerankerError, UnknownModelError
from reranker.models.model_spec import BEST, CLIP_MULTILINGUAL_V1, DEFAULT_MODEL, MULTILINGUAL, ModelSpec
from reranker.models.open_clip_registry import architecture
from reranker.models.registry import is_registered, registered_names, registered_profile

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
        bytes_per_picture=BYTES_OF_A_NUMBER * dimensions,
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


def profile_named(name: str) -> EncoderProfile | None:
    """Return what the model or encoder of a name says of itself without being loaded; None where it says nothing.

    An adapter says what its base says. Raises `ModelError` for one that is damaged, and as `registered_profile`.
    """
    if name in PROFILES:
        return PROFILES[name]
    if is_registered(name):
        return registered_profile(name)
    if (adapted := adapter_named(name)) is None:
        return None
    adapter, _ = adapted
    base = profile_named(adapter.base) or _clip(adapter.base, adapter.dimensions, "as its base", _OPEN_CLIP)
    return adapted_profile(name, base, adapter.dimensions)


def usable_adapters() -> list[str]:
    """Return the names of the adapters that a search can name: whole ones whose names no model has."""
    found = []
    for name in adapter_names():
        with suppress(RerankerError):  # a damaged one; `encoder_statuses` says what is wrong with it
            if choose_model(name, None, only_the_sample=False)[1].adapter is not None:
                profile_named(name)
                found.append(name)
    return found


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
    elif (adapted := adapter_named(model)) is not None:
        if pretrained is not None:
            raise _has_weights_of_its_own(model, pretrained)
        adapter, directory = adapted
        _, base = choose_model(adapter.base, adapter.pretrained, only_the_sample=False)
        return printable(model), replace(base, adapter=directory)
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
    return "" if ":" in model or architecture(model) else nearest(model, (*registered_names(), *adapter_names()))


def names_that_read_texts() -> list[str]:
    """Return the names of models that rank by a phrase, the usual one first."""
    return [DEFAULT_MODEL.model, *(name for name in NAMED if name != SAMPLE_NAME)]


def _has_weights_of_its_own(model: str, pretrained: str) -> UnknownModelError:
    return UnknownModelError(f"the model {model} has weights of its own; leave out ", Hint("pretrained", pretrained))
