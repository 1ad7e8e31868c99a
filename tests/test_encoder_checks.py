"""`check_encoder`: our own encoders keep every promise, and each check fails for an encoder that breaks its promise."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from phrasepix.sample import MODEL_DIRECTORY
from reranker import Encoder, OpenClipEncoder
from reranker.encoder import Embeddings, unit_rows
from reranker.encoder_profile import EncoderProfile
from reranker.engine.factory import load_encoder
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.models.model_spec import ModelSpec
from reranker.models.paired_encoder import PairedEncoder
from reranker.pairs import NO_AGREEMENT, Agreement
from reranker.testing import BrokenPromiseError, ColourEncoder, check_encoder, encoder_checks
from reranker.testing.trial import CONTRACT
from tests.first_often import first_often
from tests.made_tokenizers import write_siglip, write_text_tower
from tests.tiny_models import TINY, random_tiny, write_model

# --- our own


@pytest.fixture(scope="module")
def choices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelSpec]:
    """A model of each kind, of a few kilobytes but for the sample."""
    place = tmp_path_factory.mktemp("models")
    tiny = f"local-dir:{write_model(place / 'tiny', random_tiny(0))}"
    shortest = {**TINY, "preprocess_cfg": TINY["preprocess_cfg"] | {"resize_mode": "shortest"}}
    return {
        "tiny": ModelSpec(tiny),
        "shortest": ModelSpec(f"local-dir:{write_model(place / 'shortest', random_tiny(0), shortest)}"),
        "other": ModelSpec(f"local-dir:{write_model(place / 'other', random_tiny(1))}"),
        "siglip": ModelSpec(f"local-dir:{write_siglip(place / 'siglip')}"),
        "paired": ModelSpec(tiny, None, f"local-dir:{write_text_tower(place / 'text')}"),
        "sample": ModelSpec(f"local-dir:{MODEL_DIRECTORY}"),
    }


@pytest.fixture(scope="module")
def load(
    choices: dict[str, ModelSpec], tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]
) -> Callable[[str, str], Encoder]:
    """Loads the encoder of a model, run by an engine."""
    cache = tmp_path_factory.mktemp("cache")
    link_export(cache)
    loaded: dict[tuple[str, str], Encoder] = {}

    def encoder(model: str, engine: str) -> Encoder:
        if (model, engine) not in loaded:
            loaded[model, engine] = load_encoder(choices[model], cache, device="cpu", engine=engine)
        return loaded[model, engine]

    return encoder


OURS = {
    ("shortest", "torch"): OpenClipEncoder,
    ("siglip", "torch"): OpenClipEncoder,
    ("paired", "torch"): PairedEncoder,
    ("shortest", "openvino"): OpenVinoEncoder,
    ("siglip", "openvino"): OpenVinoEncoder,
    ("paired", "openvino"): PairedEncoder,
    ("sample", "openvino"): OpenVinoEncoder,
}
OF_PICTURE_ENCODERS = {
    "has_a_true_profile",
    "refuses_texts",
    "compares_pairs",
    "compares_anything",
    "shows_key_points",
    "compares_many_as_each_alone",
}
NEEDS_OPENVINO = {
    "prepares_pictures", "knows_texts_as_it_encodes_them", "loads_its_towers_at_any_time", "encodes_side_by_side"
}  # fmt: skip


@pytest.mark.parametrize(("model", "engine"), first_often(4, OURS))
def test_our_encoders_keep_their_promises(model: str, engine: str, load: Callable[[str, str], Encoder]) -> None:
    encoder = load(model, engine)
    assert type(encoder) is OURS[model, engine]
    undecided = check_encoder(encoder)
    assert (
        set(undecided)
        <= {"is_known_by_its_name", "declares_its_family", "names_its_image_tower"}
        | NEEDS_OPENVINO
        | OF_PICTURE_ENCODERS
    )
    if engine == "openvino":
        assert not NEEDS_OPENVINO & {*undecided}


@pytest.mark.parametrize("engine", first_often(1, ["torch", "openvino"]))
def test_our_encoders_are_known_by_their_names(engine: str, load: Callable[[str, str], Encoder]) -> None:
    others = [load(model, engine) for model in ("shortest", "other", "paired")]
    dict(encoder_checks(load("tiny", engine), others=others))["is_known_by_its_name"]()


def test_the_double_keeps_its_promises() -> None:
    assert "gives_unit_rows" not in check_encoder(ColourEncoder(), others=[ColourEncoder()])


# --- each check can fail


class Seeing:
    """An encoder that keeps every promise, and all the optional ones; what is derived from it breaks one."""

    name = "seeing"
    image_tower_name = "seeing's image tower"
    family: Any = "clip"
    dimensions = 12
    input_side = 8
    seed = 5

    def _projected(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        weights = np.random.default_rng(self.seed).normal(size=(self.dimensions, 193))
        return np.array([weights @ np.append(row, 1.0) for row in rows], np.float32).reshape(len(rows), self.dimensions)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        counted = [np.bincount(np.frombuffer(text.encode(), np.uint8) % 192, minlength=192) for text in texts]
        return unit_rows(self._projected([row / max(1, row.sum()) for row in counted]))

    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        return None if any("never" in text for text in texts) else self.encode_texts(texts)

    def prepare_picture(self, picture: Image.Image) -> np.ndarray:
        return np.asarray(picture.convert("RGB").resize((8, 8)), dtype=np.float64).ravel() / 255

    def encode_prepared(self, prepared: Sequence[np.ndarray]) -> Embeddings:
        return unit_rows(self._projected(prepared))

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        return self.encode_prepared([self.prepare_picture(picture) for picture in pictures])

    def load_image_tower(self) -> None: ...

    def keep_both_towers(self, both: bool) -> None: ...

    @property
    def encodes_side_by_side(self) -> bool:
        return True


class HasAnEmptyName(Seeing):
    name = ""


class HasHalfADimension(Seeing):
    dimensions: Any = 12.0


class GivesDoubles(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Any:
        return super().encode_texts(texts).astype(np.float64)


class GivesLists(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Any:
        return super().encode_texts(texts).tolist()


class GivesOneRow(Seeing):
    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        return super().encode_pictures(pictures)[:1]


class NormalisesNothing(Seeing):
    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        return 3 * super().encode_pictures(pictures)


class KnowsNoTexts(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return np.full((len(texts), 12), np.nan, dtype=np.float32)


class NeedsAText(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return np.stack([super(NeedsAText, self).encode_texts([text])[0] for text in texts])


class FlattensNothing(Seeing):
    def encode_prepared(self, prepared: Sequence[np.ndarray]) -> Embeddings:
        return super().encode_prepared(prepared) if prepared else np.empty(0, dtype=np.float32)


class DriftsAway(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.seed += 1
        return super().encode_texts(texts)


class NormalisesByTheBatch(Seeing):
    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        rows = super().encode_pictures(pictures)
        return unit_rows(rows - 0.5 * rows.mean(axis=0)) if len(rows) else rows


class PadsToTheLongest(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        longest = max(map(len, texts), default=0)
        return super().encode_texts([text.ljust(longest) for text in texts])


class SortsByLength(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return super().encode_texts(sorted(texts, key=len))


class ForgetsItsBatches(Seeing):
    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        rows = super().encode_pictures(pictures)
        return np.concatenate([rows[64:], rows[:64]])


class IsBlind(Seeing):
    def prepare_picture(self, picture: Image.Image) -> np.ndarray:
        return np.zeros(192)


class TakesRgbAlone(Seeing):
    def prepare_picture(self, picture: Image.Image) -> np.ndarray:
        return np.asarray(picture.resize((8, 8)), dtype=np.float64).reshape(192) / 255


class ReadsTransparencyAsBlack(Seeing):
    def prepare_picture(self, picture: Image.Image) -> np.ndarray:
        return super().prepare_picture(Image.new("RGB", picture.size) if picture.mode == "RGBA" else picture)


class ScalesByTheShortSide(Seeing):
    def prepare_picture(self, picture: Image.Image) -> np.ndarray:
        return super().prepare_picture(picture.resize((picture.width // 2, picture.height // 2)))


class ShrinksWhatItGets(Seeing):
    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        rows = super().encode_pictures(pictures)
        for picture in pictures:
            picture.thumbnail((8, 8))
        return rows


class NeedsWords(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return super().encode_texts([max(text.split(), key=len) for text in texts])


class ReadsAsciiAlone(Seeing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return super().encode_texts([text.encode("ascii").decode() for text in texts])


class RenamesItself(Seeing):
    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.name = f"seeing {len(pictures)}"
        return super().encode_pictures(pictures)


class HasOtherWeights(Seeing):
    seed = 6


class SharesATowerItHasNot(HasOtherWeights):
    name = "another"


class BelongsToItsThread(Seeing):
    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:")

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self._database.execute("SELECT 1")
        return super().encode_texts(texts)

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # the collector may call it in any thread
            self._database.close()


class PreparesOtherwise(Seeing):
    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        return self.encode_prepared([self.prepare_picture(picture.rotate(90)) for picture in pictures])


class KnowsOtherTexts(Seeing):
    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        return self.encode_texts([text.upper() for text in texts])


class KnowsAnyText(Seeing):
    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        return self.encode_texts([text for text in texts if "never" not in text])


class LosesItsWeights(Seeing):
    def load_image_tower(self) -> None:
        self.seed += 1


class ChangesWithBothTowers(Seeing):
    def keep_both_towers(self, both: bool) -> None:
        self.seed = 9 if both else 5


class MixesWhatItDoesAtOnce(Seeing):
    def __init__(self) -> None:
        self._at_once = threading.Barrier(2)

    def encode_prepared(self, prepared: Sequence[np.ndarray]) -> Embeddings:
        self._meet(9)
        return super().encode_prepared(prepared)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self._meet(5)
        return super().encode_texts(texts)

    def _meet(self, seed: int) -> None:
        with suppress(threading.BrokenBarrierError):  # nobody came
            self._at_once.wait(timeout=1.0)
            self.seed = seed
        self._at_once.reset()


class WritesItsFamilyLarge(Seeing):
    family = "CLIP"


class HasANumberAsFamily(Seeing):
    family = 7


class HasNoTowerName(Seeing):
    image_tower_name: Any = None


class ClaimsToReadNothing(Seeing):
    """Of pictures alone, says its profile; its texts have rows still."""

    profile = EncoderProfile(
        title="seeing",
        encodes=frozenset({"pictures"}),
        bytes_per_picture=48,
        licence="MIT",
        home_url="https://example.org/",
    )


class FailsAtTexts(ClaimsToReadNothing):
    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        raise NotImplementedError("texts")


class TakesMoreThanItSays(Seeing):
    profile = replace(ClaimsToReadNothing.profile, encodes=frozenset({"texts", "pictures"}), bytes_per_picture=4)


class EncodesNothing(Seeing):
    profile = replace(ClaimsToReadNothing.profile, encodes=frozenset())


class Comparing(Seeing):
    """Compares pairs by their colours, and keeps every promise about that."""

    verified = 10

    def features(self, prepared: np.ndarray) -> bytes:
        return bytes(np.rint(prepared * 255).astype(np.uint8))

    def agreement(self, one: bytes, other: bytes) -> Agreement:
        if len(one) != 192 or len(other) != 192 or len(set(one)) < 4 or len(set(other)) < 4:
            return NO_AGREEMENT
        ours, theirs = np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8)
        return Agreement(float((ours == theirs).mean()), np.zeros((1, 4), dtype=np.float32))


class AgreesWithAll(Comparing):
    def agreement(self, one: bytes, other: bytes) -> Agreement:
        return Agreement(0.5, np.zeros((1, 4), dtype=np.float32))


class CountsPoints(Comparing):
    def agreement(self, one: bytes, other: bytes) -> Agreement:
        return Agreement(40.0, np.zeros((1, 4), dtype=np.float32))


class GivesPixels(Comparing):
    def agreement(self, one: bytes, other: bytes) -> Agreement:
        return Agreement(super().agreement(one, other).score, np.full((1, 4), 120, dtype=np.float32))


class AgreesLessInCompany(Comparing):
    def agreements(self, one: bytes, others: Sequence[bytes]) -> list[Agreement]:
        alone = [self.agreement(one, other) for other in others]
        return [Agreement(agreed.score / len(others), agreed.points) for agreed in alone]


class TrustsItsBytes(Comparing):
    def agreement(self, one: bytes, other: bytes) -> Agreement:
        score = float((np.frombuffer(one, np.uint8) == np.frombuffer(other, np.uint8)).mean())
        return Agreement(score, np.zeros((1, 4), dtype=np.float32))


class Pointing(Comparing):
    """Says that there is one key point, in the middle."""

    def key_point_places(self, features: bytes) -> NDArray[np.float32]:
        return np.full((1 if len(features) == 192 else 0, 2), 0.5, dtype=np.float32)


class PointsInPixels(Pointing):
    def key_point_places(self, features: bytes) -> NDArray[np.float32]:
        return 8 * super().key_point_places(features)


class PointsAnyway(Pointing):
    def key_point_places(self, features: bytes) -> NDArray[np.float32]:
        return np.full((1, 2), 0.5, dtype=np.float32)


BROKEN: list[tuple[str, type[Seeing], str]] = [
    ("has_the_members", HasAnEmptyName, "''"),
    ("has_the_members", HasHalfADimension, "12.0"),
    ("encodes_texts", GivesDoubles, "an array of float64, not float32"),
    ("encodes_texts", GivesLists, "list, not a NumPy array"),
    ("encodes_pictures", GivesOneRow, "an array [1, 12], not [4, 12]"),
    ("gives_unit_rows", NormalisesNothing, "[3.0, 3.0, 3.0, 3.0]"),
    ("gives_unit_rows", KnowsNoTexts, "[nan, nan, nan]"),
    ("takes_nothing", NeedsAText, "ValueError: need at least one array to stack"),
    ("takes_nothing", FlattensNothing, "an array [0], not [0, 12]"),
    ("repeats_itself", DriftsAway, "embeddings that differ by up to"),
    ("ignores_the_batch", NormalisesByTheBatch, "embeddings that differ by up to"),
    ("ignores_the_batch", PadsToTheLongest, "embeddings that differ by up to"),
    ("keeps_the_order", SortsByLength, "embeddings that differ by up to"),
    ("keeps_the_order", ForgetsItsBatches, "embeddings that differ by up to"),
    ("looks_at_pictures", IsBlind, "one embedding for both"),
    ("takes_other_modes", TakesRgbAlone, "ValueError: cannot reshape array of size 64"),
    ("takes_other_modes", ReadsTransparencyAsBlack, "embeddings that differ by up to"),
    ("takes_any_size", ScalesByTheShortSide, "ValueError: height and width must be > 0"),
    ("leaves_pictures_alone", ShrinksWhatItGets, "a changed picture, RGB (8, 5)"),
    ("takes_any_text", NeedsWords, "ValueError: max()"),
    ("takes_any_text", ReadsAsciiAlone, "UnicodeEncodeError"),
    ("keeps_its_name", RenamesItself, "'seeing 4'"),
    ("is_known_by_its_name", HasOtherWeights, "the name must tell weights and preprocessing"),
    ("is_known_by_its_name", SharesATowerItHasNot, "the name must tell weights and preprocessing"),
    ("serves_other_threads", BelongsToItsThread, "ProgrammingError: SQLite objects created in a thread"),
    ("prepares_pictures", PreparesOtherwise, "embeddings that differ by up to"),
    ("knows_texts_as_it_encodes_them", KnowsOtherTexts, "embeddings that differ by up to"),
    ("knows_texts_as_it_encodes_them", KnowsAnyText, "8 rows for 9 texts, not None"),
    ("loads_its_towers_at_any_time", LosesItsWeights, "embeddings that differ by up to"),
    ("loads_its_towers_at_any_time", ChangesWithBothTowers, "embeddings that differ by up to"),
    ("encodes_side_by_side", MixesWhatItDoesAtOnce, "embeddings that differ by up to"),
    ("declares_its_family", WritesItsFamilyLarge, "'CLIP'; known: clip, sample, siglip"),
    ("declares_its_family", HasANumberAsFamily, "7"),
    ("names_its_image_tower", HasNoTowerName, "None"),
    ("has_a_true_profile", TakesMoreThanItSays, "4; an embedding of 12 numbers takes 48"),
    ("has_a_true_profile", EncodesNothing, "frozenset()"),
    ("refuses_texts", ClaimsToReadNothing, "ndarray, not NoTextsError"),
    ("refuses_texts", FailsAtTexts, "NotImplementedError: texts"),
    ("compares_pairs", AgreesWithAll, "0.500 and 0.500"),
    ("compares_pairs", CountsPoints, "score=40.0"),
    ("compares_pairs", GivesPixels, "beyond the pictures"),
    ("compares_anything", TrustsItsBytes, ", not 0"),
    ("shows_key_points", PointsInPixels, "beyond the picture"),
    ("shows_key_points", PointsAnyway, "an array [1, 2]"),
    ("compares_many_as_each_alone", AgreesLessInCompany, "alone [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]"),
]


def test_the_unbroken_double_keeps_every_promise() -> None:
    assert set(check_encoder(Seeing(), others=[Seeing()])) == OF_PICTURE_ENCODERS
    of_profiles = {"has_a_true_profile", "refuses_texts", "compares_many_as_each_alone"}
    assert set(check_encoder(Comparing(), others=[Comparing()])) == {*of_profiles, "shows_key_points"}
    assert set(check_encoder(Pointing(), others=[Pointing()])) == of_profiles


@pytest.mark.parametrize(("name", "kind", "came"), BROKEN)
def test_a_check_fails_for_an_encoder_that_breaks_its_promise(name: str, kind: type[Seeing], came: str) -> None:
    with pytest.raises(BrokenPromiseError) as caught:
        dict(encoder_checks(kind(), others=[Seeing()]))[name]()
    assert caught.value.check == name
    assert resolve_name(caught.value.documented).__doc__
    assert came in caught.value.came


def test_each_check_is_proven_to_fail() -> None:
    assert {name for name, _, _ in BROKEN} == set(CONTRACT.names)


def test_the_error_names_the_encoder_the_promise_and_where_it_is_documented() -> None:
    with pytest.raises(BrokenPromiseError) as caught:
        check_encoder(GivesDoubles())
    assert str(caught.value).splitlines() == [
        "encoder 'seeing' breaks a promise: one float32 row of `dimensions` numbers a text",
        "  given: encode_texts(['a red boat at night', 'two tigers play in the snow', "
        "'an empty street in the rain, seen from above'])",
        "  came:  an array of float64, not float32",
        "  see:   reranker.encoder.Encoder.encode_texts (check encodes_texts)",
    ]


def test_other_families_than_those_measured_may_be_declared() -> None:
    class OfAnotherFamily(Seeing):
        family = "blip"

    check_encoder(OfAnotherFamily())


def test_a_larger_tolerance_is_for_those_that_are_less_exact() -> None:
    class IsRough(Seeing):
        def encode_texts(self, texts: Sequence[str]) -> Embeddings:
            rows = super().encode_texts(texts)
            return rows + np.float32(0.004 * (len(texts) == 1))

    with pytest.raises(BrokenPromiseError, match="ignores_the_batch"):
        dict(encoder_checks(IsRough()))["ignores_the_batch"]()
    dict(encoder_checks(IsRough(), tolerance=0.02))["ignores_the_batch"]()


def test_what_is_no_encoder_is_refused() -> None:
    with pytest.raises(TypeError, match=r"no reranker\.Encoder"):
        check_encoder("ViT-B-32")  # type: ignore[arg-type]


def test_the_same_weights_at_two_places_have_one_name(choices: dict[str, ModelSpec], tmp_path: Path) -> None:
    copy = OpenClipEncoder(f"local-dir:{write_model(tmp_path / 'tiny', random_tiny(0))}", None, device="cpu")
    first = OpenClipEncoder(choices["tiny"].model, None, device="cpu")
    assert copy.name == first.name
    dict(encoder_checks(first, others=[copy]))["is_known_by_its_name"]()
