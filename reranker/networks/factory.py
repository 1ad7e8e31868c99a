"""What an entry point names: a network's profile, and how it is loaded."""

from functools import partial
from typing import TYPE_CHECKING

from reranker.encoder_profile import EncoderFactory, EncoderProfile
from reranker.networks.network import Network

if TYPE_CHECKING:
    from reranker.encoder import Encoder
    from reranker.models.registry import Loading

_BYTES_OF_A_NUMBER = 4


def factory_of(network: Network, *, title: str, licence: str, home_url: str, extra: str = "") -> EncoderFactory:
    """The factory of a network's encoder; the arguments are fields of `EncoderProfile`."""
    profile = EncoderProfile(
        title=title,
        encodes=frozenset({"pictures"}),
        bytes_per_picture=_BYTES_OF_A_NUMBER * network.graph.dimensions,
        licence=licence,
        home_url=home_url,
        extra=extra,
    )
    at_hand = None if extra else partial(_has_weights, network)  # an extra brings them
    return EncoderFactory(profile, partial(_load, network), at_hand)


def _load(network: Network, loading: "Loading") -> "Encoder":
    from reranker.networks.network_encoder import load_network  # brings the engine, which a profile does without

    return load_network(network, loading)


def _has_weights(network: Network, loading: "Loading") -> bool:
    from reranker.networks.export import has_weights

    return has_weights(network, loading.cache_directory)
