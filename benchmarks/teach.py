"""What taught names find: `python -m benchmarks.teach`.

Made-up names for things in drawings that the sample's model was not trained on, each taught by some drawings of it in
different scenery. Asked for in other scenery, the first hit must show the thing there. How much a name counts
(`phrasepix.names.phrases.NAME_WEIGHT`) is chosen on other things and scenes than those measured. Writes
`benchmarks/TEACH.md`.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from statistics import fmean

import numpy as np

from phrasepix.models.catalogue import choose_model
from phrasepix.models.shelf import ModelShelf
from phrasepix.names.phrases import NAME_WEIGHT
from phrasepix.names.pictures import drawings
from reranker.encoder import Embeddings, Encoder
from reranker.scoring import WantedMeasure, cosine_scores
from reranker.taught_names import direction_of
from retriever.directories import cache_directory
from training.captions import GROUND_WORDS, TIME_WORDS
from training.scenes import COLOURS, PLACES, SUBJECTS, TIMES, WEATHERS, Figure, Scene, draw, scene_of_seed
from training.scenes.picture import SIZES

REPORT = Path(__file__).with_name("TEACH.md")
WEIGHTS = (0.5, 0.7, 1.0, 1.4, 2.0)
EXAMPLES = (1, 3, 5, 10)
LEAST_FIRST = 0.9
"""With five examples."""
_OTHERS = 6
"""Drawings of the thing in other scenery than is asked for, for each."""


@dataclass(frozen=True)
class Thing:
    """What a name stands for, the scenes that teach it, and where it is asked for."""

    figure: Figure
    examples: tuple[Scene, ...]
    ground: str
    time: str

    @property
    def rest(self) -> str:
        """What follows the name in the phrase."""
        return f"{GROUND_WORDS[self.ground][0]} {TIME_WORDS[self.time][0]}"

    def shown_by(self, scene: Scene) -> bool:
        """Whether a scene shows the thing."""
        return any((one.subject, one.colour) == (self.figure.subject, self.figure.colour) for one in scene.figures)

    def rightly_shown_by(self, scene: Scene) -> bool:
        """Whether a scene shows it where it is asked for."""
        return self.shown_by(scene) and (scene.ground, scene.time) == (self.ground, self.time)


class Drawings:
    """Things and a pool of scenes, embedded: drawn from `first_seed` of the validation range on."""

    def __init__(self, encoder: Encoder, things: int, first_seed: int) -> None:
        self._encoder = encoder
        random_ = random.Random(f"teach {first_seed}")
        seeds = count(first_seed)
        figures = random_.sample([Figure(subject, colour) for subject in SUBJECTS for colour in COLOURS], things)
        self.things: list[Thing] = []
        pool: list[Scene] = []
        for figure in figures:
            ground, time = random_.choice(PLACES[figure.subject]), random_.choice(TIMES)
            elsewhere = [
                self._scene(next(seeds), figure, random_, without=(ground, time))
                for _ in range(max(EXAMPLES) + _OTHERS)
            ]
            self.things.append(Thing(figure, tuple(elsewhere[: max(EXAMPLES)]), ground, time))
            pool += elsewhere[max(EXAMPLES) :]
            there = Scene(0, (figure,), ground, time, "clear", "landscape")
            pool += [replace(there, seed=next(seeds), weather=random_.choice(WEATHERS)) for _ in range(2)]
            for other in random_.sample([one for one in COLOURS if one != figure.colour], 2):
                pool.append(replace(there, seed=next(seeds), figures=(replace(figure, colour=other),)))
            pool += [scene_of_seed(next(seeds)) for _ in range(_OTHERS)]
        self.pool = pool
        self.embeddings = self._encoded(pool)
        self._taught = [self._encoded(one.examples) for one in self.things]
        self._shared = self._encoder.encode_pictures(
            [one.picture for one in drawings() if not isinstance(one.picture, str | np.ndarray)]
        )
        self._text = cache(lambda text: self._encoder.encode_texts([text])[0])

    def first_right(self, weight: float | None, examples: int, *, less_shared: bool = True) -> float:
        """Return the share of things whose first hit is right; without a weight, of the rest of the phrase alone."""
        right = []
        for thing, taught in zip(self.things, self._taught, strict=True):
            shared = self._shared if less_shared else self._shared[:0]
            parts = [direction_of(taught[:examples], shared), self._text(thing.rest)]
            weights = np.array([weight or 1.0, 1.0])
            rows = np.stack(parts if weight else parts[1:])
            right.append(thing.rightly_shown_by(self.pool[self._best(rows, weights[-len(rows) :])]))
        return fmean(right)

    def first_right_in_words(self) -> float:
        """Return the same for phrases that say what the name stands for."""
        right = []
        for thing in self.things:
            words = f"a {thing.figure.colour} {thing.figure.subject} {thing.rest}"
            right.append(thing.rightly_shown_by(self.pool[self._best(self._text(words)[None], np.ones(1))]))
        return fmean(right)

    def named_alone(self, examples: int) -> float:
        """Return the share of things of which the name alone finds one first."""
        right = []
        for thing, taught in zip(self.things, self._taught, strict=True):
            rows = direction_of(taught[:examples], self._shared)[None]
            right.append(thing.shown_by(self.pool[self._best(rows, np.ones(1))]))
        return fmean(right)

    def _best(self, rows: Embeddings, weights: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> int:
        cosines = np.stack([cosine_scores(row, self.embeddings) for row in rows], axis=1)
        products = rows.astype(np.float64) @ rows.T.astype(np.float64)
        return int(np.argmax(WantedMeasure.of_pool(cosines, weights, products).scores(cosines)))

    def _scene(self, seed: int, figure: Figure, random_: random.Random, *, without: tuple[str, str]) -> Scene:
        places = [(ground, time) for ground in PLACES[figure.subject] for time in TIMES if (ground, time) != without]
        ground, time = random_.choice(places)
        return Scene(seed, (figure,), ground, time, random_.choice(WEATHERS), "landscape")

    def _encoded(self, scenes: Sequence[Scene]) -> Embeddings:
        rows = [self._encoder.encode_pictures([draw(one, *SIZES[one.shape], supersample=1)])[0] for one in scenes]
        return np.stack(rows)


def report(chosen_on: Drawings, measured_on: Drawings) -> tuple[str, float]:
    """Return the table, and the share of first hits that are right with five examples."""
    weights = {weight: chosen_on.first_right(weight, 5) for weight in WEIGHTS}
    by_examples = {examples: measured_on.first_right(NAME_WEIGHT, examples) for examples in EXAMPLES}
    first = by_examples[5]
    lines = [
        "# Taught names",
        "",
        "`python -m benchmarks.teach`: made-up names for things (a subject of a colour) in drawings that the model of",
        f"the sample was not trained on; {len(measured_on.things)} things among {len(measured_on.pool)} drawings, of",
        "each two where it is asked for, six elsewhere, and two of another colour there. Right is a first hit that",
        "shows the thing in the scenery that the rest of the phrase says.",
        "",
        "| asked by | first hit right |",
        "|---|---:|",
        f"| the rest of the phrase alone | {measured_on.first_right(None, 5):.3f} |",
        *(f"| a name taught by {_counted(one)}, and the rest | {share:.3f} |" for one, share in by_examples.items()),
        f"| five pictures, their mean as it is | {measured_on.first_right(NAME_WEIGHT, 5, less_shared=False):.3f} |",
        f"| words that say what the name stands for | {measured_on.first_right_in_words():.3f} |",
        f"| the name alone, five pictures (right: the thing, anywhere) | {measured_on.named_alone(5):.3f} |",
        "",
        f"Must reach {LEAST_FIRST:g} with five pictures: {first:.3f}.",
        "",
        f"How much a name counts, chosen on {len(chosen_on.things)} things in other drawings, five pictures each:",
        "",
        f"| {' | '.join(f'{weight:g}' for weight in weights)} |",
        f"|{'---:|' * len(weights)}",
        f"| {' | '.join(f'{share:.3f}' for share in weights.values())} |",
        "",
        f"It is {NAME_WEIGHT:g}.",
    ]
    return "\n".join(lines) + "\n", first


def _counted(examples: int) -> str:
    return "one picture" if examples == 1 else f"{examples} pictures"


def main() -> None:
    """Measure, write the report, and fail if too few first hits are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--things", type=int, default=60)
    things = parser.parse_args().things
    _, choice = choose_model(None, None, only_the_sample=True)
    encoder = ModelShelf().texts(choice, "cpu", "auto", cache_directory()).encoder
    text, first = report(Drawings(encoder, things, 15_000_000), Drawings(encoder, things, 18_000_000))
    REPORT.write_text(text, encoding="utf-8")
    print(text)
    if first < LEAST_FIRST:
        raise SystemExit(f"the first hit is right in {first:.3f}, less than {LEAST_FIRST:g}")


if __name__ == "__main__":
    main()
