"""The pictures: real photographs, and drawn scenes; which of them show the same thing."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix.sample import MODEL_DIRECTORY
from phrasepix.tags.lexicon import english_word
from training.scenes import scene_of_picture

PHOTOGRAPHS = Path(__file__).resolve().parents[3] / "shared" / "photos"
DRAWN = MODEL_DIRECTORY.parent / "pictures"
OF_SCIKIT_IMAGE = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)
"""Photographs inside its wheel, one of each thing."""
_MOST_DRAWN = 60
_LARGEST_SIDE = 640
_NOUNS_IN_COMMON = 2
_CAPTIONS_AGREE = 2


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one kind, what they are called, and which show the same thing: bool [n, n], or None if not known."""

    title: str
    note: str
    pictures: Sequence[Image.Image]
    same_thing: NDArray[np.bool_]

    def asked(self, count: int) -> list[int]:
        """The numbers of so many of them, evenly chosen from every second one.

        By the others it was chosen which key points are kept.
        """
        numbers = np.arange(1, len(self.pictures), 2)
        places = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
        return [int(numbers[place]) for place in sorted(set(places))]


def picture_sets(most: int) -> list[PictureSet]:
    """What there is, at most so many pictures a set, evenly chosen."""
    found = [photographs(most), drawn(min(most, _MOST_DRAWN))]
    return [one for one in found if one.pictures]


def photographs(most: int) -> PictureSet:
    """Photographs from `../shared/photos` and from scikit-image's wheel, as far as they are there."""
    spec = find_spec("skimage")
    data = Path(spec.origin).parent / "data" if spec is not None and spec.origin else Path("nowhere")
    others = [path for name in OF_SCIKIT_IMAGE if (path := data / name).exists()][: most // 3]
    captioned = _evenly(sorted(PHOTOGRAPHS.glob("*.jpg")), most - len(others))
    nouns = _nouns_of(captioned)
    same = np.zeros((len(captioned) + len(others),) * 2, dtype=bool)
    for one, ours in enumerate(nouns):
        for other, theirs in enumerate(nouns):
            same[one, other] = one != other and len(ours & theirs) >= _NOUNS_IN_COMMON
    note = (
        f"{len(captioned)} photographs of COCO val2017 and {len(others)} of scikit-image's wheel; two of COCO's show "
        f"the same thing if their captions share {_NOUNS_IN_COMMON} nouns, each used by {_CAPTIONS_AGREE} captions"
    )
    return PictureSet("photographs", note, [_read(path) for path in (*captioned, *others)], same)


def drawn(most: int) -> PictureSet:
    """Of the sample's pictures; two show the same thing if a subject is in both."""
    paths = _evenly(sorted(DRAWN.glob("*.jpg"), key=lambda path: int(path.stem)), most)
    subjects = [{figure.subject for figure in scene_of_picture(int(path.stem)).figures} for path in paths]
    same = np.array([[one is not other and bool(one & other) for other in subjects] for one in subjects], dtype=bool)
    note = f"{len(paths)} of the sample's drawn scenes; two show the same thing if they have a subject in common"
    return PictureSet("drawn scenes", note, [_read(path) for path in paths], same)


def _evenly(paths: list[Path], most: int) -> list[Path]:
    return [paths[number] for number in sorted(set(np.linspace(0, len(paths) - 1, min(most, len(paths))).astype(int)))]


def _read(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
    rgb.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE), Image.Resampling.LANCZOS)
    return rgb


def _nouns_of(paths: Sequence[Path]) -> list[set[str]]:
    """The nouns for things to be seen that at least two captions of each photograph use."""
    place = PHOTOGRAPHS / "captions.jsonl"
    if not place.exists():
        return [set() for _ in paths]
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    captions = {one["file"]: one["captions"] for one in lines}
    return [_agreed(captions.get(path.name, [])) for path in paths]


def _agreed(captions: Sequence[str]) -> set[str]:
    counts: Counter[str] = Counter()
    for caption in captions:
        words = [english_word(form) for form in re.findall(r"[a-z]+", caption.lower())]
        counts.update({word.lemma for word in words if word is not None and word.is_thing})
    return {noun for noun, count in counts.items() if count >= _CAPTIONS_AGREE}
