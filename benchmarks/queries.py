"""What a query of several parts finds: `python -m benchmarks.queries`.

Three things on the built-in sample, whose scenes are known fact by fact: whether what is not wanted goes and what is
wanted stays, how phrase and picture are best asked together, and whether saying which matches are right brings more of
them. Phrases are in sentence forms held out from the training of the sample's model. Writes `benchmarks/QUERIES.md`.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix.models.catalogue import choose_model
from phrasepix.models.shelf import ModelShelf
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.source import sample_retriever
from phrasepix.searching.relevance_feedback import refined_query
from reranker.accumulator import RankingAccumulator
from reranker.encoder import Embeddings, Encoder, unit_rows
from reranker.families import penalty_of
from reranker.match import Match
from reranker.query import EncodedQuery, Example, Part, Phrase, Query
from retriever.directories import cache_directory
from retriever.filters import Filters
from retriever.source import Opening
from training.captions import (
    GROUND_WORDS,
    SEVERAL,
    TIME_WORDS,
    WEATHER_WORDS,
    Claims,
    Said,
    forms_for,
    thing_words,
    word,
)
from training.measure import pool_of
from training.scenes import COLOURS, PLACES, SUBJECTS, TIMES, WEATHERS, Scene, scene_of_picture, shipped_scenes

REPORT = Path(__file__).with_name("QUERIES.md")
SHOWN = 5
LEAST_RIGHT = 2 * SHOWN
"""How many pictures of the pool must be right: no order can keep what is not there."""
WEIGHTS = (0.5, 1.0, 2.0)
GOES, STAYS = 0.95, 0.9
NEUTRAL = ("a picture", "a photo", "a view", "a scene", "something")
SCENERY = {"ground": GROUND_WORDS, "time": TIME_WORDS, "weather": WEATHER_WORDS}


class Sample:
    """The sample's pictures, offered by its stock site and encoded once, and orders of them."""

    def __init__(self) -> None:
        _, choice = choose_model(None, None, only_the_sample=True)
        self.encoder: Encoder = ModelShelf().texts(choice, "cpu", "auto", cache_directory()).encoder
        with sample_retriever(Opening(on_skip=lambda skipped: None)) as retriever:
            offered = [
                one
                for subject in SUBJECTS
                for one in retriever.retrieve(subject, limit=500, filters=Filters(media_type="all"))
            ]
        self._candidates = {int(one.id): one for one in offered}
        self._embeddings = {number: self._seen(number) for number in self._candidates}
        self.phrase: Callable[[str], Embeddings] = cache(lambda text: self.encoder.encode_texts([text])[0])

    def _seen(self, number: int) -> Embeddings:
        embedding: Embeddings = self.encoder.encode_pictures([_picture(number)])[0]
        return embedding

    def match(self, number: int) -> Match:
        """A picture that was found."""
        return Match(1, 0.0, self._candidates[number], _picture(number))

    def embedding(self, number: int) -> Embeddings:
        """What the model sees in it."""
        return self._embeddings[number]

    def order(self, query: Query, pool: Sequence[int]) -> list[int]:
        """The pool, best first."""
        standing = RankingAccumulator(EncodedQuery.of(query, self._encode), SHOWN, penalty=penalty_of("sample"))
        standing.add([self._candidates[number] for number in pool], [self._embeddings[number] for number in pool])
        return [int(one.candidate.id) for one in standing.in_order()]

    def _encode(self, part: Part) -> Embeddings:
        if isinstance(part, Phrase):
            return self.phrase(part.text)
        assert isinstance(part, Example)  # no name is taught
        if part.candidate is not None:
            return self._embeddings[int(part.candidate.id)]
        assert isinstance(part.picture, np.ndarray)
        return part.picture


def _picture(number: int) -> Image.Image:
    return Image.open(PICTURES_DIRECTORY / f"{number}.jpg").convert("RGB")


# -- what is not wanted ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dislike:
    """A phrase and what is not wanted, among the pictures of two tags.

    Which of these show the `subject`, all that is `wanted`, and what is `bad`.
    """

    phrase: str
    minus: str
    pool: tuple[int, ...]
    subject: frozenset[int]
    wanted: frozenset[int]
    bad: frozenset[int]


@dataclass(frozen=True)
class Line:
    """Of so many searches, the share where nothing disliked is shown, and how much of what is shown is wanted."""

    name: str
    searches: int
    gone: float
    subject: float
    wanted: float


