"""A search by key points among many pictures: how long it takes, and how much of what could be found it finds.

The pool is made of drawn scenes, and of the photographs that parts are asked for of. The search is the one that
`--like` leads to, in a warm process with its memory on disk: the question looked at, the order by embeddings, the best
hundred compared in pairs, ten to show. The other measure compares each question with each picture of the pool.
"""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.encoders.changes import changed
from benchmarks.encoders.measured import as_file_name
from benchmarks.encoders.pictures import photographs
from phrasepix.query_inputs import parse_query
from phrasepix_core.candidate import Candidate
from reranker.clip_reranker import ClipReranker
from reranker.dedup import fingerprint_of
from reranker.encoder import Embeddings, Encoder, preparing
from reranker.finish import Finish
from reranker.loading import Loading
from reranker.memory import EncodedPicture, Memory
from reranker.models.registry import load_registered
from reranker.pairs import VerifiesPairs, agreements_of, features_of
from reranker.pictures import PictureLoader
from reranker.query import Example, Query
from training.scenes import draw, scene_of_seed

FIRST_SEED = 15_000_000
"""Of the drawn scenes, which are neither the sample's nor any that codebooks or models were made of."""
SIZE = (240, 160)
ASKED_FOR = ("crop to 40 %", "rotation 45°", "rotation 180°", "scale ½", "perspective", "printed and photographed")
ROUNDS = 3
"""Each question is asked so often, and counts with the quickest: other work on the machine disturbs some."""
_CHUNK = 250
_AT_ONCE = 16


@dataclass(frozen=True)
class Encoded:
    """Pictures by one encoder: `rows` float32 [n, d], and the `features` of each."""

    rows: Embeddings
    features: list[bytes]


@dataclass(frozen=True)
class Many:
    """What was measured: how many questions the search and comparing with all found first, and seconds of each."""

    pool: int
    questions: int
    found: int
    found_by_all: int
    clock_s: float
    processor_s: float
    all_clock_s: float
    load: float
    """The load average of the machine's last minute when the searches began: beyond its cores, clocks say less."""


def encoded(encoder: Encoder, pictures: Sequence[Image.Image]) -> Encoded:
    """Encode pictures, with their features."""
    prepared = [preparing(encoder).prepare_picture(picture) for picture in pictures]
    features = [features_of(encoder, one) or b"" for one in prepared]
    return Encoded(preparing(encoder).encode_prepared(prepared), features)


def drawn_pool(encoder: Encoder, count: int, work: Path) -> Encoded:
    """So many drawn scenes, encoded; what was encoded before is read from `work`."""
    rows, features = [], []
    for begin in range(FIRST_SEED, FIRST_SEED + count, _CHUNK):
        place = work / f"many-{as_file_name(encoder.name)}-{begin}.npz"
        if not place.exists():
            pictures = [draw(scene_of_seed(seed), *SIZE, supersample=1) for seed in range(begin, begin + _CHUNK)]
            made = encoded(encoder, pictures)
            ends = np.cumsum([len(one) for one in made.features])
            partial = place.with_suffix(".partial.npz")
            np.savez(partial, rows=made.rows, ends=ends, features=np.frombuffer(b"".join(made.features), np.uint8))
            partial.rename(place)
        with np.load(place) as file:
            rows.append(file["rows"])
            features += [part.tobytes() for part in np.split(file["features"], file["ends"][:-1])]
    return Encoded(np.concatenate(rows)[:count], features[:count])


def kept(key: str, work: Path, count: int) -> Many | None:
    """What was measured before with so many pictures, by the encoder of that full name; None where nothing was."""
    place = _place(key, work, count)
    return Many(**json.loads(place.read_text(encoding="utf-8"))) if place.exists() else None


def _place(key: str, work: Path, count: int) -> Path:
    return work / f"many-{as_file_name(key)}-{count}.json"


