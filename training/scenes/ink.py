"""Colours and the pen that draws shapes on a transparent layer.

A colour is an RGB triple of integers 0-255. The pen works in a box that reaches from -1 to 1 both ways, y downwards,
so that a subject is described once and drawn at any size.
"""

import math
from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

RGB = tuple[int, int, int]
Point = tuple[float, float]

#: The paint of each colour name, chosen to stay apart by day, at sunset and at night.
PAINT: dict[str, RGB] = {
    "red": (222, 34, 40),
    "orange": (255, 134, 10),
    "yellow": (255, 221, 38),
    "green": (34, 164, 60),
    "blue": (32, 102, 236),
    "purple": (150, 52, 196),
    "white": (250, 250, 252),
    "black": (34, 34, 42),
}


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """`a` with `share` (0-1) of `b` in it."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def lighter(colour: RGB, share: float = 0.3) -> RGB:
    """`colour` with `share` of white in it."""
    return mix(colour, (255, 255, 255), share)


def darker(colour: RGB, share: float = 0.25) -> RGB:
    """`colour` with `share` of a bluish black in it."""
    return mix(colour, (16, 14, 34), share)


def scaled(colour: RGB, factors: tuple[float, float, float]) -> RGB:
    """`colour` multiplied channel by channel, held within 0-255."""
    return (
        min(255, max(0, round(colour[0] * factors[0]))),
        min(255, max(0, round(colour[1] * factors[1]))),
        min(255, max(0, round(colour[2] * factors[2]))),
    )


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, steps: int = 24) -> list[Point]:
    """Points along an ellipse from `start` to `end` degrees, clockwise as y grows downwards."""
    angles = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def curve(points: Sequence[Point], *, closed: bool = True, steps: int = 6) -> list[Point]:
    """A smooth (Catmull-Rom) line through `points`."""
    n = len(points)
    at = [points[i % n] for i in range(-1, n + 2)] if closed else [points[0], *points, points[-1]]
    smooth: list[Point] = []
    for p0, p1, p2, p3 in zip(at, at[1:], at[2:], at[3:], strict=False):
        for i in range(steps):
            t = i / steps
            a, b, c, d = -t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2
            smooth.append(
                (
                    0.5 * (a * p0[0] + b * p1[0] + c * p2[0] + d * p3[0]),
                    0.5 * (a * p0[1] + b * p1[1] + c * p2[1] + d * p3[1]),
                )
            )
    if not closed:
        smooth.append(points[-1])
    return smooth


class Pen:
    """Draws filled shapes on a square transparent layer of `size` pixels, turned by `tilt` degrees, facing either way.

    `reach` is how far the layer extends beyond the box of -1 to 1, so that a tilted subject is not cut.
    """

    def __init__(self, size: int, *, tilt: float = 0.0, mirrored: bool = False, reach: float = 1.2) -> None:
        self.layer = Image.new("RGBA", (size, size), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.layer)
        self._scale = size / 2 / reach
        self._centre = size / 2
        self._cos, self._sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
        self._side = -1.0 if mirrored else 1.0

    def _pixels(self, points: Iterable[Point]) -> list[Point]:
        return [
            (
                self._centre + self._scale * (x * self._side * self._cos - y * self._sin),
                self._centre + self._scale * (x * self._side * self._sin + y * self._cos),
            )
            for x, y in points
        ]

    def shape(self, points: Iterable[Point], fill: RGB) -> None:
        """A filled polygon."""
        self._draw.polygon(self._pixels(points), fill=fill)

    def blob(self, points: Sequence[Point], fill: RGB) -> None:
        """A filled smooth outline through `points`."""
        self.shape(curve(points), fill)

    def oval(self, cx: float, cy: float, rx: float, ry: float, fill: RGB, turn: float = 0.0) -> None:
        """A filled ellipse, turned by `turn` degrees about its own centre."""
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        rim = arc(0, 0, rx, ry, 0, 360, 30)
        self.shape([(cx + x * cos - y * sin, cy + x * sin + y * cos) for x, y in rim], fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: RGB, corner: float = 0.0) -> None:
        """A filled rectangle with corners rounded by `corner`."""
        if not corner:
            self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], fill)
            return
        self.shape(
            [
                *arc(right - corner, top + corner, corner, corner, -90, 0, 6),
                *arc(right - corner, bottom - corner, corner, corner, 0, 90, 6),
                *arc(left + corner, bottom - corner, corner, corner, 90, 180, 6),
                *arc(left + corner, top + corner, corner, corner, 180, 270, 6),
            ],
            fill,
        )

    def line(self, points: Sequence[Point], width: float, fill: RGB) -> None:
        """A line of `width` (in box units) with round joints and ends."""
        pixels = self._pixels(points)
        thick = max(1, round(width * self._scale))
        self._draw.line(pixels, fill=fill, width=thick, joint="curve")
        if thick > 3:
            for x, y in (pixels[0], pixels[-1]):
                r = thick / 2 - 0.5
                self._draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    def ring(self, cx: float, cy: float, radius: float, width: float, fill: RGB) -> None:
        """A circle drawn as a line of `width`."""
        self.line(arc(cx, cy, radius, radius, 0, 360, 36), width, fill)
