"""How near the CPU engine is to open_clip: `python -m benchmarks.engine_fidelity`.

Runs the sample's model on every shipped picture and on phrases whose pools are known, in open_clip (torch, f32), in the
engine at f32 and in the engine at bf16, and compares vectors and orders. With `--random-vit` the vectors of a ViT-B-32
with random weights are compared too. Writes `benchmarks/ENGINE_FIDELITY.md`.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.random_models import write_random_vit
from phrasepix.sample import MODEL_DIRECTORY
from reranker.encoder import Embeddings, Encoder
from reranker.engine import runtime
from reranker.engine.exported_model import ExportedModel
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.engine.preparing import prepare
from reranker.models.model_spec import ModelSpec
from reranker.models.open_clip_encoder import OpenClipEncoder
from training.measure import Question, pool_of, sample_phrases
from training.scenes import shipped_scenes

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "benchmarks" / "ENGINE_FIDELITY.md"
PICTURES = ROOT / "phrasepix" / "sample" / "pictures"
TOP = 10
ROUNDS = 5


@dataclass(frozen=True)
class Encoded:
    """What an encoder made of the phrases and the pictures, and how fast."""

    name: str
    texts: Embeddings
    pictures: Embeddings
    pictures_per_s: float
    phrase_ms: float


@dataclass(frozen=True)
class Line:
    """One line of the table: largest differences from open_clip, and how alike the orders are."""

    model: str
    engine: str
    text_difference: float
    image_difference: float
    overlap: float | None
    same_first: float | None
    pictures_per_s: float
    phrase_ms: float


def encode(name: str, encoder: Encoder, phrases: Sequence[str], pictures: Sequence[Image.Image]) -> Encoded:
    """Encode all, then time the last rounds: pictures 32 at a time, phrases one by one; medians."""
    texts = np.concatenate([encoder.encode_texts([phrase]) for phrase in phrases])
    rows = np.concatenate([encoder.encode_pictures(pictures[at : at + 32]) for at in range(0, len(pictures), 32)])
    batch = pictures[:32]
    per_batch = [_seconds(lambda: encoder.encode_pictures(batch)) for _ in range(ROUNDS)]
    per_phrase = [_seconds(lambda phrase=phrase: encoder.encode_texts([phrase])) for phrase in phrases[: 10 * ROUNDS]]  # type: ignore[misc]
    return Encoded(name, texts, rows, len(batch) / float(np.median(per_batch)), 1000 * float(np.median(per_phrase)))


def _seconds(job: Callable[[], object]) -> float:
    begun = time.perf_counter()
    job()
    return time.perf_counter() - begun


def orders(encoded: Encoded, questions: Sequence[Question], numbers: Sequence[int]) -> list[list[int]]:
    """For each question the ids of its pool, best first; ties in the pool's order."""
    row = {number: index for index, number in enumerate(numbers)}
    ranked = []
    for question, phrase in zip(questions, encoded.texts, strict=True):
        pool = pool_of(question.tag)
        scores = encoded.pictures[[row[number] for number in pool]].astype(np.float64) @ phrase.astype(np.float64)
        ranked.append([pool[index] for index in np.argsort(-scores, kind="stable")])
    return ranked


def compare(
    model: str, truth: Encoded, other: Encoded, questions: Sequence[Question], numbers: Sequence[int] | None
) -> Line:
    """The line of `other` against `truth`; without `numbers` the orders are not compared."""
    overlap = same_first = None
    if numbers is not None:
        pairs = list(zip(orders(truth, questions, numbers), orders(other, questions, numbers), strict=True))
        overlap = float(np.mean([len(set(a[:TOP]) & set(b[:TOP])) / len(a[:TOP]) for a, b in pairs]))
        same_first = float(np.mean([a[0] == b[0] for a, b in pairs]))
    return Line(
        model,
        other.name,
        float(np.abs(truth.texts - other.texts).max()),
        float(np.abs(truth.pictures - other.pictures).max()),
        overlap,
        same_first,
        other.pictures_per_s,
        other.phrase_ms,
    )


