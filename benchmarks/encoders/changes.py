"""What happens to a picture before somebody looks for it again: cropped, turned, printed, written over."""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Dice = np.random.Generator
Change = Callable[[Image.Image, Dice], Image.Image]


def cropped(share: float) -> Change:
    """A part of that share of the area, of the same shape, at a place of chance."""

    def change(picture: Image.Image, dice: Dice) -> Image.Image:
        width, height = (round(side * share**0.5) for side in picture.size)
        left = int(dice.integers(0, picture.width - width + 1))
        upper = int(dice.integers(0, picture.height - height + 1))
        return picture.crop((left, upper, left + width, upper + height))

    return change


def turned(degrees: float) -> Change:
    """Turned, the corners grey."""
    return lambda picture, dice: picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(128,) * 3)


def scaled(by: float) -> Change:
    """In another size."""
    return lambda picture, dice: picture.resize(
        (max(1, round(picture.width * by)), max(1, round(picture.height * by))), Image.Resampling.LANCZOS
    )


def blurred(pixels: float) -> Change:
    """Out of focus."""
    return lambda picture, dice: picture.filter(ImageFilter.GaussianBlur(pixels))


def noisy(deviation: float) -> Change:
    """With Gaussian noise of that standard deviation, of 255."""

    def change(picture: Image.Image, dice: Dice) -> Image.Image:
        there = np.asarray(picture, dtype=np.float32)
        noise = dice.normal(0, deviation, there.shape)
        return Image.fromarray(np.clip(there + noise, 0, 255).astype(np.uint8))

    return change


def as_jpeg(quality: int) -> Change:
    """Recompressed."""

    def change(picture: Image.Image, dice: Dice) -> Image.Image:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return change


def brightened(by: float) -> Change:
    """Brighter or darker."""
    return lambda picture, dice: ImageEnhance.Brightness(picture).enhance(by)


def with_gamma(gamma: float) -> Change:
    """With another curve of brightness."""
    return lambda picture, dice: picture.point([round(255 * (value / 255) ** gamma) for value in range(256)] * 3)


def in_perspective(share: float) -> Change:
    """Seen from aside: each corner is moved inward by up to `share` of the sides."""

    def change(picture: Image.Image, dice: Dice) -> Image.Image:
        width, height = picture.size
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
        inward = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * picture.size * dice.uniform(0, share, (4, 2))
        coefficients = _perspective(corners + inward, corners)
        return picture.transform(
            picture.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=(128,) * 3
        )

    return change


def _perspective(seen: np.ndarray, there: np.ndarray) -> list[float]:
    """The eight coefficients that lead from four points as they are seen to where they were."""
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    found: list[float] = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    return found


def mirrored(picture: Image.Image, dice: Dice) -> Image.Image:
    """Left and right exchanged."""
    return ImageOps.mirror(picture)


def written_over(picture: Image.Image, dice: Dice) -> Image.Image:
    """With three lines of large letters across it."""
    written = picture.copy()
    draw = ImageDraw.Draw(written)
    font = ImageFont.load_default(picture.height / 7)
    for line, words in enumerate(("A LONG WAY", "TO THE SEA", "a novel")):
        draw.text((picture.width / 12, picture.height * (0.12 + 0.28 * line)), words, (255, 240, 60), font)
    return written


def printed_and_photographed(picture: Image.Image, dice: Dice) -> Image.Image:
    """From aside, softer, flatter, with grain, as a JPEG: what a phone makes of a print."""
    for change in (in_perspective(0.12), scaled(0.7), blurred(1.0), with_gamma(1.3), noisy(8), as_jpeg(60)):
        picture = change(picture, dice)
    return ImageEnhance.Contrast(picture).enhance(0.8)


CHANGES: Mapping[str, Change] = {
    "crop to 60 %": cropped(0.6),
    "crop to 40 %": cropped(0.4),
    "crop to 20 %": cropped(0.2),
    "crop to 10 %": cropped(0.1),
    "rotation 5°": turned(5),
    "rotation 15°": turned(15),
    "rotation 30°": turned(30),
    "rotation 45°": turned(45),
    "rotation 60°": turned(60),
    "rotation 90°": turned(90),
    "rotation 135°": turned(135),
    "rotation 180°": turned(180),
    "rotation 30°, crop to 40 %": lambda picture, dice: cropped(0.4)(turned(30)(picture, dice), dice),
    "scale ¼": scaled(0.25),
    "scale ½": scaled(0.5),
    "scale 2": scaled(2),
    "scale 4": scaled(4),
    "blur 2 px": blurred(2),
    "blur 5 px": blurred(5),
    "noise 25": noisy(25),
    "JPEG 10": as_jpeg(10),
    "JPEG 25": as_jpeg(25),
    "JPEG 50": as_jpeg(50),
    "brightness ½": brightened(0.5),
    "brightness 1.5": brightened(1.5),
    "gamma ½": with_gamma(0.5),
    "gamma 2": with_gamma(2.0),
    "perspective": in_perspective(0.2),
    "mirror": mirrored,
    "text laid over": written_over,
    "printed and photographed": printed_and_photographed,
}
"""By their names; the numbers of pixels are at photographs of 640 × 480."""


def changed(picture: Image.Image, title: str, number: int) -> Image.Image:
    """Return the picture `number` after the change of that title, the same each time."""
    return CHANGES[title](picture, np.random.default_rng([sum(title.encode()), number]))
