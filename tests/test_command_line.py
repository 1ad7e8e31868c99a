"""The real command as a subprocess."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sample.site import StockSite
from tests import in_process
from tests.first_often import first_often
from tests.terminal import run_on_terminal
from tests.tiny_models import random_tiny, write_model

pytestmark = pytest.mark.sample_remembered

MAIN_JOB = ["two red boats at night in the rain", "--tag", "boat", "--source", "sample"]
ENTRY = "import sys; sys.argv[0] = 'phrasepix'; from phrasepix.cli import main; main()"


def command(*arguments: str) -> list[str]:
    installed = Path(sys.executable).with_name("phrasepix")
    return [str(installed), *arguments] if installed.exists() else [sys.executable, "-c", ENTRY, *arguments]


def run(*arguments: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=timeout, env=os.environ | environment, check=False
    )


def test_the_main_job_prints_the_ranked_pictures_and_says_where_the_gallery_is() -> None:
    done = run(*MAIN_JOB)
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == [str(rank) for rank in range(1, 11)]
    assert "boat" in lines[0][5]
    gallery = re.search(r"Gallery: (.+\.html)", done.stderr)
    assert gallery
    page = Path(gallery[1]).read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 10
    assert "two red boats at night in the rain" in page


def test_invisible_characters_change_nothing() -> None:
    plain = ["two red boats at night", "--tag", "boat", "--minus", "white house"]
    hidden = [
        "\ufefftwo red bo\u00adats at ni\u200bght\u202c",
        "--tag",
        "bo\u2060at\u200b",
        "--minus",
        "white\u200e house",
    ]
    options = ["--source", "sample", "--json", "-n", "5"]
    told = []
    for words in (plain, hidden):
        done = in_process.run(*words, *options)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        ranks = [(match["id"], match["score"], match["penalty"]) for match in answer["matches"]]
        told.append((answer["phrase"], answer["tags"], answer["query"], ranks))
    assert told[0] == told[1]


def test_json_is_one_object_and_nothing_else_on_stdout() -> None:
    done = in_process.run(*MAIN_JOB, "--json", "-n", "3")
    answer = json.loads(done.stdout)
    assert [match["rank"] for match in answer["matches"]] == [1, 2, 3]
    assert answer["tags"] == ["boat"]
    assert answer["sources"] == ["sample"]
    assert answer["model"] == "sample"


def test_the_quotes_around_the_phrase_may_be_forgotten() -> None:
    done = in_process.run(*MAIN_JOB[0].split(), *MAIN_JOB[1:], "--json", "-n", "1")
    assert json.loads(done.stdout)["phrase"] == MAIN_JOB[0]


@pytest.mark.slow
def test_without_a_terminal_there_is_no_colour_and_no_progress_bar() -> None:
    done = run(*MAIN_JOB, "-n", "2")
    assert "\x1b" not in done.stdout + done.stderr
    assert "Looking at" not in done.stderr


@pytest.mark.slow
def test_what_is_called_a_terminal_is_written_to_as_one() -> None:
    done = run(*MAIN_JOB, "-n", "2", FORCE_COLOR="1")
    assert "\x1b[32m" in done.stdout
    assert "Looking at the pictures" in done.stderr


def on_a_terminal(*arguments: str, columns: int = 100, **environment: str) -> tuple[int, str]:
    """Run the command on a pseudo-terminal of that width; exit code and what was shown."""
    return run_on_terminal(command(*arguments), columns=columns, environment=environment)


def test_on_a_terminal_there_is_a_table_with_colour_and_progress() -> None:
    code, shown = on_a_terminal(*MAIN_JOB, "-n", "3")
    assert code == 0, shown
    assert "Looking at the pictures" in shown
    assert "“two red boats at night in the rain”" in shown
    assert "\x1b[32m" in shown
    assert "█" in shown


def left_standing(shown: str) -> list[str]:
    """The lines of a terminal after all that was written to it, its cursor's moves included."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\]8;.*?\x1b\\|\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", shown):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part.startswith("\x1b["):
            count = int(part[2:-1]) if part[2:-1].isdigit() else 1
            row -= count if part.endswith("A") else 0
            lines[row] = "" if part == "\x1b[2K" else lines[row]
        elif not part.startswith("\x1b"):
            lines[row] = lines[row].ljust(column)[:column] + part + lines[row][column + len(part) :]
            column += len(part)
    return [line.strip() for line in lines if line.strip()]


@pytest.mark.slow
def test_of_the_progress_nothing_is_left_on_the_terminal() -> None:
    code, shown = on_a_terminal(*MAIN_JOB, "-n", "1")
    assert code == 0, shown
    assert "Loading the model sample" in shown
    assert "/?" not in shown
    first, *_, last = left_standing(shown)
    assert first == "“two red boats at night in the rain”"
    assert last.startswith("Gallery: ")


