"""What a scene shows, as plain facts, and how facts are had from a seed.

Seeds come in families of four (``seed // 4``). The members of a family look alike on purpose, because telling
look-alikes apart is what is to be learned: a two-subject family holds the four ways to give two colours and two sides
to the same two subjects; a one-subject family changes one or two facts of its first member.

Ranges (they never overlap): training ``[0, 10_000_000)``, validation ``[10_000_000, 20_000_000)``; the shipped pictures
use drawing seeds from ``20_000_000`` up (:mod:`training.scenes.shipped`).
"""

import random
from dataclasses import dataclass, replace
from typing import Literal

Shape = Literal["landscape", "portrait", "square"]

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
COUNTS = (1, 2, 3, 4)
GROUNDS = ("sea", "lake", "beach", "meadow", "snowfield", "street", "forest", "desert", "mountains")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow", "fog")

_LAND = ("beach", "meadow", "snowfield", "street", "forest", "desert", "mountains")
_SMALL = ("beach", "meadow", "snowfield", "forest", "street", "mountains")
_WILD = ("meadow", "forest", "mountains", "beach", "snowfield")

#: The grounds each subject may stand on, swim in or fly over.
PLACES: dict[str, tuple[str, ...]] = {
    "boat": ("sea", "lake", "beach", "snowfield"),
    "car": _LAND,
    "house": _LAND,
    "tree": ("beach", "meadow", "snowfield", "street", "desert", "mountains"),
    "cat": _LAND,
    "dog": _LAND,
    "bird": GROUNDS,
    "balloon": GROUNDS,
    "umbrella": _LAND,
    "chair": _LAND,
    "cup": _SMALL,
    "flower": (*_SMALL, "desert"),
    "apple": _SMALL,
    "bicycle": _LAND,
    "bus": ("beach", "snowfield", "street", "desert", "mountains", "meadow"),
    "butterfly": ("lake", "meadow", "forest", "street", "mountains", "beach", "desert", "snowfield"),
    "tent": _LAND,
    "mushroom": _WILD,
    "kite": GROUNDS,
    "airplane": GROUNDS,
}
SUBJECTS = tuple(PLACES)

#: Subjects drawn in the air, above the horizon line.
AIRBORNE = frozenset({"bird", "balloon", "butterfly", "kite", "airplane"})

TRAINING_SEEDS = range(0, 10_000_000)
VALIDATION_SEEDS = range(10_000_000, 20_000_000)
SHIPPED_SEEDS = range(20_000_000, 21_000_000)
FAMILY = 4
"""Members in a family of seeds."""


@dataclass(frozen=True)
class Figure:
    """One kind of thing in a scene: `count` (1-4) of the same `subject` in the same `colour`."""

    subject: str
    colour: str
    count: int = 1


@dataclass(frozen=True)
class Scene:
    """The facts of one picture.

    `figures` holds one figure (count 1-4), or two of different subjects and different colours (count 1 each) ordered
    from left to right. `seed` drives only what no fact names: places, sizes, clouds, drops.
    """

    seed: int
    figures: tuple[Figure, ...]
    ground: str
    time: str
    weather: str
    shape: Shape

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects from left to right."""
        return tuple(figure.subject for figure in self.figures)


def common_grounds(*subjects: str) -> tuple[str, ...]:
    """The grounds on which all of `subjects` may be seen together; never empty for two known subjects."""
    return tuple(ground for ground in GROUNDS if all(ground in PLACES[subject] for subject in subjects))


def draw_shape(rng: random.Random) -> Shape:
    """A picture shape: about 80 % landscape, 15 % portrait, 5 % square."""
    chance = rng.random()
    return "landscape" if chance < 0.80 else "portrait" if chance < 0.95 else "square"


def siblings(left: Figure, right: Figure) -> tuple[tuple[Figure, Figure], ...]:
    """The four ways to give the two colours and the two sides to the two subjects, the given way first."""
    left_recoloured = replace(left, colour=right.colour)
    right_recoloured = replace(right, colour=left.colour)
    return (left, right), (left_recoloured, right_recoloured), (right, left), (right_recoloured, left_recoloured)


def _changed(scene: Scene, fact: str, rng: random.Random) -> Scene:
    """`scene` with another value for `fact`."""
    figure = scene.figures[0]
    match fact:
        case "colour":
            colour = rng.choice([c for c in COLOURS if c != figure.colour])
            return replace(scene, figures=(replace(figure, colour=colour),))
        case "count":
            count = rng.choice([c for c in COUNTS if c != figure.count])
            return replace(scene, figures=(replace(figure, count=count),))
        case "ground":
            return replace(scene, ground=rng.choice([g for g in PLACES[figure.subject] if g != scene.ground]))
        case "time":
            return replace(scene, time=rng.choice([t for t in TIMES if t != scene.time]))
        case "weather":
            return replace(scene, weather=rng.choice([w for w in WEATHERS if w != scene.weather]))
    raise ValueError(f"no such fact: {fact!r}")


def scene_of_seed(seed: int) -> Scene:
    """The scene of a training or validation seed; equal seeds give equal scenes.

    Raises `ValueError` for a seed outside both ranges.
    """
    if seed not in TRAINING_SEEDS and seed not in VALIDATION_SEEDS:
        raise ValueError(f"seed {seed} is outside the training and validation ranges (0 to 19999999)")
    family, member = divmod(seed, FAMILY)
    rng = random.Random(f"family {family}")
    time, weather = rng.choice(TIMES), rng.choice(WEATHERS)
    two = rng.random() < 0.45
    own = random.Random(f"member {seed}")
    if two:
        subjects = rng.sample(SUBJECTS, 2)
        colours = rng.sample(COLOURS, 2)
        pair = siblings(Figure(subjects[0], colours[0]), Figure(subjects[1], colours[1]))[member]
        return Scene(seed, pair, rng.choice(common_grounds(*subjects)), time, weather, draw_shape(own))
    subject = rng.choice(SUBJECTS)
    figure = Figure(subject, rng.choice(COLOURS), rng.choice(COUNTS))
    scene = Scene(seed, (figure,), rng.choice(PLACES[subject]), time, weather, draw_shape(own))
    if member:
        for fact in own.sample(["colour", "count", "ground", "time", "weather"], own.choice((1, 1, 2))):
            scene = _changed(scene, fact, own)
    return scene
