"""What an encoder says of itself before it is loaded: what it encodes, what it keeps of a picture, whose it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from reranker.encoder import Encoder

if TYPE_CHECKING:  # the registry loads what is described here
    from reranker.models.registry import Loading

Modality = Literal["texts", "pictures"]


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


@runtime_checkable
class HasProfile(Protocol):
    """An `Encoder`, or a function that loads one, with a profile."""

    @property
    def profile(self) -> EncoderProfile:
        """What it says of itself."""
        ...


@dataclass(frozen=True, slots=True)
class EncoderFactory:
    """The value of an entry point of `phrasepix.encoders` that can be described without being loaded."""

    profile: EncoderProfile
    load: Callable[["Loading"], Encoder]

    def __call__(self, loading: "Loading") -> Encoder:
        """Load it."""
        return self.load(loading)
