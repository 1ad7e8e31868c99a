"""Pairs of pictures, looked at together: the optional part of an encoder that re-scores the best of a ranking."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Encoder

Looked = TypeVar("Looked", contravariant=True)
"""What an encoder prepares of one picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How far two pictures agree: a `score` from 0, not at all, to 1.

    `points` are those that agree, float32 [n, 4]: x and y in the one, x and y in the other, as shares of width and
    height.
    """

    score: float
    points: NDArray[np.float32] = field(repr=False)


NO_AGREEMENT = Agreement(0.0, np.empty((0, 4), dtype=np.float32))
"""What does not agree at all."""


@runtime_checkable
class VerifiesPairs(Protocol[Looked]):
    """An `Encoder` that `PreparesPictures` and remembers `features` of each, by which a pair is compared closely.

    The order by its embeddings is a first guess; of the best, each is compared with the picture asked for.
    """

    @property
    def verified(self) -> int:
        """How many of the best are compared."""
        ...

    def features(self, prepared: Looked) -> bytes:
        """What is remembered of a prepared picture beside its embedding; called by many threads at once."""
        ...

    def agreement(self, one: bytes, other: bytes) -> Agreement:
        """How far two pictures agree, by their `features`: the same each time; called by many threads at once.

        Bytes that are no features agree with nothing.
        """
        ...


@runtime_checkable
class ShowsKeyPoints(Protocol):
    """An `Encoder` that `VerifiesPairs` by key points, and tells people where these lie."""

    def key_point_places(self, features: bytes) -> NDArray[np.float32]:
        """The key points that `features` remember, float32 [n, 2]: x and y as shares of width and height.

        Bytes that are no features have none.
        """
        ...


@runtime_checkable
class ComparesMany(Protocol):
    """An encoder that `VerifiesPairs`, and compares one picture with several at once more quickly than one by one."""

    def agreements(self, one: bytes, others: Sequence[bytes]) -> Sequence[Agreement]:
        """The `VerifiesPairs.agreement` of `one` with each of the others, in their order; by many threads at once."""
        ...


def agreements_of(encoder: VerifiesPairs[Any], one: bytes, others: Sequence[bytes]) -> Sequence[Agreement]:
    """How far a picture agrees with each of several, by their `features`."""
    if isinstance(encoder, ComparesMany):
        return encoder.agreements(one, others)
    return [encoder.agreement(one, other) for other in others]


def features_of(encoder: Encoder, prepared: Any) -> bytes | None:
    """What an encoder remembers of a prepared picture beside its embedding; None where it verifies no pairs."""
    return encoder.features(prepared) if isinstance(encoder, VerifiesPairs) else None
