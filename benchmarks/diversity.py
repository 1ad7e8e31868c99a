"""What `--diverse` gives and what it costs: `python -m benchmarks.diversity`.

Asks the built-in sample's own model for things that many of its pictures show. Writes `benchmarks/DIVERSITY.md`.
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.sample_embeddings import SampleEmbeddings
from reranker.diversity import considered_for, diversified
from reranker.scoring import cosine_scores, top_indices
from training.captions import SUBJECT_WORDS, Claims, Said
from training.measure import pool_of
from training.scenes import scene_of_picture, shipped_scenes

REPORT = Path(__file__).with_name("DIVERSITY.md")
TOP = 10
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
LEADS = ("a", "one", "we see a", "a view of a")
MARGIN = 0.1
"""By how much the share that shows the phrase may fall up to `diverse` 0.5, in the whole sample."""


@dataclass(frozen=True)
class Thing:
    """A phrase of one thing, and its tag."""

    text: str
    tag: str

    def shown_by(self, number: int) -> bool:
        """Whether a picture shows exactly one of it."""
        return Claims((Said(self.tag),)).shown_by(scene_of_picture(number))


@dataclass(frozen=True)
class Line:
    """Means over all phrases for one value of `diverse`, of the ten best."""

    diverse: float
    alike: float
    grounds: float
    cosine: float
    fit: float
    first: float


def things() -> list[Thing]:
    """Each subject in each of its words, led in four ways."""
    return [
        Thing(f"{lead} {one}", subject)
        for subject, words in SUBJECT_WORDS.items()
        for one, _ in words
        for lead in LEADS
    ]


def measure(sample: SampleEmbeddings, asked: Sequence[Thing], *, by_tag: bool) -> list[Line]:
    """A line for each value; the pool is the pictures of the phrase's tag, or the whole sample."""
    texts = sample.encoder.encode_texts([one.text for one in asked])
    lines = []
    for diverse in SHARES:
        rows = []
        for one, text in zip(asked, texts, strict=True):
            pool = pool_of(one.tag) if by_tag else tuple(shipped_scenes())
            pictures = sample.of(pool)
            scores = cosine_scores(text, pictures)
            order = top_indices(scores, considered_for(TOP, diverse))
            best = order[diversified(scores[order], pictures[order], diverse)[:TOP]]
            pairs = (pictures[best].astype(np.float64) @ pictures[best].T)[np.triu_indices(TOP, k=1)]
            grounds = {scene_of_picture(pool[place]).ground for place in best}
            shows = [one.shown_by(pool[place]) for place in best]
            rows.append((pairs.mean(), len(grounds), scores[best].mean(), np.mean(shows), shows[0]))
        lines.append(Line(diverse, *np.array(rows, dtype=float).mean(axis=0)))
    return lines


def table(lines: Sequence[Line]) -> str:
    """The Markdown table."""
    rows = [
        "| diverse | pairwise cosine | different grounds | cosine to the phrase | show what it says | the first does |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {line.diverse} | **{line.alike:.3f}** | {line.grounds:.1f} | {line.cosine:.3f} | **{line.fit:.3f}** "
        f"| {line.first:.3f} |"
        for line in lines
    ]
    return "\n".join(rows)


def report() -> str:
    """Measure and write the report; returns it."""
    sample, asked = SampleEmbeddings(), things()
    whole, tagged = measure(sample, asked, by_tag=False), measure(sample, asked, by_tag=True)
    text = f"""# How far the best differ

`python -m benchmarks.diversity`

On real photographs: [REAL.md](REAL.md#a-better-order-as-a-choice), the table of `--diverse`. All figures below are
from our own drawings.

`--diverse` spreads the best {TOP} by maximal marginal relevance, chosen from the best {considered_for(TOP, 0.5)} at
0.5 and the best {considered_for(TOP, 1.0)} at 1 (`reranker/diversity.py`). {len(asked)} phrases of one thing each (“we
see a bicycle”), which some 30 pictures show; truth by the catalogue's facts. Means over the ten best of each.

In the whole sample ({len(shipped_scenes())} pictures). Margin: up to 0.5 the share that shows what the phrase says
falls by at most {MARGIN} (here by {whole[0].fit - whole[2].fit:.3f}); beyond it, fitness is given away knowingly.

{table(whole)}

In the pictures of the phrase's tag, some 48 (by {tagged[0].fit - tagged[2].fit:.3f}):

{table(tagged)}

At 0 the order is the plain one; the first match is the same at every value.

Python {platform.python_version()}, {platform.machine()}.
"""
    REPORT.write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    print(report())
