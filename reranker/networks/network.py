"""What a trained network is: its graph, what it takes of a picture, and where its weights are to be had."""

from dataclasses import dataclass
from typing import Protocol

from reranker.engine.preprocessing import Preprocessing
from reranker.graphs.towers import ImagePlan
from reranker.networks.weights import WeightsHome

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class NetworkGraph(ImagePlan, Protocol):
    """How a network is built as far as its embedding."""

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A trained network by the `name` that people choose it by."""

    name: str
    graph: NetworkGraph
    preprocessing: Preprocessing
    home: WeightsHome
    prefix: str = ""
    """How the names of its weights begin."""
    unused: tuple[str, ...] = ()
    """How the names of those begin that lie in the same file and that the embedding does without."""


def squares(
    side: int,
    *,
    resized_to: int,
    interpolation: str,
    mean: tuple[float, ...] = _IMAGENET_MEAN,
    std: tuple[float, ...] = _IMAGENET_STD,
) -> Preprocessing:
    """Return the usual preprocessing: resize the short side, crop the centre, normalise, by default as for ImageNet."""
    return Preprocessing(side, side, mean, std, interpolation, "shortest", resized_to=resized_to)
