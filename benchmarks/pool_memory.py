"""What a search holds of each picture of a large pool, and how long each takes, from 10 000 to 100 000 pictures.

`python -m benchmarks.pool_memory` writes `benchmarks/POOL_MEMORY.md`. A source offers made-up candidates; the real
`Pool` reads them and the real `ClipReranker` ranks them. Their embeddings and fingerprints are made up as if they were
remembered, so that no picture is decoded: what is left is what a pool costs. Times are those of the processor, of all
threads. Bytes are those that Python and NumPy allocated at the peak (`tracemalloc`), in a run of its own, for it takes
time.
"""

import argparse
import gc
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from phrasepix.results import PoolSnapshot
from phrasepix.searching.pool import AskedSource, Pool
from phrasepix.searching.tag_strategies import FixedTags, TagLog
from phrasepix_core.candidate import Candidate, Rendition
from reranker.clip_reranker import ClipReranker
from reranker.dedup import Fingerprint
from reranker.dedup.crop_hashes import CROPS, SIDE
from reranker.dedup.fingerprint import Look
from reranker.encoder import Embeddings, Encoder, unit_rows
from reranker.memory import EncodedPicture, Memory
from reranker.ordering import PLAIN, Ordering
from reranker.pictures import LoadedPicture, PictureLoader
from reranker.progress import Progress
from reranker.query import Phrase, Query
from retriever.filters import NO_FILTERS, Filters

MOST_BYTES = 100
"""What a picture may take beyond its embedding and candidate."""

DIMENSIONS = 512
_FAR_APART = np.array([0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93], np.uint64)
"""A number times this has other bits than another number: no two pictures look alike."""

_SIZES = (10_000, 50_000, 100_000)
_OUTPUT = Path(__file__).with_name("POOL_MEMORY.md")


class RandomTexts:
    """An encoder that gives each phrase an embedding of its own, and has no pictures to encode."""

    name = "random texts"
    dimensions = DIMENSIONS
    input_side = 224

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Give each text its embedding: float32 [n, 512]."""
        return np.concatenate([_random_row(sum(text.encode())) for text in texts])

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """Give none: all are remembered."""
        raise NotImplementedError


class MadeUpMemory(Memory):
    """Remembers a random embedding and fingerprint of every candidate."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        random = np.random.default_rng(1)
        self._rows = random.normal(size=(1013, DIMENSIONS))
        self._crops = random.integers(0, 1 << 64, (len(CROPS), 2), dtype=np.uint64)
        self._thumbnail = random.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)

    def look_up(self, encoder: Encoder, candidates: Sequence[Candidate]) -> dict[tuple[str, str], EncodedPicture]:
        """Make up what is remembered of each."""
        found = {}
        for candidate in candidates:
            number = int(candidate.id)
            crops = self._crops ^ np.array([number], np.uint64) * _FAR_APART
            fingerprint = Fingerprint(number.to_bytes(16), Look(self._thumbnail.copy(), crops))
            found[candidate.identity] = EncodedPicture(self._embedding(number), fingerprint=fingerprint)
        return found

    def _embedding(self, number: int) -> Embeddings:
        row = self._rows[number % 1009] + self._rows[number % 1013]  # the same pair comes after a million
        unit: Embeddings = (row / np.linalg.norm(row)).astype(np.float32)
        return unit


class ManyPictures:
    """A source with so many candidates."""

    name = "pictures"
    title = "Pictures"
    home_page = "https://pictures.example/"
    rights_note = ""

    def __init__(self, count: int) -> None:
        self._count = count

    def retrieve(self, tag: str, *, limit: int, filters: Filters = NO_FILTERS) -> Iterator[Candidate]:
        """Give them all."""
        return candidates(min(limit, self._count))


class OnePicture(PictureLoader):
    """Loads the same small picture for every match."""

    def load(self, candidate: Candidate, short_side: int, *, whole: bool = False) -> LoadedPicture:
        """Give the picture."""
        return LoadedPicture(Image.new("RGB", (64, 64)), None)


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one pool: the peak in bytes, 0 if not counted, and the seconds a picture took in its first and last tenth."""

    size: int
    peak: int
    first_s: float
    last_s: float


def _random_row(seed: int) -> Embeddings:
    return unit_rows(np.random.default_rng(seed).normal(size=(1, DIMENSIONS)))


def candidates(count: int) -> Iterator[Candidate]:
    """So many candidates, as a source would give them."""
    for number in range(count):
        address = f"https://pictures.example/{number}"
        yield Candidate(
            source="pictures",
            id=str(number),
            page_url=address,
            renditions=(Rendition(f"{address}.jpg", 640, 480),),
            width=640,
            height=480,
            media_type="photo",
            tags=("boat", f"picture {number}"),
            creator=f"person {number}",
            creator_url=f"https://pictures.example/people/{number}",
            licence="CC BY 4.0",
            licence_url="https://creativecommons.org/licenses/by/4.0/",
            credit=f"picture {number} by person {number}",
            found_by="boat",
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked of a pool; whether bytes are counted too, which takes several times as long."""

    name: str
    query: Query
    ordering: Ordering = PLAIN
    is_counted: bool = False


