"""Phrases: what they say, when a scene shows it, and that measured sentences were not trained on."""

import random

import numpy as np
import pytest

from training.captions import (
    MEASURING_FORMS,
    MEASURING_PAIR_FORMS,
    SEVERAL,
    SUBJECT_WORDS,
    TRAINING_FORMS,
    TRAINING_PAIR_FORMS,
    TRAINING_PATTERNS,
    Claims,
    Said,
    forms_for,
    phrase_about,
    shown_matrix,
    word,
)
from training.measure import figures, pool_of, popular_order, sample_phrases, shows
from training.scenes import SUBJECTS, Figure, Scene, scene_of_seed, shipped_scenes
from training.tiny_clip import known_tokens, tokenizer

pytestmark = pytest.mark.own_export  # no test here runs the sample's model

BOATS = Scene(1, (Figure("boat", "red", 2),), "sea", "night", "rain", "landscape")
STREET = Scene(2, (Figure("car", "red"), Figure("house", "blue")), "street", "day", "snow", "landscape")


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        (Claims((Said("boat", None, 2),)), True),
        (Claims((Said("boat", "red", 2),), ground="sea", time="night", weather="rain"), True),
        (Claims((Said("boat", "red", SEVERAL),)), True),
        (Claims((Said("boat", "red", 1),)), False),
        (Claims((Said("boat", "red", 3),)), False),
        (Claims((Said("boat", "blue", 2),)), False),
        (Claims((Said("car", None, 2),)), False),
        (Claims((Said("boat", "red", 2),), ground="lake"), False),
        (Claims((Said("boat", "red", 2),), time="day"), False),
        (Claims((Said("boat", "red", 2),), weather="fog"), False),
        (Claims((Said("boat", "red", 2),), snowy=True), False),
        (Claims((Said("boat", "red", 2), Said("house"))), False),
    ],
)
def test_a_scene_of_two_red_boats_shows_just_what_is_true_of_it(claims: Claims, shown: bool) -> None:
    assert claims.shown_by(BOATS) is shown


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        (Claims((Said("car", "red"), Said("house", "blue")), ordered=True), True),
        (Claims((Said("house", "blue"), Said("car", "red")), ordered=True), False),
        (Claims((Said("house", "blue"), Said("car", "red"))), True),
        (Claims((Said("car", "blue"), Said("house", "red")), ordered=True), False),
        (Claims((Said("car", "blue"), Said("house", "red"))), False),
        (Claims((Said("car"), Said("house")), ordered=True), True),
        (Claims((Said("car", "red"),)), True),
        (Claims((Said("house", "blue"),), weather="snow"), True),
        (Claims((Said("house", "red"),)), False),
        (Claims((Said("car", "red", SEVERAL),)), False),
        (Claims((Said("car", "red"),), snowy=True), True),
    ],
)
def test_a_scene_of_two_subjects_binds_colours_and_sides(claims: Claims, shown: bool) -> None:
    assert claims.shown_by(STREET) is shown


def test_in_the_snow_is_true_of_falling_snow_and_of_snowy_ground() -> None:
    claims = Claims((Said("dog"),), snowy=True)
    dog = (Figure("dog", "black"),)
    assert claims.shown_by(Scene(0, dog, "snowfield", "day", "clear", "landscape"))
    assert claims.shown_by(Scene(0, dog, "street", "day", "snow", "landscape"))
    assert not claims.shown_by(Scene(0, dog, "street", "day", "rain", "landscape"))


def test_the_matrix_of_truths_equals_one_truth_at_a_time() -> None:
    rng = random.Random(3)
    scenes = [scene_of_seed(seed) for seed in range(160)]
    claims = [phrase_about(scene, rng, keep=0.4).claims for scene in scenes]
    matrix = shown_matrix(claims, scenes)
    assert matrix.diagonal().all()
    assert not matrix.all()
    assert np.array_equal(matrix, [[claim.shown_by(scene) for scene in scenes] for claim in claims])


