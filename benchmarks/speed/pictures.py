"""The pictures everybody gets: distinct JPEGs of 640 pixels, with a catalogue the stock site reads."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = ROOT.parent / "shared" / "photos"
TAG = "speed"
LONG_SIDE = 640
_MOST_OBLONG = 2.0
_QUALITY = 88


def prepare(place: Path, count: int, photographs: Path = PHOTOGRAPHS) -> tuple[Path, str]:
    """`count` pictures and their catalogue in a directory below `place`, and a word for what they show.

    Made from `photographs`, cut and mirrored anew each time they are used up; drawn where there are none.
    """
    originals = sorted(photographs.glob("*.jpg")) if photographs.is_dir() else []
    kind = "photographs" if originals else "drawn scenes"
    directory = place / f"{count}-{kind.replace(' ', '-')}"
    if directory.is_dir():
        return directory, kind
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    source = _cut(originals, count) if originals else _drawn(count)
    entries = []
    for number, picture in enumerate(source, start=1):
        picture.save(partial / f"{number}.jpg", quality=_QUALITY)
        entries.append(json.dumps(_entry(number, picture.size)))
    (partial / "catalogue.jsonl").write_text("\n".join(entries), encoding="utf-8")
    partial.rename(directory)
    return directory, kind


def files(directory: Path) -> list[Path]:
    """The picture files, in the site's order."""
    return sorted(directory.glob("*.jpg"), key=lambda file: int(file.stem))


def _cut(originals: list[Path], count: int) -> Iterator[Image.Image]:
    rng = random.Random(1)
    for number in range(count):
        turn, index = divmod(number, len(originals))
        with Image.open(originals[index]) as opened:
            picture = opened.convert("RGB")
        width, height = (min(side, int(other * _MOST_OBLONG)) for side, other in (picture.size, picture.size[::-1]))
        if turn:
            share = rng.uniform(0.7, 0.95)
            width, height = int(width * share), int(height * share)
        left, top = rng.randint(0, picture.width - width), rng.randint(0, picture.height - height)
        picture = picture.crop((left, top, left + width, top + height))
        yield ImageOps.contain(ImageOps.mirror(picture) if turn % 2 else picture, (LONG_SIDE, LONG_SIDE))


def _drawn(count: int) -> Iterator[Image.Image]:
    from training.scenes import full_size, scene_of_seed

    return (full_size(scene_of_seed(seed)) for seed in range(count))


def _entry(number: int, size: tuple[int, int]) -> dict[str, object]:
    """What the stock site says of a picture; the counts make its order that of the numbers."""
    counts = dict.fromkeys(("views", "likes", "collections", "comments"), 0)
    return {
        "id": number,
        "file": f"{number}.jpg",
        "type": "photo",
        "tags": [TAG],
        "category": "nature",
        "colors": [],
        "width": size[0],
        "height": size[1],
        "user": "benchmark",
        "user_id": 1,
        "downloads": 1_000_000 - number,
        "editors_choice": False,
        **counts,
    }
