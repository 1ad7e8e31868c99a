"""The reranker itself: what it asks for, what it remembers, what interrupts it."""

import gc
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker import ClipReranker, Embeddings, Encoder, Progress, RerankerError
from reranker.baseline_prompts import NEUTRAL_PHRASES
from reranker.errors import WrongQueryError
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.loader import LoadedPicture
from reranker.query import Query
from reranker.testing import ColourEncoder
from reranker.text_cache import TextEmbeddingCache
from tests.first_often import first_often
from tests.picture_server import (
    PictureServer,
    after,
    candidate,
    encoded,
    file,
    hold_until,
    put_pool,
    silence,
    status,
    stripes,
)


class CountingEncoder:
    """A `ColourEncoder` that writes down what it was given."""

    def __init__(self) -> None:
        self._encoder = ColourEncoder()
        self.batches: list[int] = []
        self.texts: list[str] = []

    name = ColourEncoder.name
    dimensions = ColourEncoder.dimensions
    input_side = ColourEncoder.input_side

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.texts.extend(texts)
        return self._encoder.encode_texts(texts)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.batches.append(len(pictures))
        return self._encoder.encode_pictures(pictures)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server
    gc.collect(1)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture
def reranker(encoder: CountingEncoder) -> Iterator[ClipReranker]:
    loader = PictureLoader(loopback_sources={"sample"})
    with ClipReranker(encoder, loader=loader, batch_size=4, threads=4) as reranker:
        yield reranker


def ids(ranking_or_pool: object) -> list[str]:
    matches = getattr(ranking_or_pool, "matches", ())
    return [match.candidate.id for match in matches]


def test_the_doubles_are_encoders() -> None:
    assert isinstance(ColourEncoder(), Encoder)
    assert isinstance(CountingEncoder(), Encoder)


def test_the_best_come_first_with_rank_score_candidate_and_picture(
    server: PictureServer, reranker: ClipReranker
) -> None:
    pool = put_pool(server, 10)
    expected = ColourEncoder()
    query = expected.encode_texts(["red"])[0].astype(np.float64)
    scores = []
    for number in range(10):
        red = max(1, 12 - (number - (number % 3 == 2)))
        picture = stripes(["red"] * red + ["blue"] * (13 - red))
        scores.append(float(expected.encode_pictures([picture])[0].astype(np.float64) @ query))
    ranking = reranker.rerank("red", list(reversed(pool)), top=10)
    order = sorted(range(9, -1, -1), key=lambda number: -scores[number])
    assert ids(ranking) == [str(number) for number in order]
    assert [match.rank for match in ranking.matches] == list(range(1, 11))
    np.testing.assert_allclose([match.score for match in ranking.matches], [scores[n] for n in order], atol=1e-6)
    assert all(match.picture.mode == "RGB" and match.picture.size == (64, 48) for match in ranking.matches)
    assert (ranking.skipped, ranking.pool_size) == ((), 10)


def test_equal_pictures_keep_the_order_of_the_pool(server: PictureServer, reranker: ClipReranker) -> None:
    url = server.put("/same.png", file(encoded(stripes(["red", "blue"]), "PNG")))
    pool = [candidate(number, url) for number in (5, 3, 9, 1, 7, 0, 2, 8, 6, 4)]
    assert ids(reranker.rerank("red", pool, fold=False)) == ["5", "3", "9", "1", "7", "0", "2", "8", "6", "4"]
    assert ids(reranker.rerank("red", pool, top=3, fold=False)) == ["5", "3", "9"]


@pytest.mark.parametrize("top", [1, 4, 9, 10, 1000])
def test_a_top_gives_so_many_or_the_whole_pool(server: PictureServer, reranker: ClipReranker, top: int) -> None:
    pool = put_pool(server, 9)
    ranking = reranker.rerank("red", pool, top=top)
    assert ids(ranking) == ids(reranker.rerank("red", pool, top=9))[:top]
    assert ranking.pool_size == 9


def test_an_empty_pool_is_an_empty_ranking(reranker: ClipReranker, encoder: CountingEncoder) -> None:
    ranking = reranker.rerank("red", [])
    assert (ranking.matches, ranking.skipped, ranking.pool_size) == ((), (), 0)
    assert encoder.batches == []


