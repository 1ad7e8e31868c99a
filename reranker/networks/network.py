"""What a trained network is: its graph, what it takes of a picture, and where its weights are to be had."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from reranker.encoder_profile import EncoderFactory, EncoderProfile
from reranker.engine.preprocessing import Preprocessing
from reranker.graphs.ops import Node
from reranker.graphs.weights import NamedTensors
from reranker.networks.weights import WeightsHome

if TYPE_CHECKING:
    from reranker.encoder import Encoder
    from reranker.models.registry import Loading

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BYTES_OF_A_NUMBER = 4


class NetworkGraph(Protocol):
    """How a network is built as far as its embedding."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures that it looks at, in pixels."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""
        ...

    def build(self, weights: NamedTensors, pixels: Node) -> Node:
        """From pixels [n, 3, height, width] to vectors [n, dimensions]."""
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

    def encoder(self, *, title: str, licence: str, home_url: str, extra: str = "") -> EncoderFactory:
        """Return what an entry point names: its profile, and the function that loads it."""
        profile = EncoderProfile(
            title=title,
            encodes=frozenset({"pictures"}),
            bytes_per_picture=_BYTES_OF_A_NUMBER * self.graph.dimensions,
            licence=licence,
            home_url=home_url,
            extra=extra,
        )
        return EncoderFactory(profile, partial(_load, self))


def _load(network: Network, loading: "Loading") -> "Encoder":
    from reranker.networks.network_encoder import load_network  # brings the engine, which a profile does without

    return load_network(network, loading)


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
