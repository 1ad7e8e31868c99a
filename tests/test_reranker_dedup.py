"""The same picture once: what folds, what must not, and that nothing is lost."""

import io
import itertools
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from phrasepix_core.candidate import Candidate
from reranker import ClipReranker, Match, Ranking
from reranker.dedup import DuplicateDetector, Fingerprint, duplicates_of, fingerprint_of, representatives
from reranker.dedup.crop_hashes import CROPS, SIDE, crop_hashes, nearest
from reranker.dedup.gradients import rises
from reranker.encoder import Embeddings, unit_rows
from reranker.memory import Memory
from reranker.memory.fingerprint_store import FingerprintStore
from reranker.pictures import PictureLoader
from reranker.testing import ColourEncoder
from tests.first_often import first_often
from tests.picture_server import PictureServer, candidate, encoded, file, put_pool, status, stripes

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPHS = sorted((ROOT.parent / "shared" / "photos").glob("*.jpg"))
DRAWN = sorted(PICTURES_DIRECTORY.glob("*.jpg"))

Change = Callable[[Image.Image], Image.Image]


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server


def recompressed(picture: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(picture, quality=quality))).convert("RGB")


def cropped(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = picture.size
    edges = (width * left, height * top, width * (1 - right), height * (1 - bottom))
    return picture.crop((round(edges[0]), round(edges[1]), round(edges[2]), round(edges[3])))


CHANGES: dict[str, Change] = {
    "recompressed": lambda picture: recompressed(picture, 35),
    "smaller": lambda picture: picture.resize((picture.width // 4, picture.height // 4)),
    "cropped a little": lambda picture: cropped(picture, 0.05, 0.05, 0.05, 0.05),
    "cropped": lambda picture: cropped(picture, 0.2, 0.2, 0.2, 0.2),
    "cropped on the left": lambda picture: cropped(picture, 0.2, 0, 0, 0),
    "cropped unevenly": lambda picture: cropped(picture, 0.1, 0.03, 0.17, 0.06),
    "mirrored": ImageOps.mirror,
    "mirrored and cropped": lambda picture: ImageOps.mirror(cropped(picture, 0.1, 0.1, 0.0, 0.2)),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.3),
    "of less contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.6),
}


def opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def one(number: int | str, *, source: str = "sample", page: str = "", url: str = "") -> Candidate:
    made = candidate(number, url or f"https://{source}.example/{number}.jpg", source=source)
    return replace(made, page_url=page) if page else made


def direction(angle: float) -> Embeddings:
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def likeness_of(
    pictures: Sequence[Image.Image], angle_between: float = 1.0
) -> tuple[DuplicateDetector, list[Candidate]]:
    """Candidates with these pictures, no two of one file, their embeddings so far from each other."""
    detector, candidates = DuplicateDetector(), [one(number) for number in range(len(pictures))]
    for number, picture in enumerate(pictures):
        fingerprint = fingerprint_of(picture, f"file {number}".encode())
        detector.add(candidates[number], fingerprint, direction(number * angle_between))
    return detector, candidates


def share_known_again(pictures: Sequence[Image.Image], change: Change) -> float:
    known = 0
    for picture in pictures:
        detector, (whole, copy) = likeness_of([picture, change(picture)])
        known += sum(detector.with_each(whole, [copy]))
    return known / len(pictures)


@pytest.mark.parametrize("how", first_often(4, CHANGES))
def test_a_changed_copy_of_a_drawn_picture_is_the_same_picture(how: str) -> None:
    assert share_known_again([opened(path) for path in DRAWN[::36]], CHANGES[how]) >= 0.9


@pytest.mark.skipif(not PHOTOGRAPHS, reason="no photographs beside the repository (../shared/photos)")
@pytest.mark.parametrize("how", first_often(4, CHANGES))
def test_a_changed_copy_of_a_photograph_is_the_same_picture(how: str) -> None:
    assert share_known_again([opened(path) for path in PHOTOGRAPHS[::2]], CHANGES[how]) >= 0.95


@pytest.mark.skipif(not PHOTOGRAPHS, reason="no photographs beside the repository (../shared/photos)")
@pytest.mark.parametrize("angle", [1.0, 0.0], ids=["a model that tells them apart", "a model that calls all the same"])
def test_different_photographs_stay_different_whatever_the_model_says(angle: float) -> None:
    detector, candidates = likeness_of([opened(path) for path in PHOTOGRAPHS], angle)
    for place, whole in enumerate(candidates):
        others = candidates[place + 1 :]
        assert not any(detector.with_each(whole, others))


def test_hardly_any_two_different_drawn_pictures_fold() -> None:
    detector, candidates = likeness_of([opened(path) for path in DRAWN[::5]])
    pairs = [detector.with_each(whole, candidates[place + 1 :]) for place, whole in enumerate(candidates)]
    assert sum(map(sum, pairs)) <= 0.001 * sum(map(len, pairs))


@pytest.mark.slow
def test_two_that_look_nearly_alike_fold_where_the_model_calls_them_close_too() -> None:
    turned = [opened(path).rotate(5, Image.Resampling.BICUBIC) for path in DRAWN[::12]]
    pairs = list(zip([opened(path) for path in DRAWN[::12]], turned, strict=True))

    def folded(angle: float) -> int:
        found = 0
        for pair in pairs:
            detector, (whole, other) = likeness_of(pair, angle)
            found += sum(detector.with_each(whole, [other]))
        return found

    assert 0 < folded(1.0) < folded(0.1)
    assert folded(1.0) == folded(0.25), "a cosine below 0.98 counts for nothing"


def test_the_hash_of_a_crop_is_found_with_its_place_and_its_mirroring() -> None:
    picture = opened(DRAWN[0])
    left, top, right, bottom = CROPS[150]
    cut = cropped(picture, left, top, 1 - right, 1 - bottom)
    whole = fingerprint_of(picture, b"").look
    assert whole is not None
    for copy, mirrored in ((cut, False), (ImageOps.mirror(cut), True)):
        look = fingerprint_of(copy, b"").look
        assert look is not None
        bits, crop, is_mirrored = nearest(look.crops, whole.crops[None])
        assert (crop.tolist(), is_mirrored.tolist()) == ([150], [mirrored])
        assert bits[0] <= 12
        bits, crop, is_mirrored = nearest(whole.crops, look.crops[None])
        assert (crop.tolist(), is_mirrored.tolist()) == ([150 - len(CROPS)], [mirrored])


def test_brightness_rises_to_the_right_and_downwards_where_a_step_is_large_enough() -> None:
    across = Image.fromarray(np.tile(np.repeat(np.array([10, 20, 15], dtype=np.uint8), 2), (6, 1)))
    down = across.transpose(Image.Transpose.TRANSPOSE)
    none = [[False, False], [False, False]]
    assert rises(across, 2, Image.Resampling.BOX).tolist() == [[[True, False], [True, False]], none]
    assert rises(down, 2, Image.Resampling.BOX).tolist() == [none, [[True, True], [False, False]]]
    assert rises(down, 2, Image.Resampling.BOX, above=9).any()
    assert not rises(down, 2, Image.Resampling.BOX, above=10).any()


def test_a_hash_is_the_one_of_the_crop_by_itself() -> None:
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8))
    thumbnail = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    hashes = crop_hashes(thumbnail)
    assert hashes.shape == (len(CROPS), 2)
    mirrored = crop_hashes(np.ascontiguousarray(thumbnail[:, ::-1]))
    assert mirrored[0, 0] == hashes[0, 0]
    assert mirrored[0, 1] == ~hashes[0, 1]


