"""Whether a search says rightly that nothing fits, and how a match shows each part: `python -m benchmarks.reading`.

Asks the built-in sample's own model for phrases whose truth is known, in sentence forms held out from its training, in
pools that have a fitting picture and in pools that have none. The limits are found on one seed and checked on another.
Writes `benchmarks/READING.md`.
"""

import argparse
import platform
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.sample_embeddings import Asked, SampleEmbeddings, few_facts
from reranker.baseline_prompts import NEUTRAL_PHRASES, neutral_embeddings
from reranker.calibration import ALLOWANCE, Baseline
from reranker.encoder import Embeddings, unit_rows
from reranker.families import LIMITS as LIMITS_OF_FAMILY
from reranker.memory.embedding_store import EmbeddingStore
from training.captions import GROUND_WORDS, TIME_WORDS, WEATHER_WORDS, Claims, Said, thing_words
from training.measure import pool_of, sample_phrases
from training.scenes import COLOURS, SUBJECTS, Scene, scene_of_picture

REPORT = Path(__file__).with_name("READING.md")
_SAMPLE = LIMITS_OF_FAMILY["sample"]
FAIR, CLEAR, PART_FAIR, PART_CLEAR = _SAMPLE.fair, _SAMPLE.clear, _SAMPLE.part_fair, _SAMPLE.part_clear
SHOWN = 10
LIMITS = (0.5, 0.8, 1.0, 1.1, 1.15, 1.2, 1.25, 1.3, 1.5, 2.0)
RECOGNISED, MISJUDGED = 0.90, 0.05
"""The goals: of searches without a fitting picture, and of those with one."""

NEVER_DRAWN = (
    "a tiger playing in the snow",
    "an old fisherman mending nets",
    "a woman reading a letter in a crowded train",
    "grandmother baking bread",
    "a surfer riding a wave",
    "a violin on a piano",
    "a chef in a kitchen",
    "an elephant at the waterhole",
    "a penguin on ice",
    "a rocket launch",
    "a waterfall in the jungle",
    "a knight in armour",
    "a bowl of soup",
    "children on a swing",
    "a spider in its web",
    "a guitar player on stage",
    "a bridge over a river",
    "a dentist with a patient",
    "a football stadium",
    "a windmill in the fields",
    "a hedgehog under leaves",
    "a lighthouse in a storm",
    "two wrestlers",
    "a wedding cake",
    "a camel caravan at an oasis",
    "a judge with a gavel",
    "a polar bear on melting ice",
    "an open laptop beside glasses",
    "a ballerina on tiptoe",
    "a welder with sparks",
    "a row of tulips",
    "a baby sleeping",
    "an owl on a branch",
    "a steam locomotive",
    "a shark under water",
    "hands kneading dough",
    "a volcano erupting",
    "a lion yawning",
    "a nurse with a syringe",
    "a pile of coins",
)
"""Things the sample has no picture of; the first half are for finding the limits, the second for checking them."""


@dataclass(frozen=True)
class Kind:
    """Searches of one kind, whether their pools have a `fitting` picture, and how far the best match stood out."""

    title: str
    fitting: bool | None
    stands_out: list[float]

    def called_unfit(self, limit: float = FAIR) -> float:
        """The share of searches that say nothing fits."""
        return float(np.mean([one < limit for one in self.stands_out]))


class Searches:
    """Searches in the sample, by its pictures' embeddings."""

    def __init__(self) -> None:
        self.sample = SampleEmbeddings()
        self.neutral = neutral_embeddings(self.sample.encoder, None)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """The texts' embeddings, [n, d]."""
        return self.sample.encoder.encode_texts(texts)

    def shown(self, text: Embeddings, pool: Sequence[int]) -> list[tuple[int, float]]:
        """The best ten by cosine: id, and how far each stands out."""
        rows = self.sample.of(list(pool))
        baseline = Baseline(self.neutral, [rows], smaller=_SAMPLE.smaller)
        best = np.argsort(-(rows.astype(np.float64) @ text), kind="stable")[:SHOWN]
        far = np.nan_to_num(baseline.stands_out(text, rows[best])).tolist()
        return [(pool[one], number) for one, number in zip(best.tolist(), far, strict=True)]

    def furthest(self, text: Embeddings, pool: Sequence[int]) -> float:
        """How far the one that stands out furthest does."""
        return max(far for _, far in self.shown(text, pool))


