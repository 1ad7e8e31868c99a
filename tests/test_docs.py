"""The docs say all there is, and what they say works: nothing is left out, generated pages are current, blocks run."""

import ast
import inspect
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from shutil import copy
from typing import Any

import click
import pytest

import phrasepix
import reranker
import retriever
from docs import architecture
from docs.reference_pages import DIRECTORY, PAGES, REMEDIES
from phrasepix import Config, Filters, SearchRequest, errors
from phrasepix.cli.find import COMMAND, CommandOptions
from phrasepix.events import Notice, SearchProgress, Stage
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix.sources.registry import BUILT_IN, source_named
from phrasepix_core.errors import PhrasepixError
from reranker.models import registry
from retriever import source as source_module
from tests.in_process import run
from tests.servers import KEY, Asked, ScriptedServer, Step, hit, of_hits
from tests.source_servers.base import Picture
from tests.source_servers.openverse import OpenverseServer
from tests.test_layers import PACKAGES, modules, tree_of

ROOT = Path(__file__).resolve().parents[1]
SITE = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
DOCUMENTS = [Path("README.md"), Path("CONTRIBUTING.md"), Path("ARCHITECTURE.md"), *SITE]


def text_of(page: str | Path) -> str:
    return (ROOT / page if isinstance(page, Path) else DIRECTORY / page).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands below a heading up to the next one."""
    found = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", text_of(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no heading {heading!r}"
    return found[1]


# What is generated is current.


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_the_one_the_code_gives(page: str) -> None:
    assert PAGES[page]() == text_of(page), "run: python -m docs"


def test_the_architecture_is_that_of_the_code() -> None:
    page = text_of(Path("ARCHITECTURE.md"))
    assert architecture.with_table(page) == page, "run: python -m docs"
    assert architecture.picture() == architecture.PICTURE.read_text(encoding="utf-8"), "run: python -m docs"


def test_the_architecture_says_of_each_folder_why_it_is_there() -> None:
    assert {architecture.folder_of(module) for module in modules()} == architecture.WHY.keys()


def test_the_architecture_can_tell_a_package_that_imports_one_above_it() -> None:
    """The figures stand on this: imports between packages are those that the modules have."""
    between = architecture.imports_between({module: module.split(".")[0] for module in modules()})
    assert between["phrasepix", "retriever"] > 0
    assert between["reranker", "retriever"] == 0


# Nothing is left out.


@pytest.mark.parametrize("declaring", [SearchRequest, Filters, CommandOptions])
def test_every_option_is_described(declaring: type) -> None:
    for one in fields(declaring):
        if one.name in {"filters", "language_is_found"}:  # described one by one; what a search found out by itself
            continue
        text = section("options.md", one.name)
        assert "\nDefault" in text.replace("- ", "\n")
        assert len(text.strip().splitlines()[-1]) > len("a sentence"), one.name


def test_every_flag_of_the_command_is_described() -> None:
    options = [one for one in COMMAND.params if isinstance(one, click.Option) and one.name != "version"]
    page = text_of("options.md")
    missing = [flag for one in options for flag in (*one.opts, *one.secondary_opts) if not _is_named(flag, page)]
    assert missing == []
    assert len(options) > 40


def _is_named(flag: str, page: str) -> bool:
    return re.search(rf"(?<![\w-]){flag}(?![\w-])", page) is not None


def test_every_argument_of_the_function_is_described() -> None:
    page = text_of("options.md")
    arguments = inspect.signature(phrasepix.find_images).parameters.keys() - {"filters"}
    assert {name for name in arguments if f"### {name}\n" not in page and f"`{name}`" not in page} == set()


def test_every_source_is_described() -> None:
    for name in (*BUILT_IN, "folder"):
        text = section("sources.md", name)
        if name != "folder":
            profile = source_named(name).profile
            assert profile.rate_limit in text
            assert profile.key_variable in text


def kinds_of(error: type[Exception]) -> set[type[Exception]]:
    several: list[type[Exception]] = error.__subclasses__()
    return {error}.union(*(kinds_of(one) for one in several))


def test_every_error_is_described_with_what_to_do() -> None:
    ours = {one.__name__ for one in kinds_of(PhrasepixError) if one.__module__.split(".")[0] in PACKAGES}
    public = {name for name in ours | {*errors.__all__} if not name.startswith("_")}
    rows = re.findall(r"^\| `(\w+)`[^|]*\| ([^|]+) \| ([^|]+) \| [23] \|$", text_of("errors.md"), re.MULTILINE)
    described = {name for name, what, remedy in rows if what.strip() and remedy.strip()}
    assert public <= described
    assert described == REMEDIES.keys(), "nothing is described that is not there"
    assert {name for name in described if text_of("errors.md").count(name) < 2} == set(), "each is in the tree as well"


def test_every_error_has_the_exit_code_that_the_command_leaves_with() -> None:
    codes = dict(re.findall(r"^\| `(\w+)`.*\| ([23]) \|$", text_of("errors.md"), re.MULTILINE))
    wrong_usage = {name for name in errors.__all__ if issubclass(getattr(errors, name), errors.WRONG_USAGE)}
    assert {name for name in errors.__all__ if codes[name] == "2"} == wrong_usage


def test_every_field_of_the_configuration_is_described() -> None:
    for one in fields(Config):
        assert re.search(rf"^\| `{one.name}` \|.*\| [^|]{{10,}} \|$", text_of("config.md"), re.MULTILINE), one.name


def test_every_variable_of_the_environment_is_described() -> None:
    named = {
        found
        for path in modules().values()
        for found in re.findall(r'"((?:PHRASEPIX|HF)_[A-Z_]+|[A-Z]+_(?:API|ACCESS)_KEY)"', path.read_text("utf-8"))
    } - {"PHRASEPIX_SAMPLE_KEY"}  # the sample's own, for whoever plays with its site
    assert {"PHRASEPIX_CACHE_DIR", "PEXELS_API_KEY"} <= named
    assert {name for name in named if f"`{name}`" not in text_of("config.md")} == set()


def test_every_event_is_described() -> None:
    names = {"Stage": [one.name for one in Stage]}
    names |= {event.__name__: [one.name for one in fields(event)] for event in (SearchProgress, Notice)}
    for event, several in names.items():
        assert {name for name in several if f"| `{name}` |" not in section("events.md", event)} == set()


def public_protocols() -> set[str]:
    return {
        node.name
        for path in modules().values()
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and any(re.match(r"Protocol\b", ast.unparse(base)) for base in node.bases)
    }


def test_every_protocol_is_described() -> None:
    protocols = public_protocols()
    assert {"Retriever", "Encoder", "PreparesPictures"} <= protocols
    page = text_of("extension-points.md")
    assert {name for name in protocols if f".{name}`" not in page} == set()


@pytest.mark.parametrize("seam", [retriever.Retriever, retriever.Source, reranker.Encoder, reranker.PreparesPictures])
def test_every_member_of_a_seam_is_described(seam: type) -> None:
    text = section("extension-points.md", seam.__name__)
    members = {name for name in vars(seam) if not name.startswith("_")}
    assert {name for name in members if not re.search(rf"`{name}\b", text)} == set()


def test_every_group_of_entry_points_is_described() -> None:
    asked = [
        path
        for path in modules().values()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "installed_entry_points"
    ]
    groups = {source_module.GROUP, registry.GROUP}
    assert len(asked) == len(groups), "a new group needs a line here and in docs/reference_pages.py"
    assert {
        group for group in groups if f"`{group}`" not in section("extension-points.md", "Groups of entry points")
    } == set()


@pytest.mark.parametrize("package", [phrasepix, retriever, reranker], ids=lambda package: package.__name__)
def test_every_name_that_a_package_exports_is_somewhere_in_the_docs(package: Any) -> None:
    everything = "\n".join(text_of(path) for path in (*SITE, Path("README.md")))
    assert {name for name in package.__all__ if not re.search(rf"\b{name}\b", everything)} == set()


# Links and names lead somewhere.


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_local_link_of_the_docs_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)[^)]*\)", text_of(document))
    assert [target for target in targets if not (ROOT / document.parent / target).exists()] == []


def test_modules_extras_and_tests_that_shell_lines_name_exist() -> None:
    lines = "\n".join(block.code for block in blocks() if block.language == "sh")
    extras = tomllib.loads(text_of(Path("pyproject.toml")))["project"]["optional-dependencies"]
    assert {one for one in re.findall(r"pip install (?:-e )?['\"]\.\[(\w+)\]", lines) if one not in extras} == set()
    named = re.findall(r"python -m ([\w.]+)", lines)
    assert "benchmarks.speed" in named
    assert {one for one in named if find_spec(one) is None} == set()
    assert [one for one in re.findall(r"tests/\w+\.py", lines) if not (ROOT / one).exists()] == []


# Every block runs.


@dataclass(frozen=True)
class Block:
    """A block of code; `title` is the file it is, `not_run` why it is not run."""

    document: Path
    line: int
    language: str
    title: str
    code: str
    not_run: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.*?) -->\n)?```(?P<language>sh|python)(?: title=\"(?P<title>.*?)\")?\n"
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks() -> list[Block]:
    return [
        Block(
            document,
            text[: found.start("code")].count("\n") + 1,
            found["language"],
            found["title"] or "",
            found["code"],
            found["reason"] or "",
        )
        for document in DOCUMENTS
        for text in [text_of(document)]
        for found in _BLOCK.finditer(text)
    ]


RUN = [block for block in blocks() if not (block.title or block.not_run)]

LINES_NOT_RUN = {'phrasepix "ein Tiger spielt im Schnee" --model multilingual'}
"""Its weights are 1.5 GB."""


def test_the_exceptions_are_counted_and_each_says_why() -> None:
    assert [str(block.document) for block in blocks() if block.not_run] == [
        *6 * ["README.md"],
        "CONTRIBUTING.md",
        *2 * ["docs/how-to/adapt-an-encoder.md"],
        *9 * ["docs/how-to/keep-a-library.md"],
        "docs/how-to/teach-a-name.md",
        "docs/how-to/write-a-source.md",
        "docs/how-to/write-an-encoder.md",
        "docs/tutorial.md",
        "docs/tutorial.md",
    ]
    lines = {line.partition(" #")[0].strip() for block in RUN for line in block.code.splitlines()}
    assert lines >= LINES_NOT_RUN
    # Files of the how-tos: `tests/test_how_to.py` and `tests/test_serve_docs.py` run them.
    titles = {block.title for block in blocks() if block.title}
    of_the_api = {"search.sh", "rerank.sh", "embed.py"}
    assert titles == {"boat_museum.py", "test_boat_museum.py", "hues.py", "test_hues.py", "search.py"} | of_the_api


def test_a_block_with_another_mark_is_none_that_is_passed_over() -> None:
    fences = sum(
        len(re.findall(r"^ *```(?:sh|bash|shell|python|py)\b", text_of(one), re.MULTILINE)) for one in DOCUMENTS
    )
    assert fences == len(blocks())


@pytest.fixture(scope="module")
def cache_of_all(
    tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None], remembered_sample: list[Path]
) -> Path:
    """A cache directory that the blocks share: what one has encoded, the next remembers."""
    directory = tmp_path_factory.mktemp("cache")
    link_export(directory)
    for kept in remembered_sample:
        copy(kept, directory)
    return directory


@pytest.fixture(autouse=True)
def shared_cache(cache_of_all: Path, surroundings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(cache_of_all))


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "python"], ids=str)
@pytest.mark.slow
def test_a_python_block_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block.code, str(block), "exec"), {"__name__": "__main__"})
    written = re.findall(r"\.(?:save|save_gallery)\((?:\w+, )?\"([^\"]+)\"", block.code)
    assert [name for name in written if not (tmp_path / name).exists()] == []


SHOWN = sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:8]
"""What the stock site below has, whatever it is asked for."""


@pytest.fixture(scope="module")
def stock() -> Iterator[ScriptedServer]:
    """A site that speaks Pixabay's protocol and has eight pictures, wide, tall and square, for every tag and kind."""
    with ScriptedServer() as server:

        def answer(asked: Asked) -> Step:
            if not asked.path.startswith("/api"):
                picture = SHOWN[int(asked.path.rpartition("/")[2].partition("_")[0])]
                return Step(200, picture.read_bytes(), {"Content-Type": "image/jpeg"})
            sizes = [(3000, 2000), (2000, 3000), (2600, 2600)]
            return of_hits([_hit(server.origin, asked, number, *sizes[number % 3]) for number in range(len(SHOWN))])

        server.otherwise = answer
        yield server


