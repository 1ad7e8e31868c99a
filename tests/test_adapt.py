"""`phrasepix adapt`: what it learns from labelled folders, how it judges that, and what it refuses."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from phrasepix import Finder, SearchRequest
from phrasepix.adapting.adapting import Adapting
from phrasepix.models.adapters import adapter_named, adapter_names, adapters_directory
from phrasepix.models.catalogue import choose_model
from reranker.adapters.adapted_encoder import AdaptedEncoder
from reranker.adapters.adapter import Adapter, digest_of, read_layer, write_adapter
from reranker.adapters.cross_validation import cross_validated, dealt, interval_of, near_duplicates
from reranker.adapters.layer import STRENGTHS, Labels, LabelSpread, Layer, Strength
from reranker.adapters.retrieval import answers_among
from reranker.encoder import Embeddings, Encoder, unit_rows
from reranker.errors import ModelError
from reranker.testing import ColourEncoder, check_encoder
from tests import in_process
from training.scenes import Scene, draw, scene_of_seed

VALIDATION = 10_000_000
LABELLED, ASIDE = 200, 120


def scenes(first_seed: int, count: int) -> Iterator[Scene]:
    """Scenes of one figure that do not resemble each other, from seeds that the sample's model was not trained on."""
    found, seed = 0, first_seed
    while found < count:
        if len((scene := scene_of_seed(seed)).figures) == 1:
            found += 1
            yield scene
        seed += 4


def drawn(scene: Scene) -> Image.Image:
    return draw(scene, 144, 96, supersample=1)