def kinds_of(searches: Searches, phrases: int, seed: int, never_drawn: Sequence[str]) -> list[Kind]:
    """Searches of each kind."""
    rng = random.Random(f"reading {seed}")
    many = [Asked(question.phrase, question.tag) for question in sample_phrases(phrases, seed)]
    few = few_facts(phrases // 2, seed)
    texts = dict(zip(many + few, searches.encode([one.phrase.text for one in many + few]), strict=True))
    alone = [
        (f"{words} {subject}", subject) for subject in SUBJECTS for words in ("a", "one", "a picture of a", "we see a")
    ]
    absent, near = [], []
    for asked, text in texts.items():
        subjects = {thing.subject for thing in asked.phrase.claims.things}
        elsewhere = pool_of(rng.choice([subject for subject in SUBJECTS if subject not in subjects]))
        absent.append((text, [number for number in elsewhere if not subjects & _subjects(number)]))
        unfit = [number for number in pool_of(asked.tag) if not asked.phrase.shown_by(scene_of_picture(number))]
        if unfit:
            near.append((text, unfit))

    def kind(title: str, fitting: bool | None, asked: Sequence[tuple[Embeddings, Sequence[int]]]) -> Kind:
        return Kind(title, fitting, [searches.furthest(text, pool) for text, pool in asked])

    return [
        kind("a picture shows all it says, many facts", True, [(texts[one], pool_of(one.tag)) for one in many]),
        kind("a picture shows all it says, few facts", True, [(texts[one], pool_of(one.tag)) for one in few]),
        kind(
            "a subject alone, shown by about half the pool",
            True,
            [
                (text, pool_of(tag))
                for text, (_, tag) in zip(searches.encode([text for text, _ in alone]), alone, strict=True)
            ],
        ),
        kind("no picture has its subject", False, absent),
        kind(
            "what the sample never draws",
            False,
            [(text, pool_of(tag)) for text in searches.encode(never_drawn) for tag in SUBJECTS],
        ),
        kind("its subject is there, no picture shows all", None, near),
    ]


def _subjects(number: int) -> set[str]:
    return {figure.subject for figure in scene_of_picture(number).figures}


def shares_by_truth(searches: Searches, phrases: int, seed: int) -> dict[bool, list[float]]:
    """How far the ten best stand out: those that show all the phrase says, and the others."""
    found: dict[bool, list[float]] = {True: [], False: []}
    questions = sample_phrases(phrases, seed)
    for question, text in zip(questions, searches.encode([one.phrase.text for one in questions]), strict=True):
        for number, far in searches.shown(text, pool_of(question.tag)):
            found[question.phrase.shown_by(scene_of_picture(number))].append(far)
    return found


def parts(searches: Searches, seed: int) -> dict[str, dict[bool, list[float]]]:
    """How far pictures stand out for parts of phrases, by kind of part, and whether they show them."""
    rng = random.Random(f"parts {seed}")
    said = [Said(subject, rng.choice(COLOURS)) for subject in SUBJECTS for _ in range(4)]
    kinds: dict[str, list[tuple[str, Callable[[Scene], bool]]]] = {
        "a thing in its colour": [(thing_words(one, rng), Claims((one,)).shown_by) for one in said],
        "where": [(text, _has("ground", fact)) for fact, texts in GROUND_WORDS.items() for text in texts],
        "when": [(text, _has("time", fact)) for fact, texts in TIME_WORDS.items() for text in texts],
        "in what weather": [(text, _has("weather", fact)) for fact, texts in WEATHER_WORDS.items() for text in texts],
    }
    found: dict[str, dict[bool, list[float]]] = {}
    for kind, items in kinds.items():
        found[kind] = {True: [], False: []}
        for number, ((_, shows), text) in enumerate(
            zip(items, searches.encode([text for text, _ in items]), strict=True)
        ):
            subject = said[number].subject if kind == "a thing in its colour" else rng.choice(SUBJECTS)
            pool = pool_of(subject)
            rows = searches.sample.of(pool)
            baseline = Baseline(searches.neutral, [rows])
            far = np.nan_to_num(baseline.for_picture(text, rows)).tolist()
            for picture, one in zip(pool, far, strict=True):
                found[kind][shows(scene_of_picture(picture))].append(one)
    return found


def _has(name: str, fact: str) -> Callable[[Scene], bool]:
    return lambda scene: getattr(scene, name) == fact


def costs(pictures: int, dimensions: int) -> tuple[float, float, float]:
    """Milliseconds: the neutral phrases looked up in a fresh store, the pool measured, ten matches read."""
    rng = np.random.default_rng(0)

    class Wide:
        name, input_side = "random", 224

        def __init__(self) -> None:
            self.dimensions = dimensions

        def encode_texts(self, texts: Sequence[str]) -> Embeddings:
            return _units(rng, len(texts), dimensions)

        def encode_pictures(self, pictures: Sequence[object]) -> Embeddings:
            raise NotImplementedError

    pool, text = list(_units(rng, pictures, dimensions)), _units(rng, 1, dimensions)[0]
    looked_up, measured, read = [], [], []
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "texts.sqlite"
        for _ in range(21):
            store = EmbeddingStore(path)
            begun = time.perf_counter()
            neutral = neutral_embeddings(Wide(), store)
            looked_up.append(time.perf_counter() - begun)
            store.close()
            begun = time.perf_counter()
            baseline = Baseline(neutral, [np.stack(pool)])
            measured.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            baseline.stands_out(text, np.stack(pool[:SHOWN]))
            read.append(time.perf_counter() - begun)
    return (1000 * median(looked_up[1:]), 1000 * median(measured[1:]), 1000 * median(read[1:]))


def _units(rng: np.random.Generator, n: int, dimensions: int) -> Embeddings:
    return unit_rows(rng.standard_normal((n, dimensions)))


def _words(values: Sequence[float], fair: float, clear: float) -> str:
    far = np.array(values)
    shares = (far < fair, (far >= fair) & (far < clear), far >= clear)
    return " | ".join(f"{share.mean():.2f}" for share in shares)


def report(phrases: int, finding: int, checking: int) -> str:
    """Measure and write the report; returns it."""
    searches = Searches()
    half = len(NEVER_DRAWN) // 2
    found = kinds_of(searches, phrases, finding, NEVER_DRAWN[:half])
    checked = kinds_of(searches, phrases, checking, NEVER_DRAWN[half:])
    goals = {True: f"≤ {MISJUDGED}", False: f"≥ {RECOGNISED}", None: ""}
    rows = "\n".join(
        f"| {one.title} | {len(one.stands_out)} | {one.called_unfit():.3f} | **{other.called_unfit():.3f}** "
        f"| {goals[one.fitting]} | {median(other.stands_out):.1f} |"
        for one, other in zip(found, checked, strict=True)
    )
    limits = "\n".join(
        f"| {limit} | " + " | ".join(f"{kind.called_unfit(limit):.3f}" for kind in found) + " |" for limit in LIMITS
    )
    truth = shares_by_truth(searches, phrases, checking)
    part_rows = "\n".join(
        f"| {kind} | {'shown' if shown else 'not shown'} | {len(values)} | {_words(values, PART_FAIR, PART_CLEAR)} |"
        for kind, by_truth in parts(searches, checking).items()
        for shown, values in by_truth.items()
    )
    looked_up, measured, read = costs(200, 512)
    text = f"""# Whether a score can be read

`python -m benchmarks.reading --phrases {phrases} --finding {finding} --checking {checking}`

On real photographs: [REAL.md](REAL.md#a-score-that-can-be-read), by the limits of the family “clip”. All figures
below are from our own drawings, by the limits of the family “sample”.

A match's `stands_out` is by how many standard deviations its cosine is above those of {len(NEUTRAL_PHRASES)} neutral
phrases under the same model: for this picture, and against the neutral phrases' best pictures in the pool, where
{ALLOWANCE} is added; the smaller one. A search says “nothing here fits well” where none of the ten best reaches {FAIR}.

## Nothing here fits well

Searches in the built-in sample, each in the pictures of one tag (some 48), phrases in sentence forms held out from the
training of its model; truth by the catalogue's facts. The limit was found on seed {finding} with the first {half} of
the things never drawn, and checked on seed {checking} with the other {len(NEVER_DRAWN) - half}. Shares of searches that
say nothing fits:

| the pool | searches | finding | checking | goal | median of the best |
|---|---:|---:|---:|---:|---:|
{rows}

The last line has no goal: such phrases differ from the nearest picture in a fact or two, and whether that fits is for a
person to say.

Other limits, on the seed for finding:

| limit | {" | ".join(kind.title for kind in found)} |
|---:|{"---:|" * len(found)}
{limits}

## Words for matches

Of the ten best of each search, shares called weak, fair (from {FAIR}) and clear (from {CLEAR}), seed {checking}:

| the picture | matches | weak | fair | clear |
|---|---:|---:|---:|---:|
| shows all the phrase says | {len(truth[True])} | {_words(truth[True], FAIR, CLEAR)} |
| does not | {len(truth[False])} | {_words(truth[False], FAIR, CLEAR)} |

## Parts of a phrase (`--explain`)

Parts alone, read for each picture of a tag; fair from {PART_FAIR}, clear from {PART_CLEAR}:

| part | the picture | pairs | weak | fair | clear |
|---|---|---:|---:|---:|---:|
{part_rows}

## Cost

For 200 pictures of 512 dimensions, medians of 20: the neutral phrases looked up in the store {looked_up:.1f} ms, the
pool measured {measured:.1f} ms, ten matches read {read:.1f} ms.

## What this does not say

The sample's model knows drawings and few words; to it, words it never met are near each other and near all neutral
phrases. Trained models of photographs were not at hand. What should carry over is the unit (the model's own spread over
the same neutral phrases, for the picture and for the pool), not the exact limit: therefore it is a low one, which
rather misses that nothing fits than calls a fitting picture unfit. In a large pool of everything, such as a folder of
ten years, everyday phrases find their pictures too; there the second comparison lowers `stands_out`, up to {ALLOWANCE}
for a phrase that fits as well as they do.

Python {platform.python_version()}, {platform.machine()}.
"""
    REPORT.write_text(text, encoding="utf-8")
    return text


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Whether a search says rightly that nothing fits.")
    parser.add_argument("--phrases", type=int, default=500)
    parser.add_argument("--finding", type=int, default=1)
    parser.add_argument("--checking", type=int, default=11)
    arguments = parser.parse_args()
    print(report(arguments.phrases, arguments.finding, arguments.checking))


if __name__ == "__main__":
    main()