@pytest.mark.parametrize("phrase", ["", "   ", "\n\t"])
def test_an_empty_phrase_is_refused_before_anything_is_fetched(
    server: PictureServer, reranker: ClipReranker, phrase: str
) -> None:
    with pytest.raises(WrongQueryError, match="phrase is empty"):
        reranker.rerank(phrase, put_pool(server, 3))
    assert server.asked_in_all == 0


@pytest.mark.parametrize("top", [0, -1])
def test_a_top_below_one_is_refused_before_anything_is_fetched(
    server: PictureServer, reranker: ClipReranker, top: int
) -> None:
    with pytest.raises(WrongQueryError, match=rf"top {top} is out of range; allowed: whole numbers from 1"):
        reranker.rerank("red", put_pool(server, 3), top=top)
    assert server.asked_in_all == 0


def test_a_wrong_query_is_a_value_error_too() -> None:
    assert issubclass(WrongQueryError, ValueError)
    assert issubclass(WrongQueryError, RerankerError)


def test_a_second_phrase_over_the_same_pool_fetches_and_encodes_nothing(
    server: PictureServer, reranker: ClipReranker, encoder: CountingEncoder
) -> None:
    pool = put_pool(server, 10)
    first = reranker.rerank("red", pool)
    asked, batches = dict(server.asked), list(encoder.batches)
    assert sum(batches) == 10
    assert max(batches) <= 4
    assert set(asked.values()) == {1}
    second = reranker.rerank("blue", pool)
    assert dict(server.asked) == asked
    assert encoder.batches == batches
    assert encoder.texts == ["red", *NEUTRAL_PHRASES, "blue"]
    assert set(ids(second)) == set(ids(first))
    assert ids(second)[0] == "9"
    assert [match.picture.tobytes() for match in second.matches if match.candidate.id == "0"] == [
        match.picture.tobytes() for match in first.matches if match.candidate.id == "0"
    ]


def test_a_phrase_that_was_encoded_ahead_is_not_encoded_again(server: PictureServer, encoder: CountingEncoder) -> None:
    texts = TextEmbeddingCache(encoder)
    texts.phrase("red")
    loader = PictureLoader(loopback_sources={"sample"})
    with ClipReranker(texts=texts, loader=loader) as reranker:
        assert reranker.encoder is encoder
        assert ids(reranker.rerank("red", put_pool(server, 3)))
    assert encoder.texts == ["red", *NEUTRAL_PHRASES]
    with pytest.raises(ValueError, match="leave out the other"):
        ClipReranker(encoder, texts=texts)


def test_only_what_is_new_in_a_pool_is_fetched_and_encoded(
    server: PictureServer, reranker: ClipReranker, encoder: CountingEncoder
) -> None:
    pool = put_pool(server, 12)
    apart = reranker.rerank("red", pool[:7], top=12)
    assert sum(encoder.batches) == 7
    whole = reranker.rerank("red", pool, top=12)
    assert sum(encoder.batches) == 12
    assert set(server.asked.values()) == {1}
    scores = {match.candidate.id: match.score for match in whole.matches}
    assert {match.candidate.id: match.score for match in apart.matches}.items() <= scores.items()


def test_the_same_id_of_another_source_is_another_picture(server: PictureServer, encoder: CountingEncoder) -> None:
    red = server.put("/red.png", file(encoded(stripes(["red"]), "PNG")))
    blue = server.put("/blue.png", file(encoded(stripes(["blue"]), "PNG")))
    pool = [candidate(1, blue, source="one"), candidate(1, red, source="two")]
    loader = PictureLoader(loopback_sources={"one", "two"})
    with ClipReranker(encoder, loader=loader) as reranker:
        assert [match.candidate.source for match in reranker.rerank("red", pool).matches] == ["two", "one"]
        assert [match.candidate.source for match in reranker.rerank("blue", pool).matches] == ["one", "two"]


