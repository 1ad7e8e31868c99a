"""The speed benchmark's cheap parts, for real; the whole of it, small, among the slow tests."""

import json
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests
from PIL import Image

from benchmarks.speed import measured as m
from benchmarks.speed.chart import chart
from benchmarks.speed.first_search import peak_memory
from benchmarks.speed.flops import flops_per_picture
from benchmarks.speed.limits import LIMITS
from benchmarks.speed.machine import Machine, this_machine
from benchmarks.speed.measured import Measured
from benchmarks.speed.pictures import TAG, files, prepare
from benchmarks.speed.processes import environment, run
from benchmarks.speed.report import END, START, readme_lines, report, rows, write_between_markers
from benchmarks.speed.rounds import Spread, interleaved
from benchmarks.speed.site import running_site

ROOT = Path(__file__).resolve().parents[1]
SVG = "{http://www.w3.org/2000/svg}"


def measured(**changes: object) -> Measured:
    """A run that reaches every goal, with a picture of 8·10⁹ operations."""
    everybody = {m.OURS: 80.0, m.OPEN_CLIP: 20.0, m.SENTENCE_TRANSFORMERS: 16.0, m.SEED_RECIPE: 10.0}
    groups: dict[str, dict[str, tuple[float, ...]]] = {
        m.NEW_PHRASE: {m.OURS: (0.5, 0.4, 0.6), m.SENTENCE_TRANSFORMERS: (5.0, 5.2, 4.8), m.SEED_RECIPE: (16.0,)},
        m.HELP: {m.OURS: (0.12, 0.13, 0.11)},
        m.PICTURES: {name: (speed, speed, speed) for name, speed in everybody.items()},
        m.TOWER: {name: (speed, speed, speed) for name, speed in everybody.items() if name != m.SEED_RECIPE},
        m.LIMIT: {"bf16": (700.0, 720.0, 680.0), "f32": (200.0, 210.0, 190.0)},
        m.TEXT: {m.OURS: (0.008,) * 3, m.OPEN_CLIP: (0.04,) * 3, m.SENTENCE_TRANSFORMERS: (0.03,) * 3},
        m.FIRST: {"whole": (3.0, 3.3, 3.0), "encode": (2.8, 3.0, 2.9), "fetch": (2.2, 2.9, 2.2)},
        m.EXPORT: {"model made ready": (4.0, 4.2, 4.1), "model ready": (3.0, 3.1, 3.0)},
        m.PEAK_OF_EXPORT: {m.OURS: (0.7e9, 0.8e9, 0.7e9)},
        m.PEAK: {m.OURS: (0.40e9, 0.44e9, 0.40e9)},
        m.PEAK_LARGE: {m.OURS: (0.42e9,)},
    }
    kept: dict[str, object] = {
        "date": "2026-01-02",
        "command": "python -m benchmarks.speed",
        "machine": Machine("A CPU <of> ours", 2, 8.0, ("avx2", "avx512_bf16"), True, "Linux", {"numpy": "2.0"}),
        "pictures": 200,
        "more_pictures": 500,
        "pictures_show": "drawn scenes",
        "delay_s": 0.08,
        "flops_per_picture": 8_000_000_000,
        "groups": {
            group: {name: Spread(values) for name, values in subjects.items()} for group, subjects in groups.items()
        },
        "differences": {
            f"{name}: {kind}": 2e-7
            for name in (m.OURS, m.SENTENCE_TRANSFORMERS)
            for kind in ("texts", "tower", "pictures")
        },
        "without_rclip": "left out by --no-rclip",
    }
    return Measured(**kept | changes)  # type: ignore[arg-type]


def of_group(run: Measured, group: str, **subjects: tuple[float, ...]) -> Measured:
    changed = dict(run.groups[group]) | {name: Spread(values) for name, values in subjects.items()}
    return replace(run, groups={**run.groups, group: changed})


