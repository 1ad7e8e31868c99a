"""Phrases about scenes: what a phrase says, how it is worded, and whether a scene shows it.

A phrase always names its subject (or two subjects) and may name any of the other facts. Two lists of sentence forms
exist: :data:`TRAINING_FORMS` and :data:`MEASURING_FORMS`. They share their words, because a word never seen cannot be
understood, but no form is in both, so a measured phrase is a sentence the model has not met.

What the words commit to:

- "a boat", "one boat", "a lone boat": exactly one boat. A scene with one boat *and* one house shows it.
- "two boats", "a pair of boats": exactly two; likewise three and four.
- "boats", "some boats", "several boats": two or more.
- "in the snow": snow is falling **or** the ground is snow. "snow falling", "in a snowstorm": the weather alone;
  "on a snowfield", "on snowy ground": the ground alone.
- a fact not named is free: "a red car" is shown by a scene of any ground, time and weather that has one red car.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from training.scenes.facts import AIRBORNE, COLOURS, GROUNDS, SUBJECTS, TIMES, WEATHERS, Scene

Side = Literal["left", "right"]
SEVERAL = 0
"""The count of a plural without a number: two or more."""


@dataclass(frozen=True)
class Said:
    """One subject as a phrase names it; `None` stands for what the phrase leaves free."""

    subject: str
    colour: str | None = None
    count: int = 1


@dataclass(frozen=True)
class Claims:
    """All that a phrase says.

    `things` are one or two named subjects. `ordered` tells that the first stands left of the second (`things` are kept
    in that order whatever the wording). `side` is where a single named thing stands in a scene of two subjects.
    `snowy` is the loose "in the snow".
    """

    things: tuple[Said, ...]
    ordered: bool = False
    ground: str | None = None
    time: str | None = None
    weather: str | None = None
    snowy: bool = False
    side: Side | None = None

    def shown_by(self, scene: Scene) -> bool:
        """Whether `scene` shows everything claimed."""
        at: list[int] = []
        for thing in self.things:
            for place, figure in enumerate(scene.figures):
                right_count = figure.count >= 2 if thing.count == SEVERAL else figure.count == thing.count
                if figure.subject == thing.subject and right_count and thing.colour in (None, figure.colour):
                    at.append(place)
                    break
            else:
                return False
        if self.ordered and at[0] > at[1]:
            return False
        if self.side and (len(scene.figures) != 2 or at[0] != ("left", "right").index(self.side)):
            return False
        if self.snowy and scene.weather != "snow" and scene.ground != "snowfield":
            return False
        return (
            self.ground in (None, scene.ground)
            and self.time in (None, scene.time)
            and self.weather in (None, scene.weather)
        )

    @property
    def facts(self) -> int:
        """How many facts are said: subjects, colours, counts, the order, ground, time and weather."""
        things = sum(2 + (thing.colour is not None) for thing in self.things)
        scenery = (self.ground, self.time, self.weather)
        return things + self.ordered + (self.side is not None) + self.snowy + sum(fact is not None for fact in scenery)


@dataclass(frozen=True)
class Phrase:
    """A worded phrase: its `text`, what it `claims`, and the `form` of the sentence, without its empty places."""

    text: str
    claims: Claims
    form: str

    def shown_by(self, scene: Scene) -> bool:
        """Whether `scene` shows all that the phrase says."""
        return self.claims.shown_by(scene)


# -- words -----------------------------------------------------------------------------------------------------------

SUBJECT_WORDS: dict[str, tuple[tuple[str, str], ...]] = {
    "boat": (("boat", "boats"), ("sailing boat", "sailing boats"), ("sailboat", "sailboats")),
    "car": (("car", "cars"),),
    "house": (("house", "houses"), ("cottage", "cottages")),
    "tree": (("tree", "trees"),),
    "cat": (("cat", "cats"), ("kitten", "kittens")),
    "dog": (("dog", "dogs"), ("puppy", "puppies")),
    "bird": (("bird", "birds"),),
    "balloon": (("balloon", "balloons"),),
    "umbrella": (("umbrella", "umbrellas"), ("parasol", "parasols")),
    "chair": (("chair", "chairs"),),
    "cup": (("cup", "cups"), ("mug", "mugs"), ("cup of coffee", "cups of coffee")),
    "flower": (("flower", "flowers"), ("blossom", "blossoms")),
    "apple": (("apple", "apples"),),
    "bicycle": (("bicycle", "bicycles"), ("bike", "bikes")),
    "bus": (("bus", "buses"),),
    "butterfly": (("butterfly", "butterflies"),),
    "tent": (("tent", "tents"),),
    "mushroom": (("mushroom", "mushrooms"), ("toadstool", "toadstools")),
    "kite": (("kite", "kites"),),
    "airplane": (("airplane", "airplanes"), ("plane", "planes")),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {colour: (colour,) for colour in COLOURS} | {
    "red": ("red", "red", "scarlet"),
    "purple": ("purple", "purple", "violet"),
}
GROUND_WORDS: dict[str, tuple[str, ...]] = {
    "sea": ("at sea", "on the sea", "on the ocean", "out on the open sea"),
    "lake": ("on a lake", "on the lake", "on a quiet lake", "by the reeds of a lake"),
    "beach": ("on the beach", "on a beach", "at the beach", "on a sandy beach", "on the shore under a palm"),
    "meadow": ("in a meadow", "on a meadow", "in the green grass", "on a grassy field", "in a green field"),
    "snowfield": ("in a snowy field", "on a snowfield", "on snowy ground", "on snow-covered ground"),
    "street": ("in the street", "on a city street", "on the road", "in the city", "in front of buildings"),
    "forest": ("in the forest", "in a forest", "in the woods", "among pine trees"),
    "desert": ("in the desert", "in a desert", "on the sand dunes", "among the cacti"),
    "mountains": ("in the mountains", "among the mountains", "in front of high mountains", "below snowy peaks"),
}
ABOVE_WORDS: dict[str, tuple[str, ...]] = {
    "sea": ("over the sea", "above the ocean"),
    "lake": ("over a lake", "above the lake"),
    "beach": ("over the beach", "above a beach"),
    "meadow": ("over a meadow", "above a green field"),
    "snowfield": ("over a snowfield", "above snowy ground"),
    "street": ("over the street", "above a city street", "over the city"),
    "forest": ("over the forest", "above the woods"),
    "desert": ("over the desert", "above the sand dunes"),
    "mountains": ("over the mountains", "in front of the mountains"),
}
TIME_WORDS: dict[str, tuple[str, ...]] = {
    "day": ("by day", "during the day", "in daylight", "in the daytime", "at noon"),
    "sunset": ("at sunset", "at dusk", "in the evening", "at sundown", "in the evening glow"),
    "night": ("at night", "by night", "in the dark", "after dark", "at midnight"),
}
WEATHER_WORDS: dict[str, tuple[str, ...]] = {
    "clear": ("under a clear sky", "in clear weather", "in fine weather", "in good weather"),
    "rain": ("in the rain", "in the pouring rain", "in heavy rain", "while it rains", "in rainy weather"),
    "snow": ("in falling snow", "while it snows", "in a snowstorm", "with snow falling", "in a snow flurry"),
    "fog": ("in the fog", "in thick fog", "in the mist", "in foggy weather", "in misty weather"),
}
SIDE_WORDS: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "on the left side", "to the left"),
    "right": ("on the right", "on the right side", "to the right"),
}
SNOWY_WORDS = ("in the snow", "in snow")
TIME_ADJECTIVES: dict[str, tuple[str, ...]] = {
    "day": ("bright day", "day"),
    "sunset": ("evening", "sunset"),
    "night": ("dark night", "night"),
}
WEATHER_ADJECTIVES: dict[str, tuple[str, ...]] = {
    "clear": ("clear",),
    "rain": ("rainy",),
    "snow": ("snowy",),
    "fog": ("foggy", "misty"),
}
COUNT_WORDS: dict[int, tuple[str, ...]] = {
    2: ("two", "two", "a pair of", "2"),
    3: ("three", "three", "three", "3"),
    4: ("four", "four", "four", "4"),
    SEVERAL: ("", "some", "several", "many"),
}
ONE_WORDS = ("a", "a", "a", "one", "a single", "a lone")
IDLE_WORDS = ("small", "lovely", "beautiful", "little", "old", "nice")
"""Adjectives that say nothing a scene could contradict."""

_VOWELS = "aeiou"


def _article(words: str) -> str:
    return "an" if words[0] in _VOWELS else "a"


def thing_words(said: Said, rng: random.Random) -> str:
    """A subject with count, colour and now and then an idle adjective: "two red boats", "a little blue house"."""
    noun = rng.choice(SUBJECT_WORDS[said.subject])[said.count != 1]
    colour = rng.choice(COLOUR_WORDS[said.colour]) if said.colour else ""
    idle = rng.choice(IDLE_WORDS) if rng.random() < 0.07 else ""
    words = " ".join(filter(None, (idle, colour, noun)))
    if said.count != 1:
        return f"{rng.choice(COUNT_WORDS[said.count])} {words}".strip()
    first = rng.choice(ONE_WORDS)
    return f"{_article(words) if first == 'a' else first} {words}"


# -- forms -----------------------------------------------------------------------------------------------------------
# {thing} {ground} {time} {weather} are filled with words; {time_noun} and {weather_adjective} serve
# "on a rainy night". For two subjects: {left} {right}, or {one} {other} where the order is not said.

TRAINING_FORMS: tuple[str, ...] = (
    "{thing} {ground} {time} {weather}",
    "{thing} {ground} {weather} {time}",
    "{thing} {time} {ground} {weather}",
    "{thing} {time} {weather} {ground}",
    "{time} {thing} {ground} {weather}",
    "{time} {weather} {thing} {ground}",
    "{ground} {thing} {time} {weather}",
    "{weather} {thing} {ground} {time}",
    "a picture of {thing} {ground} {time} {weather}",
    "a picture of {thing} {weather} {ground} {time}",
    "a photo of {thing} {ground} {time} {weather}",
    "{thing} {ground} on a {weather_adjective} {time_noun}",
    "on a {weather_adjective} {time_noun} {thing} {ground}",
    "a {weather_adjective} {time_noun} and {thing} {ground}",
    "{thing} , {ground} , {time} , {weather}",
    "{thing} that one can see {ground} {time} {weather}",
    "we see {thing} {ground} {time} {weather}",
    "a view of {thing} {ground} {time} {weather}",
)
MEASURING_FORMS: tuple[str, ...] = (
    "{thing} {weather} {time} {ground}",
    "{thing} {weather} {ground} {time}",
    "{time} {ground} {thing} {weather}",
    "{ground} {time} {thing} {weather}",
    "{weather} {time} {thing} {ground}",
    "{ground} {weather} {thing} {time}",
    "a photo of {thing} {time} {ground} {weather}",
    "a picture of {thing} {time} {weather} {ground}",
    "we see {thing} {time} {weather} {ground}",
    "a view of {thing} {weather} {time} {ground}",
    "{ground} on a {weather_adjective} {time_noun} {thing}",
    "a photo of {thing} {ground} on a {weather_adjective} {time_noun}",
    "{ground} we see {thing} {weather} {time}",
    "{time} a view of {thing} {ground} {weather}",
)
TRAINING_PAIR_FORMS: tuple[str, ...] = (
    "{left} left of {right}",
    "{left} to the left of {right}",
    "{right} to the right of {left}",
    "{right} right of {left}",
    "{left} on the left and {right} on the right",
    "{left} with {right} to the right",
    "{one} next to {other}",
    "{one} and {other}",
    "{one} beside {other}",
    "{one} with {other}",
    "a picture of {one} and {other}",
    "a picture of {left} left of {right}",
    "a photo of {right} to the right of {left}",
    "a view of {one} next to {other}",
    "on the left {left} and on the right {right}",
)
MEASURING_PAIR_FORMS: tuple[str, ...] = (
    "a photo of {left} left of {right}",
    "a picture of {left} to the left of {right}",
    "a picture of {right} right of {left}",
    "a view of {right} to the right of {left}",
    "{right} on the right and {left} on the left",
    "{right} with {left} to the left",
    "on the right {right} and on the left {left}",
    "we see {one} next to {other}",
    "a photo of {one} and {other}",
    "a view of {one} beside {other}",
)
SCENERY_ORDERS: tuple[tuple[str, ...], ...] = (
    ("ground", "time", "weather"),
    ("ground", "weather", "time"),
    ("time", "ground", "weather"),
    ("time", "weather", "ground"),
    ("weather", "ground", "time"),
    ("weather", "time", "ground"),
)
"""In what order a two-subject phrase names the scenery it names, after its subjects or, now and then, before them."""


def _scenery(claims: Claims, rng: random.Random) -> dict[str, str]:
    words = {"ground": "", "time": "", "weather": "", "time_noun": "", "weather_adjective": ""}
    if claims.ground:
        airborne = all(thing.subject in AIRBORNE for thing in claims.things)
        table = ABOVE_WORDS if airborne and rng.random() < 0.6 else GROUND_WORDS
        words["ground"] = rng.choice(table[claims.ground])
    if claims.time:
        words["time"] = rng.choice(TIME_WORDS[claims.time])
        words["time_noun"] = rng.choice(TIME_ADJECTIVES[claims.time])
    if claims.weather:
        words["weather"] = rng.choice(WEATHER_WORDS[claims.weather])
        words["weather_adjective"] = rng.choice(WEATHER_ADJECTIVES[claims.weather])
    elif claims.snowy:
        words["weather"] = rng.choice(SNOWY_WORDS)
    return words


_SCENERY = ("ground", "time", "weather")


def pattern(form: str, named: Collection[str]) -> str:
    """`form` without the places for ground, time and weather that are not among `named`.

    Two sentences have the same pattern when they put the same kinds of fact in the same order between the same words.
    """
    for name in _SCENERY:
        if name not in named:
            form = form.replace(f"{{{name}}}", "")
    return _tidy(form)


def _named(claims: Claims) -> set[str]:
    said = {name for name in _SCENERY if getattr(claims, name) is not None}
    return said | {"weather"} if claims.snowy else said


def _tidy(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    return ", ".join(" ".join(part.split()) for part in parts if part.strip())


def word(claims: Claims, form: str, rng: random.Random) -> Phrase:
    """`claims` in the words of `form`; a place in the form whose fact is not claimed stays empty.

    Raises `ValueError` where the form cannot say what is claimed.
    """
    scenery = _scenery(claims, rng)
    if "{time_noun}" in form and not (claims.time and claims.weather):
        raise ValueError(f"the form {form!r} says time and weather, the claims leave one of them free")
    if len(claims.things) == 1:
        thing = thing_words(claims.things[0], rng)
        if claims.side:
            thing = f"{thing} {rng.choice(SIDE_WORDS[claims.side])}"
        text = form.format(thing=thing, **scenery)
        return Phrase(_tidy(text), claims, pattern(form, _named(claims)))
    first, second = (thing_words(thing, rng) for thing in claims.things)
    if ("{left}" in form) != claims.ordered:
        raise ValueError(f"the form {form!r} and the claims differ on whether left and right are said")
    text = form.format(left=first, right=second, one=first, other=second)
    tail = " ".join(scenery[name] for name in rng.choice(SCENERY_ORDERS))
    text = f"{tail} {text}" if rng.random() < 0.15 else f"{text} {tail}"
    return Phrase(_tidy(text), claims, form)


# -- claims and phrases about a scene --------------------------------------------------------------------------------


def claims_about(scene: Scene, rng: random.Random, *, keep: float = 0.62, least: int = 0, both: float = 0.6) -> Claims:
    """True claims about `scene`: its subjects, and each other fact with probability `keep`.

    `least` is the smallest number of facts besides subject and count. Of a two-subject scene both subjects are named
    with probability `both`, otherwise one of them.
    """
    while True:
        figures = scene.figures
        side: Side | None = None
        if len(figures) == 2 and rng.random() > both:
            side = rng.choice(("left", "right"))
            figures = (figures[side == "right"],)
            side = side if rng.random() < 0.5 else None
        things = tuple(
            Said(
                figure.subject,
                figure.colour if rng.random() < max(keep, 0.8) else None,
                SEVERAL if figure.count > 1 and rng.random() < 0.12 else figure.count,
            )
            for figure in figures
        )
        ordered = len(things) == 2 and rng.random() < 0.65
        ground = scene.ground if rng.random() < keep else None
        time = scene.time if rng.random() < keep else None
        weather = scene.weather if rng.random() < (keep if scene.weather != "clear" else keep * 0.7) else None
        snowy = False
        if (scene.weather == "snow" or scene.ground == "snowfield") and rng.random() < 0.15:
            snowy, weather = True, None
            ground = ground if scene.ground != "snowfield" else None
        if len(things) == 2 and not ordered and rng.random() < 0.5:
            things = (things[1], things[0])
        claims = Claims(things, ordered, ground, time, weather, snowy, side)
        if claims.facts - 2 * len(things) >= least:
            return claims


TRAINING_PATTERNS: frozenset[str] = frozenset(
    pattern(form, named)
    for form in TRAINING_FORMS
    for size in range(len(_SCENERY) + 1)
    for named in combinations(_SCENERY, size)
)
"""Every pattern a one-subject training form can take."""


def forms_for(claims: Claims, *, measuring: bool) -> tuple[str, ...]:
    """The forms that can say `claims`; for measuring only those whose pattern no training form can take."""
    if len(claims.things) == 2:
        pair_forms = MEASURING_PAIR_FORMS if measuring else TRAINING_PAIR_FORMS
        return tuple(form for form in pair_forms if ("{left}" in form) == claims.ordered)
    both = claims.time is not None and claims.weather is not None
    forms = [form for form in (MEASURING_FORMS if measuring else TRAINING_FORMS) if both or "{time_noun}" not in form]
    named = _named(claims)
    return tuple(form for form in forms if not measuring or pattern(form, named) not in TRAINING_PATTERNS)


def phrase_about(
    scene: Scene, rng: random.Random, *, measuring: bool = False, keep: float = 0.62, least: int = 0, both: float = 0.6
) -> Phrase:
    """A true phrase about `scene`, in a training form or, with `measuring`, in a held-out one."""
    while True:
        claims = claims_about(scene, rng, keep=keep, least=least, both=both)
        if forms := forms_for(claims, measuring=measuring):
            return word(claims, rng.choice(forms), rng)


# -- the same truth for many at once ---------------------------------------------------------------------------------


def shown_matrix(claims: Sequence[Claims], scenes: Sequence[Scene]) -> npt.NDArray[np.bool_]:
    """`claims[i].shown_by(scenes[j])` for all i and j: bool [len(claims), len(scenes)]."""
    n = len(scenes)
    subject, colour = np.full((2, n), -1), np.full((2, n), -1)
    count = np.full((2, n), -1)
    for j, scene in enumerate(scenes):
        for place, figure in enumerate(scene.figures):
            subject[place, j] = SUBJECTS.index(figure.subject)
            colour[place, j] = COLOURS.index(figure.colour)
            count[place, j] = figure.count
    ground = np.array([GROUNDS.index(scene.ground) for scene in scenes])
    time = np.array([TIMES.index(scene.time) for scene in scenes])
    weather = np.array([WEATHERS.index(scene.weather) for scene in scenes])
    result = np.ones((len(claims), n), dtype=np.bool_)
    for i, claim in enumerate(claims):
        row = result[i]
        matched = []
        for thing in claim.things:
            here = subject == SUBJECTS.index(thing.subject)
            here &= (count >= 2) if thing.count == SEVERAL else (count == thing.count)
            if thing.colour is not None:
                here &= colour == COLOURS.index(thing.colour)
            matched.append(here)
            row &= here.any(axis=0)
        if claim.ordered:
            row &= matched[0][0] & matched[1][1]
        if claim.side:
            row &= (subject[1] >= 0) & matched[0][("left", "right").index(claim.side)]
        if claim.snowy:
            row &= (weather == WEATHERS.index("snow")) | (ground == GROUNDS.index("snowfield"))
        if claim.ground is not None:
            row &= ground == GROUNDS.index(claim.ground)
        if claim.time is not None:
            row &= time == TIMES.index(claim.time)
        if claim.weather is not None:
            row &= weather == WEATHERS.index(claim.weather)
    return result
