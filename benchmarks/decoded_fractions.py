"""What embeddings lose by decoding a fraction of a JPEG: `python -m benchmarks.decoded_fractions --write`.

Photographs full of detail are shown to image towers of several sides, built like that of ViT-S-32 with random weights,
whose input is so small that a half or a quarter of a photograph still has so many times its side. Once the
preprocessing knows the whole picture of which it has a fraction, and once it takes the fraction for the whole.
"""

import argparse
import io
import platform
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.random_models import SEED
from benchmarks.speed.pictures import PHOTOGRAPHS
from reranker.encoder import unit_rows
from reranker.engine.preprocessing import Preprocessing
from reranker.pictures.decode import decode

RESULT = Path(__file__).parent / "DECODED_FRACTIONS.md"
_SIDES = (32, 40, 48, 64)
_PATCHES, _WIDTH = 8, 384
_FRACTIONS = (2, 4, 8)
_BANDS = (5.0, 4.0, 3.0, 2.5, 2.0, 1.5)

Tower = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def tower_of(side: int) -> Tower:
    """Return an image tower of 64 patches, in f32: pixels in, unit vectors out."""
    import torch
    from open_clip.model import CLIPVisionCfg, _build_vision_tower

    torch.manual_seed(SEED)
    config = CLIPVisionCfg(image_size=side, patch_size=side // _PATCHES, width=_WIDTH)
    tower = _build_vision_tower(512, config).eval()

    def vectors(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            rows: NDArray[np.float32] = tower(torch.from_numpy(pixels)).numpy()
        return unit_rows(rows)

    return vectors


def band_of(times: float) -> float | None:
    """The largest band that a fraction of `times` a model's side reaches."""
    return next((band for band in _BANDS if times >= band), None)


def cosines(files: list[bytes]) -> dict[float, list[tuple[float, float]]]:
    """Cosines to the whole picture, knowing it and not, by how many times a model's side was decoded."""
    found: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for side in _SIDES:
        tower, prepare = tower_of(side), Preprocessing.of_config({"size": side})
        for data in files:
            whole = decode(data)
            pixels, bands = [prepare(whole)], []
            for fraction in _FRACTIONS:
                reduced = decode(data, enough=min(whole.size) // fraction)
                band = band_of(min(reduced.size) / side)
                if band is not None and reduced.size != whole.size:
                    pixels += [prepare(reduced), prepare(reduced.copy())]
                    bands.append(band)
            rows = tower(np.stack(pixels))
            near = rows[1:] @ rows[0]
            for number, band in enumerate(bands):
                found[band].append((float(near[2 * number]), float(near[2 * number + 1])))
    return found


def table(found: dict[float, list[tuple[float, float]]]) -> str:
    """Return what was found as Markdown."""
    lines = [
        "| decoded to times the side | pictures | median | least | taken for the whole: median | least |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for band, above in zip(_BANDS, (None, *_BANDS), strict=False):
        knowing, not_knowing = np.array(found[band]).T
        what = f"{band:g} or more" if above is None else f"{band:g} to {above:g}"
        figures = [np.median(knowing), knowing.min(), np.median(not_knowing), not_knowing.min()]
        lines.append(f"| {what} | {len(knowing)} | " + " | ".join(f"{figure:.6f}" for figure in figures) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print or write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument("--write", action="store_true", help=f"write {RESULT.name}")
    given = parser.parse_args()
    files = [file.read_bytes() for file in sorted(given.photographs.glob("*.jpg"))]
    if not files:
        raise SystemExit(f"{given.photographs} has no *.jpg")
    sizes = [Image.open(io.BytesIO(data)).size for data in files]
    text = (
        "# What embeddings lose by decoding a fraction\n\n`python -m benchmarks.decoded_fractions --write`\n\n"
        f"Cosine of an embedding to that of the whole picture; {len(files)} photographs of {max(map(max, sizes))} "
        f"pixels or less, image towers of {', '.join(map(str, _SIDES))} pixels built like ViT-S-32's, random, f32. "
        "“Taken for the whole” is what a model does that does not know of the fraction: its sides, rounded up to whole "
        f"pixels, then count as the picture's.\n\n{table(cosines(files))}\n\n{platform.machine()}, "
        f"Pillow {version('pillow')}.\n"
    )
    if given.write:
        RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
