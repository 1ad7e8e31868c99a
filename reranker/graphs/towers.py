"""Both towers of a model as OpenVINO's models, after the configuration that open_clip would build them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reranker.graphs.clip_text import ClipText
from reranker.graphs.hub_text import HubText
from reranker.graphs.ops import Node, Ops
from reranker.graphs.options import Options
from reranker.graphs.resnet import ResNet
from reranker.graphs.siglip import Siglip
from reranker.graphs.tensors import tensors_in
from reranker.graphs.vit import Sides, Vit
from reranker.graphs.weights import NamedTensors

_IMAGE = "visual."
_TEXT = "text."
_OF_NO_TOWER = ("logit_scale", "logit_bias")


class ImagePlan(Protocol):
    """How an image tower is built."""

    @property
    def size(self) -> Sides:
        """Of the pictures it looks at."""
        ...

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
        ...


class TextPlan(Protocol):
    """How a text tower is built."""

    @property
    def context(self) -> int:
        """How many tokens of a text it reads."""
        ...

    @property
    def ends(self) -> bool:
        """Whether it takes tokens up to the end of the longest text only, not the whole context."""
        ...

    def build(self, weights: NamedTensors, tokens: Node) -> Node:
        """From tokens [n, length] to vectors [n, dimensions]."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How the towers of a model are built, whose vectors have so many `dimensions`.

    With `custom_text` the weights of the text tower have names of their own, unless they are of an older kind.
    """

    image: ImagePlan
    text: TextPlan
    custom_text: bool
    dimensions: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Plan":
        """The plan after open_clip's `model_cfg`. Raises `NotNativeError` where something in it is not known here."""
        options = Options(config, "model_cfg")
        dimensions = options.number("embed_dim")
        options.ignore("init_logit_scale", "init_logit_bias", "nonscalar_logit_scale", "output_dict")
        quick_gelu, custom_text = bool(options.take("quick_gelu")), bool(options.take("custom_text"))
        vision, text = options.section("vision_cfg"), options.section("text_cfg")
        options.demand_all_known()
        is_of_hub = bool(text.peek("hf_model_name"))
        plan = cls(
            _image(vision, dimensions, quick_gelu),
            HubText.of(text, dimensions) if is_of_hub else ClipText.of(text, dimensions, quick_gelu=quick_gelu),
            custom_text or is_of_hub,
            dimensions,
        )
        vision.demand_all_known()
        text.demand_all_known()
        return plan


def _image(options: Options, dimensions: int, quick_gelu: bool) -> ImagePlan:
    if options.peek("timm_model_name"):
        return Siglip.of(options, dimensions)
    if isinstance(options.peek("layers"), list | tuple):
        return ResNet.of(options, list(options.take("layers")), dimensions)
    return Vit.of(options, dimensions, quick_gelu=quick_gelu)


@dataclass(frozen=True, slots=True)
class Towers:
    """The towers as OpenVINO's models; `image_parameters` counts the image tower's weights.

    Their constants are the weights file's own memory, which `ops` holds: they live no longer than this does.
    """

    image: Any
    text: Any
    image_parameters: int
    ops: Ops

    @classmethod
    def build(cls, plan: Plan, weights: Path, openvino: Any) -> "Towers":
        """The towers of a plan, with the weights of a file of safetensors or of torch; `openvino` is the module.

        Raises `NotNativeError` where there are other weights than the plan takes, and what `tensors_in` raises.
        """
        ops, file = Ops(openvino), tensors_in(weights)
        of_image = NamedTensors(ops, file, _IMAGE)
        pixels = ops.input("pixels", [-1, 3, *plan.image.size], "f32")
        image = ops.model([pixels], plan.image.build(of_image, pixels), "image")
        of_image.demand_all_taken()
        # open_clip reads the names of its other kind of model, too.
        has_own_names = plan.custom_text and "text_projection" not in file.names
        of_text = NamedTensors(ops, file, _TEXT if has_own_names else "")
        tokens = ops.input("tokens", [-1, -1 if plan.text.ends else plan.text.context], "i64")
        text = ops.model([tokens], plan.text.build(of_text, tokens), "text")
        NamedTensors(ops, file, "", of_text.taken).demand_all_taken([_IMAGE, *_OF_NO_TOWER])
        return cls(image, text, of_image.parameters(), ops)
