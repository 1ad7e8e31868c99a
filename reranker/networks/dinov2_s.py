"""DINOv2 of the size ViT-S/14, trained without labels, by its class token."""

from reranker.graphs.blocks import Stack
from reranker.graphs.plain_vit import PlainVit
from reranker.networks.factory import factory_of
from reranker.networks.network import Network, squares
from reranker.networks.weights import AtAddress

# Facts of https://github.com/facebookresearch/dinov2: `hub/backbones.py`, `models/vision_transformer.py` for how places
# learnt at 518 pixels are interpolated, `data/transforms.py`. Oquab et al., https://arxiv.org/abs/2304.07193.
NETWORK = Network(
    name="dinov2-s",
    graph=PlainVit(
        (224, 224),
        (14, 14),
        Stack(layers=12, width=384, heads=6, hidden=1536, activation="gelu", epsilon=1e-6, layer_scale=True),
        pool="token",
        learnt_side=37,
        offset=0.1,
    ),
    preprocessing=squares(224, resized_to=256, interpolation="bicubic"),
    home=AtAddress("https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth"),
    unused=("mask_token",),
)

ENCODER = factory_of(
    NETWORK,
    title="DINOv2 ViT-S/14, trained without labels",
    licence="Apache-2.0",
    home_url="https://github.com/facebookresearch/dinov2",
)
