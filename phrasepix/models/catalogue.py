"""The models that a search can name."""

from dataclasses import replace

from phrasepix.models.adapters import adapter_named
from phrasepix.sample import MODEL_DIRECTORY, SAMPLE_NAME
from phrasepix_core.messages import Hint, nearest
from phrasepix_core.text import printable
from reranker.errors import UnknownModelError
from reranker.models.model_spec import BEST, CLIP_MULTILINGUAL_V1, DEFAULT_MODEL, MULTILINGUAL, ModelSpec
from reranker.models.registry import is_registered

NAMED = {
    SAMPLE_NAME: ModelSpec(f"local-dir:{MODEL_DIRECTORY}"),
    "multilingual": MULTILINGUAL,
    "best": BEST,
    "clip-multilingual-v1": CLIP_MULTILINGUAL_V1,
}


def choose_model(model: str | None, pretrained: str | None, *, only_the_sample: bool) -> tuple[str, ModelSpec]:
    """The model's title for people, and what to load: by default the sample's own for it alone, else ViT-B-32."""
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
    elif (meant := nearest(model, NAMED)) and pretrained is None:
        raise UnknownModelError(f"model {model!r} is not known; did you mean ", Hint("model", meant), "?")
    else:
        spec = ModelSpec.of_name(model, pretrained)
    return printable(str(spec)), spec


def _has_weights_of_its_own(model: str, pretrained: str) -> UnknownModelError:
    return UnknownModelError(f"the model {model} has weights of its own; leave out ", Hint("pretrained", pretrained))
