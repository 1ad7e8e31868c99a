"""What a second model gives and costs: `python -m benchmarks.cascade`.

Asks the built-in sample with a weak model first and its own model second, in the whole sample at once. The weak one is
the same model with bad eyes: it sees the pictures reduced to a few pixels. `--costs` times two architectures of real
size with random weights: speed does not depend on what a model knows. Writes `benchmarks/CASCADE.md`.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.random_models import write_random_vit
from benchmarks.sample_embeddings import SampleEmbeddings
from phrasepix.sample.source import SAMPLE, sample_retriever
from phrasepix_core.candidate import Candidate
from reranker.baseline_prompts import NEUTRAL_PHRASES
from reranker.clip_reranker import ClipReranker
from reranker.encoder import Embeddings, Encoder
from reranker.engine.factory import load_encoder
from reranker.finish import Finish, Refinement
from reranker.models.model_spec import ModelSpec
from reranker.pictures import PictureLoader
from retriever.filters import Filters
from retriever.source import Opening
from training.measure import Question, sample_phrases, shows
from training.scenes import SUBJECTS

REPORT = Path(__file__).with_name("CASCADE.md")
REFINED = 30
EYES = (10, 14, 20)
"""Sides in pixels."""


class BadEyes:
    """An encoder that sees pictures of `side` × `side` pixels only."""

    def __init__(self, encoder: Encoder, side: int) -> None:
        self._encoder = encoder
        self._side = side
        self.name = f"{encoder.name} at {side} pixels"
        self.dimensions, self.input_side = encoder.dimensions, encoder.input_side

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """As the encoder does."""
        return self._encoder.encode_texts(texts)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """As the encoder does, of the reduced pictures."""
        small = (self._side, self._side)
        return self._encoder.encode_pictures([one.resize(small, Image.Resampling.BOX) for one in pictures])


@dataclass(frozen=True)
class Line:
    """Shares of phrases whose first match (or one of the best thirty) shows all they say."""

    side: int
    first: float
    in_reach: float
    refined: float


def measure(questions: Sequence[Question], encoder: Encoder) -> tuple[list[Line], float]:
    """A line for each pair of eyes, and the share of the second model alone."""
    with (
        sample_retriever(Opening(on_skip=_refuse)) as retriever,
        PictureLoader(loopback_sources=[SAMPLE.name]) as loader,
    ):
        by_identity = {
            candidate.identity: candidate
            for tag in SUBJECTS
            for candidate in retriever.retrieve(tag, limit=500, filters=Filters(media_type="all"))
        }
        pool = list(by_identity.values())
        second = ClipReranker(encoder, loader=loader)
        alone = float(np.mean([_is_right(question, _best(second, question, pool, 1)) for question in questions]))
        return [_line(side, questions, pool, encoder, second, loader) for side in EYES], alone


def _line(
    side: int,
    questions: Sequence[Question],
    pool: Sequence[Candidate],
    encoder: Encoder,
    second: ClipReranker,
    loader: PictureLoader,
) -> Line:
    weak = ClipReranker(BadEyes(encoder, side), loader=loader)
    refine = Finish(refinement=Refinement(lambda: second, REFINED))
    first = [_best(weak, question, pool, REFINED) for question in questions]
    refined = [_best(weak, question, pool, 1, refine) for question in questions]
    asked = list(zip(questions, first, refined, strict=True))
    return Line(
        side,
        float(np.mean([_is_right(question, order[:1]) for question, order, _ in asked])),
        float(np.mean([_is_right(question, order) for question, order, _ in asked])),
        float(np.mean([_is_right(question, order[:1]) for question, _, order in asked])),
    )


def _best(
    reranker: ClipReranker, question: Question, pool: Sequence[Candidate], top: int, finish: Finish | None = None
) -> list[int]:
    ranking = reranker.rerank(question.phrase.text, pool, top, fold=False, finish=finish or Finish())
    assert not ranking.skipped, ranking.skipped
    return [int(match.candidate.id) for match in ranking.matches]


def _is_right(question: Question, numbers: Sequence[int]) -> bool:
    return any(shows(question, number) for number in numbers)


def _refuse(skipped: object) -> None:
    raise AssertionError(f"the sample offered something unusable: {skipped}")


@dataclass(frozen=True)
class Cost:
    """Of an architecture: seconds a picture new to it and a phrase, and all neutral phrases in one batch."""

    architecture: str
    a_picture: float
    a_phrase: float
    neutral: float


def costs(architectures: Sequence[str]) -> list[Cost]:
    """The cost of each architecture, with random weights."""
    rng = np.random.default_rng(0)
    found = []
    for architecture in architectures:
        with tempfile.TemporaryDirectory() as place:
            directory = write_random_vit(Path(place) / architecture, architecture)
            encoder = load_encoder(ModelSpec(f"local-dir:{directory}"), Path(place), device="cpu")
            batch = [Image.fromarray(rng.integers(0, 256, (360, 480, 3), dtype=np.uint8)) for _ in range(32)]
            encoder.encode_pictures(batch[:16])
            picture = [_seconds(encoder.encode_pictures, batch[at : at + 16]) / 16 for at in (0, 16)]
            phrase = [_seconds(encoder.encode_texts, [f"a boat number {number} at night"]) for number in range(11)]
            neutral = [_seconds(encoder.encode_texts, NEUTRAL_PHRASES) for _ in range(4)]
            found.append(Cost(architecture, median(picture), median(phrase[1:]), median(neutral[1:])))
    return found


def _seconds(encode: Callable[[Any], object], batch: Sequence[object]) -> float:
    begun = time.perf_counter()
    encode(batch)
    return time.perf_counter() - begun


def report(phrases: int, seed: int, architectures: Sequence[str]) -> str:
    """Measure and write the report; returns it."""
    encoder = SampleEmbeddings().encoder
    lines, alone = measure(sample_phrases(phrases, seed), encoder)
    rows = "\n".join(
        f"| {line.side} × {line.side} pixels | {line.first:.3f} | {line.in_reach:.3f} | **{line.refined:.3f}** |"
        for line in lines
    )
    command = f"python -m benchmarks.cascade --phrases {phrases} --seed {seed}"
    if architectures:
        command += f" --costs {' '.join(architectures)}"
    text = f"""# A second model