@pytest.mark.parametrize(
    "flat",
    [
        Image.new("RGB", (300, 200), "white"),
        stripes(["red", "blue", "red", "green"], (300, 200)),
        Image.linear_gradient("L").convert("RGB"),
    ],
    ids=["white", "stripes", "a gradient"],
)
def test_a_picture_of_hardly_any_detail_folds_with_equal_files_only(flat: Image.Image) -> None:
    detector, same = likeness_of([flat, recompressed(flat, 90)], 0.0)
    assert detector.with_each(same[0], same[1:]) == [False]
    fingerprint = fingerprint_of(flat, b"the file")
    detector.add(one("a"), fingerprint, direction(0))
    detector.add(one("b", source="other"), fingerprint_of(flat, b"the file"), direction(0))
    assert detector.with_each(one("a"), [one("b", source="other"), same[0]]) == [True, False]


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (one(1), True),
        (one(2, url="https://sample.example/1.jpg"), True),
        (one(7, source="library", page="http://www.site.example/photo/12/#about"), True),
        (one(7, source="library", page="https://site.example/photo/13"), False),
        (one(2, page="https://site.example/photo/12"), False),
        (one(7, source="library", page="https://site.example/"), False),
    ],
    ids=["same id", "same file", "same page elsewhere", "another page", "same page of one source", "front page"],
)
def test_where_sources_say_so_it_is_the_same_picture(other: Candidate, is_same: bool) -> None:
    detector = DuplicateDetector()
    first = one(1, page="https://site.example/photo/12")
    front = one(3, page="https://site.example/")
    for added in (first, other, front):
        detector.add(added, None, direction(0))
    assert detector.with_each(first, [other]) == [is_same]
    if other.page_url == front.page_url:
        assert detector.with_each(front, [other]) == [False]