def dislikes(sample: Sample, n: int, seed: int) -> list[Dislike]:
    """`n` searches that show something disliked without `minus`, and have enough without it."""
    rng = random.Random(f"minus {seed}")
    found: dict[tuple[str, str], Dislike] = {}
    while len(found) < n:
        scene = scene_of_picture(rng.choice(sorted(shipped_scenes())))
        figure = rng.choice(scene.figures)
        said = {fact: getattr(scene, fact) for fact in SCENERY if rng.random() < 0.25}
        colour = figure.colour if rng.random() < 0.3 else None
        claims = Claims((Said(figure.subject, colour, SEVERAL if figure.count > 1 else 1),), **said)
        phrase = _worded(claims, rng)
        kind = rng.choice([*SCENERY, "subject"])
        if kind in said or not phrase:
            continue
        other = rng.choice([one for one in SUBJECTS if one != figure.subject])
        words, has = _against_subject(other, rng) if kind == "subject" else _against_scenery(kind, rng)
        pool = tuple(dict.fromkeys((*pool_of(figure.subject), *pool_of(other))))
        scenes = {number: scene_of_picture(number) for number in pool}
        bad = frozenset(number for number, one in scenes.items() if has(one))
        wanted = frozenset(number for number, one in scenes.items() if _shows(one, claims))
        one = Dislike(phrase, words, pool, frozenset(pool_of(figure.subject)), wanted, bad)
        if len(wanted - bad) >= LEAST_RIGHT and bad.intersection(sample.order(Query.of_phrase(phrase), pool)[:SHOWN]):
            found.setdefault((phrase, words), one)
    return list(found.values())


def _against_subject(subject: str, rng: random.Random) -> tuple[str, Callable[[Scene], bool]]:
    """Words for a subject, and what shows it: to the sample's model “a dog” is one dog, “dogs” are more."""
    thing = Said(subject, None, rng.choice((1, SEVERAL)))
    return thing_words(thing, rng), Claims((thing,)).shown_by


def _against_scenery(fact: str, rng: random.Random) -> tuple[str, Callable[[Scene], bool]]:
    value = rng.choice(sorted(SCENERY[fact]))
    return rng.choice(SCENERY[fact][value]), lambda scene: bool(getattr(scene, fact) == value)


def _shows(scene: Scene, claims: Claims) -> bool:
    """Whether a scene shows what is claimed, in whatever number."""
    thing = claims.things[0]
    is_there = any(one.subject == thing.subject and thing.colour in (None, one.colour) for one in scene.figures)
    return is_there and all(getattr(claims, fact) in (None, getattr(scene, fact)) for fact in SCENERY)


def _worded(claims: Claims, rng: random.Random) -> str:
    forms = forms_for(claims, measuring=True)
    return word(claims, rng.choice(forms), rng).text if forms else ""


def without(sample: Sample, searches: Sequence[Dislike]) -> list[Line]:
    """A line for the plain search, for each weight of the dislike, and for what no penalty could do better."""

    def plain(one: Dislike) -> list[int]:
        return sample.order(Query.of_phrase(one.phrase), one.pool)

    def minus(weight: float) -> Callable[[Dislike], list[int]]:
        return lambda one: sample.order(Query((Phrase(one.phrase),), (Phrase(one.minus, weight),)), one.pool)

    def by_hand(one: Dislike) -> list[int]:
        return [number for number in plain(one) if number not in one.bad]

    orders = {"no minus": plain, **{f"minus, weight {weight:g}": minus(weight) for weight in WEIGHTS}}
    return [_line(name, order, searches) for name, order in {**orders, "taken out by hand": by_hand}.items()]


def _line(name: str, order: Callable[[Dislike], list[int]], searches: Sequence[Dislike]) -> Line:
    shown = [(one, set(order(one)[:SHOWN])) for one in searches]
    return Line(
        name,
        len(searches),
        fmean(not one.bad & top for one, top in shown),
        fmean(len(one.subject & top) / SHOWN for one, top in shown),
        fmean(len(one.wanted & top) / SHOWN for one, top in shown),
    )


# -- a phrase and a picture together ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mixed:
    """A picture, a phrase that says something else of the same subject, and which pictures show what of both."""

    example: int
    phrase: str
    pool: tuple[int, ...]
    as_said: frozenset[int]
    as_seen: frozenset[int]


