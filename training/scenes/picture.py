"""A scene's picture: backdrop, figures, weather; and the small square the model is trained on."""

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from training.scenes.backdrop import Backdrop, shadow
from training.scenes.facts import AIRBORNE, Scene
from training.scenes.ink import PAINT, RGB, Pen, scaled
from training.scenes.subjects import DRAWN, STATURE

SIZES: dict[str, tuple[int, int]] = {"landscape": (640, 426), "portrait": (426, 640), "square": (640, 640)}
"""Width and height in pixels of a full-size picture."""

_LIGHT: dict[str, tuple[float, float, float]] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (0.98, 0.90, 0.86),
    "night": (0.80, 0.81, 0.90),
}


@dataclass(frozen=True)
class Place:
    """Where one thing is drawn: centre and half-size in pixels, tilt in degrees, and which way it faces."""

    x: float
    y: float
    half: float
    tilt: float
    mirrored: bool


def _slots(count: int, shape: str) -> list[tuple[float, float]]:
    """Rough centres (x as a share of the width, depth from 0 = back to 1 = front) for `count` things."""
    if count == 1:
        return [(0.5, 0.6)]
    if count == 2:
        return [(0.28, 0.5), (0.72, 0.7)]
    if count == 3:
        return [(0.19, 0.75), (0.5, 0.25), (0.81, 0.75)] if shape == "landscape" else [
            (0.27, 0.1), (0.73, 0.25), (0.5, 1.0)]  # fmt: skip
    if shape == "landscape":
        return [(0.135, 0.7), (0.38, 0.2), (0.62, 0.8), (0.865, 0.3)]
    return [(0.27, 0.05), (0.73, 0.15), (0.29, 0.95), (0.75, 1.0)]


_HALF = {  # half-size by shape and count, as a share of the picture's height
    "landscape": {1: 0.285, 2: 0.25, 3: 0.20, 4: 0.172},
    "portrait": {1: 0.215, 2: 0.142, 3: 0.128, 4: 0.122},
    "square": {1: 0.28, 2: 0.21, 3: 0.15, 4: 0.138},
}


def places(scene: Scene, width: int, height: int, horizon: float, rng: random.Random) -> list[Place]:
    """One place for each thing in the scene, figures from left to right, back to front within a figure."""
    result: list[Place] = []
    for index, figure in enumerate(scene.figures):
        two = len(scene.figures) == 2
        slots = [((0.27, 0.72)[index], rng.uniform(0.3, 0.8))] if two else _slots(figure.count, scene.shape)
        size = _HALF[scene.shape][2 if two else figure.count] * STATURE.get(figure.subject, 1.0)
        mirrored = rng.random() < 0.5
        for x, depth in sorted(slots, key=lambda slot: slot[1]):
            half = size * height * rng.uniform(0.92, 1.05) * (0.95 + 0.08 * depth)
            spread = 0.10 if figure.count == 1 and not two else 0.018
            cx = (x + rng.uniform(-spread, spread)) * width
            cx = min(max(cx, half * 0.94), width - half * 0.94)
            if figure.subject in AIRBORNE:
                top, low = half * 1.04, max(half * 1.1, height * 0.60 - half * 0.7)
                if scene.shape == "portrait":
                    low = max(low, height * 0.56)
                cy = top + (low - top) * min(1.0, max(0.0, depth + rng.uniform(-0.14, 0.14)))
                tilt = rng.uniform(-9, 9)
            else:
                back = max(horizon + (0.11 if scene.shape == "landscape" else 0.15) * height, half * 1.95)
                front = max(back + 0.02 * height, 0.95 * height)
                cy = back + (front - back) * min(1.0, max(0.0, depth + rng.uniform(-0.1, 0.1))) - 0.9 * half
                tilt = rng.uniform(-2.5, 2.5)
            result.append(Place(cx, cy, half, tilt, mirrored))
    return result


def _sheen(size: int) -> npt.NDArray[np.float32]:
    """Light from the upper left: a factor per pixel, float32 [size, size, 1], 1.1 down to 0.8."""
    line = np.linspace(0, 1, size, dtype=np.float32)
    factors = 1.10 - 0.30 * (0.35 * line[None, :] + 0.65 * line[:, None])
    return factors[:, :, None].astype(np.float32)


def paint(picture: Image.Image, subject: str, colour: str, place: Place, time: str) -> None:
    """Draw one thing: shape, shading, rim."""
    size = max(8, round(place.half * 2.4))
    pen = Pen(size, tilt=place.tilt, mirrored=place.mirrored)
    DRAWN[subject](pen, PAINT[colour])
    layer = np.asarray(pen.layer)
    light = np.array(_LIGHT[time], dtype=np.float32)
    shaded = np.clip(layer[:, :, :3] * _sheen(size) * light, 0, 255).astype(np.uint8)
    body = pen.layer.getchannel("A")
    soft = body.filter(ImageFilter.GaussianBlur(max(0.6, place.half * 0.017)))
    rim = soft.point([min(255, value * 5) for value in range(256)])
    # A black thing would melt into a night, and a white one into snow: the rim is pale for black, dark for all others.
    edge: RGB = (206, 212, 226) if colour == "black" else (26, 24, 40)
    corner = (round(place.x - size / 2), round(place.y - size / 2))
    picture.paste(scaled(edge, _LIGHT[time]), corner, rim)
    picture.paste(Image.fromarray(shaded), corner, body)


def draw(scene: Scene, width: int, height: int, *, supersample: int = 2) -> Image.Image:
    """The scene's picture, RGB, `width` x `height` pixels; equal arguments give equal pixels.

    Everything is drawn `supersample` times larger and then reduced, which smooths every edge.
    """
    rng = random.Random(f"picture {scene.seed}")
    picture = Image.new("RGB", (width * supersample, height * supersample))
    backdrop = Backdrop(picture, scene, rng)
    backdrop.sky()
    backdrop.ground()
    places_left = iter(places(scene, picture.width, picture.height, backdrop.horizon, rng))
    for figure in scene.figures:
        for place in [next(places_left) for _ in range(figure.count)]:
            if figure.subject not in AIRBORNE:
                wet = scene.ground in {"sea", "lake"}
                strength = 0.22 if wet else 0.42
                shadow(picture, place.x, place.y + 0.88 * place.half, place.half * 0.85, place.half * 0.13, strength)
            paint(picture, figure.subject, figure.colour, place, scene.time)
    backdrop.weather()
    return picture if supersample == 1 else picture.resize((width, height), Image.Resampling.BOX)


def full_size(scene: Scene) -> Image.Image:
    """The scene as it is shipped: RGB, 640 pixels on the long side."""
    width, height = SIZES[scene.shape]
    return draw(scene, width, height)


def small_square(scene: Scene, side: int) -> Image.Image:
    """The scene squashed to `side` x `side` pixels, RGB: what the full-size picture looks like to the model."""
    width, height = SIZES[scene.shape]
    large = draw(scene, width * 3 // 4, height * 3 // 4, supersample=1)
    return large.resize((side, side), Image.Resampling.BICUBIC)