def test_in_a_chain_only_what_is_like_the_kept_one_folds() -> None:
    # Each is cut from the one before, by a fifth on one side: the last is hardly a third of the first.
    rng = random.Random(3)
    first = Image.new("RGB", (900, 300), "grey")
    draw = ImageDraw.Draw(first)
    for _ in range(160):
        x, y, size = rng.randrange(900), rng.randrange(300), rng.randrange(15, 90)
        draw.ellipse((x, y, x + size, y + size), tuple(rng.randrange(256) for _ in range(3)))
    chain = [first]
    for _ in range(4):
        chain.append(cropped(chain[-1], 0.2, 0, 0, 0))
    detector, order = likeness_of(chain)
    for before, after in itertools.pairwise(order):
        assert detector.with_each(before, [after]) == [True]
    kept = representatives(order, 5, detector)
    assert kept[0] == 0
    assert len(kept) > 1
    groups = duplicates_of(kept, order, detector)
    for place, siblings in zip(kept, groups, strict=True):
        assert all(detector.with_each(order[place], siblings))
    assert sorted([*kept, *(order.index(sibling) for group in groups for sibling in group)]) == [0, 1, 2, 3, 4]


def scenes(server: PictureServer, numbers: Sequence[int], change: Change | None, source: str) -> list[Candidate]:
    """Drawn pictures served under a source's name, changed or not."""
    pool = []
    for number in numbers:
        picture = opened(DRAWN[number])
        name = f"/{source}/{number}.jpg"
        url = server.put(name, file(encoded(change(picture) if change else picture, quality=90)))
        pool.append(candidate(number, url, source=source, size=picture.size))
    return pool


def reranker(memory: Memory | None = None) -> ClipReranker:
    loader = PictureLoader(loopback_sources={"sample", "one", "two", "three"})
    return ClipReranker(ColourEncoder(), loader=loader, batch_size=4, threads=4, memory=memory)


def everything(ranking: Ranking) -> list[str]:
    """What a ranking names, as matches, siblings or skipped."""
    named = [str(c) for match in ranking.matches for c in (match.candidate, *match.siblings)]
    return sorted(named + [str(skipped.candidate) for skipped in ranking.skipped])