def mixed(n: int, seed: int) -> list[Mixed]:
    """`n` different ones: the phrase names one fact the picture has otherwise, of the others one is to be kept."""
    rng = random.Random(f"mixed {seed}")
    found: dict[tuple[int, str], Mixed] = {}
    while len(found) < n:
        example = rng.choice(sorted(shipped_scenes()))
        scene = scene_of_picture(example)
        subject = rng.choice(scene.subjects)
        said = rng.choice(FACTS)
        kept = rng.choice([fact for fact in SCENERY if fact != said])
        value = rng.choice([one for one in _values(said, subject) if one != _fact(scene, subject, said)])
        phrase = _worded(_claims(subject, said, value), rng)
        scenes = {one: scene_of_picture(one) for one in pool_of(subject) if one != example}
        as_said = frozenset(one for one, other in scenes.items() if _fact(other, subject, said) == value)
        as_seen = frozenset(one for one, other in scenes.items() if getattr(other, kept) == getattr(scene, kept))
        if phrase and as_said & as_seen:
            found.setdefault((example, phrase), Mixed(example, phrase, tuple(scenes), as_said, as_seen))
    return list(found.values())


FACTS = (*SCENERY, "colour")


def _values(fact: str, subject: str) -> Sequence[str]:
    return {"ground": PLACES[subject], "time": TIMES, "weather": WEATHERS, "colour": COLOURS}[fact]


def _fact(scene: Scene, subject: str, fact: str) -> str:
    if fact == "colour":
        return next(figure.colour for figure in scene.figures if figure.subject == subject)
    return str(getattr(scene, fact))


def _claims(subject: str, fact: str, value: str) -> Claims:
    if fact == "colour":
        return Claims((Said(subject, value),))
    facts: dict[str, Any] = {fact: value}
    return Claims((Said(subject),), **facts)


def together(sample: Sample, asked: Sequence[Mixed]) -> list[tuple[str, float, float, float]]:
    """Of each way to ask: average precision for what shows both, and the shares of the first five that show either."""
    neutral = np.mean([sample.phrase(text) for text in NEUTRAL], axis=0)

    def sum_of(weight: float) -> Callable[[Mixed], Query]:
        return lambda one: _as_one(weight * sample.phrase(one.phrase) + sample.embedding(one.example))

    def centred(one: Mixed) -> Query:
        middle = np.mean([sample.embedding(number) for number in one.pool], axis=0)
        said, seen = unit_rows(np.stack([sample.phrase(one.phrase) - neutral, sample.embedding(one.example) - middle]))
        return _as_one(said + seen)

    ways: dict[str, Callable[[Mixed], Query]] = {
        "the phrase alone": lambda one: Query.of_phrase(one.phrase),
        "the picture alone": lambda one: Query((Example(sample.embedding(one.example)),)),
        "sum of the embeddings": sum_of(1),
        "sum, each modality centred first": centred,
        "by the spread of each in the pool (as built)": lambda one: Query(
            (Phrase(one.phrase), Example(sample.embedding(one.example)))
        ),
    }
    lines = []
    for name, query in ways.items():
        orders = [(one, sample.order(query(one), one.pool)) for one in asked]
        lines.append(
            (
                name,
                fmean(_precision(order, one.as_said & one.as_seen) for one, order in orders),
                fmean(len(one.as_said.intersection(order[:SHOWN])) / SHOWN for one, order in orders),
                fmean(len(one.as_seen.intersection(order[:SHOWN])) / SHOWN for one, order in orders),
            )
        )
    return lines


def _as_one(vector: NDArray[np.floating]) -> Query:
    return Query((Example(unit_rows(vector[None])[0]),))


def _precision(order: Sequence[int], right: frozenset[int]) -> float:
    """Average precision: the mean, over all that are right, of the share that is right down to there."""
    places = [place for place, number in enumerate(order, start=1) if number in right]
    return fmean(count / place for count, place in enumerate(places, start=1))


# -- what people say of the matches ----------------------------------------------------------------------------------


def feedback(sample: Sample, n: int, seed: int) -> list[tuple[str, float, float, float]]:
    """Before and after two of the first ten matches are called right and one wrong, these three not counted.

    Average precision for what is wished, then for what shows both, then the share of the first five that show the wish.
    """
    rng = random.Random(f"feedback {seed}")
    before: list[tuple[float, float, float]] = []
    after: list[tuple[float, float, float]] = []
    while len(before) < n:
        subject = rng.choice(SUBJECTS)
        said, wished = rng.sample(FACTS, 2)
        values = rng.choice(_values(said, subject)), rng.choice(_values(wished, subject))
        phrase = _worded(_claims(subject, said, values[0]), rng)
        scenes = {one: scene_of_picture(one) for one in pool_of(subject)}
        as_said = frozenset(one for one, scene in scenes.items() if _fact(scene, subject, said) == values[0])
        as_wished = frozenset(one for one, scene in scenes.items() if _fact(scene, subject, wished) == values[1])
        if not phrase:
            continue
        order = sample.order(Query.of_phrase(phrase), tuple(scenes))
        liked = [one for one in order[:10] if one in as_wished][:2]
        disliked = [one for one in order[:10] if one not in as_wished][:1]
        judged = {*liked, *disliked}
        if len(liked) < 2 or not (as_wished & as_said) - judged:
            continue
        query = refined_query(
            Query.of_phrase(phrase), [sample.match(one) for one in liked], [sample.match(one) for one in disliked]
        )
        anew = sample.order(query, tuple(scenes))
        for found, of in ((before, order), (after, anew)):
            left = [one for one in of if one not in judged]
            found.append(
                (
                    _precision(left, as_wished - judged),
                    _precision(left, (as_wished & as_said) - judged),
                    len(as_wished.intersection(left[:SHOWN])) / SHOWN,
                )
            )
    return [(name, *np.mean(of, axis=0).tolist()) for name, of in (("before", before), ("after", after))]