def test_a_picture_that_could_not_be_had_is_tried_again_next_time(
    server: PictureServer, reranker: ClipReranker
) -> None:
    url = server.put("/late.png", status(404), file(encoded(stripes(["red"]), "PNG")))
    pool = [candidate("late", url)]
    assert len(reranker.rerank("red", pool).skipped) == 1
    assert ids(reranker.rerank("red", pool)) == ["late"]


def test_a_loader_for_one_call_stands_in_for_the_rerankers_own(server: PictureServer, encoder: CountingEncoder) -> None:
    pool = put_pool(server, 3)
    with ClipReranker(encoder) as reranker:
        assert len(reranker.rerank("red", pool).skipped) == 3
        with PictureLoader(loopback_sources={"sample"}) as loader:
            assert len(reranker.rerank("red", pool, loader=loader).matches) == 3


@pytest.mark.slow
def test_a_pool_is_read_lazily(server: PictureServer, reranker: ClipReranker) -> None:
    same = server.put("/same.png", file(encoded(stripes(["red", "blue"]), "PNG")))
    pool = [candidate(number, same) for number in range(700)]
    read = 0
    ahead: list[int] = []

    def source() -> Iterator[Candidate]:
        nonlocal read
        for one in pool:
            read += 1
            yield one

    ranking = reranker.rerank("red", source(), on_progress=lambda progress: ahead.append(read - progress.done))
    assert ranking.pool_size == read == 700
    assert ahead[-1] == 0
    assert max(ahead) <= 256 + 64 + 3 * 4  # what is read ahead, a chunk looked up, and three batches; never all of it


def test_progress_counts_each_candidate_and_the_skipped_among_them(
    server: PictureServer, reranker: ClipReranker
) -> None:
    pool = put_pool(server, 9)
    pool[4] = candidate("bad", server.url("/missing"))
    seen: list[Progress] = []
    reranker.rerank("red", pool, on_progress=seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 9)
    assert seen[-1].skipped == 1
    assert all(later - earlier <= 4 for earlier, later in pairwise(done)), "a batch at a time"


def test_progress_shows_the_best_so_far_and_ends_with_the_best(server: PictureServer, reranker: ClipReranker) -> None:
    pool = put_pool(server, 12)
    seen: list[Progress] = []
    ranking = reranker.rerank("red", pool, top=3, on_progress=seen.append)
    assert [(one.candidate, one.score) for one in seen[-1].best] == [(m.candidate, m.score) for m in ranking.matches]
    for progress in seen:
        scores = [one.score for one in progress.best]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == min(3, progress.done)


def test_a_stream_firms_up_to_what_rerank_gives(server: PictureServer, encoder: CountingEncoder) -> None:
    pool = put_pool(server, 14)
    pool[3] = candidate("bad", server.url("/missing"))
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"}), batch_size=4, threads=4) as reranker:
        rankings = list(reranker.stream("red", pool, top=5))
        assert sum(encoder.batches) == 13
        assert rankings[-1] == reranker.rerank("red", pool, top=5)
    assert [ranking.is_final for ranking in rankings] == [False] * (len(rankings) - 1) + [True]
    sizes = [ranking.pool_size for ranking in rankings]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (0, 14)
    for ranking in rankings:
        assert len(ranking.matches) == min(5, ranking.pool_size - len(ranking.skipped))
        assert [match.rank for match in ranking.matches] == list(range(1, len(ranking.matches) + 1))
        assert all(match.picture.mode == "RGB" for match in ranking.matches)


def test_leaving_a_stream_keeps_what_was_encoded(server: PictureServer, encoder: CountingEncoder) -> None:
    pool = put_pool(server, 30)
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"}), batch_size=4, threads=4) as reranker:
        for ranking in reranker.stream("red", pool):
            if ranking.pool_size >= 8:
                break
        kept = sum(encoder.batches)
        assert 8 <= kept < 30
        assert len(reranker.rerank("red", pool, top=30).matches) == 30
        assert sum(encoder.batches) == 30


