"""Whether a phrase's own picture comes first, in each order that can be chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.real.clip_set import ClipSet, candidate, folds
from benchmarks.real.figures import FEWEST_COMPARED, Figure, Part, interval
from benchmarks.real.searches import Searches
from phrasepix_core.candidate import Candidate
from reranker.ordering import Ordering
from reranker.query import Example, Query

WORDS = 0.5
"""What the shipped figures are measured with: the weight that the documentation recommends."""
WEIGHTS = (0.3, 0.4, 0.5, 0.6, 0.7)
DIVERSE = (0.0, 0.3, 0.6)


def firsts(searches: Searches, ordering: Ordering, described: Mapping[int, Candidate] | None = None) -> list[float]:
    """Of each phrase, 1 where its own picture comes first among all, else 0."""
    clip = searches.clip
    every = range(len(clip))
    searches.describe({row: candidate(row) for row in every} if described is None else described)
    return [float(searches.rows(clip.phrases[row], every, ordering)[0] == row) for row in every]


def out_of_fold(by_weight: Mapping[float, Sequence[float]]) -> list[float]:
    """Of each phrase, its value at the weight that is best on the other folds."""
    count = len(next(iter(by_weight.values())))
    of = folds(range(count))
    best = {
        fold: max(by_weight, key=lambda weight: sum(by_weight[weight][row] for row in range(count) if of[row] != fold))
        for fold in set(of.values())
    }
    return [by_weight[best[of[row]]][row] for row in range(count)]


def measured(directory: Path) -> Part:
    """The part of the report about order."""
    clip = ClipSet(directory)
    searches = Searches(clip)
    every = range(len(clip))
    tagged = {row: candidate(row, tags=clip.tags(row)) for row in every}
    described = {row: candidate(row, title=clip.description(row)) for row in every}
    asked = {
        f"r1_{name}{ending}": (rank, said)
        for name, said in (("tags", tagged), ("descriptions", described))
        for ending, rank in (("", "cosine"), ("_normalised", "normalised"))
    }
    values = {"r1_cosine": firsts(searches, Ordering()), "r1_normalised": firsts(searches, Ordering("normalised"))}
    values |= {name: firsts(searches, Ordering(rank, WORDS), said) for name, (rank, said) in asked.items()}
    figures = tuple(interval(name, each) for name, each in values.items())

    def section() -> str:
        if len(clip) < FEWEST_COMPARED:
            return "## A better order, as a choice\n\nToo few photographs."
        crossed = dict(values)
        for name, (rank, said) in asked.items():
            crossed[name] = out_of_fold({one: firsts(searches, Ordering(rank, one), said) for one in WEIGHTS})
        return _section(searches, figures, values, crossed)

    return Part(figures, section)


def _section(
    searches: Searches,
    figures: Sequence[Figure],
    values: Mapping[str, Sequence[float]],
    crossed: Mapping[str, Sequence[float]],
) -> str:
    clip, plain = searches.clip, values["r1_cosine"]
    rows = "\n".join(
        f"| `{figure.name}` | {figure} | {_gain(values[figure.name], plain)} | {np.mean(crossed[figure.name]):.3f} "
        f"| {_gain(crossed[figure.name], plain)} |"
        for figure in figures
    )
    return f"""## A better order, as a choice

Each of {len(clip)} phrases against all pictures; the share with the own picture first. The plain cosine is the default,
as it was at 4e827df. “Normalised”, less half the mean of the picture's nearest 20 captions, has no weight that was
chosen here; {len(clip.class_names)} class names stand for the captions, as no caption of the set may (each is of a
picture that is ranked). Tags and descriptions are from the captions that are not asked. Shipped: `--words {WORDS}`; out
of fold: the best of {", ".join(map(str, WEIGHTS))} on four folds, measured on the fifth. Gains are paired, with their
intervals. A word of the source counts as far as the pictures that have it score above the others; the drawn sample,
where a tag “snow” is snow that falls and a phrase's is often snow on the ground, was the reason
([SAMPLE_QUALITY.md](SAMPLE_QUALITY.md)).

| order | shipped | gain | out of fold | gain |
|---|---|---|---:|---|
{rows}

{_more(clip, searches)}"""


def _gain(values: Sequence[float], plain: Sequence[float]) -> Figure:
    return interval("gain", [one - other for one, other in zip(values, plain, strict=True)])


def _more(clip: ClipSet, searches: Searches) -> str:
    """What `more_like_this` and `--diverse` do on these vectors: no rule was changed for them."""
    from reranker.calibration import UNCALIBRATED
    from reranker.diversity import considered_for
    from reranker.ranked import RankedOrder, diversify

    with_things = [row for row in range(len(clip)) if clip.seen[row]]
    alike = []
    for row in with_things:
        others = [one for one in range(len(clip)) if one != row]
        found = searches.rows(Query((Example(clip.images[row]),)), others)[:5]
        alike.append(float(np.mean([bool(clip.seen[row] & clip.seen[one]) for one in found])))
    lines = []
    for diverse in DIVERSE:
        shows, differ = [], []
        for row in (one for one in range(len(clip)) if clip.said[one]):
            order = RankedOrder(searches.order(clip.phrases[row], range(len(clip)))[0], UNCALIBRATED)
            best = diversify(order, considered_for(10, diverse), diverse, None)[:10] if diverse else order[:10]
            rows = [int(one.candidate.id) for one in best]
            shows.append(float(np.mean([one == row or clip.said[row] <= clip.seen[one] for one in rows])))
            near = clip.images[rows] @ clip.images[rows].T
            differ.append(float(near[np.triu_indices(len(rows), 1)].mean()))
        lines.append(f"| {diverse} | {interval('', shows)} | {interval('', differ)} |")
    return f"""`more_like_this`: of the five pictures nearest to one of {len(with_things)} that show a thing,
{interval("", alike)} show one of its things.

`--diverse`: of the ten best, the share that shows the phrase, and their mean cosine among each other.

| diverse | show it | alike |
|---:|---|---|
{chr(10).join(lines)}
"""
