"""What an encoder promises that compares pairs of pictures closely."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageDraw

from phrasepix_core.contracts import demand, nothing_to_check, shown
from reranker.encoder import preparing
from reranker.pairs import Agreement, ComparesMany, ShowsKeyPoints, VerifiesPairs, features_of
from reranker.testing.trial import CONTRACT, EncoderTrial, made_pictures

_PAIRS = "reranker.pairs.VerifiesPairs"
_KEY_POINTS = "reranker.pairs.ShowsKeyPoints"


def drawn_scene(seed: int) -> Image.Image:
    """Return a picture of 300 × 240 pixels with many shapes, other ones for another seed."""
    dice = np.random.default_rng(seed)
    picture = Image.new("RGB", (300, 240), tuple(dice.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(80):
        left, upper = dice.integers(0, 300), dice.integers(0, 240)
        corners = [(int(left + x), int(upper + y)) for x, y in dice.integers(-30, 31, (4, 2))]
        draw.polygon(corners, fill=tuple(dice.integers(0, 256, 3).tolist()))
    return picture


def _features(trial: EncoderTrial, picture: Image.Image) -> bytes:
    found = features_of(trial.encoder, preparing(trial.encoder).prepare_picture(picture))
    demand(isinstance(found, bytes), "features of a picture", shown(found))
    return found or b""


@CONTRACT.promise("a picture agrees with itself more than with another, from 0 to 1", see=_PAIRS)
def compares_pairs(trial: EncoderTrial) -> None:
    """The same each time, from many threads at once; points lie within the pictures."""
    encoder = trial.encoder
    if not isinstance(encoder, VerifiesPairs):
        nothing_to_check("it compares no pairs")
    demand(encoder.verified >= 1, "the property verified", shown(encoder.verified))
    one, other = _features(trial, drawn_scene(1)), _features(trial, drawn_scene(2))
    itself, between = encoder.agreement(one, one), encoder.agreement(one, other)
    for given, found in (("a picture and itself", itself), ("two pictures", between)):
        demand(isinstance(found, Agreement) and 0 <= found.score <= 1, f"agreement of {given}", shown(found))
        points = found.points
        in_pictures = points.ndim == 2 and points.shape[1] == 4 and bool(((points >= 0) & (points <= 1)).all())
        demand(in_pictures, f"the points of {given}", f"an array {list(points.shape)}, or beyond the pictures")
    demand(
        itself.score > between.score,
        "agreement of a picture with itself, and with another",
        f"{itself.score:.3f} and {between.score:.3f}",
    )
    with ThreadPoolExecutor(4) as threads:
        again = list(threads.map(lambda _: encoder.agreement(one, other).score, range(8)))
    demand(set(again) == {between.score}, "agreement of one pair, by four threads at once", shown(sorted(set(again))))


@CONTRACT.promise("what has no features agrees with nothing, and bytes that are none do too", see=_PAIRS)
def compares_anything(trial: EncoderTrial) -> None:
    """A plain picture, one of a single pixel, damaged bytes."""
    encoder = trial.encoder
    if not isinstance(encoder, VerifiesPairs):
        nothing_to_check("it compares no pairs")
    whole = _features(trial, drawn_scene(1))
    plain = {
        "a plain picture": _features(trial, made_pictures()[3]),
        "one pixel": _features(trial, Image.new("RGB", (1, 1))),
        "no bytes": b"",
        "half of the bytes": whole[: len(whole) // 2],
    }
    for what, features in plain.items():
        for pair in ((features, whole), (whole, features), (features, features)):
            score = encoder.agreement(*pair).score
            demand(score == 0, f"agreement of {what} and others", f"{score:.3f}, not 0")


@CONTRACT.promise("its key points lie within the picture, and bytes that are none have none", see=_KEY_POINTS)
def shows_key_points(trial: EncoderTrial) -> None:
    """Of a picture with many shapes there are some."""
    encoder = trial.encoder
    if not isinstance(encoder, ShowsKeyPoints):
        nothing_to_check("it shows no key points")
    whole = _features(trial, drawn_scene(1))
    places = encoder.key_point_places(whole)
    in_picture = places.ndim == 2 and places.shape[1] == 2 and bool(((places >= 0) & (places <= 1)).all())
    demand(in_picture and len(places) > 0, "key points", f"an array {list(places.shape)}, or beyond the picture")
    for given, features in (("no bytes", b""), ("half of the bytes", whole[: len(whole) // 2])):
        none = encoder.key_point_places(features)
        demand(none.shape == (0, 2), f"key points of {given}", f"an array {list(none.shape)}")


@CONTRACT.promise(
    "a picture compared with several at once agrees as with each alone", see="reranker.pairs.ComparesMany"
)
def compares_many_as_each_alone(trial: EncoderTrial) -> None:
    """Two pictures, one that has no features, damaged bytes; and nobody."""
    encoder = trial.encoder
    if not (isinstance(encoder, ComparesMany) and isinstance(encoder, VerifiesPairs)):
        nothing_to_check("it compares no picture with several at once")
    one, other = _features(trial, drawn_scene(1)), _features(trial, drawn_scene(2))
    others = [other, b"", one, _features(trial, made_pictures()[3]), one[: len(one) // 2], one]
    together = [found.score for found in encoder.agreements(one, others)]
    alone = [encoder.agreement(one, each).score for each in others]
    demand(together == alone, "agreements of one picture with six", f"{shown(together)}; alone {shown(alone)}")
    demand(len(encoder.agreements(one, [])) == 0, "agreements with no picture", "some")
