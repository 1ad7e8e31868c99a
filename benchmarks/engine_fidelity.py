"""How near the CPU engine is to open_clip: `python -m benchmarks.engine_fidelity`.

Runs the sample's model on every shipped picture and on phrases whose pools are known, in open_clip (torch, f32), in the
engine at f32 and in the engine at bf16, and compares vectors and orders. With `--random-vit` the vectors of a ViT-B-32
with random weights are compared too, and `--real DIRECTORY` shows what errors of that length do to the orders that real
captions give to real photographs (vectors of a CLIP model as `benchmarks.real` reads them). Writes
`benchmarks/ENGINE_FIDELITY.md`.
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
from numpy.typing import NDArray
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
from reranker.threads import cores
from training.measure import Question, pool_of, sample_phrases
from training.scenes import shipped_scenes

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "benchmarks" / "ENGINE_FIDELITY.md"
PICTURES = ROOT / "phrasepix" / "sample" / "pictures"
TOP = 10
ROUNDS = 5
ERROR_DRAWS = 20


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
    """One line of the table: largest differences from open_clip, median lengths of the errors, how alike the orders."""

    model: str
    engine: str
    text_difference: float
    image_difference: float
    text_error: float
    image_error: float
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
        _error_length(truth.texts, other.texts),
        _error_length(truth.pictures, other.pictures),
        overlap,
        same_first,
        other.pictures_per_s,
        other.phrase_ms,
    )


def _error_length(truth: Embeddings, other: Embeddings) -> float:
    return float(np.median(np.linalg.norm(truth - other, axis=1)))


@dataclass(frozen=True)
class RealOrders:
    """What errors of given lengths in random directions do to the orders of real captions and photographs."""

    where: str
    overlap: float
    same_first: float


def real_orders(directory: Path, text_error: float, image_error: float, seed: int) -> list[RealOrders]:
    """Orders of all photographs by each caption with errors in the texts, in the pictures and in both."""
    with np.load(directory / "vectors.npz") as vectors:
        texts, pictures = (vectors[name].astype(np.float64) for name in ("caption", "image"))
    generator = np.random.default_rng(seed)

    def with_errors(rows: NDArray[np.float64], length: float) -> NDArray[np.float64]:
        errors = generator.normal(size=rows.shape)
        found: NDArray[np.float64] = rows + errors * (length / np.linalg.norm(errors, axis=1, keepdims=True))
        return found

    def first(texts: NDArray[np.float64], pictures: NDArray[np.float64]) -> NDArray[np.int64]:
        order: NDArray[np.int64] = np.argsort(-(texts @ pictures.T), axis=1, kind="stable")[:, :TOP]
        return order

    truth = first(texts, pictures)
    found = []
    for where, of_texts, of_pictures in (
        ("texts", text_error, 0.0),
        ("pictures", 0.0, image_error),
        ("both", text_error, image_error),
    ):
        tries = [first(with_errors(texts, of_texts), with_errors(pictures, of_pictures)) for _ in range(ERROR_DRAWS)]
        overlap = np.mean([[len(set(a) & set(b)) / TOP for a, b in zip(truth, one, strict=True)] for one in tries])
        found.append(RealOrders(where, float(overlap), float(np.mean([truth[:, 0] == one[:, 0] for one in tries]))))
    return found


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
        truth = encode("open_clip, torch f32", theirs, phrases, pictures)
        lines = [compare(title, truth, truth, questions, numbers if by_order else None)]
        for precision in ("f32", "bf16"):
            encoder = OpenVinoEncoder(artefacts, title, precision=precision)
            other = encode(f"openvino {precision}", encoder, phrases, pictures)
            lines.append(compare(title, truth, other, questions, numbers if by_order else None))
    return lines


def report(lines: Sequence[Line], real: Sequence[RealOrders], phrases: int) -> str:
    """The page as Markdown."""
    rows = [
        f"| {line.model} | {line.engine} | {line.text_difference:.1e} | {line.image_difference:.1e} | "
        f"{line.text_error:.1e} | {line.image_error:.1e} | "
        f"{'' if line.overlap is None else f'{line.overlap:.4f}'} | "
        f"{'' if line.same_first is None else f'{line.same_first:.4f}'} | "
        f"{line.pictures_per_s:.0f} | {line.phrase_ms:.1f} |"
        for line in lines
    ]
    return "\n".join(
        [
            "# How near the CPU engine is to open_clip",
            "",
            "`python -m benchmarks.engine_fidelity --random-vit --real ../shared/real_clip`",
            "",
            "No photographs: our own drawings under the sample's model, noise under models of random weights. Both ask",
            "whether two ways to compute give the same, not whether it is right.",
            "",
            "Largest difference of a component of a unit vector, and the median length of the error; for the sample's",
            f"model also the orders of {phrases} phrases, each in the pool of its tag: mean overlap of the first",
            f"{TOP}, how often the first is the same.",
            "Goals: f32 ≤ 1e-4; bf16 overlap ≥ 0.98 and the first the same in ≥ 0.99.",
            "",
            "| model | engine | text | picture | text error | picture error | overlap | same first | pictures/s "
            "| ms a phrase |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            *_real_lines(real),
            f"{platform.machine()}, {cores()} cores, bf16 "
            f"{'native' if runtime.computes_bf16() else 'not native'}; "
            + ", ".join(f"{name} {version(name)}" for name in ("openvino", "torch", "open_clip_torch", "tokenizers"))
            + ".",
            "",
            "Speeds include preprocessing, are medians, and move with what else the machine does; the vectors do not.",
            "",
        ]
    )


def _real_lines(real: Sequence[RealOrders]) -> list[str]:
    if not real:
        return []
    return [
        "What that does to real orders: 250 captions and 250 photographs as vectors of OpenAI's ViT-B/16, all",
        "photographs ordered by each caption, with errors as long as those of the ViT-B-32 in bf16 above, in random",
        "directions.",
        "",
        "| errors in | overlap | same first |",
        "|---|---:|---:|",
        *[f"| {one.where} | {one.overlap:.4f} | {one.same_first:.4f} |" for one in real],
        "",
    ]


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--phrases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random-vit", action="store_true", help="compare a ViT-B-32 with random weights too")
    parser.add_argument("--real", type=Path, help="a directory with vectors.npz; asks for --random-vit")
    parser.add_argument("--output", type=Path, default=REPORT)
    arguments = parser.parse_args()
    questions = sample_phrases(arguments.phrases, arguments.seed)
    numbers = sorted(shipped_scenes())
    lines = measure(MODEL_DIRECTORY, "sample", questions, numbers, by_order=True)
    if arguments.random_vit:
        with random_vit() as directory:
            lines += measure(directory, "ViT-B-32, random", questions[:100], numbers[:96], by_order=False)
    real: list[RealOrders] = []
    if arguments.real is not None:
        if not arguments.random_vit:
            parser.error("--real takes the errors of --random-vit: name both")
        real = real_orders(arguments.real, lines[-1].text_error, lines[-1].image_error, arguments.seed)
    page = report(lines, real, len(questions))
    arguments.output.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