def test_each_goal_has_a_row_with_its_value_and_whether_it_is_reached() -> None:
    found = {row.what: row for row in rows(measured())}
    assert len(found) == 15
    assert all(row.reached for row in found.values())
    limit = next(row for row in found.values() if "limit" in row.what)
    assert limit.value.values == pytest.approx([80 * 8 / 700, 80 * 8 / 720, 80 * 8 / 680])
    first = next(row for row in found.values() if row.what.startswith("first search"))
    assert first.value.values == pytest.approx([3.0 / 2.8, 3.3 / 3.0, 3.0 / 2.9])


def test_a_goal_missed_is_said_with_by_how_much() -> None:
    slow = of_group(measured(), m.FIRST, whole=(5.6, 6.0, 5.8))
    page = report(slow)
    line = next(line for line in page.splitlines() if line.startswith("| first search ÷"))
    assert "| **2.00** | 2.00–2.00 | ≤ 1.15 | **short of it** by 74% |" in line
    assert sum("short of it" in line for line in page.splitlines()) == 1


def test_a_cpu_with_matrix_units_is_measured_by_a_limit_that_is_further_away() -> None:
    machine = measured().machine
    amx = replace(measured(), machine=replace(machine, flags=(*machine.flags, "amx_bf16")))
    assert [next(row.goal for row in rows(run) if row.subject == "limit") for run in (measured(), amx)] == [0.8, 0.55]


def test_rclip_has_a_row_where_it_was_measured() -> None:
    against = of_group(measured(), m.NEW_PHRASE, rclip=(0.8, 1.0, 1.5))
    (row,) = (row for row in rows(against) if "rclip" in row.what)
    assert row.value.values == pytest.approx([0.5 / 0.8, 0.4 / 1.0, 0.6 / 1.5])
    assert row.reached


def test_without_bf16_only_the_loss_of_speed_is_a_failure() -> None:
    plain = replace(measured(), machine=replace(measured().machine, bf16=False))
    slower = of_group(plain, m.PICTURES, phrasepix=(21.0,) * 3)
    against = {row.what: row for row in rows(slower) if row.subject == "pictures"}
    assert [row.goal for row in against.values()] == [1.0, 1.0, 1.0]
    assert all(row.reached for row in against.values())
    assert not all(row.reached for row in rows(of_group(plain, m.PICTURES, phrasepix=(19.0,) * 3)))


def test_the_report_begins_with_the_ratios_and_gives_each_figure_with_its_spread() -> None:
    page = report(measured())
    assert page.index("## Goals") < page.index("## In figures") < page.index("## Machine")
    assert "| new phrase, fresh process | phrasepix | 0.50 s | 0.40–0.60 | 3 |" in page
    assert "rclip** is not in this run: left out by --no-rclip." in page
    assert "avx512_bf16" in page
    assert "numpy 2.0" in page


def test_what_limits_is_said_of_every_row() -> None:
    assert set(LIMITS) == {row.subject for row in rows(measured())}


def test_vectors_that_are_not_the_same_are_named() -> None:
    differences = {**measured().differences, f"{m.SENTENCE_TRANSFORMERS}: tower": 3e-3}
    assert "more than the 1e-4" not in report(measured())
    assert "more than the 1e-4" in report(measured(differences=differences))


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    measured().write(tmp_path / "measured.json")
    assert Measured.read(tmp_path / "measured.json") == measured()


def test_the_chart_is_svg_on_its_own_background_with_every_bar_inside() -> None:
    run = measured()
    run = replace(run, groups={**run.groups, m.INDEX: {m.OURS: Spread((3.0,)), m.RCLIP: Spread((9.0,))}})
    drawing = ElementTree.fromstring(chart(run))
    assert drawing.tag == f"{SVG}svg"
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    background, *bars = drawing.findall(f"{SVG}rect")
    assert float(background.attrib["width"]) == width - 1
    assert background.attrib["fill"].startswith("#")
    shown = sum(len(run.groups[group]) for group in (m.NEW_PHRASE, m.PICTURES, m.TEXT, m.FIRST, m.INDEX))
    assert len(bars) == shown
    for bar in bars:
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) < width - 100
        assert float(bar.attrib["y"]) + float(bar.attrib["height"]) < height
    texts = ["".join(text.itertext()) for text in drawing.findall(f"{SVG}text")]
    assert any("A CPU <of> ours" in text for text in texts)
    assert {"0.50 s", "80/s", "8.0 ms"} <= set(texts)


