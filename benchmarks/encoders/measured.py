"""Scores of changed pictures, and of others of the same thing; kept as they come, so that a run can go on."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.encoders.changes import changed
from benchmarks.encoders.figures import recall
from benchmarks.encoders.pictures import PictureSet
from benchmarks.encoders.subjects import Scores, Subject

Ranks = NDArray[np.intp]
_SAME_THING = "same thing"


class Measuring:
    """Measures subjects on one set; `asked` are the numbers of the pictures that are changed and looked for."""

    def __init__(self, of: PictureSet, asked: Sequence[int], work: Path, subjects: Sequence[Subject]) -> None:
        self.of = of
        self.asked = asked
        self._work = work
        self._keys = {one.name: one.key for one in subjects}
        self._described: dict[str, list[object]] = {}

    def changed(self, subjects: Sequence[Subject], titles: Sequence[str]) -> Iterator[str]:
        """Measure what is not measured yet, change by change; gives each when it is done."""
        for title in titles:
            missing = [one for one in subjects if not self._place(one.name, title).exists()]
            found = {one.name: np.full((len(self.asked), len(self.of.pictures)), np.nan) for one in missing}
            for row, number in enumerate(self.asked):
                picture = changed(self.of.pictures[number], title, number) if missing else None
                for one in missing:
                    if row % one.one_in == 0 and picture is not None:
                        among = self._among(one)
                        pool = [self._pool(one)[place] for place in among]
                        found[one.name][row, among] = one.scores(one.described(picture), pool)
            for name, scores in found.items():
                self._keep(self._place(name, title), scores)
            yield title

    def same_thing(self, subject: Subject) -> None:
        """Measure the scores of each picture among all: [n, n], its own −inf."""
        place = self._place(subject.name, _SAME_THING)
        if not place.exists():
            pool = self._pool(subject)
            scores = np.stack([subject.scores(one, pool) for one in pool])
            np.fill_diagonal(scores, -np.inf)
            self._keep(place, scores)

    def scores(self, name: str, title: str) -> Scores | None:
        """What was measured: a row a question, a column a picture, NaN where nothing was compared; None if nothing."""
        place = self._place(name, title)
        return np.load(place) if place.exists() else None

    def ranks(self, name: str, title: str, like: str | None = None) -> Ranks | None:
        """The rank, from 0, of each picture looked for; what is as high counts as higher.

        With `like`, of the questions and among the pictures that this other subject had.
        """
        scores, others = self.scores(name, title), self.scores(like or name, title)
        if scores is None or others is None:
            return None
        rows = ~np.isnan(others).all(axis=1)
        columns = ~np.isnan(others[rows]).all(axis=0)
        own = scores[np.arange(len(scores)), self.asked][rows]
        found: Ranks = (scores[rows][:, columns] >= own[:, None]).sum(axis=1) - 1
        return found

    def lost_to(self, ours: str, rival: str, titles: Sequence[str]) -> list[str]:
        """The changes after which another finds more of the same questions among the same pictures."""
        both = {title: (self.ranks(ours, title, rival), self.ranks(rival, title)) for title in titles}
        return [
            title
            for title, (own, theirs) in both.items()
            if own is not None and theirs is not None and recall(theirs) > recall(own)
        ]

    def precisions(self, name: str) -> NDArray[np.float64] | None:
        """The average precision of each picture asked for by its thing, of those that have another of it.

        None where that was not measured.
        """
        scores = self.scores(name, _SAME_THING)
        return None if scores is None else precisions(scores, self.of.same_thing)

    @cached_property
    def chance(self) -> NDArray[np.float64]:
        """The same of an order by chance."""
        scores = np.random.default_rng(0).random(self.of.same_thing.shape)
        np.fill_diagonal(scores, -np.inf)
        return precisions(scores, self.of.same_thing)

    def _among(self, subject: Subject) -> list[int]:
        return list(range(len(self.of.pictures))) if subject.one_in == 1 else list(self.asked[:: subject.one_in])

    def _pool(self, subject: Subject) -> list[object]:
        if subject.name not in self._described:
            self._described[subject.name] = [subject.described(picture) for picture in self.of.pictures]
        return self._described[subject.name]

    def _place(self, name: str, title: str) -> Path:
        parts = (self.of.title, str(len(self.of.pictures)), str(len(self.asked)), self._keys.get(name, name), title)
        return self._work / ("-".join(as_file_name(part) for part in parts) + ".npy")

    def _keep(self, place: Path, scores: Scores) -> None:
        partial = place.with_suffix(".partial.npy")
        np.save(partial, scores)
        partial.rename(place)


def as_file_name(name: str) -> str:
    """Return a name without what is no letter or digit."""
    return re.sub(r"\W+", "_", name)


def precisions(scores: Scores, right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The average precision of each row that has something right: scores and `right` are [n, n]."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]  # itself comes last
    hits = np.take_along_axis(right, order, axis=1)[right.any(axis=1)]
    shares = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    found: NDArray[np.float64] = (shares * hits).sum(axis=1) / hits.sum(axis=1)
    return found