def _hit(origin: str, asked: Asked, number: int, width: int, height: int) -> dict[str, Any]:
    file = f"{origin}/photo/2024/05/17/{number}"
    kind = asked.query.get("image_type", "photo")
    return hit(
        number,
        tags=asked.query.get("q", ""),
        type="photo" if kind == "all" else kind,
        previewURL=f"{file}_150.jpg",
        webformatURL=f"{file}_640.jpg",
        largeImageURL=f"{file}_1280.jpg",
        imageWidth=width,
        imageHeight=height,
    )


@pytest.fixture(scope="module")
def openverse(stock: ScriptedServer) -> Iterator[OpenverseServer]:
    with OpenverseServer() as server:
        server.hold(*(Picture(number=one, tags=("tiger",), file_url=f"{stock.origin}/{one}_1.jpg") for one in range(3)))
        yield server


@pytest.fixture
def at_home(
    stock: ScriptedServer,
    openverse: OpenverseServer,
    link_export: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A person's surroundings: a home with pictures, a key, and sites on loopback in place of those far away."""
    (tmp_path / "Pictures").mkdir()
    for number, picture in enumerate(SHOWN[:3]):
        copy(picture, tmp_path / "Pictures" / f"norway {number}.jpg")
    copy(SHOWN[0], tmp_path / "photo.jpg")
    (tmp_path / "chosen").mkdir()
    link_export(tmp_path / ".phrasepix-cache")  # where a job in CI has its own
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "xdg-open").write_text("#!/bin/sh\n")  # nobody is there to look
    (programs / "xdg-open").chmod(0o755)
    for name, value in {
        "HOME": str(tmp_path),
        "PWD": str(tmp_path),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PIXABAY_API_URL": stock.url,
        "PIXABAY_API_KEY": KEY,
        "OPENVERSE_API_URL": openverse.api_url,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("at_home")
@pytest.mark.filterwarnings(
    "ignore:subprocess .* is still running:ResourceWarning"
)  # a browser, which nobody waits for
@pytest.mark.parametrize("block", [block for block in RUN if block.language == "sh"], ids=str)
def test_a_shell_block_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line; the sample's model stands in for weights that would have to be downloaded."""
    if "--offline" in block.code.splitlines()[0]:
        ended = run("a boat", "--tag", "boat", "--model", "sample")  # what is searched for again offline
        assert ended.returncode == 0, ended.stderr
    for line in block.code.splitlines():
        if line.partition(" #")[0].strip() in LINES_NOT_RUN:
            continue
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            if value != "…":
                monkeypatch.setenv(name, os.path.expandvars(value))
            continue
        command, rest = _parted(line)
        written = _run_phrasepix(command) if command else ""
        if rest:
            _run_in_shell(f"cat {rest}" if command else rest, written)


def _parted(line: str) -> tuple[list[str], str]:
    """The arguments of phrasepix, if the line is such a command, and what the shell does with its output."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|>")
    lexer.whitespace_split = True
    words = [*lexer]
    end = next((place for place, word in enumerate(words) if word in {"|", ">"}), len(words))
    if words[0] != "phrasepix":
        return [], line
    separator = words[end] if end < len(words) else ""
    return words[1:end], line[line.index(f" {separator} ") :] if separator else ""


def _run_phrasepix(arguments: list[str]) -> str:
    arguments = [str(Path(one).expanduser()) if one.startswith("~") else one for one in arguments]
    searches = arguments[0] not in {"cache", "sources", "--help"}
    if searches and not {"--model", "--by", "sample"} & {*arguments}:
        arguments += ["--model", "sample"]
    if arguments[:2] == ["cache", "clear"]:
        arguments = [*arguments, "--yes"]  # what a person is asked on a terminal
    ended = run(*arguments)
    assert ended.returncode == 0, f"{shlex.join(arguments)}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


def _run_in_shell(command: str, given: str) -> None:
    ended = subprocess.run(
        ["bash", "-c", command], input=given, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 0, f"{command}\n{ended.stderr}"