KINDS = (
    Kind("a phrase", Query.of_phrase("a boat"), is_counted=True),
    Kind("a phrase, less another", Query((Phrase("a boat"),), (Phrase("people"),))),
    Kind("three phrases", Query((Phrase("a boat"), Phrase("fog"), Phrase("a lake", 0.5)))),
    Kind("three phrases, less two, by words",
         Query((Phrase("a boat"), Phrase("fog"), Phrase("a lake", 0.5)), (Phrase("people"), Phrase("cars"))),
         Ordering(words=0.5), is_counted=True),
)  # fmt: skip


def ranked(size: int, kind: Kind, directory: Path) -> list[tuple[int, float]]:
    """Rank a pool of a size; how many were done at which time of the processor."""
    times: list[tuple[int, float]] = []

    def note(progress: Progress) -> None:
        if not times or progress.done >= min(times[-1][0] + size // 100, size):  # few, for they take bytes as well
            times.append((progress.done, time.process_time()))

    pool = Pool(
        [(AskedSource.of_retriever(ManyPictures(size)), FixedTags(["boat"]))],
        limit=size,
        filters=NO_FILTERS,
        record=TagLog(),
        on_failure=print,
    )
    with MadeUpMemory(directory) as memory, ClipReranker(RandomTexts(), loader=OnePicture(), memory=memory) as reranker:
        ranking = reranker.rerank(
            kind.query, pool, top=10, places=pool.places, ordering=kind.ordering, on_progress=note
        )
    snapshot = PoolSnapshot(candidates=pool.read, positions=pool.places)
    if len(ranking.matches) != 10 or not ranking.pool_size == len(snapshot.candidates) == size:
        raise RuntimeError(f"{len(ranking.matches)} matches of {ranking.pool_size} pictures were found")
    return times


def measured(size: int, kind: Kind, directory: Path) -> Measured:
    """Rank a pool for its time, and again for its memory."""
    times = ranked(size, kind, directory)
    first_s, last_s = _each(times, 0, size // 10), _each(times, size - size // 10, size)
    if not kind.is_counted:
        return Measured(size, 0, first_s, last_s)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    ranked(size, kind, directory)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return Measured(size, peak, first_s, last_s)


def _each(times: Sequence[tuple[int, float]], start: int, end: int) -> float:
    """The seconds a picture took from the one to the other."""
    within = [one for one in times if start <= one[0] <= end]
    return (within[-1][1] - within[0][1]) / (within[-1][0] - within[0][0])


def bytes_of_a_candidate() -> int:
    """What a candidate of ours takes."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    # So many that tuples kept free by Python do not count, and with numbers as long as a large pool's.
    held = list(islice(candidates(_SIZES[-1]), _SIZES[-1] // 2, None))
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return size // len(held)


def report(rows: dict[str, list[Measured]], candidate: int) -> str:
    """The table, in Markdown."""
    lines = [
        "# What a pool costs",
        "",
        "`python -m benchmarks.pool_memory`. Bytes a picture are counted from one row to the next, less its embedding "
        f"({4 * DIMENSIONS} bytes) and its candidate ({candidate}): what is remembered of the latest is bounded, and "
        "full by the second row.",
        "",
        "| query | pictures | peak in MB | bytes a picture beside embedding and candidate "
        "| CPU µs a picture, first tenth | last tenth |",
        "|---|---|---|---|---|---|",
    ]
    for query, measures in rows.items():
        before: Measured | None = None
        for one in measures:
            each = f"{beside(before, one, candidate):.0f}" if before is not None and one.peak else ""
            peak = f"{one.peak / 1e6:.0f}" if one.peak else ""
            times = f"{one.first_s * 1e6:.0f} | {one.last_s * 1e6:.0f}"
            lines.append(f"| {query} | {one.size:,} | {peak} | {each} | {times} |")
            before = one
    return "\n".join([*lines, ""])


def beside(before: Measured, after: Measured, candidate: int) -> float:
    """What each picture of the larger pool that the smaller one has not takes beyond its embedding and candidate."""
    return (after.peak - before.peak) / (after.size - before.size) - 4 * DIMENSIONS - candidate


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        rows: dict[str, list[Measured]] = {kind.name: [] for kind in KINDS}
        for kind in KINDS:
            for size in options.sizes:
                rows[kind.name].append(measured(size, kind, Path(place)))
                print(kind.name, rows[kind.name][-1], flush=True)
    table = report(rows, bytes_of_a_candidate())
    print(table)
    if tuple(options.sizes) == _SIZES:
        _OUTPUT.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