def test_the_bars_are_as_long_as_the_figures_say() -> None:
    drawing = ElementTree.fromstring(chart(measured()))
    first, second = drawing.findall(f"{SVG}rect")[1:3]
    assert float(second.attrib["width"]) / float(first.attrib["width"]) == pytest.approx(10, rel=0.01)


def test_the_readme_gets_its_lines_between_the_markers_and_only_there(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    lines = readme_lines(measured())
    write_between_markers(readme, lines)
    assert readme.read_text(encoding="utf-8") == f"before\n{START}\n{lines}\n{END}\nafter\n"
    assert "| **0.50 s** | 5.00 s |" in lines


@pytest.mark.parametrize("text", ["no markers\n", f"only one {START}\n", ""])
def test_a_readme_without_markers_stays_as_it_is(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")
    write_between_markers(readme, "lines")
    assert readme.read_text(encoding="utf-8") == text
    write_between_markers(tmp_path / "absent.md", "lines")
    assert not (tmp_path / "absent.md").exists()


def test_rounds_take_turns_and_slow_jobs_sit_some_out() -> None:
    done: list[str] = []

    def job(name: str) -> float:
        done.append(name)
        return float(len(done))

    found = interleaved({"a": lambda _: job("a"), "b": lambda _: job("b")}, {"a": 3, "b": 1}, lambda text: None)
    assert done == ["a", "b", "a", "a"]
    assert found["a"] == Spread((1.0, 3.0, 4.0))
    assert (found["a"].median, found["a"].low, found["a"].high) == (3.0, 1.0, 4.0)


def test_the_arithmetic_of_a_picture_is_what_one_counts_by_hand() -> None:
    # 4 patches of 2 × 2 and the class token; 3 channels; width 8, hidden 32; one layer; an embedding of 6
    config = {"embed_dim": 6, "vision_cfg": {"image_size": 4, "patch_size": 2, "width": 8, "layers": 1}}
    patches = 4 * (2 * 2 * 3) * 8
    query_key_value_out = 4 * 5 * 8 * 8
    scores_and_values = 2 * 5 * 5 * 8
    mlp = 5 * 8 * 32 + 5 * 32 * 8
    assert flops_per_picture(config) == 2 * (patches + query_key_value_out + scores_and_values + mlp + 8 * 6)
    two_layers = {"embed_dim": 6, "vision_cfg": config["vision_cfg"] | {"layers": 2}}  # type: ignore[operator]
    assert flops_per_picture(two_layers) - flops_per_picture(config) == 2 * (
        query_key_value_out + scores_and_values + mlp
    )


def test_no_weight_is_lost_or_changed_on_the_way_to_another_library() -> None:
    import torch

    from benchmarks.speed.weights import converted_names
    from tests.tiny_models import random_tiny

    weights = random_tiny(3).state_dict()
    renamed = converted_names(weights)
    assert sum(weight.numel() for weight in renamed.values()) == sum(weight.numel() for weight in weights.values())
    layer = "vision_model.encoder.layers.0.self_attn"
    thirds = [renamed[f"{layer}.{letter}_proj.weight"] for letter in "qkv"]
    assert torch.equal(torch.cat(thirds), weights["visual.transformer.resblocks.0.attn.in_proj_weight"])
    assert torch.equal(renamed["text_projection.weight"].T, weights["text_projection"])
    with pytest.raises(KeyError, match="surprise"):
        converted_names({"surprise": torch.zeros(1)})


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Three noisy pictures, one of them very oblong."""
    directory = tmp_path / "photographs"
    directory.mkdir()
    for number, size in enumerate([(640, 427), (375, 500), (900, 200)]):
        Image.effect_noise(size, 60 + number).convert("RGB").save(directory / f"{number}.jpg")
    return directory


def test_pictures_are_distinct_and_640_pixels_long(tmp_path: Path, photographs: Path) -> None:
    directory, show = prepare(tmp_path, 8, photographs)
    found = files(directory)
    assert show == "photographs"
    assert [file.name for file in found] == [f"{number}.jpg" for number in range(1, 9)]
    assert len({file.read_bytes() for file in found}) == 8
    for file in found:
        with Image.open(file) as picture:
            assert picture.format == "JPEG"
            assert max(picture.size) == 640
            assert min(picture.size) >= 300


def test_more_pictures_begin_with_the_same_ones(tmp_path: Path, photographs: Path) -> None:
    few, many = (prepare(tmp_path, count, photographs)[0] for count in (4, 6))
    assert [file.read_bytes() for file in files(few)] == [file.read_bytes() for file in files(many)[:4]]


def test_without_photographs_scenes_are_drawn(tmp_path: Path) -> None:
    directory, show = prepare(tmp_path, 2, tmp_path / "absent")
    assert show == "drawn scenes"
    assert len(files(directory)) == 2


def test_the_site_offers_the_pictures_in_order_and_answers_after_its_delay(tmp_path: Path, photographs: Path) -> None:
    directory, _ = prepare(tmp_path, 5, photographs)
    with running_site(directory, 0.15) as address:
        begun = time.monotonic()
        answer = requests.get(address, params={"key": "any", "q": TAG, "per_page": "200"}, timeout=10).json()
        assert time.monotonic() - begun >= 0.15  # never sooner; how much later is the machine's affair
        assert [hit["id"] for hit in answer["hits"]] == [1, 2, 3, 4, 5]
        urls = [hit["webformatURL"] for hit in answer["hits"]]
        assert not any(re.search(r"_640\.", url) for url in urls)
        begun = time.monotonic()
        data = requests.get(urls[1], timeout=10).content
        assert time.monotonic() - begun >= 0.15
        assert data == files(directory)[1].read_bytes()
        assert requests.get(urls[1].replace("/2.", "/99."), timeout=10).status_code == 404
        assert requests.get(address, params={"per_page": "1"}, timeout=10).status_code == 400


def test_a_process_that_fails_says_what_it_said(tmp_path: Path) -> None:
    done = run([sys.executable, "-c", "print('well')"], environment(tmp_path))
    assert (done.stdout, done.seconds > 0) == ("well\n", True)
    with pytest.raises(RuntimeError, match="ended with 3: why"):
        run([sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"], environment(tmp_path))


def test_peak_memory_counts_what_was_held_and_let_go() -> None:
    before = peak_memory()
    held = bytearray(64 << 20)
    held[:: 1 << 10] = b"x" * len(held[:: 1 << 10])
    size = len(held)
    del held
    assert 10 << 20 < before <= peak_memory() < before + 4 * size
    code = (
        "from benchmarks.speed.first_search import peak_memory as p; a = p(); b = bytearray(200 << 20);"
        "b[::4096] = b'x' * len(b[::4096]); del b; print(p() - a)"
    )
    assert int(run([sys.executable, "-c", code], environment(ROOT)).stdout) > 150 << 20


def test_the_machine_is_described_without_a_path() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.versions["openvino"]
    assert "/" not in json.dumps(machine.versions)


def test_the_results_in_the_repository_name_no_path_of_a_machine() -> None:
    for name in ("RESULTS.md", "speed.svg"):
        text = (ROOT / "benchmarks" / name).read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|work|Users)/|[A-Z]:\\", text)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(find_spec("sentence_transformers") is None, reason="needs the extra: pip install '.[benchmarks]'")
def test_a_quick_run_measures_everything_and_writes_its_results(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.speed", "--quick", "--work", str(tmp_path / "work")]
    command += ["--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    page = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    kept = Measured.read(tmp_path / "work" / "measured.json")
    assert all(str(row) in page for row in rows(kept))
    assert str(tmp_path) not in page
    assert max(kept.differences[f"{m.SENTENCE_TRANSFORMERS}: {kind}"] for kind in ("texts", "tower")) <= 1e-4
    ElementTree.fromstring((tmp_path / "speed.svg").read_text(encoding="utf-8"))