def measured(count: int, work: Path, questions: int = 30) -> Many:
    """Measure SIFT, unless it is kept in `work`."""
    encoder = load_registered("sift", Loading(cache_directory=work))
    if (before := kept(encoder.name, work, count)) is not None:
        return before
    pictures = photographs(questions).pictures
    own, others = encoded(encoder, pictures), drawn_pool(encoder, count - len(pictures), work)
    pool = Encoded(np.concatenate([own.rows, others.rows]), [*own.features, *others.features])
    asked = [
        (number, changed(picture, ASKED_FOR[number % len(ASKED_FOR)], number))
        for number, picture in enumerate(pictures)
    ]
    by_all, all_clock_s = _compared_with_all(encoder, pool, asked, work)
    load = os.getloadavg()[0]
    clocks, processors, found = _searched(encoder, pool, asked)
    clock_s, processor_s = float(np.median(clocks)), float(np.median(processors))
    made = Many(count, len(asked), sum(found), by_all, clock_s, processor_s, all_clock_s, load)
    _place(encoder.name, work, count).write_text(json.dumps(asdict(made)), encoding="utf-8")
    return made


def _compared_with_all(
    encoder: Encoder, pool: Encoded, asked: Sequence[tuple[int, Image.Image]], work: Path
) -> tuple[int, float]:
    """How many questions find their picture first if each is compared with all, and seconds of one; kept likewise."""
    place = work / f"many-{as_file_name(encoder.name)}-{len(pool.features)}-{len(asked)}-all.json"
    if not place.exists():
        began = time.perf_counter()
        found = sum(_best_of_all(encoder, pool, picture) == number for number, picture in asked)
        place.write_text(json.dumps([found, (time.perf_counter() - began) / len(asked)]), encoding="utf-8")
    found, seconds = json.loads(place.read_text(encoding="utf-8"))
    return found, seconds


def _searched(
    encoder: Encoder, pool: Encoded, asked: Sequence[tuple[int, Image.Image]]
) -> tuple[list[float], list[float], list[bool]]:
    """Seconds of the clock and of the processor of each question, and whether it found its picture first."""
    clocks, processors, found = [], [], []
    with tempfile.TemporaryDirectory() as directory, Memory(Path(directory)) as memory:
        candidates = _candidates(Path(directory), len(pool.features))
        fingerprint = fingerprint_of(asked[0][1], b"")
        for at in range(0, len(candidates), 500):
            some = range(at, min(at + 500, len(candidates)))
            memory.put(
                encoder,
                {
                    candidates[number].identity: EncodedPicture(
                        pool.rows[number], fingerprint=fingerprint, features=pool.features[number]
                    )
                    for number in some
                },
            )
        reranker, loader = ClipReranker(encoder), PictureLoader(local_sources={candidates[0].source})
        for number, picture in [asked[0], *(one for _ in range(ROUNDS) for one in asked)]:  # the first reads from disk
            began, worked = time.perf_counter(), time.process_time()
            ranking = reranker.rerank(
                Query((Example(picture),)),
                candidates,
                10,
                loader=loader,
                memory=memory,
                fold=False,
                finish=Finish(with_copies=True),
            )
            clocks.append(time.perf_counter() - began)
            processors.append(time.process_time() - worked)
            found.append(ranking.matches[0].candidate.id == str(number))
    count = len(asked)
    quickest_clock, quickest_processor = (
        np.reshape(seconds[1:], (ROUNDS, count)).min(axis=0).tolist() for seconds in (clocks, processors)
    )
    return quickest_clock, quickest_processor, found[1 : count + 1]


def _candidates(directory: Path, count: int) -> list[Candidate]:
    """So many candidates, all shown by one file: what is remembered of each is its own."""
    place = directory / "shown.png"
    draw(scene_of_seed(FIRST_SEED), *SIZE, supersample=1).save(place)
    found = next(iter(parse_query(None, place).examples)).candidate
    if found is None:
        raise ValueError(f"{place} is no picture of this machine")
    return [replace(found, id=str(number)) for number in range(count)]


def _best_of_all(encoder: Encoder, pool: Encoded, picture: Image.Image) -> int:
    """The number of the picture that agrees most in a pair, of all; of those alike the first by embedding."""
    if not isinstance(encoder, VerifiesPairs):
        raise TypeError(f"{encoder.name} compares no pairs")
    asked = encoded(encoder, [picture])
    cosines: NDArray[np.float32] = pool.rows @ asked.rows[0]
    scores = [
        agreed.score
        for at in range(0, len(pool.features), _AT_ONCE)
        for agreed in agreements_of(encoder, asked.features[0], pool.features[at : at + _AT_ONCE])
    ]
    return int(np.lexsort((-cosines, -np.array(scores)))[0])
