"""ResNet-50 as MoCo v3 trained it, without any labels."""

from reranker.graphs.plain_resnet import PlainResNet
from reranker.networks.factory import factory_of
from reranker.networks.network import Network, squares
from reranker.networks.weights import AtAddress

# Facts of https://github.com/facebookresearch/moco-v3: its README, and `main_lincls.py` for what is read of the file
# and how pictures are prepared. Chen, Xie and He, https://arxiv.org/abs/2104.02057.
NETWORK = Network(
    name="moco-v3",
    graph=PlainResNet(),
    preprocessing=squares(224, resized_to=256, interpolation="bilinear"),
    home=AtAddress("https://dl.fbaipublicfiles.com/moco-v3/r-50-1000ep/r-50-1000ep.pth.tar"),
    prefix="module.base_encoder.",
    unused=("module.base_encoder.fc.", "module.momentum_encoder.", "module.predictor."),
)

ENCODER = factory_of(
    NETWORK,
    title="MoCo v3, ResNet-50 trained without labels",
    licence="CC-BY-NC-4.0",
    home_url="https://github.com/facebookresearch/moco-v3",
)
