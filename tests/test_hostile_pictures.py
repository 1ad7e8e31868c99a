"""Pictures that are built to cost: what they take is bounded, and what would take minutes is refused at once."""

import io
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from benchmarks.hostile_pictures import animated, animated_png, bmp_of_runs, chunk, many_scans, png, saved
from phrasepix.searching.pool import AskedSource, Pool
from phrasepix.searching.tag_strategies import FixedTags, TagLog
from phrasepix_core.bare import RefusedPictureError, bare_file
from phrasepix_core.candidate import Candidate
from reranker.accumulator import RankingAccumulator
from reranker.clip_reranker import ClipReranker
from reranker.dedup import DuplicateDetector, duplicates_of, fingerprint_of, representatives
from reranker.display_pictures import DisplayPictures
from reranker.encoder import unit_rows
from reranker.errors import PictureError, PictureUnreadableError
from reranker.memory import EncodedPictures
from reranker.pictures import PictureLoader
from reranker.pictures.budget import MemoryBudget
from reranker.pictures.decode import decode, decoded
from reranker.query import EncodedQuery
from reranker.testing import ColourEncoder
from retriever.filters import NO_FILTERS, Filters
from retriever.folder.metadata import NoPictureError, facts_of_file
from tests.picture_server import PictureServer, candidate, encoded, file, stripes


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


STRIPES = stripes(["red", "blue", "green"], (90, 30))

_IN_THREADS = """
import io, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from reranker.pictures.budget import MemoryBudget
from reranker.pictures.decode import decoded
data, budget = Path(sys.argv[1]).read_bytes(), MemoryBudget(250_000_000)
def work(number):
    return decoded(io.BytesIO(data), enough=224, budget=budget).size
with ThreadPoolExecutor(10) as threads:
    assert set(threads.map(work, range(12))) == {(4000, 4000)}
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read where Linux has them")
@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [lambda side: png(side, 8, 6), saved("F", "TIFF", compression="tiff_lzw")], ids=["png", "tiff"]
)
def test_ten_threads_take_no_more_than_the_budget_together(make: Callable[[int], bytes], tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(make(4000))
    done = subprocess.run(
        [sys.executable, "-c", _IN_THREADS, tmp_path / "picture"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 450_000  # kB; it was 900 000 and more


def pictures_held_by(error: BaseException) -> list[object]:
    """What pictures and files the frames of an error and of all errors behind it hold."""
    held: list[object] = []
    while True:
        trace = error.__traceback__
        while trace is not None:
            held += [one for one in trace.tb_frame.f_locals.values() if isinstance(one, Image.Image)]
            trace = trace.tb_next
        if error.__context__ is None:
            return held
        error = error.__context__


def test_the_error_of_a_damaged_picture_keeps_no_pixels() -> None:
    whole = encoded(Image.effect_noise((64, 64), 80), "PNG")
    with pytest.raises(PictureUnreadableError, match="damaged") as caught:
        decode(whole[: len(whole) // 2])
    assert pictures_held_by(caught.value) == []
    assert caught.value.__context__ is None
    assert caught.value.without_frames().__traceback__ is None


def test_what_failed_for_a_search_keeps_no_file(server: PictureServer) -> None:
    gone = candidate(1, server.put("/gone.png", file(encoded(STRIPES, "PNG")[:60] + bytes(1000))))
    with PictureLoader(loopback_sources={"sample"}) as loader, pytest.raises(PictureError) as caught:
        loader.load(gone, 64)
    trace, frames = caught.value.__traceback__, 0
    while trace is not None:
        frames += trace.tb_frame.f_code.co_name in {"decode", "_load", "_answer"}
        trace = trace.tb_next
    assert frames == 0


def test_a_jpeg_of_twenty_thousand_scans_is_refused_within_seconds() -> None:
    jpeg = many_scans(3000, 20_000)
    begun = time.monotonic()
    with pytest.raises(PictureUnreadableError, match="more than 100 scans of 3000 × 3000 pixels"):
        decode(jpeg)
    assert time.monotonic() - begun < 10  # decoding takes minutes
    assert decode(many_scans(64, 20)).size == (64, 64)


def that_claims(jpeg: bytes, side: int) -> bytes:
    """A progressive JPEG whose header says that it is square, of another side in pixels."""
    frame = jpeg.index(b"\xff\xc2") + 5
    return jpeg[:frame] + side.to_bytes(2) * 2 + jpeg[frame + 4 :]


def test_the_more_pixels_a_jpeg_has_the_fewer_scans_it_may_have() -> None:
    ordinary_scans, ordinary_passes, most = 10, 14, 64  # over 25 million pixels; each further scan passes once
    scans = ordinary_scans + most - ordinary_passes
    assert bare_file(io.BytesIO(that_claims(many_scans(64, scans), 5000))) is not None
    with pytest.raises(RefusedPictureError, match="pass more than 64 times over 5000 × 5000 pixels"):
        bare_file(io.BytesIO(that_claims(many_scans(64, scans + 1), 5000)))


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_ordinary_scans_are_not_too_many_however_large_the_picture(mode: str) -> None:
    jpeg = that_claims(saved(mode, "JPEG", progressive=True, subsampling=0)(64), 13_000)
    assert bare_file(io.BytesIO(jpeg)) is not None


def gif_with_comment(size: int) -> bytes:
    gif = saved("RGB", "GIF")(32)
    start = 13 + (3 << (gif[10] & 7) + 1 if gif[10] & 0x80 else 0)
    return gif[:start] + b"!\xfe" + (b"\xff" + b"c" * 255) * (size // 255) + b"\0" + gif[start:]


def tiff_of_fields(fields: int, length: int) -> bytes:
    """A TIFF whose many private fields all name the same bytes."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for number in range(fields):
        tags[65000 + number] = b"x" * length
        tags.tagtype[65000 + number] = 7
    whole = encoded(STRIPES, "TIFF", tiffinfo=tags)
    (table,) = np.frombuffer(whole, "<u4", 1, 4)
    entries = np.frombuffer(whole, "<u2", 1, int(table))[0]
    patched = bytearray(whole)
    first = None
    for entry in range(entries):
        at = int(table) + 2 + 12 * entry
        if int.from_bytes(patched[at : at + 2], "little") >= 65000:
            first = first or patched[at + 8 : at + 12]
            patched[at + 8 : at + 12] = first
    # What the others named is cut away, as far as it lies at the end.
    return bytes(patched[: len(whole) - (fields - 1) * length])


