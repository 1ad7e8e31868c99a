"""A whole search at a source whose pictures must be shown by its own addresses: what is shown, and what is kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from phrasepix import find_images
from phrasepix.notebook import picture_or_address
from phrasepix.results import Results
from phrasepix_core.candidate import Rendition
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from tests.picture_server import PictureServer, encoded, file, stripes
from tests.source_servers.base import Picture
from tests.source_servers.unsplash import UnsplashServer

COLOURS = ("red", "green", "blue")
THERE = "https://images.example/photo-1?ixid=A&w=1080"


@pytest.fixture
def unsplash() -> Iterator[UnsplashServer]:
    """Unsplash's API with three pictures, whose files are on this machine too."""
    with PictureServer() as pictures, UnsplashServer() as server:
        server.hold(
            *(
                Picture(number=number, file_url=pictures.put(f"/{number}.jpg", file(encoded(stripes([colour])))))
                for number, colour in enumerate(COLOURS, start=1)
            )
        )
        yield server


def search(server: UnsplashServer) -> Results:
    return find_images(
        "blue", tag="boat", source="unsplash", key=server.key, base_url=server.api_url, model=ColourEncoder()
    )


def rows(table: str) -> int:
    with closing(sqlite3.connect(cache_directory() / f"{table}.sqlite")) as db:
        return int(db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def test_a_search_keeps_embeddings_and_answers_and_no_picture(unsplash: UnsplashServer) -> None:
    first = search(unsplash)
    assert first[0].candidate.id == "Xq_3-aB"
    assert len(first) == 3
    assert all(match.candidate.hotlink for match in first)
    assert rows("embeddings") == 3
    assert not (cache_directory() / "pictures.sqlite").exists() or rows("pictures") == 0
    asked = len(unsplash.asked)
    assert [match.candidate for match in search(unsplash)] == [match.candidate for match in first]
    assert len(unsplash.asked) == asked
    assert unsplash.told_of == [], "looking is no download"


def test_source_and_photographer_stand_on_the_page_with_links_that_say_who_refers(unsplash: UnsplashServer) -> None:
    page = search(unsplash)._repr_mimebundle_()["text/html"]
    assert "Photo by somebody on Unsplash" in page
    assert 'href="https://photos.example/@some.body?utm_source=phrasepix&amp;utm_medium=referral"' in page
    assert 'href="https://unsplash.com/?utm_source=phrasepix&amp;utm_medium=referral"' in page
    assert 'href="https://unsplash.com/license"' in page


def test_a_plot_in_a_notebook_has_its_address_and_no_copy(unsplash: UnsplashServer) -> None:
    first = search(unsplash)[0]
    there = replace(first, candidate=replace(first.candidate, renditions=(Rendition(THERE, 1080, 720),)))
    assert picture_or_address(there) == THERE.replace("&", "&amp;")
    assert picture_or_address(first) is first.picture, "a file on this machine is gone with the search"