@pytest.mark.parametrize("seed", first_often(2, range(5)))
def test_the_order_does_not_depend_on_which_picture_arrives_first(
    server: PictureServer, encoder: CountingEncoder, seed: int
) -> None:
    numbers = random.Random(seed)
    calm, hurried = [], []
    for number in range(30):
        data = encoded(stripes(["red"] * (1 + number % 4) + ["blue"] * 3), "PNG")
        calm.append(candidate(number, server.put(f"/calm/{number}.png", file(data, "image/png"))))
        pause = numbers.choice([0.0, 0.0, 0.01, 0.1])
        hurried.append(candidate(number, server.put(f"/slow/{number}.png", after(pause, data))))

    def order(pool: list[Candidate]) -> list[tuple[str, float]]:
        loader = PictureLoader(loopback_sources={"sample"})
        with ClipReranker(encoder, loader=loader, batch_size=5, threads=8) as reranker:
            return [(match.candidate.id, match.score) for match in reranker.rerank("red", pool, top=30).matches]

    assert order(hurried) == order(calm)


def test_a_page_that_fails_loses_nothing_of_what_came_before(
    server: PictureServer, reranker: ClipReranker, encoder: CountingEncoder
) -> None:
    pool = put_pool(server, 9)

    def source() -> Iterator[Candidate]:
        yield from pool
        raise ConnectionError("page 2 cannot be had")

    with pytest.raises(ConnectionError, match="page 2"):
        reranker.rerank("red", source())
    assert sum(encoder.batches) == 9
    reranker.rerank("red", pool)
    assert sum(encoder.batches) == 9


def test_pages_are_asked_for_while_pictures_are_still_under_way(server: PictureServer, reranker: ClipReranker) -> None:
    asked = threading.Event()
    pool = put_pool(server, 6)
    held = server.put("/held.png", hold_until(asked, encoded(stripes(["red"]), "PNG")))

    def source() -> Iterator[Candidate]:
        yield candidate("held", held)
        asked.set()  # reached though the first picture does not come before this
        yield from pool

    assert len(reranker.rerank("red", source(), top=10).matches) == 7


@pytest.mark.parametrize("looked_at", [1, 4, 6, 11])
def test_an_interrupt_leaves_it_usable_and_what_was_encoded_is_kept(
    server: PictureServer, reranker: ClipReranker, encoder: CountingEncoder, looked_at: int
) -> None:
    pool = put_pool(server, 30)

    def interrupt(progress: Progress) -> None:
        if progress.done >= looked_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reranker.rerank("red", pool, on_progress=interrupt)
    kept = sum(encoder.batches)
    assert looked_at <= kept < 30
    ranking = reranker.rerank("red", pool, top=30)
    assert sum(encoder.batches) == 30
    assert len(ranking.matches) == 30
    with ClipReranker(ColourEncoder(), loader=PictureLoader(loopback_sources={"sample"})) as other:
        assert ids(other.rerank("red", pool, top=30)) == ids(ranking)


def test_an_interrupt_ends_the_threads_that_load(server: PictureServer, encoder: CountingEncoder) -> None:
    pool = put_pool(server, 8)
    pool[6:6] = [candidate(f"stuck-{number}", server.put(f"/stuck/{number}", silence)) for number in range(4)]
    loader = PictureLoader(PictureFetcher(read_timeout_s=600, deadline_s=600), loopback_sources={"sample"})

    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with ClipReranker(encoder, loader=loader, batch_size=2, threads=8) as reranker, pytest.raises(KeyboardInterrupt):
        reranker.rerank("red", pool, on_progress=interrupt)
    for thread in threading.enumerate():
        if thread.name.startswith("look-ahead"):
            thread.join(timeout=60)
            assert not thread.is_alive()


class PartlyBlindEncoder(ColourEncoder):
    """Gives no finite embedding for a picture that is all green."""

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        rows = super().encode_pictures(pictures)
        rows[rows[:, 3] > 0.99] = np.nan
        return rows