# -- the report ------------------------------------------------------------------------------------------------------


def report(searches: int, seeds: Sequence[int], held_back: int) -> str:
    """Measure and write the report; returns it."""
    sample = Sample()
    every = [*seeds, held_back]
    minus = "\n".join(
        f"| {_seed(seed, held_back)} | {line.name} | **{line.gone:.3f}** | **{line.subject:.3f}** | {line.wanted:.3f} |"
        for seed in every
        for line in without(sample, dislikes(sample, searches, seed))
    )
    mixes = "\n".join(
        f"| {_seed(seed, held_back)} | {name} | **{both:.3f}** | {said:.3f} | {seen:.3f} |"
        for seed in every
        for name, both, said, seen in together(sample, mixed(searches, seed))
    )
    said = "\n".join(
        f"| {_seed(seed, held_back)} | {name} | **{wished:.3f}** | {both:.3f} | {five:.3f} |"
        for seed in every
        for name, wished, both, five in feedback(sample, searches, seed)
    )
    text = f"""# Queries of several parts

`python -m benchmarks.queries --searches {searches} --seeds {" ".join(map(str, seeds))} --held-back {held_back}`

On real photographs: [REAL.md](REAL.md#but-not-that), and [`more_like_this`](REAL.md#a-better-order-as-a-choice). All
figures below are from our own drawings.

On the built-in sample, {searches} searches a line. Phrases are in sentence forms held out from the training of the
sample's model; its pictures are of seeds it was not trained on. Limits were found on seed {seeds[0]}; seed {held_back}
was asked once, at the end.

## Not wanted

Pools are the pictures of two tags. The phrase says a subject and at times its colour, ground, time or weather;
disliked is one thing it does not say, in the words for it alone: “at night”, “in the fog”, “on the beach”, “a dog”.
Only searches count that show something disliked among the first {SHOWN} without `--minus`, and in whose pool at least
{LEAST_RIGHT} pictures show what is wanted without it. Goals: gone ≥ {GOES}, the wanted stays ≥ {STAYS}.

| seed | search | nothing disliked in the first five | of these five show the subject | show all that is said |
|---|---|---:|---:|---:|
{minus}

The last line of each seed is the best that the model's order allows: the disliked taken out by what is known of the
scenes. The penalty is 1.5 times the weight, in spreads of the scores, for each spread that a picture resembles what is
not wanted more than the pool does on average.

## A phrase and a picture

The phrase says something of the subject that the picture has otherwise (another colour, ground, time or weather); what
is wanted shows that, and shares another fact with the picture. Pools are the pictures of one tag without that one.

| seed | asked | average precision for both | first five: as said | as seen |
|---|---|---:|---:|---:|
{mixes}

The sum of embeddings is what cosines alone give; how the two weigh in it is an accident of the model. By the spread in
the pool both have their say, in any model: the order is that of the cosines' z-scores, and the score shown is still a
cosine, to the sum of the parts weighed so.

## What people say of the matches

A fact is wished for and not said. Two of the first ten matches that show it are preferred, one that does not is to be
avoided; these three are not counted.

| seed | | average precision for the wish | for wish and phrase | first five: as wished |
|---|---|---:|---:|---:|
{said}
"""
    REPORT.write_text(text, encoding="utf-8")
    return text


def _seed(seed: int, held_back: int) -> str:
    return f"{seed}, held back" if seed == held_back else str(seed)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="What a query of several parts finds, on the built-in sample.")
    parser.add_argument("--searches", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--held-back", type=int, default=3)
    arguments = parser.parse_args()
    print(report(arguments.searches, arguments.seeds, arguments.held_back))


if __name__ == "__main__":
    main()
