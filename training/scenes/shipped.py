"""Which scenes are shipped as the built-in sample, and what a stock site would say about each.

The list follows from :data:`PLAN_SEED` alone: for each of the 20 subjects 24 one-subject scenes with colours, counts,
times and weathers dealt out evenly, and 60 families of two subjects, each in its four ways (colours swapped, sides
swapped, both). That makes 48 pictures under each subject's tag; the :data:`SHOWN_FIRST` scenes, which the project's
own examples ask for, come on top. Picture ids run from 1001; the drawing seed of a picture is ``20_000_000 + id``.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from training.scenes.facts import (
    COLOURS,
    COUNTS,
    PLACES,
    SHIPPED_SEEDS,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Figure,
    Scene,
    common_grounds,
    draw_shape,
    siblings,
)

PLAN_SEED = 2026
FIRST_ID = 1001
SINGLES = 24
"""One-subject scenes of each subject."""
ROUNDS = 6
"""Rounds of ten pairs; each round shows every subject once."""

#: Scenes that the documentation's examples describe, so that they can be found.
SHOWN_FIRST: tuple[Scene, ...] = (
    Scene(0, (Figure("boat", "red", 2),), "sea", "night", "rain", "landscape"),
    *(
        Scene(0, figures, "meadow", "day", "clear", "landscape")
        for figures in siblings(Figure("car", "red"), Figure("house", "blue"))
    ),
)

#: Pixabay's category of each subject.
CATEGORY: dict[str, str] = {
    "boat": "transportation", "car": "transportation", "house": "buildings", "tree": "nature", "cat": "animals",
    "dog": "animals", "bird": "animals", "balloon": "backgrounds", "umbrella": "fashion", "chair": "buildings",
    "cup": "food", "flower": "nature", "apple": "food", "bicycle": "sports", "bus": "transportation",
    "butterfly": "animals", "tent": "travel", "mushroom": "nature", "kite": "sports", "airplane": "travel",
}  # fmt: skip
TIME_TAG = {"day": "day", "sunset": "sunset", "night": "night"}
WEATHER_TAG = {"clear": "sky", "rain": "rain", "snow": "snow", "fog": "fog"}
PIXABAY_COLOUR = {colour: "lilac" if colour == "purple" else colour for colour in COLOURS}


@dataclass(frozen=True)
class Listing:
    """What the stock site lists about one picture besides its file.

    `tags` are coarse nouns. The figures are drawn from the picture's seed and know nothing of its content; `downloads`
    is what the site's "popular" order goes by.
    """

    type: str
    tags: tuple[str, ...]
    category: str
    colors: tuple[str, ...]
    views: int
    downloads: int
    likes: int
    collections: int
    comments: int
    editors_choice: bool


def _dealt(values: Sequence[object], n: int, rng: random.Random) -> list[int]:
    """Indices into `values`, `n` of them, each as often as the others (as far as `n` allows), shuffled."""
    indices = [i % len(values) for i in range(n)]
    rng.shuffle(indices)
    return indices


def _singles(rng: random.Random) -> Iterator[Scene]:
    for subject in SUBJECTS:
        seen: set[tuple[object, ...]] = set()
        dealt = [_dealt(values, SINGLES, rng) for values in (COLOURS, COUNTS, PLACES[subject], TIMES, WEATHERS)]
        for colour, count, ground, time, weather in zip(*dealt, strict=True):
            figure = Figure(subject, COLOURS[colour], COUNTS[count])
            facts = (figure, ground, time, weather)
            while facts in seen:  # never the same facts twice under one tag
                time = rng.randrange(len(TIMES))
                facts = (figure, ground, time, weather)
            seen.add(facts)
            yield Scene(0, (figure,), PLACES[subject][ground], TIMES[time], WEATHERS[weather], draw_shape(rng))


def _pairs(rng: random.Random) -> Iterator[Scene]:
    taken: set[frozenset[str]] = set()
    for _ in range(ROUNDS):
        while True:
            order = rng.sample(SUBJECTS, len(SUBJECTS))
            pairs = [frozenset(order[i : i + 2]) for i in range(0, len(order), 2)]
            if not taken.intersection(pairs):
                break
        taken.update(pairs)
        for i in range(0, len(order), 2):
            colours = rng.sample(COLOURS, 2)
            ground = rng.choice(common_grounds(*order[i : i + 2]))
            time, weather = rng.choice(TIMES), rng.choice(WEATHERS)
            for figures in siblings(Figure(order[i], colours[0]), Figure(order[i + 1], colours[1])):
                yield Scene(0, figures, ground, time, weather, draw_shape(rng))


@cache
def shipped_scenes() -> dict[int, Scene]:
    """All shipped scenes by picture id, ids ascending; the four of a family are not neighbours."""
    rng = random.Random(f"shipped {PLAN_SEED}")
    scenes = [*SHOWN_FIRST, *_singles(rng), *_pairs(rng)]
    rng.shuffle(scenes)
    numbered = enumerate(scenes, start=FIRST_ID)
    return {number: replace(scene, seed=SHIPPED_SEEDS.start + number) for number, scene in numbered}


def scene_of_picture(number: int) -> Scene:
    """The scene, and so all the facts, behind a shipped picture's id; raises `KeyError` for any other id."""
    return shipped_scenes()[number]


def listing_of(number: int) -> Listing:
    """What the stock site says about a shipped picture."""
    scene = scene_of_picture(number)
    rng = random.Random(f"listing {number}")
    chance = rng.random()
    views = round(10 ** rng.uniform(3.0, 6.0))
    downloads = round(views * rng.uniform(0.3, 0.8))
    likes = round(views * rng.uniform(0.002, 0.02))
    subjects = rng.sample(scene.subjects, len(scene.subjects))
    return Listing(
        type="photo" if chance < 0.85 else "illustration" if chance < 0.95 else "vector/svg",
        tags=(*subjects, scene.ground, TIME_TAG[scene.time], WEATHER_TAG[scene.weather]),
        category=CATEGORY[subjects[0]],
        colors=tuple(dict.fromkeys(PIXABAY_COLOUR[figure.colour] for figure in scene.figures)),
        views=views,
        downloads=downloads,
        likes=likes,
        collections=round(likes * rng.uniform(0.2, 0.9)),
        comments=round(likes * rng.uniform(0.0, 0.15)),
        editors_choice=rng.random() < 0.08,
    )