def test_a_picture_without_a_finite_embedding_is_skipped_alone(server: PictureServer) -> None:
    pool = put_pool(server, 9)
    url = server.put("/green.png", file(encoded(stripes(["green"]), "PNG")))
    with ClipReranker(
        PartlyBlindEncoder(), loader=PictureLoader(loopback_sources={"sample"}), batch_size=4
    ) as reranker:
        without = reranker.rerank("red", pool)
        with_it = reranker.rerank("red", [*pool[:5], candidate("green", url), *pool[5:]])
    assert [(match.candidate.id, match.score) for match in with_it.matches] == [
        (match.candidate.id, match.score) for match in without.matches
    ]
    assert [(skipped.candidate.id, skipped.reason) for skipped in with_it.skipped] == [
        ("green", "the model gives no finite embedding for this picture")
    ]


class LoadingEncoder(CountingEncoder):
    """Loads its image tower ahead, and writes down how many texts were encoded by then."""

    def __init__(self, problem: str = "") -> None:
        super().__init__()
        self.texts_before: list[int] = []
        self.has_loaded = threading.Event()
        self._problem = problem

    def load_image_tower(self) -> None:
        self.texts_before.append(len(self.texts))
        self.has_loaded.set()
        if self._problem:
            raise RuntimeError(self._problem)


def test_the_image_tower_is_loaded_once_after_the_texts_and_while_the_pictures_travel(server: PictureServer) -> None:
    encoder = LoadingEncoder()
    # The only picture does not arrive before the tower is loaded.
    url = server.put("/held.png", hold_until(encoder.has_loaded, encoded(stripes(["red"]), "PNG")))
    pool = [candidate(1, url), *put_pool(server, 6)[2:]]
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"})) as reranker:
        reranker.prepare(Query.of_phrase("red"))  # with it, the phrases that matches are read against
        texts = len(encoder.texts)
        assert len(reranker.rerank("red", pool[:1]).matches) == 1
        assert encoder.texts_before == [texts]
        reranker.rerank("blue", pool[:1])
        assert encoder.texts_before == [texts]  # what is remembered needs none
        reranker.rerank("green", pool)
        assert encoder.texts_before == [texts, texts + 2]


def test_an_image_tower_that_cannot_be_loaded_ahead_is_met_where_it_is_needed(server: PictureServer) -> None:
    encoder = LoadingEncoder("no memory")
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"})) as reranker:
        assert len(reranker.rerank("red", put_pool(server, 3)).matches) == 3


class DeafEncoder(ColourEncoder):
    """Gives no finite embedding for any text."""

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return np.full((len(texts), self.dimensions), np.nan, dtype=np.float32)


def test_a_phrase_without_a_finite_embedding_is_refused(server: PictureServer) -> None:
    with ClipReranker(DeafEncoder()) as reranker, pytest.raises(WrongQueryError, match="no finite embedding"):
        reranker.rerank("red", put_pool(server, 2))


def test_what_is_remembered_stays_below_its_limit_and_the_longest_unused_goes_first(server: PictureServer) -> None:
    # Seventy files of almost 2 MiB pass through a memory of 128 MiB: 65 of them fit.
    size = (2 << 20) - (40 << 10)
    filler = bytes(size)
    encoder = CountingEncoder()
    pool = []
    for number in range(70):
        picture = encoded(stripes(["red"] * (1 + number % 3) + ["blue"]), "PNG") + filler
        pool.append(candidate(number, server.put(f"/{number}.png", file(picture))))
    # One thread: the pictures arrive, and are used, in the order of the pool.
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"}), batch_size=2, threads=1) as reranker:
        reranker.rerank("red", pool, top=1)
        assert sum(encoder.batches) == 70
        fit = 65
        reranker.rerank("red", pool[-fit:], top=1)
        assert sum(encoder.batches) == 70  # the last that fit are all there
        reranker.rerank("red", pool[:1], top=1)
        assert sum(encoder.batches) == 71  # the first is not
        reranker.rerank("red", pool[-fit + 1 :], top=1)
        assert sum(encoder.batches) == 71  # and for it the longest unused went, no other
        reranker.rerank("red", pool[-fit : -fit + 1], top=1)
        assert sum(encoder.batches) == 72


