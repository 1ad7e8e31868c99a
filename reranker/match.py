"""What stage 2 returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker.calibration import PartShown
from reranker.pairs import Agreement

LEAST_PENALTY = 0.0005
"""A smaller penalty is shown as none: of three decimals nothing would be left."""

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate with its place: `rank` from 1, `score` the cosine −1…1, `picture` in RGB.

    `penalty` is how much it resembles what is not wanted beyond what the pool does on average, on the scale on which
    the pool's scores differ. `nearness` is half its mean cosine to the everyday captions nearest to it, where ranks are
    normalised, and `bonus` what its source's own words about it give or take, where they count; else both are 0.
    Ranks go by the `total` of these: score − nearness + bonus − penalty.
    `siblings` are the candidates of the pool that show the same picture, the best ranked first.
    `stands_out` is by how many standard deviations it stands out from phrases nobody asked for, for this picture and in
    this pool (see `reranker.calibration`): about 0 for what does not fit; None where it is not known, as for a picture
    that is compared with. `fit` says it in a word: clear, fair or weak; empty where nobody measured where these begin
    for the model (see `reranker.families`). `share` is the length of a bar for it, 0…1. `parts` say the same of parts
    of the phrase. `first_score` is the cosine of the first model, where a second one ranked again. So it is where the
    encoder compared the pair (`reranker.pairs`): then `score` is that of the `agreement`, 0…1.
    """

    rank: int
    score: float
    candidate: Candidate
    picture: Image.Image = field(compare=False, repr=False)
    siblings: tuple[Candidate, ...] = ()
    penalty: float = 0.0
    stands_out: float | None = None
    fit: str = ""
    share: float = field(default=0.0, repr=False)
    nearness: float = 0.0
    bonus: float = 0.0
    parts: tuple[PartShown, ...] = ()
    first_score: float | None = None
    agreement: Agreement | None = field(default=None, compare=False, repr=False)

    def __repr__(self) -> str:
        """One line: rank, whose picture it is, what it shows, score, fit."""
        candidate = self.candidate
        shown = candidate.title or ", ".join(candidate.tags)
        if len(shown) > _LONGEST_SHOWN:
            shown = shown[: _LONGEST_SHOWN - 1] + "…"
        words = [
            f"{candidate.source}:{candidate.id}",
            repr(shown) if shown else "",
            f"score {self.score:.3f}",
            self.fit,
        ]
        if self.penalty >= LEAST_PENALTY:
            words.append(f"penalty {self.penalty:.3f}")
        if self.siblings:
            words.append(f"+{len(self.siblings)} alike")
        return f"<Match {self.rank}: {' '.join(word for word in words if word)}>"

    @property
    def total(self) -> float:
        """What ranks go by: the score less what is taken from it, with what is added."""
        return self.score - self.nearness + self.bonus - self.penalty

    def credit(self, format: str = "text") -> str:  # noqa: A002  # the word people know it by
        """The line that credits the picture in the form its licence asks for: text, markdown or html.

        Raises `WrongValueError`.
        """
        from phrasepix_core.credit import credit_line

        return credit_line(self.candidate, format)


@dataclass(frozen=True, slots=True)
class SkippedPicture:
    """A candidate whose picture could not be had, and why."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best matches of a pool of `pool_size` candidates, of which `skipped` could not be looked at.

    Where it is not final, of those that were looked at so far. `notices` are what people should know of it, such as
    that the model does not read all of the phrase; the final ranking has them.
    """

    matches: tuple[Match, ...]
    skipped: tuple[SkippedPicture, ...]
    pool_size: int
    is_final: bool = True
    notices: tuple[str, ...] = ()

    @property
    def fits_well(self) -> bool | None:
        """Whether any match stands out; None where that is not known."""
        return fits_well(self.matches)


def fits_well(matches: Sequence[Match]) -> bool | None:
    """Whether any of the matches stands out; None where that cannot be said in words."""
    words = {match.fit for match in matches} - {""}
    return bool(words - {"weak"}) if words else None
