"""Which question to ask a source next: the one that most probably brings the picture the phrase describes.

A question is one tag, or several that a picture must all have. What it is worth is estimated from three things: how
probably the right picture has the tags, how many pictures the source has under them, and how many of those one answer
holds. The first is said by the tags (`DerivedTag.likelihood`); the second is learned from each answer's total, before
that estimated from how common the words are. So on a small site, whose answers are complete, each word is asked by
itself, the narrowest first; on a large one, where an answer is one of a thousand pages, words are joined until an
answer holds what there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from statistics import median

from phrasepix.tags.derive import DerivedTag
from retriever.tags import LONGEST

WORTH_ASKING = 0.05
"""Once there are enough pictures, a question is asked if it is worth this share of all that was asked before."""
_TOGETHER = 8.0
"""How much more common a word of the phrase is among pictures that have another of its words than among all: a guess of
the right order. Between 3 and 20 the outcome is the same (`benchmarks/REAL.md`)."""
_TRUSTED = 4
"""Words that a site is taken to know before the first was asked: two that it lacks turn the plan to broader ones."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask for: pictures with all of `tags`; if `is_continued`, the next page of what was asked before."""

    tags: tuple[str, ...]
    is_continued: bool = False

    @property
    def text(self) -> str:
        """The tag as a source is sent it."""
        return " ".join(self.tags)


@dataclass(slots=True)
class _Answer:
    """What is known of a question's pictures: how many there are, how many came, whether another page may be had."""

    total: int
    came: int
    may_continue: bool

    @property
    def left(self) -> float:
        """The share of its pictures that has not come."""
        return 1 - self.came / self.total if self.total else 0.0


class QuestionPlanner:
    """Plans the questions to one source for the `tags` of a phrase; `page` is how many pictures an answer may hold.

    Ask `next_question`, then tell `learn` what came or `pass_over` that nothing could be asked.
    """

    def __init__(self, tags: Sequence[DerivedTag], page: int) -> None:
        self._tags = {tag.tag: tag for tag in tags}
        self._order = [tag.tag for tag in tags]
        self._page = page
        self._answers: dict[tuple[str, ...], _Answer] = {}
        self._passed: set[tuple[str, ...]] = set()

    def next_question(self, *, is_enough: bool = False) -> Question | None:
        """Return the question that is worth most; None if none is left, or, if `is_enough`, none worth asking."""
        best: tuple[float, Question] | None = None
        for worth, question in chain(self._single(), self._joined(), self._continued()):
            if best is None or worth > best[0]:
                best = worth, question
        if best is None or (is_enough and best[0] < WORTH_ASKING * self._worth_so_far()):
            return None
        return best[1]

    def learn(self, question: Question, came: int, total: int, *, may_continue: bool) -> None:
        """Note that so many pictures `came` of a `total`, and whether another page may be had."""
        before = self._answers.get(question.tags)
        came += before.came if before else 0
        self._answers[question.tags] = _Answer(max(total, came), came, may_continue and came < total)

    def pass_over(self, question: Question) -> None:
        """Ask this no more: it cannot be asked."""
        if question.is_continued:
            self._answers[question.tags].may_continue = False
        else:
            self._passed.add(question.tags)

    def _askable(self) -> list[str]:
        """The tags, less substitutes of what brought something or was not asked yet."""
        return [
            name
            for name in self._order
            if not (stands_for := self._tags[name].instead_of)
            or ((answer := self._answers.get((stands_for,))) is not None and not answer.total)
        ]

    def _single(self) -> list[tuple[float, Question]]:
        unasked = [name for name in self._askable() if (name,) not in self._answers and (name,) not in self._passed]
        size = self._site_size()
        if size is None:  # nothing is known of the site: the narrowest first
            unasked = unasked[:1]
        known = self._vocabulary()
        return [
            (
                self._tags[name].likelihood
                * (1.0 if self._tags[name].instead_of else known)
                * self._held((size or 0) * self._tags[name].share),
                Question((name,)),
            )
            for name in unasked
        ]

    def _joined(self) -> list[tuple[float, Question]]:
        found = []
        for tags, answer in self._answers.items():
            if not answer.left:
                continue
            for name in self._askable():
                joined = tuple(one for one in self._order if one in tags or one == name)
                if name in tags or joined in self._answers or joined in self._passed or len(" ".join(joined)) > LONGEST:
                    continue
                within = [other for asked, other in self._answers.items() if set(asked) <= set(joined)]
                # What a wider question has brought whole, a narrower one cannot add to.
                left = min(other.left for other in within)
                expected = answer.total * min(1.0, _TOGETHER * self._tags[name].share)
                worth = left * self._held(expected) * prod(self._tags[one].likelihood for one in joined)
                if worth:
                    found.append((worth, Question(joined)))
        return found

    def _continued(self) -> list[tuple[float, Question]]:
        return [
            (
                prod(self._tags[one].likelihood for one in tags) * min(answer.left, self._page / answer.total),
                Question(tags, is_continued=True),
            )
            for tags, answer in self._answers.items()
            if answer.may_continue and answer.left
        ]

    def _vocabulary(self) -> float:
        """How probably the site knows a word at all: one that lacked the words before is asked for broader ones."""
        asked = [answer.total for tags, answer in self._answers.items() if len(tags) == 1]
        return (_TRUSTED + sum(1 for total in asked if total)) / (_TRUSTED + len(asked))

    def _worth_so_far(self) -> float:
        return sum(
            prod(self._tags[one].likelihood for one in tags) * (1 - answer.left)
            for tags, answer in self._answers.items()
            if answer.total
        )

    def _held(self, pictures: float) -> float:
        """The share of so many pictures that one answer holds."""
        return min(1.0, self._page / max(pictures, 1.0))

    def _site_size(self) -> float | None:
        """How many pictures the site has, as its answers tell; None before the first."""
        sizes = [
            answer.total / self._tags[tags[0]].share
            for tags, answer in self._answers.items()
            if len(tags) == 1 and answer.total
        ]
        return median(sizes) if sizes else (0.0 if self._answers else None)
