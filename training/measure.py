"""How well phrases find the shipped scenes they describe.

The pure part gives questions and judges answers: :func:`sample_phrases` draws phrases in held-out sentence forms, each
true of at least one shipped picture; :func:`pool_of` is what a search by its tag returns in popular order;
:func:`shows` tells whether a picture shows all that a phrase says. `python -m training.measure` asks the exported model
through open_clip alone and prints the table.
"""

import argparse
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from training.captions import Phrase, phrase_about
from training.scenes import listing_of, scene_of_picture, shipped_scenes

Kind = Literal["one subject", "two subjects"]


@dataclass(frozen=True)
class Question:
    """A phrase, the tag under which to look for it, and whether it names one subject or two (colours bound to each)."""

    phrase: Phrase
    tag: str
    kind: Kind


@dataclass(frozen=True)
class Figure:
    """One line of the table: how many phrases, and the share whose first hit (and whose first five) held one shown.

    `facts` is the mean number of facts a phrase says, `right` the mean number of right pictures in a pool of mean size
    `pool`.
    """

    name: str
    phrases: int
    first: float
    first_five: float
    facts: float
    right: float
    pool: float


def sample_phrases(n: int, seed: int) -> list[Question]:
    """`n` different phrases about shipped pictures, taken in turn in an order drawn from `seed`.

    All are in held-out sentence forms, name every subject of their scene and at least two facts beyond subject and
    count; two-subject phrases name both colours. Equal arguments give equal phrases.
    """
    rng = random.Random(f"measure {seed}")
    questions: dict[str, Question] = {}
    turns: list[int] = []
    while len(questions) < n:
        if not turns:
            turns = rng.sample(sorted(shipped_scenes()), len(shipped_scenes()))
        scene = scene_of_picture(turns.pop())
        while True:
            phrase = phrase_about(scene, rng, measuring=True, keep=0.75, least=2, both=1.0)
            if len(scene.figures) == 1 or all(thing.colour for thing in phrase.claims.things):
                break
        kind: Kind = "one subject" if len(scene.figures) == 1 else "two subjects"
        questions.setdefault(phrase.text, Question(phrase, rng.choice(phrase.claims.things).subject, kind))
    return list(questions.values())


@cache
def pool_of(tag: str) -> tuple[int, ...]:
    """Ids of all shipped pictures that carry `tag`, in the site's popular order (most downloads first)."""
    tagged = [number for number in shipped_scenes() if tag in listing_of(number).tags]
    return tuple(sorted(tagged, key=lambda number: -listing_of(number).downloads))


def shows(question: Question, number: int) -> bool:
    """Whether the shipped picture `number` shows all that the phrase says."""
    return question.phrase.shown_by(scene_of_picture(number))


def figures(questions: Iterable[Question], ranked: Callable[[Question], Sequence[int]]) -> list[Figure]:
    """The table for an order: `ranked` gives picture ids for a question, best first.

    Lines: all phrases, those with one subject, those with two, and those with two that say left or right.
    """
    asked = list(questions)
    verdicts = [[shows(question, number) for number in ranked(question)] for question in asked]
    right = [sum(shows(question, number) for number in pool_of(question.tag)) for question in asked]
    lines = {
        "all": [True] * len(asked),
        "one subject": [question.kind == "one subject" for question in asked],
        "two subjects": [question.kind == "two subjects" for question in asked],
        "two subjects, sides said": [question.phrase.claims.ordered for question in asked],
    }
    result = []
    for name, chosen in lines.items():
        rows = [i for i, wanted in enumerate(chosen) if wanted]
        if rows:
            result.append(
                Figure(
                    name,
                    len(rows),
                    float(np.mean([any(verdicts[i][:1]) for i in rows])),
                    float(np.mean([any(verdicts[i][:5]) for i in rows])),
                    float(np.mean([asked[i].phrase.claims.facts for i in rows])),
                    float(np.mean([right[i] for i in rows])),
                    float(np.mean([len(pool_of(asked[i].tag)) for i in rows])),
                )
            )
    return result


def popular_order(question: Question) -> Sequence[int]:
    """The order without any model: the site's own."""
    return pool_of(question.tag)


def model_order(model_directory: Path, pictures: Path) -> Callable[[Question], Sequence[int]]:
    """The order by the cosine of an exported model, through open_clip alone."""
    import torch
    from PIL import Image

    from training.tiny_clip import exported

    model, transform, tokenizer = exported(model_directory)
    numbers = list(shipped_scenes())
    with torch.inference_mode():
        parts = []
        for start in range(0, len(numbers), 64):
            batch = [transform(Image.open(pictures / f"{number}.jpg")) for number in numbers[start : start + 64]]
            parts.append(model.encode_image(torch.stack(batch), normalize=True))
    vectors = dict(zip(numbers, torch.cat(parts).numpy(), strict=True))

    def ranked(question: Question) -> Sequence[int]:
        pool = pool_of(question.tag)
        with torch.inference_mode():
            phrase = model.encode_text(tokenizer([question.phrase.text]), normalize=True)[0].numpy()
        scores = np.stack([vectors[number] for number in pool]) @ phrase
        return [pool[i] for i in np.argsort(-scores, kind="stable")]

    return ranked


def main() -> None:
    """Print first-hit shares of the exported model and of the site's popular order."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, default=Path("phrasepix/sample/model"))
    parser.add_argument("--pictures", type=Path, default=Path("phrasepix/sample/pictures"))
    parser.add_argument("--phrases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", type=int, default=0, help="show so many phrases whose first hit is wrong")
    arguments = parser.parse_args()
    questions = sample_phrases(arguments.phrases, arguments.seed)
    by_model = model_order(arguments.model, arguments.pictures)
    print(f"{'order':<9}{'phrases':<26}{'n':>5}{'first':>8}{'in 5':>8}{'facts':>7}{'right':>7}{'pool':>6}")
    for name, order in (("model", by_model), ("popular", popular_order)):
        for line in figures(questions, order):
            print(
                f"{name:<9}{line.name:<26}{line.phrases:>5}{line.first:>8.3f}{line.first_five:>8.3f}"
                f"{line.facts:>7.1f}{line.right:>7.1f}{line.pool:>6.0f}"
            )
    missed = [question for question in questions if not shows(question, by_model(question)[0])]
    for question in missed[: arguments.misses]:
        scene = scene_of_picture(by_model(question)[0])
        print(f"\n{question.phrase.text}\n  first: {scene}")


if __name__ == "__main__":
    main()