def test_the_same_pictures_on_three_sources_are_shown_once_and_none_is_lost(server: PictureServer) -> None:
    numbers = [0, 100, 200, 300, 400]
    pool = [
        *scenes(server, numbers, None, "one"),
        *scenes(server, numbers, None, "two"),
        *scenes(server, numbers, CHANGES["mirrored and cropped"], "three"),
        candidate("gone", server.put("/gone.jpg", status(404))),
    ]
    with reranker() as ranks:
        plain = ranks.rerank("blue", pool, top=50, fold=False)
        folded = ranks.rerank("blue", pool, top=50)
        assert len(plain.matches) == 15
        assert not any(match.siblings for match in plain.matches)
        assert len(folded.matches) == 5
        assert [match.rank for match in folded.matches] == [1, 2, 3, 4, 5]
        assert all({c.id for c in match.siblings} == {match.candidate.id} for match in folded.matches)
        assert [len(match.siblings) for match in folded.matches] == [2] * 5
        assert everything(folded) == everything(plain) == sorted(str(c) for c in pool)
        scores = {match.candidate: match.score for match in plain.matches}
        for match in folded.matches:
            assert match.score == scores[match.candidate] >= max(scores[c] for c in match.siblings)
        few = ranks.rerank("blue", pool, top=3)
        assert list(few.matches) == list(folded.matches[:3]), "three different ones, with all that are like them"


def test_a_stream_folds_too_and_ends_with_what_rerank_gives(server: PictureServer) -> None:
    numbers = [0, 100, 200]
    pool = [*scenes(server, numbers, None, "one"), *scenes(server, numbers, CHANGES["grey"], "two")]
    with reranker() as ranks:
        rankings = list(ranks.stream("blue", pool, top=6))
        assert rankings[-1] == ranks.rerank("blue", pool, top=6)
        assert len(rankings[-2].matches) == 3
        unfolded = list(ranks.stream("blue", pool, top=6, fold=False))
        assert len(unfolded[-1].matches) == 6


def test_where_the_best_is_gone_from_its_source_its_sibling_takes_the_place(
    server: PictureServer, tmp_path: Path
) -> None:
    numbers = [0, 100, 200]
    pool = [*scenes(server, numbers, None, "one"), *scenes(server, numbers, None, "two")]
    with Memory(tmp_path) as memory, reranker(memory) as ranks:
        best = ranks.rerank("blue", pool, top=2).matches[0]
    (tmp_path / "pictures.sqlite").unlink()
    server.put(f"/{best.candidate.source}/{best.candidate.id}.jpg", status(404))
    with Memory(tmp_path) as memory, reranker(memory) as ranks:
        ranking = ranks.rerank("blue", pool, top=3)
    assert [skipped.candidate for skipped in ranking.skipped] == [best.candidate]
    assert (ranking.matches[0].candidate, ranking.matches[0].siblings) == (best.siblings[0], ())
    assert everything(ranking) == sorted(str(c) for c in pool)


def test_different_stripes_of_equal_colours_do_not_fold(server: PictureServer) -> None:
    with reranker() as ranks:
        ranking = ranks.rerank("red", put_pool(server, 9), top=9)
    assert len(ranking.matches) == 9


def fingerprints_in(memory: Path) -> dict[tuple[str, str], bytes]:
    with closing(sqlite3.connect(memory / "fingerprints.sqlite")) as db:
        query = "SELECT source, picture, fingerprint FROM fingerprints"
        return {(source, picture): data for source, picture, data in db.execute(query)}


def search(memory: Path, pool: list[Candidate]) -> tuple[Match, ...]:
    with Memory(memory) as kept, reranker(kept) as ranks:
        return ranks.rerank("blue", pool, top=5).matches


def test_a_remembered_pool_folds_the_same_without_a_request(server: PictureServer, tmp_path: Path) -> None:
    numbers = [0, 100, 200]
    pool = [*scenes(server, numbers, None, "one"), *scenes(server, numbers, CHANGES["cropped"], "two")]
    first = search(tmp_path, pool)
    assert [len(match.siblings) for match in first] == [1, 1, 1]
    asked, kept = server.asked_in_all, fingerprints_in(tmp_path)
    assert kept.keys() == {c.identity for c in pool}
    assert search(tmp_path, pool) == first
    assert server.asked_in_all == asked
    assert fingerprints_in(tmp_path) == kept


