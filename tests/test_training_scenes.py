"""Scenes: facts from seeds, pictures from facts, and the shipped set."""

import io
import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from training.draw_sample import BUDGET, catalogue_line, picture_bytes
from training.scenes import (
    COLOURS,
    COUNTS,
    GROUNDS,
    PLACES,
    SIZES,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Figure,
    Scene,
    draw,
    full_size,
    scene_of_picture,
    scene_of_seed,
    shipped_scenes,
    small_square,
)
from training.scenes.facts import FAMILY, SHIPPED_SEEDS, TRAINING_SEEDS, VALIDATION_SEEDS, common_grounds

pytestmark = pytest.mark.own_export  # no test here runs the sample's model

PICTURES = Path(__file__).parent.parent / "phrasepix" / "sample" / "pictures"


def catalogue() -> list[dict[str, object]]:
    lines = (PICTURES / "catalogue.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_scene_follows_from_its_seed_alone() -> None:
    first = [scene_of_seed(seed) for seed in range(400)]
    random.seed(5)  # the global generator must not matter
    assert first == [scene_of_seed(seed) for seed in range(400)]
    assert len(set(first)) == 400


def test_equal_scenes_are_drawn_with_equal_pixels() -> None:
    for seed in (0, 5, 10, 10_000_003):
        scene = scene_of_seed(seed)
        assert draw(scene, 160, 106).tobytes() == draw(scene, 160, 106).tobytes()


def test_another_seed_draws_the_same_facts_differently() -> None:
    facts = {"figures": (Figure("boat", "red", 2),), "ground": "sea", "time": "day", "weather": "clear"}
    one = draw(Scene(1, shape="landscape", **facts), 160, 106)  # type: ignore[arg-type]
    other = draw(Scene(2, shape="landscape", **facts), 160, 106)  # type: ignore[arg-type]
    assert one.tobytes() != other.tobytes()


def test_the_small_square_looks_like_the_full_size_picture_squashed() -> None:
    for seed in (3, 8, 40, 77, 101, 250):
        scene = scene_of_seed(seed)
        large = np.asarray(full_size(scene).resize((96, 96), Image.Resampling.BICUBIC), dtype=np.float32)
        small = np.asarray(small_square(scene, 96), dtype=np.float32)
        other = np.asarray(small_square(scene_of_seed(seed + 400), 96), dtype=np.float32)
        apart = float(np.abs(large - small).mean())
        assert apart < 7
        assert apart < float(np.abs(large - other).mean()) / 3


def test_every_fact_changes_the_picture() -> None:
    plain = Scene(9, (Figure("car", "red", 2),), "meadow", "day", "clear", "landscape")
    changed = [
        Scene(9, (Figure("bus", "red", 2),), "meadow", "day", "clear", "landscape"),
        Scene(9, (Figure("car", "blue", 2),), "meadow", "day", "clear", "landscape"),
        Scene(9, (Figure("car", "red", 3),), "meadow", "day", "clear", "landscape"),
        Scene(9, (Figure("car", "red", 2),), "desert", "day", "clear", "landscape"),
        Scene(9, (Figure("car", "red", 2),), "meadow", "night", "clear", "landscape"),
        Scene(9, (Figure("car", "red", 2),), "meadow", "day", "snow", "landscape"),
    ]
    base = draw(plain, 160, 106)
    for scene in changed:
        assert ImageChops.difference(base, draw(scene, 160, 106)).getbbox() is not None


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_is_painted_in_its_colour(subject: str) -> None:
    ground = PLACES[subject][0]
    red = np.asarray(draw(Scene(4, (Figure(subject, "red"),), ground, "day", "clear", "landscape"), 320, 213))
    blue = np.asarray(draw(Scene(4, (Figure(subject, "blue"),), ground, "day", "clear", "landscape"), 320, 213))
    differing = np.abs(red.astype(int) - blue.astype(int)).sum(axis=2) > 120
    assert differing.mean() > 0.015
    reds, blues = red[differing].mean(axis=0), blue[differing].mean(axis=0)
    assert reds[0] > reds[2] + 60
    assert blues[2] > blues[0] + 60


def test_the_kinds_of_scene_are_as_many_as_promised() -> None:
    assert len(SUBJECTS) >= 16
    assert len(COLOURS) == 8
    assert COUNTS == (1, 2, 3, 4)
    assert len(GROUNDS) >= 6
    assert TIMES == ("day", "sunset", "night")
    assert WEATHERS == ("clear", "rain", "snow", "fog")
    assert all(len(set(grounds)) >= 4 and set(grounds) <= set(GROUNDS) for grounds in PLACES.values())


def test_any_two_subjects_can_be_seen_together_somewhere() -> None:
    assert all(common_grounds(one, other) for one in SUBJECTS for other in SUBJECTS)


def test_a_two_subject_family_holds_the_swaps_of_colours_and_sides() -> None:
    families = [[scene_of_seed(first + i) for i in range(FAMILY)] for first in range(0, 400, FAMILY)]
    pairs = [family for family in families if len(family[0].figures) == 2]
    assert 30 < len(pairs) < 60
    for family in pairs:
        assert len({scene.figures for scene in family}) == FAMILY
        assert len({frozenset(scene.subjects) for scene in family}) == 1
        assert len({frozenset(figure.colour for figure in scene.figures) for scene in family}) == 1
        assert len({(scene.ground, scene.time, scene.weather) for scene in family}) == 1


def test_training_validation_and_shipped_seeds_do_not_meet() -> None:
    ranges = (TRAINING_SEEDS, VALIDATION_SEEDS, SHIPPED_SEEDS)
    assert all(one.stop <= other.start for one, other in pairwise(ranges))
    assert all(scene.seed in SHIPPED_SEEDS for scene in shipped_scenes().values())
    with pytest.raises(ValueError, match="outside the training and validation ranges"):
        scene_of_seed(SHIPPED_SEEDS.start)


def test_there_are_enough_shipped_scenes_and_every_tag_has_a_pool() -> None:
    scenes = shipped_scenes()
    assert len(scenes) >= 640
    assert sum(len(scene.figures) == 2 for scene in scenes.values()) >= 200
    per_subject = Counter(subject for scene in scenes.values() for subject in scene.subjects)
    assert set(per_subject) == set(SUBJECTS)
    assert all(40 <= count <= 70 for count in per_subject.values())


def test_every_shipped_pair_has_its_counter_siblings() -> None:
    facts = {(scene.figures, scene.ground, scene.time, scene.weather) for scene in shipped_scenes().values()}
    for scene in shipped_scenes().values():
        if len(scene.figures) == 2:
            left, right = scene.figures
            swapped = (Figure(left.subject, right.colour), Figure(right.subject, left.colour))
            for figures in (swapped, (right, left)):
                assert (figures, scene.ground, scene.time, scene.weather) in facts


def test_no_shipped_picture_has_an_unknown_id() -> None:
    with pytest.raises(KeyError):
        scene_of_picture(7)


def test_the_catalogue_lists_the_shipped_scenes_and_their_facts() -> None:
    lines = catalogue()
    assert [line["id"] for line in lines] == list(shipped_scenes())
    for line in lines:
        number = line["id"]
        assert isinstance(number, int)
        assert line == json.loads(json.dumps(catalogue_line(number)))
        scene = scene_of_picture(number)
        tags = line["tags"]
        assert isinstance(tags, list)
        assert 3 <= len(tags) <= 7
        assert len(set(tags)) == len(tags)
        assert {*scene.subjects, scene.ground} <= set(tags)
        assert not set(tags) & {*COLOURS, "one", "two", "three", "four"}


def test_every_catalogued_picture_is_there_in_its_size() -> None:
    lines = catalogue()
    assert {path.name for path in PICTURES.glob("*.jpg")} == {line["file"] for line in lines}
    for line in lines:
        with Image.open(PICTURES / str(line["file"])) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (line["width"], line["height"])
            assert picture.size in SIZES.values()


def test_the_pictures_keep_within_their_budget() -> None:
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) <= BUDGET <= 15_000_000


def test_shipped_pictures_are_what_the_script_draws() -> None:
    for number in (1001, 1200, 1500):
        drawn = Image.open(io.BytesIO(picture_bytes(number)))
        with Image.open(PICTURES / f"{number}.jpg") as shipped:
            apart = np.abs(np.asarray(drawn, dtype=np.int16) - np.asarray(shipped, dtype=np.int16))
        assert apart.mean() < 1.5  # another Pillow may round and compress a little differently


def test_popularity_knows_nothing_of_content() -> None:
    lines = catalogue()
    by_colour = {
        colour: [line["downloads"] for line in lines if line["colors"][0] == colour]  # type: ignore[index]
        for colour in ("red", "blue")
    }
    medians = [float(np.median(values)) for values in by_colour.values()]  # type: ignore[arg-type]
    assert max(medians) < 3 * min(medians)
    types = Counter(str(line["type"]) for line in lines)
    assert set(types) == {"photo", "illustration", "vector/svg"}
    assert types["photo"] > 0.8 * len(lines)