def test_two_threads_may_rerank_at_once(server: PictureServer, reranker: ClipReranker) -> None:
    pool = put_pool(server, 24)
    orders: dict[str, list[str]] = {}

    def work(phrase: str) -> None:
        orders[phrase] = ids(reranker.rerank(phrase, pool, top=24))

    threads = [threading.Thread(target=work, args=(phrase,)) for phrase in ("red", "blue", "a red car", "blue sky")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert orders["red"] == orders["a red car"] == ids(reranker.rerank("red", pool, top=24))
    assert orders["blue"] == orders["blue sky"] == ids(reranker.rerank("blue", pool, top=24))


def test_pictures_that_several_searches_need_are_fetched_and_encoded_once(server: PictureServer) -> None:
    pool = put_pool(server, 40)
    encoder = CountingEncoder()
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"}), batch_size=4) as shared:
        ready = threading.Barrier(6)

        def work() -> None:
            ready.wait()
            shared.rerank("red", pool, top=3)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.asked_in_all == sum(encoder.batches) == len(pool)


class SlowToRead(CountingEncoder):
    """Reads a text no sooner than it is told, and says when it has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.has_begun.set()
        assert self.may_end.wait(timeout=60)
        return super().encode_texts(texts)


def test_a_phrase_that_is_being_encoded_is_waited_for_while_pictures_come_and_not_encoded_again(
    server: PictureServer,
) -> None:
    encoder = SlowToRead()
    pool = put_pool(server, 3)

    def source() -> Iterator[Candidate]:
        yield from pool
        encoder.may_end.set()  # reached though the phrase has no embedding yet

    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"})) as reranker:
        ahead = threading.Thread(target=reranker.prepare, args=(Query.of_phrase("red"),))
        ahead.start()
        assert encoder.has_begun.wait(timeout=60)
        assert len(reranker.rerank("red", source()).matches) == 3
        ahead.join()
    assert encoder.texts.count("red") == 1


def test_importing_the_reranker_imports_neither_torch_nor_open_clip() -> None:
    code = (
        "import sys, reranker.testing, reranker.models.model_spec\n"
        "from reranker import ClipReranker, Memory, PictureLoader, Query\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "reranker.clip_reranker" in imported
    assert imported.isdisjoint({"torch", "torchvision", "open_clip", "huggingface_hub", "timm"})


def test_a_name_the_package_does_not_have_is_an_attribute_error() -> None:
    import reranker

    with pytest.raises(AttributeError, match="NoSuchThing"):
        _ = reranker.NoSuchThing


class PreparingEncoder(CountingEncoder):
    """Prepares pictures beforehand, and writes down which threads did what."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared_by: set[str] = set()
        self.encoded_by: set[str] = set()

    def prepare_picture(self, picture: Image.Image) -> Image.Image:
        self.prepared_by.add(threading.current_thread().name)
        return picture.resize((self.input_side, self.input_side))

    def encode_prepared(self, prepared: Sequence[Image.Image]) -> Embeddings:
        self.encoded_by.add(threading.current_thread().name)
        return self.encode_pictures(prepared)


def test_pictures_are_prepared_by_those_who_load_them_and_ranked_as_ever(server: PictureServer) -> None:
    pool = put_pool(server, 12)
    loader = PictureLoader(loopback_sources={"sample"})
    encoder = PreparingEncoder()
    with (
        ClipReranker(encoder, loader=loader, batch_size=4, threads=4) as preparing,
        ClipReranker(ColourEncoder(), loader=loader) as plain,
    ):
        assert ids(preparing.rerank("red", pool, top=12)) == ids(plain.rerank("red", pool, top=12))
    assert all(name.startswith("look-ahead") for name in encoder.prepared_by)
    assert len(encoder.encoded_by) == 1
    assert not encoder.encoded_by & encoder.prepared_by
    assert sum(encoder.batches) == 12


def test_a_batch_is_encoded_while_whoever_asked_looks_at_the_one_before(
    server: PictureServer, encoder: CountingEncoder
) -> None:
    pool = put_pool(server, 12)
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"}), batch_size=4, threads=4) as reranker:
        for ranking in reranker.stream("red", pool):
            if ranking.pool_size == 0:
                continue
            patience_ends = time.monotonic() + 30
            while sum(encoder.batches) <= ranking.pool_size and time.monotonic() < patience_ends:
                time.sleep(0.005)
            assert sum(encoder.batches) > ranking.pool_size
            break


LEFT_OPEN = """
import sys, time
from reranker import ClipReranker
from reranker.pictures import PictureLoader
from reranker.testing import ColourEncoder
from tests.picture_server import candidate

def source():
    yield candidate("1", sys.argv[1])
    time.sleep(float(sys.argv[2]))
    yield candidate("2", sys.argv[1])
    time.sleep(3600)

reranker = ClipReranker(ColourEncoder(), loader=PictureLoader(loopback_sources={"sample"}))
rankings = reranker.stream("red", source())
while next(rankings).pool_size == 0:
    pass
print("looked at one")
"""


@pytest.mark.parametrize("silence_s", first_often(1, [3600, 0.3]))
def test_a_stream_nobody_reads_to_its_end_keeps_no_process_from_ending(server: PictureServer, silence_s: float) -> None:
    url = server.put("/1.png", file(encoded(stripes(["red"]), "PNG"), "image/png"))
    command = [sys.executable, "-c", LEFT_OPEN, url, str(silence_s)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "looked at one\n"), done.stderr


class AlarmedEncoder(CountingEncoder):
    """Says whether it was called while it was at something already."""

    def __init__(self) -> None:
        super().__init__()
        self._at_it = threading.Lock()
        self.was_disturbed = False

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return self._alone(lambda: super(AlarmedEncoder, self).encode_texts(texts))

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        return self._alone(lambda: super(AlarmedEncoder, self).encode_pictures(pictures))

    def _alone(self, work: Callable[[], Embeddings]) -> Embeddings:
        if not self._at_it.acquire(blocking=False):
            self.was_disturbed = True
            return work()
        try:
            time.sleep(0.02)
            return work()
        finally:
            self._at_it.release()


def test_an_encoder_is_called_by_one_thread_at_a_time(server: PictureServer) -> None:
    encoder = AlarmedEncoder()
    pool = put_pool(server, 24)
    with ClipReranker(encoder, loader=PictureLoader(loopback_sources={"sample"}), batch_size=4, threads=4) as reranker:
        for number, ranking in enumerate(reranker.stream("red", pool)):
            if ranking.pool_size:
                reranker.rerank(f"blue {number}", pool[:4])
    assert sum(encoder.batches) >= 24, "each search may have been at the same picture"
    assert not encoder.was_disturbed


def test_of_searches_at_once_so_many_load_pictures_and_the_others_wait() -> None:
    under_way = threading.Semaphore(0)
    go_on = threading.Event()
    done: list[str] = []

    class Held(PictureLoader):
        def load(self, candidate: Candidate, short_side: int, *, whole: bool = False) -> LoadedPicture:
            under_way.release()
            assert go_on.wait(timeout=30)
            return LoadedPicture(Image.new("RGB", (64, 64), "red"), None)

    def search(number: int) -> None:
        pool = [candidate(number, f"http://127.0.0.1/{number}.png")]
        done.extend(one.candidate.id for one in shared.rerank("red", pool).matches)

    with ClipReranker(ColourEncoder(), loader=Held(), pools_at_once=8) as shared:
        threads = [threading.Thread(target=search, args=(number,)) for number in range(11)]
        for thread in threads:
            thread.start()
        for _ in range(8):
            assert under_way.acquire(timeout=20)
        assert not under_way.acquire(timeout=0.2), "another has begun"
        go_on.set()
        for thread in threads:
            thread.join(timeout=30)
    assert sorted(done, key=int) == [str(number) for number in range(11)]


def test_searches_that_were_put_down_hold_up_no_other(server: PictureServer) -> None:
    pool = put_pool(server, 20)
    with ClipReranker(ColourEncoder(), loader=PictureLoader(loopback_sources={"sample"})) as shared:
        put_down = [shared.stream("red", [one]) for one in pool[:-1]]
        for rankings in put_down:
            next(rankings)
        assert shared.rerank("red", pool[-1:]).pool_size == 1
        for rankings in put_down:
            rankings.close()  # type: ignore[attr-defined]
