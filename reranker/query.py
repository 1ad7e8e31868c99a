"""What is looked for: phrases and pictures, each with a weight, and what is not wanted."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from PIL import Image

from reranker.encoder import Embeddings, unit_rows
from reranker.errors import WrongQueryError


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence, and how much it counts beside the other parts of its query.

    Raises `WrongQueryError` where it is blank, or the weight not a positive number.
    """

    text: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise WrongQueryError("the phrase is empty; say what the picture should show")
        _demand_positive(self.weight, f"the phrase “{self.text}”")

    @property
    def title(self) -> str:
        """What it is called to people."""
        return self.text


@dataclass(frozen=True, slots=True)
class Example:
    """A picture to compare with, in RGB, and how much it counts beside the other parts of its query.

    Instead of a picture its embedding may be given, float32 [d] of L2 norm 1, by the encoder that is asked. `title`
    names it to people. Raises `WrongQueryError` where the weight is not a positive number.
    """

    picture: Image.Image | Embeddings = field(repr=False, compare=False)
    weight: float = 1.0
    title: str = "a picture"

    def __post_init__(self) -> None:
        _demand_positive(self.weight, self.title)


Part = Phrase | Example


@dataclass(frozen=True, slots=True)
class Query:
    """All that is `wanted`, at least one part, and what is `unwanted`.

    Raises `WrongQueryError` where nothing is wanted.
    """

    wanted: tuple[Part, ...]
    unwanted: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        if not self.wanted:
            raise WrongQueryError("nothing is asked for; give a phrase, or a picture to compare with")

    @classmethod
    def of_phrase(cls, phrase: str) -> Self:
        """One phrase and nothing else."""
        return cls((Phrase(phrase.strip()),))

    @property
    def phrases(self) -> Iterator[Phrase]:
        """The phrases among all parts."""
        return (part for part in (*self.wanted, *self.unwanted) if isinstance(part, Phrase))

    @property
    def title(self) -> str:
        """What is looked for, in words."""
        return " + ".join(part.title for part in self.wanted)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedQuery:
    """A query in an encoder's space: `wanted` float32 [d], `unwanted` float32 [k, d], rows of L2 norm 1.

    `penalties` are the k weights of what is unwanted, float64.
    """

    wanted: Embeddings
    unwanted: Embeddings
    penalties: np.ndarray

    @classmethod
    def of(cls, query: Query, encode: Callable[[Part], Embeddings]) -> Self:
        """The query by its parts' embeddings: the wanted ones summed by weight.

        Raises `WrongQueryError` where that sum has no direction.
        """
        total = np.sum([part.weight * encode(part).astype(np.float64) for part in query.wanted], axis=0)
        wanted = unit_rows(total[None])[0]
        if not np.isfinite(wanted).all():
            raise WrongQueryError("the parts of what is asked for cancel each other; give them other weights")
        unwanted = [encode(part) for part in query.unwanted]
        return cls(
            wanted,
            np.stack(unwanted) if unwanted else np.empty((0, len(wanted)), dtype=np.float32),
            np.array([part.weight for part in query.unwanted], dtype=np.float64),
        )


def _demand_positive(weight: float, title: str) -> None:
    if not (math.isfinite(weight) and weight > 0):
        raise WrongQueryError(f"the weight {weight} of {title} is out of range; allowed: numbers above 0")