@contextmanager
def random_vit() -> Iterator[Path]:
    """A directory with a ViT-B-32 of random weights, from a seed."""
    with tempfile.TemporaryDirectory() as place:
        yield write_random_vit(Path(place) / "random-ViT-B-32")


def measure(
    directory: Path, title: str, questions: Sequence[Question], numbers: Sequence[int], by_order: bool
) -> list[Line]:
    """The lines of one model."""
    phrases = [question.phrase.text for question in questions]
    pictures = [Image.open(PICTURES / f"{number}.jpg").convert("RGB") for number in numbers]
    theirs = OpenClipEncoder(f"local-dir:{directory}", None, device="cpu")
    with tempfile.TemporaryDirectory() as engines:
        record = prepare(ModelSpec(f"local-dir:{directory}"), Path(engines))
        artefacts = ExportedModel.read(Path(engines) / str(record.fingerprint))
        assert artefacts is not None, record.why_not
        chosen = OpenVinoEncoder(artefacts, title).name
        truth = encode("open_clip, torch f32", theirs, phrases, pictures)
        lines = [compare(title, truth, truth, questions, numbers if by_order else None)]
        for precision in ("f32", "bf16"):
            encoder = OpenVinoEncoder(artefacts, title, precision=precision)
            other = encode(f"openvino {precision}", encoder, phrases, pictures)
            lines.append(compare(title, truth, other, questions, numbers if by_order else None))
        mixed = OpenVinoEncoder(artefacts, title)
        other = encode(f"openvino auto ({chosen.split('openvino ')[1].rsplit(' ', 1)[0]})", mixed, phrases, pictures)
        lines.append(compare(title, truth, other, questions, numbers if by_order else None))
    return lines


def report(lines: Sequence[Line], phrases: int) -> str:
    """The page as Markdown."""
    rows = [
        f"| {line.model} | {line.engine} | {line.text_difference:.1e} | {line.image_difference:.1e} | "
        f"{'' if line.overlap is None else f'{line.overlap:.4f}'} | "
        f"{'' if line.same_first is None else f'{line.same_first:.4f}'} | "
        f"{line.pictures_per_s:.0f} | {line.phrase_ms:.1f} |"
        for line in lines
    ]
    return "\n".join(
        [
            "# How near the CPU engine is to open_clip",
            "",
            "`python -m benchmarks.engine_fidelity --random-vit`",
            "",
            "No photographs: our own drawings under the sample's model, noise under models of random weights. Both ask",
            "whether two ways to compute give the same, not whether it is right.",
            "",
            f"Largest difference of a component of a unit vector; for the sample's model also the orders of {phrases}",
            f"phrases, each in the pool of its tag: mean overlap of the first {TOP}, how often the first is the same.",
            "Goals: f32 ≤ 1e-4; bf16 overlap ≥ 0.98 and the first the same in ≥ 0.99.",
            "",
            "| model | engine | text | picture | overlap | same first | pictures/s | ms a phrase |",
            "|---|---|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"{platform.machine()}, {runtime.cores()} cores, bf16 "
            f"{'native' if runtime.computes_bf16() else 'not native'}; "
            + ", ".join(f"{name} {version(name)}" for name in ("openvino", "torch", "open_clip_torch", "tokenizers"))
            + ".",
            "",
            "Speeds include preprocessing, are medians, and move with what else the machine does; the vectors do not.",
            "",
        ]
    )


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--phrases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random-vit", action="store_true", help="compare a ViT-B-32 with random weights too")
    parser.add_argument("--output", type=Path, default=REPORT)
    arguments = parser.parse_args()
    questions = sample_phrases(arguments.phrases, arguments.seed)
    numbers = sorted(shipped_scenes())
    lines = measure(MODEL_DIRECTORY, "sample", questions, numbers, by_order=True)
    if arguments.random_vit:
        with random_vit() as directory:
            lines += measure(directory, "ViT-B-32, random", questions[:100], numbers[:96], by_order=False)
    page = report(lines, len(questions))
    arguments.output.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
