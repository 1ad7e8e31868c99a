"""`check_source`: our own sources keep every promise, and each check fails for a source that breaks its promise."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from unittest import SkipTest

import pytest
from PIL import Image

from phrasepix.sample.source import SOURCE as SAMPLE
from retriever.folder.source import FolderSource
from retriever.profile import SourceProfile
from retriever.protocol import Retriever
from retriever.source import Opening
from retriever.testing import ListRetriever, check_source, made_candidate, source_checks
from retriever.testing.trial import CONTRACT
from tests.first_often import first_often
from tests.servers import Asked, Step
from tests.source_servers import SERVERS
from tests.source_servers.base import SourceServer
from tests.source_servers.pixabay import PixabayServer
from tests.test_source_contract import PICTURES

UNKNOWN = "nobodytagsthis"
RECORDED = sorted((Path(__file__).parents[2] / "shared" / "pixabay").glob("*_*hits*.json"))
"""Answers of several years as Pixabay sent them, where they lie beside the repository."""


class OfServer:
    """A server's source, opened without the long pauses and without answers that are kept."""

    def __init__(self, server: SourceServer) -> None:
        self._server = server

    @property
    def profile(self) -> SourceProfile:
        return self._server.profile

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        return self._server.connect(
            key=opening.key, base_url=opening.base_url, on_skip=opening.on_skip, offline=opening.offline
        )


@pytest.fixture(params=first_often(2, SERVERS), ids=lambda kind: kind.source.profile.name)
def server(request: pytest.FixtureRequest) -> Iterator[SourceServer]:
    """A source's server with a page of pictures of all kinds and five more, none of them for an unknown tag."""
    with request.param() as opened:
        kinds = cycle(one for one in PICTURES if one.media_type in opened.media_types)
        count = opened.profile.page_size + 5
        opened.hold(*(replace(one, number=number) for number, one in enumerate(islice(kinds, count), start=1)))
        opened.otherwise = lambda asked: answer_of(opened, asked)
        yield opened


def answer_of(server: SourceServer, asked: Asked) -> Step:
    """The server's answer, which holds nothing for the unknown tag."""
    if any(UNKNOWN in value for value in asked.query.values()):
        return server.listing(asked, [], 0)
    return server.answer(asked)


def checks_of(server: SourceServer) -> dict[str, Callable[[], None]]:
    opening = Opening(key=server.key or None, base_url=server.api_url)
    limit = server.profile.page_size + 5
    return dict(source_checks(OfServer(server), opening=opening, tag="boat", unknown_tag=UNKNOWN, limit=limit))


@pytest.mark.parametrize("name", CONTRACT.names)
def test_a_source_over_an_api_keeps_its_promises(name: str, server: SourceServer) -> None:
    checks_of(server)[name]()


@pytest.mark.skipif(not RECORDED, reason="no recorded answers beside the repository (../shared/pixabay)")
@pytest.mark.parametrize("answer", RECORDED, ids=lambda file: file.stem)
def test_pixabay_keeps_its_promises_on_recorded_answers(answer: Path) -> None:
    with PixabayServer() as opened:
        hits = json.loads(answer.read_text(encoding="utf-8"))["hits"]
        opened.hold(*hits)
        opened.otherwise = lambda asked: answer_of(opened, asked)
        opening = Opening(key=opened.key, base_url=opened.api_url)
        undecided = check_source(
            OfServer(opened), opening=opening, tag="boat", unknown_tag=UNKNOWN, limit=max(3, len(hits))
        )
        assert set(undecided) <= {"asks_page_by_page"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("boat/one.jpg", "boat/two.png", "a boat.webp", "other.jpg")):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (90 + number, 60), (40 * number, 0, 0)).save(tmp_path / "pictures" / name)
    return tmp_path / "pictures"


@pytest.mark.parametrize("name", CONTRACT.names)
def test_a_folder_keeps_its_promises(name: str, folder: Path) -> None:
    dict(source_checks(FolderSource(folder), tag="boat", unknown_tag=UNKNOWN))[name]()


@pytest.mark.parametrize("name", CONTRACT.names)
def test_the_sample_keeps_its_promises(name: str) -> None:
    dict(source_checks(SAMPLE, tag="boat", unknown_tag=UNKNOWN))[name]()


def test_the_double_keeps_its_promises() -> None:
    pool = [made_candidate(number, tags=("boat",), width=600 + 90 * number) for number in range(1, 4)]
    undecided = check_source(ListRetriever(pool), tag="boat")
    assert "offers_each_picture_once" not in undecided


def test_a_check_that_cannot_tell_is_skipped_with_its_reason() -> None:
    with pytest.raises(SkipTest, match="name one that finds pictures"):
        dict(source_checks(ListRetriever([]), tag="boat"))["gives_true_sizes"]()
