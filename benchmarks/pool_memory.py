"""What a search holds of each picture of a large pool, and how long each takes, from 10 000 to 100 000 pictures.

`python -m benchmarks.pool_memory` writes `benchmarks/POOL_MEMORY.md`. The real `ClipReranker` ranks candidates whose
embeddings and fingerprints are made up as if they were remembered, so that no picture is decoded: what is left is what
a pool costs. Bytes are those that Python and NumPy allocated at the peak (`tracemalloc`), in a run of its own, for it
takes time.
"""

import argparse
import gc
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from phrasepix_core.candidate import Candidate, Rendition
from reranker.clip_reranker import ClipReranker
from reranker.encoder import Embeddings, Encoder, unit_rows
from reranker.folding import Fingerprint, fingerprint_of
from reranker.memory import EncodedPicture, Memory
from reranker.pictures import LoadedPicture, PictureLoader
from reranker.progress import Progress
from reranker.query import Phrase, Query

MOST_BYTES = 100
"""What a picture may take beyond its embedding and candidate."""

DIMENSIONS = 512
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
        picture = Image.effect_noise((64, 64), 90).convert("RGB")
        self._fingerprint = fingerprint_of(picture, b"").to_bytes()

    def look_up(self, encoder: Encoder, candidates: Sequence[Candidate]) -> dict[tuple[str, str], EncodedPicture]:
        """Make up what is remembered of each."""
        found = {}
        for candidate in candidates:
            number = int(candidate.id)
            data = (
                number.to_bytes(16) + self._fingerprint[16:-8] + (number * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8)
            )
            fingerprint = Fingerprint.from_bytes(data)
            found[candidate.identity] = EncodedPicture(_random_row(number)[0], fingerprint=fingerprint)
        return found


class OnePicture(PictureLoader):
    """Loads the same small picture for every match."""

    def load(self, candidate: Candidate, short_side: int, *, whole: bool = False) -> LoadedPicture:
        """Give the picture."""
        return LoadedPicture(Image.new("RGB", (64, 64)), None)


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one pool: the peak in bytes, and the seconds a picture takes in its first and in its last tenth."""

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


def ranked(size: int, query: Query, directory: Path) -> list[tuple[int, float]]:
    """Rank a pool of a size; how many were done at which time."""
    times: list[tuple[int, float]] = []

    def note(progress: Progress) -> None:
        times.append((progress.done, time.perf_counter()))

    with MadeUpMemory(directory) as memory, ClipReranker(RandomTexts(), loader=OnePicture(), memory=memory) as reranker:
        ranking = reranker.rerank(query, candidates(size), top=10, on_progress=note)
    if len(ranking.matches) != 10 or ranking.pool_size != size:
        raise RuntimeError(f"{len(ranking.matches)} matches of {ranking.pool_size} pictures were found")
    return times


def measured(size: int, query: Query, directory: Path) -> Measured:
    """Rank a pool twice: for its time, and for its memory."""
    times = ranked(size, query, directory)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    ranked(size, query, directory)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return Measured(size, peak, _each(times, 0, size // 10), _each(times, size - size // 10, size))


def _each(times: Sequence[tuple[int, float]], start: int, end: int) -> float:
    """The seconds a picture took from the one to the other."""
    within = [one for one in times if start <= one[0] <= end]
    return (within[-1][1] - within[0][1]) / (within[-1][0] - within[0][0])


def bytes_of_a_candidate() -> int:
    """What a candidate of ours takes."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = list(candidates(1000))
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
        "| query | pictures | peak in MB | bytes a picture beside embedding and candidate | µs a picture, first tenth "
        "| last tenth |",
        "|---|---|---|---|---|---|",
    ]
    for query, measures in rows.items():
        before: Measured | None = None
        for one in measures:
            each = "" if before is None else f"{beside(before, one, candidate):.0f}"
            times = f"{one.first_s * 1e6:.0f} | {one.last_s * 1e6:.0f}"
            lines.append(f"| {query} | {one.size:,} | {one.peak / 1e6:.0f} | {each} | {times} |")
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
    queries = {
        "a phrase": Query.of_phrase("a boat"),
        "a phrase, less another": Query((Phrase("a boat"),), (Phrase("people"),)),
    }
    with tempfile.TemporaryDirectory() as place:
        rows = {name: [measured(size, query, Path(place)) for size in options.sizes] for name, query in queries.items()}
    table = report(rows, bytes_of_a_candidate())
    print(table)
    if tuple(options.sizes) == _SIZES:
        _OUTPUT.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