def test_a_memory_from_before_there_were_fingerprints_gets_them_and_encodes_nothing_again(
    server: PictureServer, tmp_path: Path
) -> None:
    numbers = [0, 100, 200]
    pool = [*scenes(server, numbers, None, "one"), *scenes(server, numbers, CHANGES["cropped"], "two")]
    first = search(tmp_path, pool)
    kept = fingerprints_in(tmp_path)
    for journal in tmp_path.glob("fingerprints.sqlite*"):
        journal.unlink()
    with closing(sqlite3.connect(tmp_path / "embeddings.sqlite")) as db, db:  # encoded again they would be other ones
        rotated = unit_rows(np.eye(ColourEncoder.dimensions, dtype=np.float32))[3].tobytes()
        db.execute("UPDATE embeddings SET vector = ?", (rotated,))
    again = search(tmp_path, pool)
    assert [len(match.siblings) for match in again] == [1, 1, 1]
    assert len({match.score for match in again}) == 1
    assert {m.candidate.id for m in again} == {m.candidate.id for m in first}
    assert fingerprints_in(tmp_path) == kept
    asked = server.asked_in_all
    assert search(tmp_path, pool) == again
    assert server.asked_in_all == asked


def test_a_remembered_picture_that_is_gone_is_ranked_without_a_fingerprint(
    server: PictureServer, tmp_path: Path
) -> None:
    pool = scenes(server, [0, 100, 200], None, "one")
    first = search(tmp_path, pool)
    for journal in tmp_path.glob("fingerprints.sqlite*"):
        journal.unlink()
    server.put(f"/one/{first[0].candidate.id}.jpg", status(404))
    assert [match.candidate for match in search(tmp_path, pool)] == [match.candidate for match in first]


def fingerprint(number: int) -> Fingerprint:
    return fingerprint_of(opened(DRAWN[number]), str(number).encode())


def test_a_fingerprint_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    flat = fingerprint_of(Image.new("RGB", (50, 50)), b"flat")
    with closing(FingerprintStore(tmp_path / "kept.sqlite")) as store:
        store.put_many({("one", "1"): fingerprint(0), ("one", "2"): flat})
    with closing(FingerprintStore(tmp_path / "kept.sqlite")) as store:
        found = store.get_many([("one", "1"), ("one", "2"), ("one", "3"), ("two", "1")])
    assert found.keys() == {("one", "1"), ("one", "2")}
    look, before = found["one", "1"].look, fingerprint(0).look
    assert look is not None
    assert before is not None
    np.testing.assert_array_equal(look.crops, before.crops)
    assert found["one", "1"].digest == fingerprint(0).digest
    assert (found["one", "2"].digest, found["one", "2"].look) == (flat.digest, None)


@pytest.mark.parametrize("damage", ["x'00'", "NULL || ''", "'text'", "zeroblob(17)"])
def test_a_damaged_fingerprint_is_not_found_and_the_others_are(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(FingerprintStore(tmp_path / "kept.sqlite")) as store:
        store.put_many({("one", str(number)): fingerprint(number) for number in (1, 2)})
    with closing(sqlite3.connect(tmp_path / "kept.sqlite")) as db, db:
        db.execute(f"UPDATE fingerprints SET fingerprint = COALESCE({damage}, x'') WHERE picture = '1'")
    with closing(FingerprintStore(tmp_path / "kept.sqlite")) as store:
        assert store.get_many([("one", "1"), ("one", "2")]).keys() == {("one", "2")}
    assert "one:1 is unusable" in caplog.text


def test_fingerprints_unused_for_long_are_cleared_and_the_file_shrinks_to_a_size(tmp_path: Path) -> None:
    day = 1_000_000.0
    with closing(FingerprintStore(tmp_path / "kept.sqlite", clock=lambda: day * 86400)) as store:
        same = fingerprint(0)
        many = {("one", str(number)): same for number in range(200)}
        store.put_many(many)
        day += 10
        assert store.get_many(list(many)[:50]).keys() == set(list(many)[:50])
        assert store.clear(unused_for_days=5) == 150
        assert store.count() == 50
        store.put_many({("two", str(number)): same for number in range(200)})
        assert store.shrink_to(900_000) > 0
        assert store.size() <= 900_000
        assert 0 < store.count() < 250
