"""What stage 2 returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from reranker.errors import WrongQueryError
from retriever.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate with its place: `rank` from 1, `score` the cosine −1…1, `picture` in RGB.

    `penalty` is how much it resembles what is not wanted beyond what the pool does on average; ranks go by score less
    penalty.
    `used_before` names the file as which the picture was saved before; empty where it was not.
    `look_for_more` is how its search is asked again.
    `siblings` are the candidates of the pool that show the same picture, the best ranked first.
    """

    rank: int
    score: float
    candidate: Candidate
    picture: Image.Image = field(compare=False, repr=False)
    used_before: str = ""
    siblings: tuple[Candidate, ...] = ()
    penalty: float = 0.0
    look_for_more: Callable[["Match"], Any] | None = field(default=None, compare=False, repr=False)

    def more_like_this(self) -> Any:
        """What its search finds with this picture as the question: the same sources asked for the same tags.

        Of a search by `phrasepix` they are `phrasepix.Results`. Raises what that raises, and `WrongQueryError` where
        the match is of no such search.
        """
        if self.look_for_more is None:
            raise WrongQueryError("this match is of no search that can be asked again; search with like=match instead")
        return self.look_for_more(self)

    def credit(self, format: str = "text") -> str:  # noqa: A002  # the word people know it by
        """The line that credits the picture in the form its licence asks for: text, markdown or html.

        Raises `WrongParameterError`.
        """
        from retriever.credit import credit_line

        return credit_line(self.candidate, format)


@dataclass(frozen=True, slots=True)
class SkippedPicture:
    """A candidate whose picture could not be had, and why."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best matches of a pool of `pool_size` candidates, of which `skipped` could not be looked at.

    Where it is not final, of those that were looked at so far.
    """

    matches: tuple[Match, ...]
    skipped: tuple[SkippedPicture, ...]
    pool_size: int
    is_final: bool = True
