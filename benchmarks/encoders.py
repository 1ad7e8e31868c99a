"""Which encoder finds the same picture again after what: `python -m benchmarks.encoders`.

Each photograph is changed in each way of `benchmarks.picture_changes` and looked for among all of them as a search
does: by the cosine of the embeddings and, where the encoder compares pairs, the best of these in pairs. Beside them
stands OpenCV's own brute-force matcher (SIFT with its defaults, ratio test at 0.75, homography by RANSAC), which
compares each pair. Writes `benchmarks/ENCODERS.md`.
"""

import argparse
import math
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.picture_changes import CHANGES, Change
from phrasepix_core.extras import is_installed
from reranker.encoder import Embeddings, Encoder, preparing
from reranker.errors import ModelError
from reranker.loading import Loading
from reranker.models.registry import load_registered, registered_names
from reranker.pairs import VerifiesPairs, features_of
from retriever.directories import cache_directory

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPHS = ROOT.parent / "shared" / "photos"
REPORT = ROOT / "benchmarks" / "ENCODERS.md"
REFERENCE = "OpenCV, each pair"
_ABOUT_REFERENCE = f"“{REFERENCE}” is SIFT with OpenCV's own brute-force matcher, 1000 key points, each pair compared."
REFERENCE_CHANGES = ("crop to 40 %", "rotation 45°", "rotation 180°", "rotation 30°, crop to 40 %")
"""Of the reference alone: it takes minutes for each."""
_VERIFIED = 20
"""How many of the best are compared in pairs: of a search it is a hundred, which here are all."""


@dataclass
class Measured:
    """What was measured of one encoder: the rank of each photograph, from 0, by change; times and bytes."""

    name: str
    ranks: dict[str, NDArray[np.intp]] = field(default_factory=dict)
    encode_ms: float = math.nan
    pair_ms: float = math.nan
    bytes_each: float = math.nan


class Pool:
    """Photographs by one encoder: their embeddings, float32 [n, d], and their features."""

    def __init__(self, encoder: Encoder, pictures: Sequence[Image.Image]) -> None:
        self.encoder = encoder
        self.preparing = preparing(encoder)
        self.embeddings, self.features = self.encoded(pictures)

    def encoded(self, pictures: Sequence[Image.Image]) -> tuple[Embeddings, list[bytes | None]]:
        """Return embeddings and features of pictures."""
        prepared = [self.preparing.prepare_picture(picture) for picture in pictures]
        rows = [self.preparing.encode_prepared(prepared[at : at + 16]) for at in range(0, len(prepared), 16)]
        return np.concatenate(rows), [features_of(self.encoder, one) for one in prepared]

    def ranks(self, asked: Sequence[Image.Image], verified: int) -> tuple[NDArray[np.intp], float]:
        """Return the rank, from 0, of each picture that was made of the photograph of its number, and ms a pair."""
        rows, features = self.encoded(asked)
        cosines = rows.astype(np.float64) @ self.embeddings.T
        pairs, begun = 0, time.perf_counter()
        if isinstance(self.encoder, VerifiesPairs):
            for number, ours in enumerate(features):
                for place in np.argsort(-cosines[number])[:verified]:
                    agreed = self.encoder.agreement(ours or b"", self.features[place] or b"")
                    cosines[number, place] += 10 + agreed.score * 10
                    pairs += 1
        took = time.perf_counter() - begun
        own = np.diag(cosines)[:, None]
        return (cosines > own).sum(axis=1), 1000 * took / pairs if pairs else math.nan


def changed(pictures: Sequence[Image.Image], name: str, change: Change) -> list[Image.Image]:
    """Return the pictures changed, the same each time."""
    seed = sum(name.encode())
    return [change(picture, np.random.default_rng([seed, number])) for number, picture in enumerate(pictures)]


def measure(name: str, encoder: Encoder, pictures: Sequence[Image.Image], changes: Mapping[str, Change]) -> Measured:
    """Measure one encoder."""
    begun = time.perf_counter()
    pool = Pool(encoder, pictures)
    found = Measured(name, encode_ms=1000 * (time.perf_counter() - begun) / len(pictures))
    found.bytes_each = 4 * encoder.dimensions + float(np.mean([len(one or b"") for one in pool.features]))
    pair_ms = []
    for title, change in changes.items():
        found.ranks[title], took = pool.ranks(changed(pictures, title, change), _VERIFIED)
        pair_ms.append(took)
        print(f"{name}: {title}: {recall(found.ranks[title]):.3f}", flush=True)
    found.pair_ms = float(np.mean(pair_ms))
    return found


