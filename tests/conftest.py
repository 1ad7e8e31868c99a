"""What every test starts from: directories of its own, no key, no proxy, and a server that does as told."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before torch is imported, and for the children: threads of two workers would wait for each other's cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from filelock import FileLock
from PIL import Image

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    # Last, so that installed packages win; `training` and `tests` are found here only.
    sys.path.append(str(ROOT))

from phrasepix import Config, Finder, SearchRequest  # noqa: E402
from phrasepix.sample import MODEL_DIRECTORY  # noqa: E402
from reranker.engine.factory import load_encoder  # noqa: E402
from reranker.engine.openvino_encoder import OpenVinoEncoder  # noqa: E402
from reranker.models.model_spec import LOCAL_DIR, ModelSpec  # noqa: E402
from retriever import PixabayRetriever  # noqa: E402
from retriever.http.rate_limiter import LIMITERS  # noqa: E402
from tests.extras import extras_imported  # noqa: E402
from tests.picture_server import PictureServer  # noqa: E402
from tests.servers import KEY, QUICK, ScriptedServer  # noqa: E402
from tests.source_servers.base import SourceServer  # noqa: E402
from tests.source_servers.holding import holding  # noqa: E402
from tests.source_servers.openverse import OpenverseServer  # noqa: E402

UNWANTED = (
    "PIXABAY_API_KEY",
    "PIXABAY_API_URL",
    "PEXELS_API_KEY",
    "PEXELS_API_URL",
    "UNSPLASH_ACCESS_KEY",
    "UNSPLASH_API_URL",
    "OPENVERSE_API_URL",
    "COMMONS_API_URL",
    "PHRASEPIX_CONTACT",
    "HF_HUB_OFFLINE",
    "HF_HUB_CACHE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)

SLOW_TIMEOUT_S = 1800
REMEMBERED_SUBJECTS = ("boat", "bus", "car", "cat", "tent")
"""What has been searched for where a test is marked `sample_remembered`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked as slow may take longer than others, also on a machine that is busy."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))


@pytest.hookimpl
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """A test file that cannot be imported without an extra of phrasepix is skipped where that is not installed."""
    missing = sorted(package for package in extras_imported(module_path) if find_spec(package) is None)
    return SkippedModule.from_parent(parent, path=module_path, missing=missing) if missing else None


class SkippedModule(pytest.Module):
    """A test file that is not imported, for want of packages."""

    def __init__(self, *, missing: Sequence[str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._missing = missing

    def collect(self) -> Iterable[pytest.Item]:
        pytest.skip(f"{', '.join(self._missing)} not installed: the core is tested without", allow_module_level=True)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Children of tests can be interrupted, even if a shell in the background has this process ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def surroundings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person's own settings reaches a test, and nothing of a test reaches them.

    The cache directory of a test that may use the sample's model has its export; `own_export` leaves it empty, and
    `sample_remembered` puts beside it what searches of some of its subjects have remembered.
    """
    monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PHRASEPIX_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("PHRASEPIX_DATA_DIR", str(tmp_path / "data"))
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    LIMITERS.clear()  # the port of another test's server may come again
    if _names_the_sample(request.path) and request.node.get_closest_marker("own_export") is None:
        request.getfixturevalue("link_export")(tmp_path / "cache")
        if request.node.get_closest_marker("sample_remembered") is not None:
            for kept in request.getfixturevalue("remembered_sample"):
                shutil.copy(kept, tmp_path / "cache")


@cache
def _names_the_sample(module: Path) -> bool:
    return "sample" in module.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary directory of the whole run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def link_export(shared_by_workers: Path) -> Iterator[Callable[[Path], None]]:
    """Puts the export of the sample's model into a cache directory: made once for all tests and all workers.

    Its files are hard links, which a test may remove or replace; one that writes into them says `own_export`.
    """
    exported = shared_by_workers / "sample-export"
    with FileLock(f"{exported}.lock"):
        if not (exported / "ready").exists():
            encoder = load_encoder(ModelSpec(f"{LOCAL_DIR}{MODEL_DIRECTORY}"), exported, device="cpu")
            assert isinstance(encoder, OpenVinoEncoder), "the sample's model cannot be exported"
            encoder.encode_texts(["a boat"])  # what is compiled is kept, too
            encoder.encode_pictures([Image.new("RGB", (32, 32))])
            (exported / "ready").touch()
    before = _states_below(exported)

    def link(cache_directory: Path) -> None:
        shutil.copytree(exported / "engines", cache_directory / "engines", copy_function=os.link, dirs_exist_ok=True)

    yield link
    assert _states_below(exported) == before, "a test wrote into the export that all share; mark it own_export"


@pytest.fixture(scope="session")
def remembered_sample(shared_by_workers: Path, link_export: Callable[[Path], None]) -> list[Path]:
    """The files in which searches of some of the sample's subjects have left what they encoded; made once, too."""
    searched = shared_by_workers / "sample-searched"
    with FileLock(f"{searched}.lock"):
        if not (searched / "ready").exists():
            link_export(searched)
            with Finder(Config(cache_directory=searched)) as finder:
                for subject in REMEMBERED_SUBJECTS:
                    finder.search(SearchRequest(f"a {subject}", tag=subject, source="sample"))
            (searched / "ready").touch()
    return sorted(searched.glob("*.sqlite"))


def _states_below(directory: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def api() -> Iterator[ScriptedServer]:
    """A stock source's API on loopback that plays a script."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def pictures() -> Iterator[PictureServer]:
    """A host of pictures on loopback."""
    with PictureServer() as server:
        yield server


@pytest.fixture
def openverse(pictures: PictureServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceServer]:
    """Openverse's API on loopback with three pictures of the host's, as the environment has it asked."""
    with holding(OpenverseServer, pictures, monkeypatch) as server:
        yield server


@pytest.fixture
def connect() -> Iterator[Callable[..., PixabayRetriever]]:
    """Opens retrievers for a server (or an address) and closes them after the test."""
    with ExitStack() as stack:

        def open_retriever(server: ScriptedServer | str, **options: Any) -> PixabayRetriever:
            url = server if isinstance(server, str) else server.url
            # Answers are kept only where a test says where.
            policy = QUICK if "cache_directory" in options else replace(QUICK, keep_answers_for=timedelta(0))
            settings: dict[str, Any] = {"key": KEY, "base_url": url, "policy": policy} | options
            return stack.enter_context(PixabayRetriever(**settings))

        yield open_retriever


@pytest.fixture
def usual_recursion() -> Iterator[None]:
    """Python's own limit, which libraries of other tests have raised."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)
