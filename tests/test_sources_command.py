"""`phrasepix sources`: the real command, with and without keys, and with other packages' sources.

Packages are looked for once in a process: what another one brings is asked in processes of their own.
"""

import http.server
import json
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from textwrap import dedent
from typing import Any

import pytest

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sources.registry import BUILT_IN
from tests import test_command_line as processes
from tests.in_process import run
from tests.test_command_line import on_a_terminal

KEY = "31415926-nobodysseesthiskey0"
REGISTERED = """
    [phrasepix.sources]
    elsewhere = pictures_from_elsewhere:SOURCE
    missing = pictures_from_elsewhere:NOTHING
    nosource = pictures_from_elsewhere:Elsewhere
    profileless = pictures_from_elsewhere:PROFILELESS
    leaving = pictures_that_leave:SOURCE
    pixabay = pictures_from_elsewhere:SOURCE
"""
MODULE = '''
    """A source of another package: the pictures of a directory that a server on this machine shows."""

    import json
    import os
    from contextlib import nullcontext
    from urllib.request import urlopen

    from phrasepix_core.candidate import Candidate, Rendition
    from retriever.profile import Hotlinking, SourceProfile


    class Elsewhere:
        name = "elsewhere"
        on_loopback = True
        profile = SourceProfile(
            name=name, title="Else|where", home_url="https://elsewhere.example/", api_url="", mention="From elsewhere",
            credit="by {creator}", credit_rule="owed", page_size=10, deepest=50, rate_limit="10 requests a day",
            hotlinking=Hotlinking.REQUIRED, download_duty="tell them",
        )

        def retrieve(self, tag, *, limit, filters):
            with urlopen(os.environ["ELSEWHERE_URL"] + "/catalogue.jsonl") as answer:
                entries = [json.loads(line) for line in answer]
            for entry in [one for one in entries if tag in one["tags"]][:limit]:
                file = Rendition(os.environ["ELSEWHERE_URL"] + "/" + entry["file"], entry["width"], entry["height"])
                yield Candidate(
                    source=self.name, id=str(entry["id"]), page_url="", renditions=(file,), width=file.width,
                    height=file.height, media_type="photo", tags=tuple(entry["tags"]), creator="somebody",
                    creator_url="", licence="", licence_url="", credit="by somebody", found_by=tag,
                )

        def unhonoured(self, filters):
            return filters.wishes()


    class Source:
        profile = Elsewhere.profile

        def open(self, opening):
            return nullcontext(Elsewhere())


    class Profileless(Source):
        profile = "none"


    SOURCE = Source()
    PROFILELESS = Profileless()
'''


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package as it lies on the disk when it is installed."""
    site = tmp_path / "site"
    facts = site / "pictures_from_elsewhere-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: pictures-from-elsewhere\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(dedent(REGISTERED))
    (site / "pictures_from_elsewhere.py").write_text(dedent(MODULE))
    (site / "pictures_that_leave.py").write_text("import sys\nsys.exit(5)\n")
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), before))))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the other package's source asks."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(PICTURES_DIRECTORY)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("ELSEWHERE_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()
    thread.join()


def listed(run: Callable[..., CompletedProcess[str]] = run) -> dict[str, dict[str, Any]]:
    done = run("sources", "--json")
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)}


def test_every_source_that_comes_along_is_listed_with_its_terms() -> None:
    sources = listed()
    assert [name for name, facts in sources.items() if facts["built_in"]] == list(BUILT_IN)
    pixabay = sources["pixabay"]
    assert (pixabay["rate_limit"], pixabay["deepest"], pixabay["page_size"]) == ("100 requests a minute", 500, 200)
    assert (pixabay["hotlinking"], pixabay["credit"]) == ("forbidden", "{creator} on Pixabay")
    assert pixabay["has_videos"] is True
    assert (sources["sample"]["ready"], sources["sample"]["key"]) == (True, "none needed")


def test_a_missing_key_is_said_with_where_to_get_it_and_how_to_set_it() -> None:
    pixabay = listed()["pixabay"]
    assert (pixabay["ready"], pixabay["key"]) == (False, "missing")
    for words in ("https://pixabay.com/api/docs/", "PIXABAY_API_KEY", 'pixabay_api_key = "…"', "config.toml"):
        assert words in pixabay["remedy"]


def test_a_key_is_found_in_the_environment_or_in_the_config_file_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("sources", PIXABAY_API_KEY=KEY)
    assert "pixabay\tPixabay\tready\tfound\t" in done.stdout
    assert KEY not in done.stdout + done.stderr
    (tmp_path / "config").mkdir()
    config = tmp_path / "config" / "config.toml"
    config.write_text(f'pixabay_api_key = "{KEY}"\n')
    config.chmod(0o600)
    done = run("sources", "--json")
    assert json.loads(done.stdout)[0]["key"] == "found"
    assert KEY not in done.stdout + done.stderr


def test_a_config_file_that_cannot_be_read_is_said_and_does_not_end_the_list(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(f"pixabay_api_key = {KEY}\n")
    done = run("sources", "--json")
    assert done.returncode == 0
    sources = {one["name"]: one for one in json.loads(done.stdout)}
    assert (sources["pixabay"]["ready"], sources["pixabay"]["key"]) == (False, "")
    assert "config.toml is not valid TOML" in sources["pixabay"]["remedy"]
    assert sources["sample"]["ready"] is True
    assert KEY not in done.stdout + done.stderr


def test_in_a_pipe_it_is_tab_separated_lines_of_nine_fields() -> None:
    done = run("sources")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == list(BUILT_IN)
    assert {len(line) for line in lines} == {9}
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_on_a_terminal_each_source_has_a_block() -> None:
    code, shown = on_a_terminal("sources", columns=200)
    assert code == 0, shown
    for words in ("hotlinking", "(key: missing)", "(key: none needed)", "forbidden", "NAME on Pixabay"):
        assert words in shown
    assert "\x1b[32m" in shown


def test_on_a_terminal_of_eighty_columns_addresses_and_settings_stay_whole() -> None:
    _, shown = on_a_terminal("sources", columns=80, PHRASEPIX_CONFIG_DIR="/c", NO_COLOR="1")
    words = shown.split()
    for whole in ("https://unsplash.com/oauth/applications,", "UNSPLASH_ACCESS_KEY", "/c/config.toml."):
        assert whole in words


def test_an_unknown_option_is_wrong_usage_and_help_says_what_there_is() -> None:
    assert run("sources", "--sauce").returncode == 2
    assert "--json" in run("sources", "--help").stdout


@pytest.mark.parametrize("before", ["find", "--"])
def test_a_phrase_that_is_the_command_s_name_can_be_searched(before: str) -> None:
    done = run(before, "sources", "--tag", "dragon", "--source", "sample")
    assert done.returncode == 1
    assert "Nothing found under dragon" in done.stderr


@pytest.mark.usefixtures("other_package")
def test_another_packages_source_is_listed_behind_those_that_come_along() -> None:
    sources = listed(processes.run)
    assert list(sources)[: len(BUILT_IN)] == list(BUILT_IN)
    assert sorted(list(sources)[len(BUILT_IN) :]) == ["elsewhere", "leaving", "missing", "nosource", "profileless"]
    theirs = sources["elsewhere"]
    assert (theirs["ready"], theirs["built_in"], theirs["key"]) == (True, False, "none needed")
    assert (theirs["title"], theirs["hotlinking"], theirs["download_duty"]) == ("Else|where", "required", "tell them")
    assert sources["pixabay"]["title"] == "Pixabay", "a name that is taken stays whose it is"


@pytest.mark.usefixtures("other_package")
def test_a_source_that_cannot_be_loaded_is_named_and_does_not_end_the_list() -> None:
    done = processes.run("sources")
    assert done.returncode == 0
    broken = {line.split("\t")[0]: line.split("\t")[-1] for line in done.stdout.splitlines() if "\tnot ready\t" in line}
    assert "'missing' of pictures_from_elsewhere:NOTHING cannot be loaded" in broken["missing"]
    assert "'leaving' of pictures_that_leave:SOURCE cannot be loaded: SystemExit: 5" in broken["leaving"]
    assert "registered as source 'nosource', is none" in broken["nosource"]
    assert "registered as source 'profileless', is none" in broken["profileless"]
    assert "cannot be loaded" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("other_package", "elsewhere")
@pytest.mark.slow
def test_another_packages_source_is_searched_by_its_name_and_says_what_it_passes_over() -> None:
    done = processes.run(
        "a red kite", "--tag", "kite", "--source", "elsewhere", "--model", "sample",
        "--limit", "6", "-n", "2", "--colour", "red", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["pool_size"] == 6
    assert [match["source"] for match in answer["matches"]] == ["elsewhere"] * 2
    note = "Else|where cannot filter by colour; that wish is not applied to its pictures"
    assert done.stderr.count(note) == 1


@pytest.mark.usefixtures("other_package")
def test_a_search_in_a_source_that_cannot_be_loaded_says_why() -> None:
    done = processes.run("a kite", "--tag", "kite", "--source", "leaving")
    assert done.returncode == 3
    assert "'leaving' of pictures_that_leave:SOURCE cannot be loaded" in done.stderr
