"""Training: the loss, the anchors, determinism, resuming, and the exported model."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from PIL import Image

from training import anchors
from training.captions import Claims, Said
from training.render import squares, worn_square
from training.scenes import Figure, Scene
from training.tiny_clip import (
    CONTEXT,
    MODEL,
    encode_phrases,
    export,
    exported,
    known_tokens,
    newborn,
    tokenizer,
)
from training.train import Exam, Plan, Run, Shelf, as_they_are, many_right_loss, rate_at, settle_norms, worn

pytestmark = pytest.mark.own_export  # no test here runs the sample's model

SAMPLE = Path(__file__).parent.parent / "phrasepix" / "sample"
SMALL: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 4, "head_width": 32, "patch_size": None},
    "text_cfg": {"context_length": CONTEXT, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
PLAN = Plan(steps=4, warm_up=2, lessons=3, scenes=240, groups=2, group=8)


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf(0, np.stack([worn_square(seed, 40) for seed in range(PLAN.scenes)]))


def weights(run: Run) -> dict[str, npt.NDArray[Any]]:
    return {name: value.detach().numpy().copy() for name, value in run.model.state_dict().items()}


def assert_same(one: dict[str, npt.NDArray[Any]], other: dict[str, npt.NDArray[Any]]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.mark.slow
def test_equal_seeds_train_to_equal_weights(shelf: Shelf) -> None:
    trained = []
    for _ in range(2):
        torch.rand(3)  # the global generator must not matter
        run = Run(PLAN, shelf, SMALL)
        for _ in range(2):
            run.read()
        for _ in range(3):
            run.advance()
        trained.append(weights(run))
    assert_same(*trained)


def test_training_changes_the_weights_and_another_seed_gives_others(shelf: Shelf) -> None:
    run, other = Run(PLAN, shelf, SMALL), Run(Plan(**{**vars(PLAN), "seed": 2}), shelf, SMALL)
    before = weights(run)
    run.advance()
    assert not np.array_equal(before["visual.conv1.weight"], weights(run)["visual.conv1.weight"])
    assert not np.array_equal(before["visual.conv1.weight"], weights(other)["visual.conv1.weight"])


@pytest.mark.slow
def test_a_run_broken_off_and_resumed_equals_one_that_was_not(shelf: Shelf, tmp_path: Path) -> None:
    whole = Run(PLAN, shelf, SMALL)
    losses = [whole.read(), whole.read(), whole.read(), *(whole.advance() for _ in range(3))]
    first = Run(PLAN, shelf, SMALL)
    assert [first.read(), first.read(), first.read(), first.advance()] == losses[:4]
    first.save(tmp_path / "checkpoint.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    second = Run(PLAN, shelf, SMALL)
    second.resume(tmp_path / "checkpoint.pt")
    assert [second.advance(), second.advance()] == losses[4:]
    assert_same(weights(whole), weights(second))


def test_lessons_broken_off_and_resumed_go_on_where_they_were(shelf: Shelf, tmp_path: Path) -> None:
    whole = Run(PLAN, shelf, SMALL)
    losses = [whole.read() for _ in range(3)]
    first = Run(PLAN, shelf, SMALL)
    first.read()
    first.save(tmp_path / "checkpoint.pt")
    second = Run(PLAN, shelf, SMALL)
    second.resume(tmp_path / "checkpoint.pt")
    assert [second.read(), second.read()] == losses[1:]
    assert_same(weights(whole), weights(second))


def test_reading_lessons_leave_the_picture_tower_alone(shelf: Shelf) -> None:
    run = Run(PLAN, shelf, SMALL)
    before = weights(run)
    run.read()
    after = weights(run)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert "token_embedding.weight" in moved
    assert not any(name.startswith("visual.") for name in moved)


def test_a_checkpoint_of_another_plan_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    Run(PLAN, shelf, SMALL).save(tmp_path / "checkpoint.pt")
    other = Run(Plan(**{**vars(PLAN), "rate": 0.5}), shelf, SMALL)
    with pytest.raises(ValueError, match="give another --work"):
        other.resume(tmp_path / "checkpoint.pt")


@pytest.mark.slow
def test_a_batch_groups_whole_families_by_subject_with_true_phrases(shelf: Shelf) -> None:
    run = Run(PLAN, shelf, SMALL)
    rows, phrases = run.batch(5)
    assert (rows, phrases) == run.batch(5)
    assert rows != run.batch(6)[0]
    assert {row - row % 4 + i for row in rows for i in range(4)} == set(rows)
    assert all(phrase.shown_by(shelf.scenes[row]) for row, phrase in zip(rows, phrases, strict=True))


def test_the_loss_lets_right_pairs_stand_beside_each_other_and_pushes_wrong_ones_away() -> None:
    right = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    good = torch.where(right, 20.0, -20.0)
    assert float(many_right_loss(good, right)) < 1e-6
    assert float(many_right_loss(-good, right)) > 30
    one_wrong = good.clone()
    one_wrong[0, 2] = 25.0
    assert float(many_right_loss(one_wrong, right)) > 1
    rivals = torch.ones_like(right)
    rivals[0, 2] = False  # what does not compete cannot cost anything
    assert float(many_right_loss(one_wrong, right, rivals)) < 1e-6


def test_the_rate_warms_up_and_falls() -> None:
    plan = Plan(steps=1000, warm_up=100)
    rates = [rate_at(step, plan) for step in range(1000)]
    assert rates[0] < rates[50] < rates[99] == pytest.approx(plan.rate)
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[-1] < 0.02 * plan.rate


def test_augmentation_never_mirrors() -> None:
    pixels = np.zeros((16, 40, 40, 3), dtype=np.uint8)
    pixels[:, :, :20, 0] = 255
    for seed in range(5):
        squares_now = worn(pixels, 32, torch.Generator().manual_seed(seed))
        assert (squares_now[:, 0, :, :10].mean(dim=(1, 2)) > squares_now[:, 0, :, 22:].mean(dim=(1, 2)) + 1).all()


def test_anchors_of_a_scene_hold_the_anchors_of_what_a_true_phrase_says() -> None:
    scene = Scene(2, (Figure("car", "red"), Figure("house", "blue")), "street", "day", "snow", "landscape")
    true = Claims((Said("car", "red"), Said("house", "blue")), ordered=True, weather="snow")
    false = Claims((Said("car", "blue"), Said("house", "red")), ordered=True, weather="snow")
    assert set(anchors.said(true)) < set(anchors.shown(scene))
    assert not set(anchors.said(false)) <= set(anchors.shown(scene))
    table = anchors.Anchors(24)
    near = torch.nn.functional.normalize(table.table_embedding[anchors.shown(scene)].mean(0, keepdim=True), dim=-1)
    facts = [anchors.shown(scene)]
    assert float(table(near, facts).detach()) < float(table(-near, facts).detach())


def test_drawn_squares_are_read_back_and_nothing_half_done_is_left(tmp_path: Path) -> None:
    drawn = squares(tmp_path, 12, 5, side=24, processes=1)
    assert drawn.shape == (5, 24, 24, 3)
    assert np.array_equal(drawn[2], worn_square(14, 24))
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]
    assert np.array_equal(drawn, squares(tmp_path, 12, 5, side=24, processes=1))


def test_shortened_phrases_encode_as_open_clip_encodes_them_whole() -> None:
    model = newborn(3, SMALL).eval()
    tokens = tokenizer()(["two red boats at night in the rain", "a cat", "a lone white chair left of a green bus"])
    with torch.no_grad():
        ours, whole = encode_phrases(model, tokens), model.encode_text(tokens, normalize=True)
    assert float((ours - whole).abs().max()) < 1e-5


def test_words_never_met_have_no_vector_of_their_own() -> None:
    model = newborn(3, SMALL)
    words = tokenizer()
    known = known_tokens(words)
    table = model.token_embedding.weight.detach()
    assert (table[known].abs().sum(1) > 0).all()
    assert int((table.abs().sum(1) > 0).sum()) == len(known)
    assert not table[words.encode("zeppelin")].any()


def test_the_exam_marks_a_model_on_held_out_forms(shelf: Shelf) -> None:
    run = Run(PLAN, shelf, SMALL)
    # Scenes enough for each kind of question; which drawing stands for which, the marks need not know.
    exam = Exam(Shelf(0, np.resize(shelf.pixels, (800, *shelf.pixels.shape[1:]))), per_subject=2)
    marks = exam.mark(run.model, run.side)
    assert set(marks) == {"one", "two", "training"}
    assert all(0 <= mark <= 1 for mark in marks.values())


def test_settling_the_norms_leaves_the_weights_alone(shelf: Shelf) -> None:
    run = Run(PLAN, shelf, SMALL)
    before = weights(run)
    settle_norms(run, batches=2)
    after = weights(run)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved
    assert all("running" in name or "batches" in name for name in moved)


def test_what_is_exported_ranks_as_what_was_trained(tmp_path: Path) -> None:
    model = newborn(4).eval()
    with torch.no_grad():
        model.visual.attnpool.c_proj.weight.mul_(3)
    export(model, tmp_path)
    loaded, transform, tokens = exported(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["open_clip_config.json", "open_clip_model.safetensors"]
    pixels = np.stack([worn_square(seed, 96) for seed in range(12)])
    phrases = ["a red boat", "two cats at night", "a green bus left of a red apple"]
    with torch.no_grad():
        ours = (
            model.encode_text(tokenizer()(phrases), normalize=True)
            @ model.encode_image(as_they_are(pixels, 96), normalize=True).T
        )
        pictures = torch.stack([transform(Image.fromarray(square)) for square in pixels])
        theirs = loaded.encode_text(tokens(phrases), normalize=True) @ loaded.encode_image(pictures, normalize=True).T
    assert float((ours - theirs).abs().max()) < 5e-3


def test_the_shipped_model_is_open_clips_own_class_and_small() -> None:
    directory = SAMPLE / "model"
    assert sum(path.stat().st_size for path in directory.iterdir()) <= 16_000_000
    model, _, tokens = exported(directory)
    assert type(model) is open_clip.model.CLIP
    assert tokens(["a cat"]).shape == (1, CONTEXT)
    assert {name: MODEL[name] for name in ("embed_dim",)} == {"embed_dim": model.text_projection.shape[1]}
    assert all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())