`{command}`

What it gives is measured on our own drawings, what it costs on random weights. Real photographs with two trained
models were not at hand; what one model comes to on them is in [REAL.md](REAL.md).

`--refine MODEL` has the best {REFINED} of the first model ranked again by a second one.

## What it gives

The whole built-in sample as one pool (725 pictures), {phrases} phrases in held-out forms. The second model is the
sample's own, the first one the same with bad eyes, for no lighter trained model is at hand: it sees the pictures
reduced to a few pixels. Shares of phrases whose first match shows all they say. The second model alone, which must look
at every picture, comes to {alone:.3f}; here it looks at {REFINED}.

| the first model sees | first alone | a right one in its best {REFINED} | then refined |
|---|---:|---:|---:|
{rows}

Refined is never better than what the first model brings into reach.
{_about_costs(costs(architectures)) if architectures else ""}
## What this does not say

How much a real heavier model gains over a real lighter one: trained weights were not at hand. By their makers' figures
for COCO, text to picture, R@1 goes from 39 for ViT-B-32 (laion2b) to 47 for ViT-L-14 and 56 for ViT-SO400M-16-SigLIP2.

Python {platform.python_version()}, {platform.machine()}, CPU.
"""
    REPORT.write_text(text, encoding="utf-8")
    return text


def _about_costs(found: Sequence[Cost]) -> str:
    rows = "\n".join(
        f"| {one.architecture} | {1000 * one.a_picture:.0f} ms | {200 * one.a_picture:.1f} s "
        f"| {REFINED * one.a_picture:.1f} s | {1000 * one.a_phrase:.0f} ms | {1000 * one.neutral:.0f} ms |"
        for one in found
    )
    return f"""
## What it costs

Random weights from a seed, the CPU's engine. Pictures are encoded once in their life, under each model; a search over
pictures that both have seen costs one phrase more. The {len(NEUTRAL_PHRASES)} neutral phrases that scores are read
against are encoded once in a model's life.

| model | a picture | 200 pictures | {REFINED} pictures | a phrase | neutral phrases |
|---|---:|---:|---:|---:|---:|
{rows}
"""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="What a second model gives and costs, on the built-in sample.")
    parser.add_argument("--phrases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--costs", nargs="*", default=[], metavar="ARCHITECTURE")
    arguments = parser.parse_args()
    print(report(arguments.phrases, arguments.seed, arguments.costs))


if __name__ == "__main__":
    main()
