"""What is looked for: phrases and pictures, each with a weight, and what is not wanted."""

import math
import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix_core.candidate import Candidate
from phrasepix_core.numbers import is_number
from phrasepix_core.text import same_text, shortened
from phrasepix_core.urls import shown_url
from reranker.encoder import Embeddings, unit_rows
from reranker.errors import WrongQueryError


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence, and how much it counts beside the other parts of its query.

    Its text is kept in one line without what is invisible, each letter in its composed form: what looks the same
    scores the same. Raises `WrongQueryError` where it is blank, or the weight not a positive number.
    """

    text: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise WrongQueryError(f"the phrase {reprlib.repr(self.text)} is no text; say what the picture should show")
        object.__setattr__(self, "text", same_text(self.text))
        if not self.text:
            raise WrongQueryError("the phrase is empty; say what the picture should show")
        _demand_positive(self.weight, f"the phrase “{shortened(self.text)}”")

    @property
    def title(self) -> str:
        """What it is called to people."""
        return self.text


@dataclass(frozen=True, slots=True)
class Example:
    """A picture to compare with, in RGB, and how much it counts beside the other parts of its query.

    Instead of a picture its http or https address may be given, or its embedding, float32 [d] of L2 norm 1, by the
    encoder that is asked. `title` names it to people. Where it is the picture of a `candidate`, what is remembered of
    that is used first. Others are looked for, so it is left out of what is found, unless it `stays`.
    Raises `WrongQueryError` where the weight is not a positive number.
    """

    picture: Image.Image | Embeddings | str = field(repr=False, compare=False)
    weight: float = 1.0
    title: str = "a picture"
    candidate: Candidate | None = field(repr=False, default=None)
    stays: bool = False

    def __post_init__(self) -> None:
        _demand_positive(self.weight, self.title)

    @classmethod
    def at_address(cls, url: str, weight: float = 1.0) -> Self:
        """Return the picture at an http or https address, named by the end of it."""
        where = shown_url(url)
        return cls(url, weight, where.rpartition("/")[2] or where)


class TeachingPictures(Protocol):
    """The pictures that a name was taught by, and what encoders made of them. Plain data: a query may be pickled."""

    def direction(self, tower: str, dimensions: int) -> Embeddings | None:
        """Return what stands for the name under an image tower, float32 [d], L2 norm 1; None if it is not known."""
        ...

    def examples(self) -> Iterator[Example]:
        """Yield the pictures that are still there, each with its candidate; one at a time is decoded."""
        ...

    def others(self) -> Iterator[Example]:
        """Yield pictures of other things: what all pictures share, where few are remembered."""
        ...

    def keep(
        self, tower: str, pictures: Mapping[str, Embeddings], direction: Embeddings, *, left_out: tuple[str, ...]
    ) -> None:
        """Keep what an image tower made of the pictures, by their candidates' ids, and what stands for the name."""
        ...


@dataclass(frozen=True, slots=True)
class TaughtName:
    """A name that no model knows: it stands for what the pictures it was taught by share and others do not.

    Raises `WrongQueryError` where the weight is not a positive number.
    """

    title: str
    pictures: TeachingPictures = field(repr=False, compare=False)
    weight: float = 1.0

    def __post_init__(self) -> None:
        _demand_positive(self.weight, self.title)


Part = Phrase | Example | TaughtName


@dataclass(frozen=True, slots=True)
class Query:
    """All that is `wanted`, at least one part, and what is `unwanted`.

    Raises `WrongQueryError` where nothing is wanted, or where the same is wanted and not wanted.
    """

    wanted: tuple[Part, ...]
    unwanted: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        if not self.wanted:
            raise WrongQueryError("nothing is asked for; give a phrase, or a picture to compare with")
        wanted = {_same(part) for part in self.wanted}
        for part in self.unwanted:
            if _same(part) in wanted:
                raise WrongQueryError(f"“{shortened(part.title)}” is both wanted and not wanted; decide for one")

    @classmethod
    def of_phrase(cls, phrase: str) -> Self:
        """One phrase and nothing else."""
        return cls((Phrase(phrase),))

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, wanted or not."""
        return (*self.wanted, *self.unwanted)

    @property
    def phrases(self) -> Iterator[Phrase]:
        """The phrases among all parts."""
        return (part for part in self.parts if isinstance(part, Phrase))

    @property
    def names(self) -> Iterator[TaughtName]:
        """The taught names among all parts."""
        return (part for part in self.parts if isinstance(part, TaughtName))

    @property
    def examples(self) -> Iterator[Example]:
        """The pictures among all parts."""
        return (part for part in (*self.wanted, *self.unwanted) if isinstance(part, Example))

    @property
    def words(self) -> str:
        """What is looked for as far as it is said in words; empty where a picture alone is the question."""
        return " ".join(part.text for part in self.wanted if isinstance(part, Phrase))

    @property
    def title(self) -> str:
        """What is looked for, for people; without the matches that only were preferred."""
        asked = [part for part in self.wanted if not (isinstance(part, Example) and part.stays)] or self.wanted
        return " + ".join(f"like {part.title}" if isinstance(part, Example) else part.title for part in asked)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedQuery:
    """A query in an encoder's space: `wanted` float32 [p, d] and `unwanted` float32 [k, d], rows of L2 norm 1.

    `weights` [p] are those of the former, `penalties` [k] those of the latter, float64.
    """

    wanted: Embeddings
    weights: NDArray[np.float64]
    unwanted: Embeddings
    penalties: NDArray[np.float64]

    @property
    def products(self) -> NDArray[np.float64]:
        """The cosines among all that is wanted: float64 [p, p]."""
        rows = self.wanted.astype(np.float64)
        return rows @ rows.T

    @classmethod
    def of(cls, query: Query, encode: Callable[[Part], Embeddings]) -> Self:
        """The query by its parts' embeddings.

        Raises `WrongQueryError` where those that are wanted cancel each other.
        """
        wanted = np.stack([encode(part) for part in query.wanted])
        weights = np.array([part.weight for part in query.wanted], dtype=np.float64)
        if not np.isfinite(unit_rows((weights @ wanted.astype(np.float64))[None])).all():
            raise WrongQueryError("the parts of what is asked for cancel each other; give them other weights")
        unwanted = [encode(part) for part in query.unwanted]
        return cls(
            wanted,
            weights,
            np.stack(unwanted) if unwanted else np.empty((0, wanted.shape[1]), dtype=np.float32),
            np.array([part.weight for part in query.unwanted], dtype=np.float64),
        )


def _same(part: Part) -> object:
    """What two parts share that ask for the same."""
    if isinstance(part, Phrase):
        return part.text.casefold()
    if isinstance(part, TaughtName):
        return (TaughtName, part.title)
    if isinstance(part.picture, str):
        return part.picture
    return part.candidate.identity if part.candidate is not None else id(part.picture)


def _demand_positive(weight: float, title: str) -> None:
    if not (is_number(weight) and math.isfinite(weight) and weight > 0):
        raise WrongQueryError(f"the weight {weight!r} of {title} is out of range; allowed: numbers above 0")
