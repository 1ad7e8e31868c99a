"""What an encoder says of itself before it is loaded: what it encodes, what it keeps of a picture, whose it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol, runtime_checkable

from reranker.encoder import Encoder
from reranker.loading import Loading

Modality = Literal["texts", "pictures"]

BYTES_OF_A_NUMBER: Final = 4
"""An embedding's numbers are float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderProfile:
    """Facts of an encoder, each from its authors or measured."""

    title: str
    """What people know it by, such as “SIFT, verified by geometry”."""
    encodes: frozenset[Modality]
    """Of what it makes embeddings. One without texts compares pictures with pictures."""
    metric: str = "cosine"
    """How two of its embeddings are compared."""
    bytes_per_picture: int
    """What is remembered of a picture, at most."""
    licence: str
    """The licence of its weights or, without any, of its code, as its authors name it."""
    home_url: str
    """Where its authors describe it."""
    extra: str = ""
    """The extra of phrasepix that installs what it needs; empty where the core does."""


def adapted_profile(name: str, base: EncoderProfile, dimensions: int) -> EncoderProfile:
    """Return what the adapter `name` says of itself: what its base says, which alone compares no pairs for it."""
    return replace(
        base,
        title=f"{name}, learnt over {base.title}",
        metric="cosine",
        bytes_per_picture=BYTES_OF_A_NUMBER * dimensions,
    )


@runtime_checkable
class HasProfile(Protocol):
    """An `Encoder`, or a function that loads one, with a profile."""

    @property
    def profile(self) -> EncoderProfile:
        """What it says of itself."""
        ...


@runtime_checkable
class KnowsItsWeights(Protocol):
    """A function that loads an encoder, and says whether its weights are on this machine already."""

    def has_weights(self, loading: Loading) -> bool | None:
        """Whether it would download nothing; None if it has no weights to download. Nothing is loaded."""
        ...


@dataclass(frozen=True, slots=True)
class EncoderFactory:
    """The value of an entry point of `phrasepix.encoders` that can be described without being loaded."""

    profile: EncoderProfile
    load: Callable[[Loading], Encoder]
    weights_at_hand: Callable[[Loading], bool] | None = None
    """Whether its weights are on this machine; None if it has none to download."""

    def __call__(self, loading: Loading) -> Encoder:
        """Load it."""
        return self.load(loading)

    def has_weights(self, loading: Loading) -> bool | None:
        """Whether it would download nothing; None if it has no weights to download."""
        return None if self.weights_at_hand is None else self.weights_at_hand(loading)


def reads_texts(encoder: Encoder) -> bool:
    """Whether an encoder makes embeddings of texts; one that says nothing of itself does."""
    return not isinstance(encoder, HasProfile) or "texts" in encoder.profile.encodes
