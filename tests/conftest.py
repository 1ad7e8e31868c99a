"""What every test starts from: directories of its own, no key, no proxy, and a server that does as told."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    # Last, so that installed packages win; `training` and `tests` are found here only.
    sys.path.append(str(ROOT))

from retriever import PixabayRetriever  # noqa: E402
from retriever.courtesy.rate_limiter import LIMITERS  # noqa: E402
from tests.servers import KEY, QUICK, ScriptedServer  # noqa: E402

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


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person's own settings reaches a test, and nothing of a test reaches them."""
    monkeypatch.setenv("PHRASEPIX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PHRASEPIX_CONFIG_DIR", str(tmp_path / "config"))
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    LIMITERS.clear()  # the port of another test's server may come again


@pytest.fixture
def api() -> Iterator[ScriptedServer]:
    """A stock source's API on loopback that plays a script."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def connect() -> Iterator[Callable[..., PixabayRetriever]]:
    """Opens retrievers for a server (or an address) and closes them after the test."""
    with ExitStack() as stack:

        def open_retriever(server: ScriptedServer | str, **options: Any) -> PixabayRetriever:
            url = server if isinstance(server, str) else server.url
            # Answers are kept only where a test says where.
            manners = QUICK if "cache_directory" in options else replace(QUICK, keep_answers_for=timedelta(0))
            settings: dict[str, Any] = {"key": KEY, "base_url": url, "manners": manners} | options
            return stack.enter_context(PixabayRetriever(**settings))

        yield open_retriever
