"""A whole first search and its parts, each in a fresh process: `python -m benchmarks.speed.first_search TASK …`.

Everything is done through the doors other programs use; the seconds are those inside the process, imports of what
every program begins with left out. Prints JSON: seconds, peak memory in bytes, how many pictures.
"""

import argparse
import inspect
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import phrasepix
from benchmarks.speed.pictures import TAG, files
from phrasepix.sources.registry import source_named
from reranker.engine.factory import load_encoder
from reranker.models.model_spec import ModelSpec
from reranker.pictures.decode import decode
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.loader import enough_for
from reranker.threads import cores
from retriever.directories import cache_directory
from retriever.filters import NO_FILTERS
from retriever.source import Opening

PHRASE = "two red boats by the sea wall at night"
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with: the model's directory, the pictures' directory, how many of them."""

    model: Path
    pictures: Path
    count: int


def whole(task: Task) -> int:
    """The search as anybody calls it; how many pictures it looked at."""
    results = phrasepix.find_images(
        PHRASE, tag=TAG, source="pixabay", model=f"local-dir:{task.model}", limit=task.count
    )
    if results.skipped:
        raise RuntimeError(f"{len(results.skipped)} pictures were skipped: {results.skipped[0]}")
    return results.pool_size


def encode(task: Task) -> int:
    """The same with the files at hand: load the model, decode on all cores ahead of it, encode, score."""
    data = [file.read_bytes() for file in files(task.pictures)[: task.count]]
    encoder = load_encoder(ModelSpec(f"local-dir:{task.model}"), cache_directory())
    query = encoder.encode_texts([PHRASE])[0]
    rows = []
    with ThreadPoolExecutor(cores()) as threads:
        pictures = threads.map(lambda one: decode(one, enough=enough_for(encoder.input_side)), data)
        for batch in (len(data[at : at + _BATCH]) for at in range(0, len(data), _BATCH)):
            rows.append(encoder.encode_pictures([next(pictures) for _ in range(batch)]))
    best = np.argsort(-(np.concatenate(rows) @ query))[:10]
    return len(data) if len(best) else 0


def fetch(task: Task) -> int:
    """The site's answer and all files, over the usual number of connections; nothing is decoded."""
    connections = int(inspect.signature(PictureFetcher).parameters["connections"].default)
    with (
        source_named("pixabay").open(Opening()) as retriever,
        PictureFetcher() as fetcher,
        ThreadPoolExecutor(connections) as threads,
    ):
        pool = retriever.retrieve(TAG, limit=task.count, filters=NO_FILTERS)
        urls = [candidate.renditions[-1].url for candidate in pool]
        fetched = list(threads.map(lambda url: fetcher.fetch(url, loopback=True), urls))
    return len(fetched)


TASKS: dict[str, Callable[[Task], int]] = {"whole": whole, "encode": encode, "fetch": fetch}


def peak_memory() -> int:
    """The most bytes this process ever had resident."""
    status = Path("/proc/self/status")
    if status.is_file():  # of this program alone; the other counts what it was forked from as well
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Do one task and print what it took."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    task = Task(options.model, options.pictures, options.count)
    phrasepix.find_images, source_named("pixabay")  # imported on first use
    begun = time.perf_counter()
    count = TASKS[options.task](task)
    seconds = time.perf_counter() - begun
    if count != options.count:
        raise RuntimeError(f"{count} pictures instead of {options.count}")
    print(json.dumps({"seconds": seconds, "peak": peak_memory(), "pictures": count}))


if __name__ == "__main__":
    main()