@pytest.fixture(scope="module")
def weathers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred drawn scenes in folders that are named after their weather."""
    folder = tmp_path_factory.mktemp("weathers")
    for scene in scenes(VALIDATION, LABELLED):
        (folder / scene.weather).mkdir(exist_ok=True)
        drawn(scene).save(folder / scene.weather / f"{scene.seed}.png")
    return folder


def clusters(count: int, dimensions: int = 40, *, noise: float = 1.0, seed: int = 3) -> tuple[Embeddings, Labels]:
    """Unit rows of four labels, which differ in two directions, amid noise that is large in some others."""
    dice = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    rows = dice.standard_normal((count, dimensions)) * np.where(np.arange(dimensions) < 8, 3.0, 0.3) * noise
    rows[:, -2] += 2.0 * (labels % 2)
    rows[:, -1] += 2.0 * (labels // 2)
    return unit_rows(rows), labels


def test_a_text_and_a_picture_keep_their_product_under_a_layer() -> None:
    for count in (30, 200):  # fewer pictures than numbers in an embedding, and more
        spread = LabelSpread(*clusters(count))
        for strength in STRENGTHS:
            layer = spread.layer(strength)
            np.testing.assert_allclose(layer.texts @ layer.pictures.T, np.eye(40), atol=1e-4)


def test_the_weakest_layer_changes_no_cosine_and_a_layer_does_what_was_tried() -> None:
    rows, labels = clusters(60)
    spread = LabelSpread(rows, labels)
    nothing = spread.layer(Strength(1.0, 0.0)).of_pictures(rows)
    np.testing.assert_allclose(nothing @ nothing.T, rows @ rows.T, atol=1e-5)
    for strength, tried in zip(STRENGTHS, spread.tried(rows, STRENGTHS), strict=True):
        np.testing.assert_allclose(spread.layer(strength).of_pictures(rows), tried, atol=1e-4)


def test_the_spread_is_found_as_well_in_few_directions_as_in_all() -> None:
    rows, labels = clusters(39)  # one fewer than numbers
    few = LabelSpread(rows, labels)
    more = LabelSpread(np.concatenate([rows, rows]), np.concatenate([labels, labels]))
    for one, other in zip(few.tried(rows, STRENGTHS), more.tried(rows, STRENGTHS), strict=True):
        np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-4)


def test_pictures_that_are_all_the_same_within_their_labels_are_no_trouble() -> None:
    rows = np.eye(4, dtype=np.float32).repeat(6, axis=0)
    labels = np.arange(4).repeat(6)
    for tried in LabelSpread(rows, labels).tried(rows, STRENGTHS):
        assert np.isfinite(tried).all()
    verdict = cross_validated(rows, labels)
    assert (verdict.precision_before, verdict.precision_after) == (1.0, 1.0)
    assert not verdict.is_better, "there is nothing to gain"


def test_precision_is_that_of_its_definition() -> None:
    rows, labels = clusters(50)
    found = answers_among(rows, labels)
    for query, precision, first in zip(found.queries, found.precision, found.first, strict=True):
        others = [other for other in range(50) if other != query]
        order = sorted(others, key=lambda other: -float(rows[query] @ rows[other]))
        right = [labels[other] == labels[query] for other in order]
        expected = [sum(right[: place + 1]) / (place + 1) for place in range(49) if right[place]]
        assert precision == pytest.approx(np.mean(expected))
        assert first == right[0]
    alone = answers_among(rows, np.arange(50))
    assert len(alone.queries) == 0, "a picture that is alone with its label has no answer"


@pytest.mark.slow
def test_labels_that_can_be_seen_are_learnt_and_others_are_not() -> None:
    rows, labels = clusters(120)
    verdict = cross_validated(rows, labels)
    assert verdict.is_better
    assert verdict.precision_gain.low > 0.05
    assert verdict.precision_after - verdict.precision_before == pytest.approx(verdict.precision_gain.mean)
    assert cross_validated(rows, labels) == verdict, "the same from the same"
    at_random = [cross_validated(rows, np.random.default_rng(seed).permutation(labels)).is_better for seed in range(12)]
    assert sum(at_random) <= 1, "labels that mean nothing are better by chance once in forty times"


def test_a_verdict_holds_for_pictures_that_come_later() -> None:
    rows, labels = clusters(1000)
    verdict = cross_validated(rows[:200], labels[:200])
    layer = LabelSpread(rows[:200], labels[:200]).layer(verdict.strength)
    later = slice(200, None)
    after = answers_among(layer.of_pictures(rows[later]), labels[later]).precision.mean()
    assert verdict.precision_after == pytest.approx(after, abs=0.08)


def test_near_duplicates_are_never_in_two_parts() -> None:
    rows, labels = clusters(60)
    near = np.repeat(rows, 3, axis=0) + np.random.default_rng(0).normal(0, 1e-3, (180, 40)).astype(np.float32)
    groups = near_duplicates(unit_rows(near), labels.repeat(3))
    assert len(np.unique(groups)) == 60
    part_of, parts = dealt(labels.repeat(3), groups)
    assert parts == 5
    for group in np.unique(groups):
        assert len(np.unique(part_of[groups == group])) == 1
    for label in range(4):
        counts = np.bincount(part_of[labels.repeat(3) == label], minlength=parts)
        assert counts.min() > 0
        assert counts.max() - counts.min() <= 3


def test_few_pictures_are_dealt_into_fewer_parts() -> None:
    labels = np.arange(2).repeat(6)
    part_of, parts = dealt(labels, np.arange(12))
    assert parts == 3
    assert [list(np.bincount(part_of[labels == label])) for label in (0, 1)] == [[2, 2, 2], [2, 2, 2]]


def test_an_interval_is_wider_where_values_come_in_groups() -> None:
    values = np.random.default_rng(1).standard_normal(40).repeat(5)
    alone, grouped = interval_of(values, np.arange(200)), interval_of(values, np.arange(40).repeat(5))
    assert alone.low < values.mean() < alone.high
    assert grouped.high - grouped.low > 1.7 * (alone.high - alone.low)
    assert alone.mean == grouped.mean == pytest.approx(values.mean())


def adapted_colours(place: Path) -> tuple[Path, Encoder]:
    """An adapter over the encoder of colours, with a layer from a seed."""
    base = ColourEncoder()
    dice = np.random.default_rng(4)
    matrix = (np.eye(base.dimensions) + 0.2 * dice.standard_normal((base.dimensions,) * 2)).astype(np.float32)
    layer = Layer(matrix, np.linalg.inv(matrix).T.astype(np.float32))
    adapter = Adapter(
        name="hues", base="colours", pretrained=None, base_tower=base.name, dimensions=base.dimensions,
        digest=digest_of(layer), labels={"a": 6, "b": 6}, figures={},
    )  # fmt: skip
    write_adapter(place / "hues", adapter, layer)
    return place / "hues", base


def test_an_adapted_encoder_keeps_the_promises_of_one(tmp_path: Path) -> None:
    directory, base = adapted_colours(tmp_path)
    encoder = AdaptedEncoder(base, directory)
    assert encoder.name.startswith("adapter hues ")
    check_encoder(encoder, others=[AdaptedEncoder(ColourEncoder(), directory), base])


def test_an_adapter_that_is_damaged_or_of_another_encoder_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory, base = adapted_colours(tmp_path)
    whole = {path.name: path.read_bytes() for path in directory.iterdir()}

    def changed(**changes: object) -> bytes:
        return json.dumps(json.loads(whole["adapter.json"]) | changes).encode()

    damages = [
        ("adapter.json", b"{", "is damaged .*adapt it again"),
        ("adapter.json", b"[]", "is damaged"),
        ("adapter.json", changed(more=1), "is damaged"),
        ("adapter.json", changed(format=99), "of another version"),
        ("adapter.json", changed(dimensions=7), "embeddings of 7 numbers"),
        ("pictures.npy", b"", r"pictures\.npy cannot be read"),
        ("texts.npy", whole["texts.npy"][:-1], r"texts\.npy cannot be read"),
        ("texts.npy", whole["texts.npy"].replace(b"<f4", b"<i4"), "is not the layer"),
    ]
    for name, content, says in damages:
        (directory / name).write_bytes(content)
        with pytest.raises(ModelError, match=says):
            AdaptedEncoder(base, directory)
        (directory / name).write_bytes(whole[name])
    (directory / "adapter.json").write_bytes(changed(base_tower="other weights"))
    AdaptedEncoder(base, directory)
    assert "was learnt over other weights, which is now" in caplog.text


def answers_of(encoder: Encoder, pictures: Sequence[Image.Image], labels: Sequence[str]) -> NDArray[np.float64]:
    _, numbers = np.unique(labels, return_inverse=True)
    return answers_among(encoder.encode_pictures(pictures), numbers).precision


@pytest.mark.slow
def test_the_command_learns_what_pictures_from_elsewhere_show_better(weathers: Path) -> None:
    done = in_process.run("adapt", "weathers", "--from", str(weathers), "--base", "sample", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(told["labels"].values()) == LABELLED
    assert told["figures"]["precision_gain"]["low"] > 0
    assert (
        "Learnt from 200 pictures of 4 labels. On 200 pictures it was not learnt on: mean average precision"
        in done.stderr
    )
    assert "phrasepix --like photo.jpg --source FOLDER --model weathers" in done.stderr
    assert adapter_names() == ("weathers",)

    aside = [*scenes(VALIDATION + 100_000, ASIDE)]
    pictures, labels = [drawn(scene) for scene in aside], [scene.weather for scene in aside]
    with Finder() as finder:
        base, adapted = (finder.reranker_of(name)[0].encoder for name in ("sample", "weathers"))
        gain = interval_of(answers_of(adapted, pictures, labels) - answers_of(base, pictures, labels), np.arange(ASIDE))
        assert gain.low > 0.2
        assert gain.mean == pytest.approx(told["figures"]["precision_gain"]["mean"], abs=0.15)

        # The texts' layer undoes the pictures': phrases still find what they name.
        phrases = [
            f"{scene.figures[0].colour} {scene.figures[0].subject}, {scene.time}, {scene.weather}" for scene in aside
        ]
        found = [found_by(encoder, phrases, pictures) for encoder in (base, adapted)]
        assert found[1] > found[0] - 0.1
        with_one_layer = Layer(*(read_layer(*_of("weathers")).pictures,) * 2)
        pictures_rows, text_rows = base.encode_pictures(pictures), base.encode_texts(phrases)
        naive = (with_one_layer.of_texts(text_rows) @ with_one_layer.of_pictures(pictures_rows).T).argmax(axis=1)
        assert np.mean(naive == np.arange(ASIDE)) < found[1], "why texts have a layer of their own"


def _of(name: str) -> tuple[Path, Adapter]:
    found = adapter_named(name)
    assert found is not None
    return found[1], found[0]


def found_by(encoder: Encoder, phrases: Sequence[str], pictures: Sequence[Image.Image]) -> float:
    """The share of phrases of which the nearest picture is their own."""
    nearest = (encoder.encode_texts(phrases) @ encoder.encode_pictures(pictures).T).argmax(axis=1)
    return float(np.mean(nearest == np.arange(len(phrases))))


@pytest.mark.slow
def test_an_adapter_is_a_model_of_searches_until_its_directory_is_removed(weathers: Path) -> None:
    with Finder() as finder:
        adapted = Adapting(finder).adapt("by-weather", weathers, "sample")
        title, spec = choose_model("by-weather", None, only_the_sample=False)
        assert (title, spec.adapter) == ("by-weather", adapters_directory() / "by-weather")
        question = next((weathers / "fog").iterdir())
        found = finder.search(SearchRequest(like=question, source=str(weathers), model="by-weather", top=10))
        shown = [Path(match.candidate.relative_path).parent.name for match in found]
        assert shown.count("fog") >= 9
        assert str(found.model).startswith("by-weather")
        assert finder.search(SearchRequest("a boat in the rain", source=str(weathers), model="by-weather", top=1))
        again = Adapting(finder).adapt("by-weather", weathers, "sample")
        assert again.adapter == adapted.adapter, "learnt on the same, it is the same"
    shutil.rmtree(adapters_directory() / "by-weather")
    assert adapter_names() == ()
    done = in_process.run("a boat", "--source", str(weathers), "--model", "by-weather")
    assert done.returncode == 2


def refused(*arguments: str) -> str:
    done = in_process.run("adapt", *arguments, "--base", "sample")
    assert done.returncode == 2, done.stderr
    assert adapter_names() == ()
    return done.stderr


def copied(weathers: Path, place: Path, count: Callable[[str], int]) -> Path:
    """So many pictures of each label, elsewhere."""
    for label in sorted(weathers.iterdir()):
        wanted = sorted(label.iterdir())[: count(label.name)]
        for path in wanted:
            (place / label.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place / label.name)
    return place


def test_too_few_labels_or_pictures_are_refused_with_what_there_is(weathers: Path, tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in refused("new", "--from", str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    assert "has no folders; sort pictures into some" in refused("new", "--from", str(tmp_path / "empty"))
    (tmp_path / "empty" / "cats").mkdir()
    assert "at least 2 folders must have 6 different ones each; there are none" in refused(
        "new", "--from", str(tmp_path / "empty")
    )
    one = copied(weathers, tmp_path / "one", lambda label: 20 if label == "fog" else 5 if label == "rain" else 0)
    assert "there are fog: 20, rain: 5" in refused("new", "--from", str(one))
    loose = tmp_path / "loose"
    copied(weathers, loose, lambda label: 6 if label == "fog" else 0)
    shutil.copy(next((weathers / "rain").iterdir()), loose)
    said = refused("new", "--from", str(loose))
    assert "left out, for it lies in no folder with a label, as do 0 others" in said
    assert "there are fog: 6" in said


def test_contradicting_labels_and_unreadable_pictures_are_named_and_left_out(weathers: Path, tmp_path: Path) -> None:
    folder = copied(weathers, tmp_path / "some", lambda label: 12)
    wrong = next((folder / "fog").iterdir())
    shutil.copy(wrong, folder / "rain" / "also-here.png")
    shutil.copy(next((folder / "snow").iterdir()), folder / "snow" / "twice.png")
    (folder / "clear" / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    cut = sorted((folder / "clear").glob("*.png"))[0]
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    done = in_process.run("adapt", "some", "--from", str(folder), "--base", "sample", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == {"clear": 11, "fog": 11, "rain": 12, "snow": 12}
    assert f"the same picture is labelled 'fog' here and 'rain' at {folder / 'rain' / 'also-here.png'}" in done.stderr
    assert "broken.jpg" in done.stderr
    assert cut.name in done.stderr


def test_names_that_mean_another_model_are_refused(weathers: Path) -> None:
    for name in ("sample", "best", "ViT-B-32", "RN50", "resnet50"):
        assert f"{name} is the name of a model already" in refused(name, "--from", str(weathers))
    for name in ("a/b", "../up", "local-dir:x", "x" * 65, "ümlaut"):
        assert "is no name of an adapter" in refused(name, "--from", str(weathers))


def test_an_adapter_of_an_adapter_is_refused(weathers: Path, tmp_path: Path) -> None:
    adapted_colours(adapters_directory())
    done = in_process.run("adapt", "twice", "--from", str(weathers), "--base", "hues")
    assert done.returncode == 2
    assert "hues is an adapter itself; adapt the model that it was learnt over" in done.stderr


@pytest.mark.slow
def test_what_is_of_no_use_is_refused_with_its_figures_and_leaves_what_was_there(
    weathers: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "at-random"
    dice = np.random.default_rng(2)
    for path in sorted(weathers.rglob("*.png"))[:80]:
        label = folder / ("heads" if dice.random() < 0.5 else "tails")
        label.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, label)
    directory, _ = adapted_colours(adapters_directory())
    before = (directory / "adapter.json").read_bytes()
    done = in_process.run("adapt", "hues", "--from", str(folder), "--base", "sample")
    assert done.returncode == 3, done.stderr
    assert (
        "would be of no use, and is not kept: on pictures it was not learnt on, mean average precision" in done.stderr
    )
    assert (directory / "adapter.json").read_bytes() == before


@pytest.mark.slow
def test_what_the_base_remembers_is_not_encoded_again_by_an_adapter(weathers: Path) -> None:
    with Finder() as finder:
        Adapting(finder).adapt("by-weather", weathers, "sample")  # has the base encode all of them
        base, adapted = (finder.reranker_of(name)[0].encoder for name in ("sample", "by-weather"))
        assert isinstance(adapted, AdaptedEncoder)
        pictures = [Image.open(path) for path in sorted((weathers / "fog").iterdir())[:4]]
        np.testing.assert_allclose(
            adapted.of_base(base.encode_pictures(pictures)), adapted.encode_pictures(pictures), atol=1e-5
        )
        question = next((weathers / "fog").iterdir())
        found = finder.search(SearchRequest(like=question, source=str(weathers), model="by-weather", top=10))
        assert [Path(match.candidate.relative_path).parent.name for match in found].count("fog") >= 9
        _, memory = finder.reranker_of("by-weather")
        assert {one.encoder_name for one in memory.embeddings.kept()} == {adapted.base_tower_name}


@pytest.mark.slow
def test_what_a_search_has_seen_is_not_encoded_again_to_learn_from(weathers: Path) -> None:
    with Finder() as finder:
        Adapting(finder).adapt("first", weathers, "sample")
        _, memory = finder.reranker_of("sample")
        kept = memory.embeddings.kept()
        changed = {}
        for name in {one.encoder_name for one in kept}:
            changed[name] = next(one.count for one in kept if one.encoder_name == name)
        Adapting(finder).adapt("second", weathers, "sample")
        assert {one.encoder_name: one.count for one in memory.embeddings.kept()} == changed
    first, second = (adapter_named(name) for name in ("first", "second"))
    assert first is not None
    assert second is not None
    assert replace(first[0], name="") == replace(second[0], name="")
