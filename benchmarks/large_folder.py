"""How long a search by key points takes among many pictures: `python -m benchmarks.large_folder sift 10000`.

The pictures are photographs, each under many ids; the embeddings and features of all but the first of each are made up:
those of two that are not asked for, mixed. What is measured is a search in a warm process, as `--like` asks for
it: embeddings of the pool, order, a hundred pairs, ten pictures to show. Seconds of the processor stand beside those of
the clock: a busy machine has less of the former to give.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.encoders import PHOTOGRAPHS, Pool
from benchmarks.picture_changes import cropped
from phrasepix.query_inputs import parse_query
from phrasepix_core.candidate import Candidate
from reranker.clip_reranker import ClipReranker
from reranker.dedup import fingerprint_of
from reranker.encoder import unit_rows
from reranker.finish import Finish
from reranker.loading import Loading
from reranker.memory import EncodedPicture, Memory
from reranker.models.registry import load_registered
from reranker.pictures import PictureLoader
from reranker.query import Example, Query

_ASKED = 10


def candidates_of(paths: list[Path], count: int) -> list[Candidate]:
    """Return so many candidates, the photographs over and over."""
    examples = [one for path in paths for one in parse_query(None, path).examples]
    found = [one.candidate for one in examples if one.candidate is not None]
    return [replace(found[number % len(found)], id=f"{number}") for number in range(count)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("encoder", nargs="?", default="sift")
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    options = parser.parse_args()
    paths = sorted(PHOTOGRAPHS.glob("*.jpg"))
    pictures = [Image.open(path).convert("RGB") for path in paths]
    encoder = load_registered(options.encoder, Loading(cache_directory=Path("nowhere")))
    pool = Pool(encoder, pictures)
    candidates = candidates_of(paths, options.count)
    dice = np.random.default_rng(1)
    numbers = np.arange(options.count) % len(paths)
    others = dice.integers(_ASKED, len(paths), (3, options.count))  # none of those that are asked for
    mixed = pool.embeddings[others[0]] + pool.embeddings[others[1]]
    rows = np.where((np.arange(options.count) < len(paths))[:, None], pool.embeddings[numbers], unit_rows(mixed))
    prints = [fingerprint_of(picture, path.name.encode()) for picture, path in zip(pictures, paths, strict=True)]
    with tempfile.TemporaryDirectory() as directory, Memory(Path(directory)) as memory:
        for at in range(0, options.count, 500):
            memory.put(
                encoder,
                {
                    candidates[number].identity: EncodedPicture(
                        rows[number],
                        fingerprint=prints[numbers[number]],
                        features=pool.features[number if number < len(paths) else int(others[2, number])],
                    )
                    for number in range(at, min(at + 500, options.count))
                },
            )
        reranker = ClipReranker(encoder)
        loader = PictureLoader(local_sources={candidates[0].source})
        clocks, processors, first = [], [], 0
        for number in range(-1, _ASKED):
            asked = cropped(0.4)(pictures[number], dice)
            begun, worked = time.perf_counter(), time.process_time()
            ranking = reranker.rerank(
                Query((Example(asked),)),
                candidates,
                10,
                loader=loader,
                memory=memory,
                fold=False,
                finish=Finish(with_copies=True),
            )
            if number >= 0:  # the first one reads what the process remembers from then on
                clocks.append(time.perf_counter() - begun)
                processors.append(time.process_time() - worked)
                first += ranking.matches[0].candidate.title == paths[number].stem
    print(
        f"{options.encoder}, {options.count} pictures: median {np.median(clocks):.3f} s of the clock, "
        f"{np.median(processors):.3f} s of the processor; {first} of {_ASKED} found first"
    )


if __name__ == "__main__":
    main()
