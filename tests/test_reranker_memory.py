"""A reranker with a memory: what it encodes again, and what it does not."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker import ClipReranker, Embeddings, Progress, Ranking
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.pictures import PictureLoader
from reranker.testing import ColourEncoder
from tests.first_often import first_often
from tests.picture_server import PictureServer, put_pool, status


class CountingEncoder(ColourEncoder):
    """Counts the pictures it was given."""

    def __init__(self, name: str = ColourEncoder.name) -> None:
        self.name = name
        self.encoded = 0

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.encoded += len(pictures)
        return super().encode_pictures(pictures)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


def search(
    memory: Path, pool: list[Candidate], *, name: str = ColourEncoder.name, stop_after: int = 0, top: int = 5
) -> tuple[Ranking | None, int]:
    """What a reranker of its own finds, None where it was interrupted, and how many pictures it encoded."""

    def interrupt(progress: Progress) -> None:
        if stop_after and progress.done >= stop_after:
            raise KeyboardInterrupt

    encoder = CountingEncoder(name)
    loader = PictureLoader(loopback_sources={"sample"})
    with Memory(memory) as kept, ClipReranker(encoder, loader=loader, batch_size=4, threads=4, memory=kept) as reranker:
        try:
            return reranker.rerank("red", pool, top=top, on_progress=interrupt), encoder.encoded
        except KeyboardInterrupt:
            return None, encoder.encoded


def test_what_is_used_again_outlasts_what_is_not(server: PictureServer) -> None:
    pool = put_pool(server, 4)
    encoded = [EncodedPicture(np.eye(4, dtype=np.float32)[number]) for number in range(4)]
    kept = EncodedPictures(largest_bytes=3 * encoded[0].size)
    for number in (0, 1, 2, 0, 3):  # the first one as it was, once more, before there is room for three alone
        kept.put(pool[number], encoded[number])
    assert [kept.get(one) is not None for one in pool] == [True, False, True, True]


def test_another_reranker_with_the_same_memory_fetches_and_encodes_nothing(
    server: PictureServer, tmp_path: Path
) -> None:
    pool = put_pool(server, 10)
    first, encoded = search(tmp_path, pool)
    asked = server.asked_in_all
    assert encoded == asked == 10
    second, encoded = search(tmp_path, pool)
    assert (encoded, server.asked_in_all) == (0, asked)
    assert second == first
    assert first
    assert second
    for one, other in zip(first.matches, second.matches, strict=True):
        np.testing.assert_array_equal(np.asarray(one.picture), np.asarray(other.picture))


@pytest.mark.parametrize("after", first_often(2, [4, 12, 1, 7]))
def test_an_interrupted_search_goes_on_where_it_was(server: PictureServer, tmp_path: Path, after: int) -> None:
    pool = put_pool(server, 20)
    interrupted, before = search(tmp_path, pool, stop_after=after)
    assert interrupted is None
    assert after <= before < 20
    whole, rest = search(tmp_path, pool, top=20)
    assert rest == 20 - before
    assert whole == search(tmp_path / "another", pool, top=20)[0]


def test_a_damaged_vector_is_encoded_again_and_no_other(server: PictureServer, tmp_path: Path) -> None:
    pool = put_pool(server, 10)
    first, _ = search(tmp_path, pool)
    with closing(sqlite3.connect(tmp_path / "embeddings.sqlite")) as db, db:
        db.execute("UPDATE embeddings SET vector = zeroblob(size) WHERE picture IN ('3', '8')")
    assert search(tmp_path, pool) == (first, 2)
    assert search(tmp_path, pool) == (first, 0)


def test_an_encoder_of_another_name_encodes_for_itself(server: PictureServer, tmp_path: Path) -> None:
    pool = put_pool(server, 6)
    assert search(tmp_path, pool)[1] == 6
    assert search(tmp_path, pool, name="colours, another precision")[1] == 6
    assert search(tmp_path, pool)[1] == 0


def test_a_kept_picture_that_is_damaged_is_fetched_again(server: PictureServer, tmp_path: Path) -> None:
    pool = put_pool(server, 6)
    first, _ = search(tmp_path, pool, top=3)
    assert first
    asked = server.asked_in_all
    best = first.matches[0].candidate.id
    with closing(sqlite3.connect(tmp_path / "pictures.sqlite")) as db, db:
        db.execute("UPDATE pictures SET file = x'00' WHERE picture = ?", (best,))
    assert search(tmp_path, pool, top=3) == (first, 0)
    assert server.asked_in_all == asked + 1


def test_a_remembered_picture_that_is_gone_from_its_source_leaves_its_place_to_the_next(
    server: PictureServer, tmp_path: Path
) -> None:
    pool = put_pool(server, 6)
    whole, _ = search(tmp_path, pool, top=6)
    assert whole
    (tmp_path / "pictures.sqlite").unlink()
    gone = whole.matches[1].candidate
    server.put(f"/good/{gone.id}.png", status(404))
    left, encoded = search(tmp_path, pool, top=3)
    assert left
    assert encoded == 0
    assert [one.candidate for one in left.matches] == [whole.matches[n].candidate for n in (0, 2, 3)]
    assert [one.rank for one in left.matches] == [1, 2, 3]
    assert [one.candidate for one in left.skipped] == [gone]
    assert left.pool_size == 6


def test_of_a_picture_that_must_be_hotlinked_the_embedding_is_kept_and_no_file(
    server: PictureServer, tmp_path: Path
) -> None:
    pool = put_pool(server, 6)
    hotlinked = [replace(one, hotlink=True) for one in pool[:3]]
    first, encoded = search(tmp_path, [*hotlinked, *pool[3:]], top=6)
    assert encoded == 6
    with closing(sqlite3.connect(tmp_path / "pictures.sqlite")) as db:
        kept = {identifier for (identifier,) in db.execute("SELECT picture FROM pictures")}
    assert kept == {one.id for one in pool[3:]}
    asked = server.asked_in_all
    second, encoded = search(tmp_path, [*hotlinked, *pool[3:]], top=6)
    assert (second, encoded) == (first, 0)
    assert server.asked_in_all == asked + 3, "what is shown of them is fetched again"
    with closing(sqlite3.connect(tmp_path / "pictures.sqlite")) as db:
        assert {identifier for (identifier,) in db.execute("SELECT picture FROM pictures")} == kept