@pytest.mark.slow
def test_no_color_is_honoured_on_a_terminal() -> None:
    _, shown = on_a_terminal(*MAIN_JOB, "-n", "3", NO_COLOR="1")
    assert not re.search(r"\x1b\[(?:\d+;)*3[0-7]", shown)
    assert "█" in shown


def test_help_names_the_options_and_imports_nothing_heavy() -> None:
    probe = (
        "import sys, atexit; sys.argv = ['phrasepix', '--help']\n"
        "heavy = {'torch', 'open_clip', 'numpy', 'PIL', 'requests', 'urllib3', 'jinja2', 'openvino', "
        "'tokenizers', 'sqlite3', 'phrasepix.api'}\n"
        "atexit.register(lambda: print('HEAVY', sorted(heavy & set(sys.modules))))\n"
        "from phrasepix.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    assert "--tag" in done.stdout
    assert "--gallery" in done.stdout
    assert done.stdout.rstrip().endswith("HEAVY []")


def test_without_arguments_the_help_is_shown_with_examples() -> None:
    done = in_process.run(COLUMNS="100")
    assert done.returncode == 2
    shown = done.stdout + done.stderr
    assert 'phrasepix "an old boat" --source ~/Pictures' in shown
    assert "--orientation" in shown


def test_what_libraries_have_to_say_of_themselves_is_not_shown_unless_asked() -> None:
    probe = (
        "import sys, warnings; sys.argv = ['phrasepix', '--version']; from phrasepix.cli import main\n"
        "try: main()\n"
        "except SystemExit: warnings.warn('deprecated since long')"
    )
    for options, is_shown in ([], False), (["-W", "default"], True):
        command = [sys.executable, *options, "-c", probe]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert ("deprecated since long" in done.stderr) is is_shown


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["a boat", "--tag", "boat", "--source", "pixabay"], 2, "pixabay.com/api/docs"),
        (["the", "--source", "sample"], 2, "--tag"),
        (["a boat", "--tag", "boat", "--source", "flickr"], 2, "allowed: pixabay, "),
        (["a boat", "--tag", "boat", "--source", "sample", "--type", "drawing"], 2, "all, photo, illustration, vector"),
        (["a boat", "--tag", "boat", "--source", "sample", "--orientation", "tall"], 2, "all, horizontal, vertical"),
        (["a boat", "--tag", "boat", "--source", "sample", "--lang", "xx"], 2, "cs, da, de"),
        (["a boat", "--tag", "boat", "--source", "sample", "--colour", "mauve"], 2, "turquoise"),
        (["a boat", "--tag", "boat", "--source", "sample", "-n", "0"], 2, "--top"),
        (["", "--tag", "boat", "--source", "sample"], 2, "phrase is empty"),
        (["a boat", "--tag", "", "--source", "sample"], 2, "tag is empty"),
        (["a boat", "--tag", "boat " * 30, "--source", "sample"], 2, "at most 100"),
        (["a boat", "--tag", "boat", "--source", "sample", "--model", "ViT-B-33"], 2, "ViT-B-32"),
        (["a boat", "--tag", "boat", "--source", "sample", "--model", "local-dir:/nowhere"], 2, "not a directory"),
        (["a boat", "--tag", "boat", "--source", "sample", "--engine", "onnx"], 2, "allowed: auto, torch, openvino"),
        (["a boat", "--tag", "boat", "--source", "sample", "--engine", "openvino", "--device", "mps"], 2, "on the CPU"),
        (["a boat", "--tag", "boat", "--source", "sample", "--sauce", "x"], 2, "--sauce"),
        (["a dragon", "--tag", "dragon", "--source", "sample"], 1, "Nothing found under dragon"),
        (["a boat", "--tag", "boat", "--source", "sample", "--gallery", "/nowhere/g.html"], 3, "cannot write /nowhere"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None,
)
def test_each_outcome_has_its_exit_code_and_its_words(arguments: list[str], code: int, words: str) -> None:
    done = in_process.run(*arguments, COLUMNS="200")
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_network_is_exit_code_three_and_the_key_is_not_shown() -> None:
    done = run(
        "a tiger", "--tag", "tiger", PIXABAY_API_KEY="very-secret-key", PIXABAY_API_URL="http://127.0.0.1:9/api/"
    )
    assert done.returncode == 3
    assert "cannot be reached at http://127.0.0.1:9/api/" in done.stderr
    assert "very-secret-key" not in done.stdout + done.stderr


def test_debug_shows_the_traceback_and_still_not_the_key() -> None:
    done = run(
        "a tiger",
        "--tag",
        "tiger",
        "--debug",
        PIXABAY_API_KEY="very-secret-key",
        PIXABAY_API_URL="http://127.0.0.1:9/api/",
    )
    assert "Traceback" in done.stderr
    assert "very-secret-key" not in done.stdout + done.stderr