@pytest.mark.parametrize("measuring", [False, True])
def test_a_phrase_is_true_of_the_scene_it_is_about_and_names_its_subject(measuring: bool) -> None:
    rng = random.Random(8)
    for seed in range(300):
        scene = scene_of_seed(seed)
        phrase = phrase_about(scene, rng, measuring=measuring)
        assert phrase.shown_by(scene)
        for thing in phrase.claims.things:
            assert any(noun in phrase.text for pair in SUBJECT_WORDS[thing.subject] for noun in pair)
        assert "{" not in phrase.text
        assert phrase.text == " ".join(phrase.text.split())


def test_wording_follows_from_the_generator_alone() -> None:
    scene = scene_of_seed(12)
    assert phrase_about(scene, random.Random(4)) == phrase_about(scene, random.Random(4))


def test_articles_and_plurals_agree() -> None:
    rng = random.Random(1)
    for seed in range(400):
        text = f" {phrase_about(scene_of_seed(seed), rng).text} "
        assert not any(f" a {vowel}" in text for vowel in ("apple", "orange", "umbrella", "airplane", "old"))
        assert not any(f" an {word}" in text for word in ("red", "boat", "blue", "lovely"))
    many = word(Claims((Said("butterfly", "red", 3),)), "{thing}", rng).text
    assert many.endswith(" butterflies")


def test_no_sentence_form_serves_both_training_and_measuring() -> None:
    assert not set(TRAINING_FORMS) & set(MEASURING_FORMS)
    assert not set(TRAINING_PAIR_FORMS) & set(MEASURING_PAIR_FORMS)


def test_no_measured_phrase_has_a_pattern_that_training_can_take() -> None:
    rng = random.Random(6)
    trained = set(TRAINING_PAIR_FORMS) | TRAINING_PATTERNS
    seen = {phrase_about(scene_of_seed(seed % 4000), rng).form for seed in range(8000)}
    assert seen <= trained
    questions = sample_phrases(700, 11)
    assert len({question.phrase.text for question in questions}) == 700
    assert not {question.phrase.form for question in questions} & trained


@pytest.mark.slow
def test_measured_phrases_use_only_words_of_training() -> None:
    words = tokenizer()
    known = set(known_tokens(words).tolist())
    rng = random.Random(2)
    trained: set[int] = set()
    for number in range(20_000):
        trained.update(words.encode(phrase_about(scene_of_seed(number), rng).text))
    for question in sample_phrases(700, 3):
        used = set(words.encode(question.phrase.text))
        assert used <= trained
    assert trained <= known


def test_a_form_that_cannot_say_the_claims_is_refused() -> None:
    rng = random.Random(0)
    with pytest.raises(ValueError, match="leave one of them free"):
        word(Claims((Said("cat"),), time="day"), "{thing} on a {weather_adjective} {time_noun}", rng)
    pair = Claims((Said("cat"), Said("dog")), ordered=True)
    with pytest.raises(ValueError, match="left and right"):
        word(pair, "{one} and {other}", rng)
    assert all("{left}" in form for form in forms_for(pair, measuring=True))


def test_the_questions_are_true_of_a_picture_in_the_pool_of_their_tag() -> None:
    questions = sample_phrases(520, 5)
    assert questions == sample_phrases(520, 5)
    for question in questions:
        assert question.tag in SUBJECTS
        assert any(shows(question, number) for number in pool_of(question.tag))
        assert question.phrase.claims.facts >= 3
        if question.kind == "two subjects":
            assert all(thing.colour for thing in question.phrase.claims.things)
    assert sum(question.kind == "two subjects" for question in questions) > 100


def test_the_popular_order_seldom_shows_the_phrase_first_and_a_knowing_order_always() -> None:
    questions = sample_phrases(520, 5)
    popular = figures(questions, popular_order)[0]
    assert popular.first <= 0.10

    def knowing(question: object) -> list[int]:
        found = next(asked for asked in questions if asked is question)
        return sorted(pool_of(found.tag), key=lambda number: not shows(found, number))

    assert [line.first for line in figures(questions, knowing)] == [1.0] * 4
    assert {number for tag in SUBJECTS for number in pool_of(tag)} == set(shipped_scenes())
