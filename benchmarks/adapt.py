"""What an adapter gains on pictures it was not learnt on, and what learning it costs: `python -m benchmarks.adapt`.

Draws scenes whose facts are known, learns from two hundred of them, and asks the others. Writes `benchmarks/ADAPT.md`.
"""

import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL.Image import Image

from phrasepix.models.catalogue import choose_model
from reranker.adapters.cross_validation import Interval, Verdict, cross_validated, interval_of
from reranker.adapters.layer import Labels, LabelSpread, Layer
from reranker.adapters.retrieval import answers_among
from reranker.encoder import Embeddings, Encoder
from reranker.engine.factory import load_encoder
from reranker.errors import ModelError
from retriever.directories import cache_directory
from training.scenes import Scene, draw, scene_of_seed

REPORT = Path(__file__).with_name("ADAPT.md")
FIRST_SEED = 10_000_000
LABELLED, ASIDE = 200, 400
SIZE = (192, 128)
ENCODERS = ("sample", "efficientnet-lite0")
FACTS = ("subject", "colour", "ground", "time", "weather")
LEARNT = ("subject", "colour", "weather")
"""What all scenes are told apart by, and what adapters are learnt for."""
_BATCH = 64


@dataclass(frozen=True)
class Line:
    """One encoder adapted to one fact: the command's own verdict, and what the pictures aside say."""

    encoder: str
    fact: str
    verdict: Verdict
    precision: tuple[float, float]
    recall: tuple[float, float]
    gain: Interval
    seconds: float
    phrases: str


def scenes() -> list[Scene]:
    """Scenes of one figure, one of each family of look-alikes, from seeds that no model was trained on."""
    found: list[Scene] = []
    seed = FIRST_SEED
    while len(found) < LABELLED + ASIDE:
        if len((scene := scene_of_seed(seed)).figures) == 1:
            found.append(scene)
        seed += 4
    return found


def fact_of(scene: Scene, fact: str) -> str:
    """What a scene shows, such as its weather."""
    figure = scene.figures[0]
    return str(getattr(figure if hasattr(figure, fact) else scene, fact))


def lines_of(encoder: Encoder, name: str, drawn: list[Scene], pictures: list[Image]) -> Iterator[Line]:
    """Adapt an encoder to each of the facts; `pictures` are those of the scenes."""
    batches = range(0, len(pictures), _BATCH)
    rows = np.concatenate([encoder.encode_pictures(pictures[at : at + _BATCH]) for at in batches])
    texts = texts_of(encoder, drawn[LABELLED:])
    aside = rows[LABELLED:]
    for fact in LEARNT:
        labels: Labels = np.unique([fact_of(scene, fact) for scene in drawn], return_inverse=True)[1]
        began = time.process_time()
        verdict = cross_validated(rows[:LABELLED], labels[:LABELLED])
        layer = LabelSpread(rows[:LABELLED], labels[:LABELLED]).layer(verdict.strength)
        seconds = time.process_time() - began
        before = answers_among(aside, labels[LABELLED:])
        after = answers_among(layer.of_pictures(aside), labels[LABELLED:])
        yield Line(
            name,
            fact,
            verdict,
            (float(before.precision.mean()), float(after.precision.mean())),
            (float(before.first.mean()), float(after.first.mean())),
            interval_of(after.precision - before.precision, np.arange(len(before.queries))),
            seconds,
            "–" if texts is None else phrases(texts, aside, layer),
        )


def texts_of(encoder: Encoder, drawn: list[Scene]) -> Embeddings | None:
    """A phrase of each scene with all its facts; None where the encoder reads none."""
    try:
        return encoder.encode_texts([" ".join(fact_of(scene, fact) for fact in FACTS) for scene in drawn])
    except ModelError:
        return None


def phrases(texts: Embeddings, pictures: Embeddings, layer: Layer) -> str:
    """Of how many phrases the nearest picture is their own: before, after, and with the pictures' layer for both."""
    adapted = layer.of_pictures(pictures)
    shares = [
        float(((some @ of.T).argmax(axis=1) == np.arange(len(texts))).mean())
        for some, of in (
            (texts, pictures),
            (layer.of_texts(texts), adapted),
            (layer.of_pictures(texts), adapted),
        )
    ]
    return f"{shares[0]:.3f} → **{shares[1]:.3f}** ({shares[2]:.3f})"


def row(line: Line) -> str:
    """A line of the Markdown table."""
    verdict, (before, after), (first, first_after) = line.verdict, line.precision, line.recall
    own = verdict.precision_gain
    return (
        f"| {line.encoder} | {line.fact} | {before:.3f} → **{after:.3f}** | {line.gain.mean:+.3f} "
        f"({line.gain.low:+.3f} to {line.gain.high:+.3f}) | {first:.3f} → {first_after:.3f} | {own.mean:+.3f} "
        f"({own.low:+.3f} to {own.high:+.3f}) | {line.phrases} | {line.seconds:.0f} s |"
    )


def report() -> str:
    """Measure and write the report; returns it."""
    drawn = scenes()
    pictures = [draw(scene, *SIZE, supersample=1) for scene in drawn]
    rows = []
    for name in ENCODERS:
        _, spec = choose_model(name, None, only_the_sample=False)
        encoder = load_encoder(spec, cache_directory(), device="cpu")
        rows += [row(line) for line in lines_of(encoder, name, drawn, pictures)]
    text = f"""# What an adapter gains

`python -m benchmarks.adapt`

Drawn scenes of one figure, whose facts are known, from seeds that the sample's model was not trained on.
`phrasepix adapt` learns from {LABELLED} of them, labelled by one fact; the {ASIDE} others are then asked for among
themselves. A picture is right where it has the same fact. Intervals are of 95 %, by the bootstrap over pictures.

“Its own figure” is what the command says of itself, by cross-validation over the {LABELLED} alone. “Phrases” are
those of all facts, of which the nearest picture is their own: before, after, and in brackets what it would be if texts
went through the layer of pictures too. They go through its inverse, transposed, which keeps their products with
pictures.

| encoder | label | mean average precision | gain | recall@1 | its own figure | phrases | processor time |
|---|---|---:|---:|---:|---:|---:|---:|
{chr(10).join(rows)}

Python {platform.python_version()}, {platform.machine()}; processor time is that of all threads together, for the
learning alone.
"""
    REPORT.write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    print(report())