def test_nothing_found_with_json_is_still_one_object() -> None:
    done = in_process.run("a dragon", "--tag", "dragon", "--source", "sample", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["matches"] == []


def test_pictures_that_cannot_be_had_are_named_on_stderr_and_in_the_json(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    lines = [json.loads(line) for line in (PICTURES_DIRECTORY / "catalogue.jsonl").read_text().splitlines()]
    kites = [line for line in lines if "kite" in line["tags"] and line["type"] == "photo"][:5]
    (pictures / "catalogue.jsonl").write_text("\n".join(json.dumps(line) for line in kites))
    for line in kites[1:]:
        (pictures / line["file"]).write_bytes((PICTURES_DIRECTORY / line["file"]).read_bytes())
    (pictures / kites[0]["file"]).write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    with StockSite(pictures) as site:
        done = in_process.run(
            "a kite", "--tag", "kite", "--model", "sample", "--json",
            PIXABAY_API_KEY=site.key, PIXABAY_API_URL=site.api_url,
        )  # fmt: skip
    answer = json.loads(done.stdout)
    assert len(answer["matches"]) == 4
    assert [one["id"] for one in answer["skipped"]] == [str(kites[0]["id"])]
    assert f"pixabay:{kites[0]['id']}: " in done.stderr


@pytest.mark.slow
def test_two_searches_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    with StockSite(PICTURES_DIRECTORY) as site:
        environment = os.environ | {"PIXABAY_API_KEY": site.key, "PIXABAY_API_URL": site.api_url}
        running = [
            subprocess.Popen(
                command("a red car", "--tag", "car", "--model", "sample", "--json"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for _ in range(2)
        ]
        outputs = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    first, second = (json.loads(out)["matches"] for out, _ in outputs)
    assert [(m["id"], m["score"]) for m in first] == [(m["id"], m["score"]) for m in second]


def test_ctrl_c_ends_a_search_at_once_with_code_130() -> None:
    with StockSite(PICTURES_DIRECTORY, picture_delay_s=30) as site:
        process = subprocess.Popen(
            command("a red car", "--tag", "car", "--model", "sample"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PIXABAY_API_KEY": site.key, "PIXABAY_API_URL": site.api_url},
        )
        while not site.served["picture"]:  # it waits for its first pictures by then
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert "Interrupted" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
@pytest.mark.parametrize(
    "module", first_often(1, ["phrasepix.finder", "phrasepix.searching.run", "retriever.pixabay.retriever", "sqlite3"])
)
def test_ctrl_c_amid_an_import_ends_the_command_too(module: str) -> None:
    code = f"""
import os, signal, sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Impatient())
sys.argv = ["phrasepix", "a red car", "--tag", "car", "--source", "sample"]
from phrasepix.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_a_closed_pipe_ends_quietly() -> None:
    line = shlex.join(command(*MAIN_JOB))
    done = subprocess.run(
        ["bash", "-c", f"{line} | head -n 1"], capture_output=True, text=True, timeout=120, env=os.environ, check=True
    )
    assert done.stdout.startswith("1\t")
    assert "Traceback" not in done.stderr


def test_the_version_is_shown() -> None:
    assert re.fullmatch(r"phrasepix \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.slow
def test_spread_explained_and_refined_results_come_from_the_command_too(tmp_path: Path) -> None:
    tiny = write_model(tmp_path / "tiny", random_tiny(1))
    options = [
        "--diverse",
        "0.5",
        "--explain",
        "--model",
        f"local-dir:{tiny}",
        "--refine",
        "sample",
        "--refine-top",
        "12",
    ]
    done = in_process.run(*MAIN_JOB, *options, "--json", "-n", "4")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["refined_by"] == "sample"
    parts = ["two red boats", "at night", "in the rain"]
    for match in answer["matches"]:
        assert match["score"] != match["first_score"]
        assert [part["text"] for part in match["parts"]] == parts
        assert {part["fit"] for part in match["parts"]} <= {"clear", "fair", "weak"}
    wrong = in_process.run(*MAIN_JOB, "--diverse", "2")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "diverse 2.0 is out of range" in wrong.stderr


def test_where_nothing_fits_one_line_says_so_and_the_order_is_shown() -> None:
    unfit = in_process.run("two yellow kites by day", "--tag", "cup", "--source", "sample", "-n", "3")
    assert unfit.returncode == 0
    assert unfit.stderr.count("Nothing here fits well") == 1
    assert len(unfit.stdout.splitlines()) == 3
    assert "Nothing here fits well" not in in_process.run(*MAIN_JOB, "-n", "3").stderr