def tiff_of_strips(strips: int) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[65000] = (7,) * strips
    return encoded(STRIPES, "TIFF", tiffinfo=tags)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (partial(gif_with_comment, 3 << 20), "comments"),
        (partial(bmp_of_runs, 2500), "run lengths"),
        (partial(tiff_of_strips, 400_000), "numbers"),
        (partial(tiff_of_fields, 30, 20_000), "name more bytes"),
    ],
    ids=["gif", "bmp", "strips", "fields"],
)
def test_what_takes_minutes_or_gigabytes_to_open_is_refused(make: Callable[[], bytes], why: str) -> None:
    data = make()
    with pytest.raises(PictureUnreadableError, match=why):
        decode(data)
    with pytest.raises(NoPictureError):
        facts_of_file(io.BytesIO(data))


@pytest.mark.parametrize(
    "make",
    [
        partial(gif_with_comment, 9000),
        partial(bmp_of_runs, 300),
        partial(tiff_of_fields, 1, 20_000),
        partial(animated("GIF", 4), 60),
        partial(animated("WEBP", 4), 60),
        partial(animated_png, 60, 4),
        partial(saved("CMYK", "TIFF", compression="tiff_lzw"), 60),
    ],
    ids=["gif", "bmp", "tiff", "gif frames", "webp frames", "png frames", "cmyk"],
)
def test_their_honest_likes_are_decoded(make: Callable[[], bytes]) -> None:
    assert min(decode(make()).size) > 0


def sixteen_bits(values: np.ndarray, alpha: int | None = None) -> bytes:
    """A PNG of 16 bits a channel, uint16 [h, w, 3]."""
    if alpha is not None:
        values = np.concatenate([values, np.full((*values.shape[:2], 1), alpha)], axis=2)
    rows = values.astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    height, width, channels = rows.shape
    empty = png(1, 16, 2 if channels == 3 else 6)
    head = width.to_bytes(4) + height.to_bytes(4) + empty[24:29]
    pixels = chunk(b"IDAT", zlib.compress(raw))
    return empty[:8] + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("alpha", [None, 65535])
def test_colour_in_sixteen_bits_is_scaled_by_the_bits_it_uses(bits: int, alpha: int | None) -> None:
    values = np.random.default_rng(bits).integers(0, 1 << bits, (40, 30, 3))
    values[0, 0] = (1 << bits) - 1
    shown = np.asarray(decode(sixteen_bits(values, alpha)), dtype=np.float64)
    np.testing.assert_allclose(shown, values * 255.0 / ((1 << bits) - 1), atol=1.01)


def test_black_in_sixteen_bits_stays_black() -> None:
    assert decode(sixteen_bits(np.zeros((4, 4, 3), dtype=np.int64))).getextrema() == ((0, 0),) * 3


def test_a_picture_of_ones_own_may_have_the_whole_budget_and_more_to_itself() -> None:
    webp, budget = encoded(STRIPES, "WEBP", lossless=True), MemoryBudget(20_000)
    with pytest.raises(PictureUnreadableError, match="of memory to decode"):
        decoded(io.BytesIO(webp), budget=budget)
    assert decoded(io.BytesIO(webp), budget=budget, largest_alone=200_000).size == STRIPES.size


def test_a_large_file_is_not_held_and_fetched_again_to_be_shown(server: PictureServer) -> None:
    pool = [
        candidate(number, server.put(f"/{number}.png", file(encoded(STRIPES, "PNG") + bytes(size))))
        for number, size in enumerate([3 << 20, 100])
    ]
    with ClipReranker(ColourEncoder(), loader=PictureLoader(loopback_sources={"sample"})) as reranker:
        assert len(reranker.rerank("red", pool, fold=False).matches) == 2
    assert [server.asked[f"/{number}.png"] for number in range(2)] == [2, 1]


