"""The measure on real data: its figures, and that the goals on real vectors are held."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.real.clip_set import ClipSet
from benchmarks.real.figures import Figure, interval, json_lines
from tests.first_often import first_often

CLIP = Path(__file__).parents[2] / "shared" / "real_clip"
needs_real_vectors = pytest.mark.skipif(not CLIP.is_dir(), reason=f"there are no real vectors in {CLIP}")


def test_an_interval_is_around_the_mean_and_of_weighted_values_around_theirs() -> None:
    figure = interval("share", [0.0, 1.0] * 50)
    assert figure.value == 0.5
    assert 0.38 < figure.low < 0.42
    assert 0.58 < figure.high < 0.62
    assert interval("share", [1.0, 0.0], [3.0, 1.0]).value == 0.75
    assert Figure("a", 0.5, 0.25, 0.75).line == "a 0.5000 0.2500 0.7500"


def test_of_no_phrases_a_figure_is_not_a_number() -> None:
    for figure in (interval("share", []), interval("share", [1.0], [0.0])):
        assert all(map(math.isnan, (figure.value, figure.low, figure.high)))
        assert figure.line == "share nan nan nan"


THINGS = ("dog", "kite", "bench", "boat", "pony", "lamp")
RARE = "heron otter"
NAMES = (
    "tags_in_pool questions nothing_recognised false_alarms nothing_auc clear_shows own_clear r1_cosine r1_normalised "
    "r1_tags r1_tags_normalised r1_descriptions r1_descriptions_normalised minus_gone minus_wanted minus_none_wanted"
)


def write_sets(directory: Path, n: int, *, captions: int = 5) -> tuple[Path, Path]:
    """A clip directory and one of captions, of `n` photographs that nobody took."""
    rng = np.random.default_rng(n)
    classes = rng.standard_normal((30, 16))
    names = [*THINGS, "street lamp", "木", *(f"thing {number}" for number in range(22))]
    texts, images, rows = [], [], []
    for row in range(n):
        first, second = row % 6, (row // 6) % 6
        seen = " ".join([THINGS[first], "beside a", THINGS[second], *RARE.split()[row // 3 : row // 3 + 1]])
        said = [f"A {seen}, number {word}\u2028." for word in ("so", "é", "three", "naïve", "five")]
        rows.append({"row": row, "image_id": row, "embedded_caption": said[0], "captions": said[:captions]})
        near = 2 * classes[first] + classes[second]
        texts.append(near + rng.standard_normal(16))
        images.append(near + rng.standard_normal(16))
    clip, site = directory / "clip", directory / "captions"
    for place in (clip, site):
        place.mkdir(parents=True)
        lines = [json.dumps(row, ensure_ascii=False) for row in reversed(rows)]
        (place / "captions.jsonl").write_text("\r\n".join([*lines, "", ""]), encoding="utf-8")
    (clip / "things.txt").write_text(RARE, encoding="utf-8")
    np.savez(
        clip / "vectors.npz", image_id=np.arange(n), image=np.reshape(images, (n, 16)),
        caption=np.reshape(texts, (n, 16)), class_name=np.array(names), class_text=classes,
    )  # fmt: skip
    return clip, site


@pytest.mark.parametrize(("n", "captions"), first_often(2, [(0, 5), (1, 2), (30, 1), (130, 5)]))
def test_any_set_of_the_form_is_measured_whatever_its_size(tmp_path: Path, n: int, captions: int) -> None:
    clip, site = write_sets(tmp_path, n, captions=captions)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks.real", "--clip", clip, "--captions", site, "--plain"],
        capture_output=True, text=True, timeout=120, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == NAMES.split()
    values = {name: [float(value) for value in rest] for name, *rest in lines}
    assert all(len(figures) == 3 for figures in values.values())
    if n == 0:
        assert all(map(math.isnan, values["r1_cosine"]))
    if n == 130:
        unknown = {name for name, figures in values.items() if math.isnan(figures[0])}
        assert unknown <= {"clear_shows"}, "no match of made-up vectors need be clear"
        assert values["r1_descriptions"][0] > values["r1_cosine"][0] > 10 / 130


def test_rows_stand_in_the_order_of_the_vectors_and_the_asked_caption_is_left_out(tmp_path: Path) -> None:
    clip = ClipSet(write_sets(tmp_path, 12)[0])
    assert [one["row"] for one in json_lines(tmp_path / "clip" / "captions.jsonl")] == list(range(11, -1, -1))
    assert clip.phrases[1].startswith("A kite beside a dog heron")
    assert len(clip.others(1)) == 4
    assert "so" not in clip.description(1).split()
    assert clip.said[1] == {"heron"}


@needs_real_vectors
def test_on_real_vectors_the_disliked_goes_and_the_wanted_stays() -> None:
    from benchmarks.real.minus import measured

    figures = {one.name: one.value for one in measured(CLIP).figures}
    assert figures["minus_gone"] >= 0.85
    assert figures["minus_wanted"] >= 0.82


@needs_real_vectors
@pytest.mark.slow
def test_on_real_vectors_a_search_says_when_nothing_fits() -> None:
    from benchmarks.real.clip_set import ClipSet
    from benchmarks.real.scores import nothing
    from benchmarks.real.searches import Searches
    from reranker.families import LIMITS

    pairs = nothing(Searches(ClipSet(CLIP)), seeds=1)
    fair = LIMITS["clip"].fair
    assert np.mean([one.absent < fair for one in pairs]) >= 0.65
    assert np.mean([one.present < fair for one in pairs]) <= 0.06
