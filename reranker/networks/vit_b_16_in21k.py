"""ViT-B/16 as it was trained on ImageNet-21k, by the mean of its tokens."""

from reranker.graphs.blocks import Stack
from reranker.graphs.plain_vit import PlainVit
from reranker.networks.factory import factory_of
from reranker.networks.network import Network, squares
from reranker.networks.weights import OnHub

# Steiner et al., https://arxiv.org/abs/2106.10270; one of the authors keeps the weights, with their preprocessing, at
# https://huggingface.co/timm/vit_base_patch16_224.augreg_in21k.
NETWORK = Network(
    name="vit-b-16-in21k",
    graph=PlainVit(
        (224, 224),
        (16, 16),
        Stack(layers=12, width=768, heads=12, hidden=3072, activation="gelu", epsilon=1e-6),
        pool="mean",
    ),
    preprocessing=squares(224, resized_to=248, interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3),
    home=OnHub("timm/vit_base_patch16_224.augreg_in21k/model.safetensors"),
    unused=("head.",),
)

ENCODER = factory_of(
    NETWORK,
    title="ViT-B/16, trained on ImageNet-21k",
    licence="Apache-2.0",
    home_url="https://huggingface.co/timm/vit_base_patch16_224.augreg_in21k",
)