def ranked(added: int, dimensions: int) -> object:
    """The order of so many candidates, which holds the standing."""
    query = EncodedQuery(
        np.eye(1, dimensions, dtype=np.float32), np.ones(1), np.empty((0, dimensions), np.float32), np.empty(0)
    )
    rows = unit_rows(np.random.default_rng(1).normal(size=(64, dimensions)))
    same = candidate(1, "http://127.0.0.1/1.png")
    accumulator = RankingAccumulator(query, 10)
    for first in range(0, added, 64):
        accumulator.add([same] * 64, list(rows), [(first + number, 0) for number in range(64)])
        assert len(accumulator.best) == 10
    return accumulator.in_order()


def test_a_pool_takes_few_bytes_a_picture_beside_embeddings_and_candidates() -> None:
    added, dimensions = 20_480, 16
    ranked(64, dimensions)  # what is imported late
    tracemalloc.start()
    try:
        in_order = ranked(added, dimensions)
        each = tracemalloc.get_traced_memory()[0] / added - 4 * dimensions
    finally:
        tracemalloc.stop()
    assert each < 100
    del in_order


class GivesAll:
    """A source with the candidates it was given."""

    name = "sample"
    title = "Sample"
    home_page = "https://sample.example/"
    rights_note = ""

    def __init__(self, all_of_them: Sequence[Candidate]) -> None:
        self._all = all_of_them

    def retrieve(self, tag: str, *, limit: int, filters: Filters = NO_FILTERS) -> Iterator[Candidate]:
        return iter(self._all)


def pool_of(*sources: Sequence[Candidate]) -> Pool:
    asked = [(AskedSource.of_retriever(GivesAll(one)), FixedTags(["boat"])) for one in sources]
    return Pool(asked, limit=None, filters=NO_FILTERS, record=TagLog(), on_failure=print)


def test_a_pool_that_was_read_keeps_few_bytes_a_candidate() -> None:
    offered = [candidate(number, "http://127.0.0.1/1.png") for number in range(30_000)]
    sum(1 for _ in pool_of(offered[:10]))  # what is imported late
    tracemalloc.start()
    try:
        pool = pool_of(offered)
        assert sum(1 for _ in pool) == len(offered)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / len(offered) < 80
    assert held / len(offered) < 20
    assert pool.places[29_999] == (29_999, 0)


def test_a_pool_says_where_each_candidate_stands_and_gives_each_once() -> None:
    offered = [candidate(number, f"http://127.0.0.1/{number}.png") for number in range(6)]
    pool = pool_of(offered[:4], [*offered[3:], *offered[4:]])
    read = list(pool)
    assert sorted(one.id for one in read) == [str(number) for number in range(6)]
    assert len(pool.places) == pool.total == 6
    stands = {one.id: pool.places[number] for number, one in enumerate(read)}
    assert stands.pop("3") in {(3, 0), (0, 1)}  # whichever answered first
    assert stands == {"0": (0, 0), "1": (1, 0), "2": (2, 0), "4": (1, 1), "5": (2, 1)}
    assert list(pool.places) == pool.places[:] == [pool.places[number] for number in range(6)]


@pytest.mark.parametrize(("shown", "most"), [(1, 2_400_000), (100, 640_000), (3000, 135_000)])
def test_the_more_pictures_are_shown_the_fewer_pixels_are_held_of_each(
    server: PictureServer, shown: int, most: int
) -> None:
    large = candidate(1, server.put("/large.png", file(png(1500))), size=(1500, 1500))
    small = candidate(2, server.put("/small.png", file(png(320))), size=(320, 320))
    with PictureLoader(loopback_sources={"sample"}) as loader:
        to_show = DisplayPictures(loader, EncodedPictures(), None, encoded_from=64, threads=2, shown=shown)
        with to_show.loading([large, small]) as loaded:
            one, other = loaded()
    assert isinstance(one, Image.Image)
    assert isinstance(other, Image.Image)
    assert 0.9 * min(most, 1500**2) < one.width * one.height <= most
    assert other.size == (320, 320)


def test_what_is_not_compared_any_more_folds_by_its_source_alone() -> None:
    picture = Image.effect_noise((64, 64), 90).convert("RGB")
    detector, pool = DuplicateDetector(2), [candidate(number, f"http://127.0.0.1/{number}.png") for number in range(4)]
    for one in pool:
        detector.add(one, fingerprint_of(picture, b"one file"), unit_rows(np.ones((1, 3)))[0])
    assert representatives(pool, 4, detector) == [0]
    detector.keep_only(pool[:2])
    assert len(detector) == 2
    assert representatives(pool, 4, detector) == [0, 2, 3]
    assert duplicates_of([0], pool, detector) == [(pool[1],)]
    twin = candidate(9, pool[0].image_url)
    assert detector.with_each(twin, pool) == [True, False, False, False]