def reference(pictures: Sequence[Image.Image], changes: Mapping[str, Change]) -> Measured:
    """Measure OpenCV's own matcher, which compares each pair."""
    import cv2

    detector, matcher = cv2.SIFT_create(nfeatures=1000), cv2.BFMatcher()

    def described(picture: Image.Image) -> tuple[Any, Any]:
        found: tuple[Any, Any] = detector.detectAndCompute(np.asarray(picture.convert("L")), None)
        return found

    begun = time.perf_counter()
    pool = [described(picture) for picture in pictures]
    found = Measured(REFERENCE, encode_ms=1000 * (time.perf_counter() - begun) / len(pictures))
    found.bytes_each = float(np.mean([0 if one[1] is None else one[1].nbytes for one in pool]))
    pairs, begun = 0, time.perf_counter()
    for title in (title for title in REFERENCE_CHANGES if title in changes):
        ranks = []
        for number, picture in enumerate(changed(pictures, title, changes[title])):
            points, descriptors = described(picture)
            scores = np.array([_inliers(matcher, points, descriptors, *other) for other in pool])
            pairs += len(pool)
            ranks.append(int((scores > scores[number]).sum() + (scores == scores[number]).sum() - 1))
        found.ranks[title] = np.array(ranks)
        print(f"{REFERENCE}: {title}: {recall(found.ranks[title]):.3f}", flush=True)
    found.pair_ms = 1000 * (time.perf_counter() - begun) / max(1, pairs)
    return found


def _inliers(matcher: Any, points: Any, descriptors: Any, there: Any, others: Any) -> int:
    import cv2

    if descriptors is None or others is None or len(others) < 2:
        return 0
    pairs = matcher.knnMatch(descriptors, others, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance]
    if len(good) < 4:
        return 0
    source = np.array([points[one.queryIdx].pt for one in good], dtype=np.float32)
    target = np.array([there[one.trainIdx].pt for one in good], dtype=np.float32)
    _, mask = cv2.findHomography(source, target, cv2.RANSAC, 5.0)
    return 0 if mask is None else int(mask.sum())


def recall(ranks: NDArray[np.intp]) -> float:
    """Return recall@1: the share of those that come first."""
    return float((ranks == 0).mean())


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` (Wilson, 1927)."""
    z = 1.959964
    middle = share + z**2 / (2 * count)
    away = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return max(0.0, (middle - away) / scale), min(1.0, (middle + away) / scale)


def report(all_measured: Sequence[Measured], count: int) -> str:
    """Return the report."""
    titles = [title for title in CHANGES if any(title in one.ranks for one in all_measured)]
    lines = [
        "# Which encoder finds the same picture again",
        f"`python -m benchmarks.encoders`: each of {count} photographs is changed and looked for among all {count}. "
        f"{len(titles)} of {len(CHANGES)} changes were measured. Figures are recall@1, the share of those found first, "
        "with the 95 % interval (Wilson); behind them the mean of 1/rank, which is the mAP where one picture is right. "
        f"`sift`, `akaze` and `orb` compare the best {_VERIFIED} by embedding in pairs."
        + (f" {_ABOUT_REFERENCE}" if any(one.name == REFERENCE for one in all_measured) else ""),
        "| change | " + " | ".join(one.name for one in all_measured) + " |",
    ]
    table = [lines.pop(), "|---|" + "---:|" * len(all_measured)]
    table += [
        f"| {title} | " + " | ".join(_cell(one.ranks.get(title)) for one in all_measured) + " |" for title in titles
    ]
    costs = ["| encoder | encode, ms | a pair, ms | bytes a picture |", "|---|---:|---:|---:|"]
    costs += [
        f"| {one.name} | {one.encode_ms:.1f} | {_number(one.pair_ms)} | {one.bytes_each:.0f} |" for one in all_measured
    ]
    lines += ["\n".join(table), "## What it costs", "\n".join(costs), _machine()]
    return "\n\n".join(lines) + "\n"


def _cell(ranks: NDArray[np.intp] | None) -> str:
    if ranks is None:
        return "–"
    share = recall(ranks)
    low, high = wilson(share, len(ranks))
    return f"{share:.2f} ({low:.2f}–{high:.2f}); {float((1 / (ranks + 1)).mean()):.2f}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _machine() -> str:
    opencv = f", OpenCV {version('opencv-python-headless')}" if is_installed("cv2") else ""
    return (
        f"Measured with Python {platform.python_version()}, NumPy {np.__version__}{opencv} on {os.cpu_count()} cores "
        f"({platform.machine()}), load {os.getloadavg()[0]:.0f} at the end: times are the machine's at that load."
    )


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--encoders", default="", help="names with commas between; all that are ready without it")
    parser.add_argument("--changes", default="", help="those whose names have one of these words, commas between")
    parser.add_argument("--photos", type=int, default=None)
    parser.add_argument("--no-reference", action="store_true")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    paths = sorted(PHOTOGRAPHS.glob("*.jpg"))[: options.photos]
    if not paths:
        raise SystemExit(f"there are no photographs in {PHOTOGRAPHS}")
    pictures = [Image.open(path).convert("RGB") for path in paths]
    words = [word for word in options.changes.split(",") if word]
    changes = {title: change for title, change in CHANGES.items() if not words or any(word in title for word in words)}
    all_measured = []
    for name in options.encoders.split(",") if options.encoders else registered_names():
        try:
            encoder = load_registered(name, Loading(cache_directory=cache_directory(), download=False))
        except ModelError as error:
            print(f"{name} is left out: {error}", flush=True)
            continue
        all_measured.append(measure(name, encoder, pictures, changes))
        options.report.write_text(report(all_measured, len(pictures)), encoding="utf-8")
    if is_installed("cv2") and not options.no_reference:
        all_measured.append(reference(pictures, changes))
    options.report.write_text(report(all_measured, len(pictures)), encoding="utf-8")


if __name__ == "__main__":
    main()
