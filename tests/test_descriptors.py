"""Classical encoders: each keeps its promises, and finds what it is for among drawn pictures and photographs."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from phrasepix.sample import MODEL_DIRECTORY
from phrasepix_core.extras import is_installed
from reranker.descriptors.vlad import Codebook
from reranker.encoder import Encoder, PreparesPictures
from reranker.encoder_profile import HasProfile
from reranker.errors import NoTextsError
from reranker.loading import Loading
from reranker.models.registry import load_registered
from reranker.pairs import VerifiesPairs, features_of
from reranker.testing import check_encoder
from reranker.testing.pair_checks import drawn_scene

LOCAL = ("sift", "akaze", "orb")
COMPARING = {"compares_pairs", "compares_anything", "compares_many_as_each_alone", "shows_key_points"}
CORE = ("hog", "colour", "phash")
PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
needs_opencv = pytest.mark.skipif(not is_installed("cv2"), reason="OpenCV (the extra descriptors) is not installed")
ALL = [*(pytest.param(name, marks=needs_opencv) for name in LOCAL), *CORE]


@cache
def encoder_named(name: str) -> Encoder:
    return load_registered(name, Loading(cache_directory=Path("nowhere")))


@cache
def drawn() -> tuple[Image.Image, ...]:
    """Pictures of the sample, twelve of them."""
    return tuple(
        Image.open(path).convert("RGB")
        for path in sorted((MODEL_DIRECTORY.parent / "pictures").glob("*.jpg"))[::60][:12]
    )


@cache
def photographs() -> tuple[Image.Image, ...]:
    if not PHOTOS.is_dir():
        pytest.skip("needs ../shared/photos")
    return tuple(Image.open(path).convert("RGB") for path in sorted(PHOTOS.glob("*.jpg"))[:8])


def middle(picture: Image.Image, share: float = 0.4) -> Image.Image:
    """The middle of a picture, that share of its area."""
    width, height = (round(side * share**0.5) for side in picture.size)
    left, upper = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, upper, left + width, upper + height))


def found_first(
    encoder: Encoder, pictures: tuple[Image.Image, ...], change: Callable[[Image.Image], Image.Image]
) -> float:
    """The share of pictures that are nearest to what was made of them, by their embeddings and then in pairs."""
    pool, asked = encoder.encode_pictures(pictures), [change(picture) for picture in pictures]
    cosines = encoder.encode_pictures(asked) @ pool.T
    if isinstance(encoder, VerifiesPairs) and isinstance(encoder, PreparesPictures):
        ours = [features_of(encoder, encoder.prepare_picture(one)) or b"" for one in asked]
        theirs = [features_of(encoder, encoder.prepare_picture(one)) or b"" for one in pictures]
        cosines = cosines + np.array([[10 * encoder.agreement(a, b).score for b in theirs] for a in ours])
    return float((cosines.argmax(axis=1) == np.arange(len(pictures))).mean())


@pytest.mark.parametrize("name", ALL)
def test_it_keeps_its_promises(name: str) -> None:
    encoder = encoder_named(name)
    undecided = set(check_encoder(encoder, others=[load_registered(name, Loading(cache_directory=Path("other")))]))
    not_theirs = {"encodes_texts", "takes_any_text", "knows_texts_as_it_encodes_them", "loads_its_towers_at_any_time"}
    not_theirs |= {"declares_its_family", "names_its_image_tower", "encodes_side_by_side"}
    assert undecided == not_theirs | (set() if name in LOCAL else COMPARING)


@pytest.mark.parametrize("name", ALL)
def test_it_remembers_no_more_than_it_says(name: str) -> None:
    encoder = encoder_named(name)
    assert isinstance(encoder, HasProfile)
    assert isinstance(encoder, PreparesPictures)
    dice = np.random.default_rng(4)
    busy = Image.fromarray(dice.integers(0, 256, (600, 800, 3), dtype=np.uint8)).resize((1600, 1200))
    kept = 4 * encoder.dimensions + len(features_of(encoder, encoder.prepare_picture(busy)) or b"")
    assert kept <= encoder.profile.bytes_per_picture


@pytest.mark.parametrize("name", ALL)
def test_asked_for_a_text_it_says_who_reads_texts(name: str) -> None:
    with pytest.raises(NoTextsError, match=rf"the encoder {name} \d.* compares pictures with pictures .*ViT-B-32"):
        encoder_named(name).encode_texts(["a tiger"])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [(1, 1), (20_000, 100), (3, 5000)])
def test_hostile_pictures_have_embeddings(name: str, size: tuple[int, int]) -> None:
    dice = np.random.default_rng(3)
    noise = Image.fromarray(dice.integers(0, 256, (4, 16, 3), dtype=np.uint8)).resize(size)
    white = Image.new("RGB", size, "white")
    encoder = encoder_named(name)
    rows = encoder.encode_pictures([white, noise, white, noise])
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.array_equal(rows[:2], rows[2:])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.slow
def test_the_same_picture_in_another_size_is_found_among_drawn_ones(name: str) -> None:
    half = found_first(encoder_named(name), drawn(), lambda one: one.resize((one.width // 2, one.height // 2)))
    assert half == 1


@needs_opencv
def test_a_codebook_is_learnt_the_same_again(tmp_path: Path) -> None:
    codebooks = pytest.importorskip("training.codebooks")
    rows = np.random.default_rng(1).random((400, 128), dtype=np.float32)
    for name in ("one", "again"):
        codebooks.write_codebook(tmp_path / f"{name}.npz", rows)
    one, again = (Codebook.read(tmp_path / f"{name}.npz") for name in ("one", "again"))
    assert one.digest == again.digest
    assert one.dimensions == Codebook.named("sift").dimensions
    np.testing.assert_allclose(np.linalg.norm(one.vlad(rows[:50])), 1, atol=1e-5)
    assert not one.vlad(rows[:0]).any()


@needs_opencv
@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("degrees", [45, 180])
@pytest.mark.slow
def test_a_turned_photograph_is_found_by_its_key_points(name: str, degrees: int) -> None:
    turned = found_first(encoder_named(name), photographs(), lambda one: one.rotate(degrees, Image.Resampling.BICUBIC))
    assert turned == 1


@needs_opencv
@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.slow
def test_two_fifths_of_a_photograph_are_found_by_their_key_points(name: str) -> None:
    assert found_first(encoder_named(name), photographs(), middle) == 1


@needs_opencv
def test_points_that_agree_lie_where_the_crop_was_cut() -> None:
    encoder, whole = encoder_named("sift"), photographs()[0]
    assert isinstance(encoder, VerifiesPairs)
    assert isinstance(encoder, PreparesPictures)
    left, upper, right, lower = whole.width // 4, whole.height // 4, 3 * whole.width // 4, 3 * whole.height // 4
    ours, theirs = (
        encoder.features(encoder.prepare_picture(one)) for one in (whole.crop((left, upper, right, lower)), whole)
    )
    agreed = encoder.agreement(ours, theirs)
    assert len(agreed.points) >= 20
    assert agreed.score == len(agreed.points) / (len(agreed.points) + 8)
    np.testing.assert_allclose(agreed.points[:, :2] / 2 + 0.25, agreed.points[:, 2:], atol=0.02)


@needs_opencv
def test_key_points_are_kept_in_every_part_of_a_picture_and_the_largest_too() -> None:
    import cv2

    from reranker.descriptors.chosen_points import chosen_points

    dice = np.random.default_rng(6)
    strong = [cv2.KeyPoint(float(x), float(y), 3, 0, 1) for x, y in dice.uniform(0, 40, (500, 2))]
    weak = [cv2.KeyPoint(float(x), float(y), 3, 0, 0.1) for x, y in dice.uniform(0, 320, (500, 2))]
    large = [cv2.KeyPoint(float(x), float(y), 30, 0, 0.01) for x, y in dice.uniform(0, 320, (20, 2))]
    points = [*strong, *weak, *large]
    kept = chosen_points(points, 90, (320, 320))
    assert len({*kept.tolist()}) == 90
    assert {*range(1000, 1020)} <= {*kept.tolist()}
    parts = {(int(points[at].pt[0] / 40), int(points[at].pt[1] / 40)) for at in kept[:60]}
    assert len(parts) >= 55, "a corner with all the strong ones takes the places of few others"
    order = dice.permutation(len(points))
    again = chosen_points([points[at] for at in order], 90, (320, 320))
    assert [points[at].pt for at in kept] == [points[order[at]].pt for at in again]
    assert chosen_points([], 90, (320, 320)).size == 0
    assert sorted(chosen_points(points[:7], 90, (320, 320)).tolist()) == [*range(7)]


@needs_opencv
@pytest.mark.parametrize("binary", [False, True])
def test_pairs_of_descriptors_are_each_others_nearest_and_pass_the_ratio_test(binary: bool) -> None:
    from reranker.descriptors.pair_geometry import RATIO, nearest_pairs

    dice = np.random.default_rng(5)
    one = dice.integers(0, 256, (40, 16), dtype=np.uint8)
    near = one[dice.permutation(40)[:30]] ^ dice.integers(0, 2, (30, 16), dtype=np.uint8)
    others = [near, dice.integers(0, 256, (25, 16), dtype=np.uint8), one[:1], one[:0], np.repeat(one, 2, axis=0)]
    found = nearest_pairs(one, others, binary=binary)
    assert len(found[0][0]) > 20
    for other, (here, there) in zip(others, found, strict=True):
        expected = []
        if len(other) > 1:
            parts = [(np.unpackbits(rows, axis=1) if binary else rows).astype(np.int64) for rows in (one, other)]
            away = ((parts[0][:, None] - parts[1][None]) ** 2).sum(axis=2)
            for row, squares in enumerate(away):
                best, next_best = np.sort(squares)[:2]
                column = int(squares.argmin())
                if best < (RATIO if binary else RATIO**2) * next_best and away[:, column].argmin() == row:
                    expected.append((row, column))
        assert [*zip(here.tolist(), there.tolist(), strict=True)] == expected


@needs_opencv
def test_a_mirrored_photograph_does_not_agree() -> None:
    encoder, whole = encoder_named("sift"), photographs()[0]
    assert isinstance(encoder, VerifiesPairs)
    assert isinstance(encoder, PreparesPictures)
    ours, theirs = (
        encoder.features(encoder.prepare_picture(one))
        for one in (whole.transpose(Image.Transpose.FLIP_LEFT_RIGHT), whole)
    )
    assert encoder.agreement(ours, theirs).score == 0


def test_colours_are_found_wherever_they_are_and_by_how_far_they_move() -> None:
    encoder = encoder_named("colour")
    scene = drawn_scene(5)
    turned, warmer, other = scene.rotate(180), ImageEnhance.Color(scene).enhance(0.7), drawn_scene(6)
    rows = encoder.encode_pictures([scene, turned, warmer, other])
    cosines = rows @ rows[0]
    assert cosines[1] == pytest.approx(1, abs=1e-3)
    assert cosines[1] > cosines[2] > cosines[3]
    plain = encoder.encode_pictures([Image.new("RGB", (9, 9), (200, 40 + 40 * step, 40)) for step in range(5)])
    assert np.all(np.diff(plain @ plain[0]) < 0)  # the farther a colour moves, the less


def test_a_hash_differs_by_the_share_of_its_bits() -> None:
    encoder = encoder_named("phash")
    rows = encoder.encode_pictures([drawn_scene(1), drawn_scene(2)])
    assert set(np.unique(np.abs(rows))) == {np.float32(1 / 8)}
    assert rows[0] @ rows[1] == pytest.approx(1 - 2 * (rows[0] != rows[1]).mean(), abs=1e-6)


def test_edges_are_found_in_another_light() -> None:
    encoder = encoder_named("hog")
    scene = drawn_scene(1)
    rows = encoder.encode_pictures([scene, ImageEnhance.Brightness(scene).enhance(0.6), drawn_scene(2)])
    assert rows[0] @ rows[1] > 0.95 > rows[0] @ rows[2]
