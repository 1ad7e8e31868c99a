"""ResNet-50 as torchvision trained it on ImageNet, by its last layer but one."""

from reranker.graphs.plain_resnet import PlainResNet
from reranker.networks.factory import factory_of
from reranker.networks.network import Network, squares
from reranker.networks.weights import AtAddress

# Facts of `ResNet50_Weights.IMAGENET1K_V1`, https://docs.pytorch.org/vision/stable/models.html. Of the two sets of
# weights this is the older one: the newer one's tricks of training gain accuracy and lose in what is carried over.
NETWORK = Network(
    name="resnet50",
    graph=PlainResNet(),
    preprocessing=squares(224, resized_to=256, interpolation="bilinear"),
    home=AtAddress("https://download.pytorch.org/models/resnet50-0676ba61.pth", "0676ba61"),
    unused=("fc.",),
)

ENCODER = factory_of(
    NETWORK,
    title="ResNet-50, trained on ImageNet",
    licence="BSD-3-Clause",
    home_url="https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.resnet50.html",
)
