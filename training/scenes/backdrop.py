"""Sky and ground: everything behind the figures.

All functions draw onto an RGB picture of any size; lengths are shares of its height (`h`), so that a small and a large
drawing of one scene look the same. Random numbers come from the generator given, always in the same order.
"""

import math
import random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from training.scenes.facts import Scene
from training.scenes.ink import RGB, Point, curve, darker, lighter, mix, scaled

_SKIES: dict[str, tuple[RGB, RGB, RGB]] = {
    "day": ((52, 140, 226), (128, 194, 246), (216, 238, 250)),
    "sunset": ((86, 58, 134), (236, 108, 92), (255, 206, 112)),
    "night": ((9, 13, 44), (22, 32, 82), (52, 66, 122)),
}
_DULL: dict[str, RGB] = {"day": (138, 152, 168), "sunset": (150, 98, 104), "night": (28, 34, 58)}
_HAZE: dict[str, RGB] = {"day": (222, 228, 232), "sunset": (238, 190, 168), "night": (98, 106, 138)}
_LIGHT: dict[str, tuple[float, float, float]] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (0.96, 0.74, 0.68),
    "night": (0.34, 0.40, 0.60),
}
_DULLNESS = {"clear": 0.0, "rain": 0.62, "snow": 0.5, "fog": 0.5}


def ramp(stops: tuple[RGB, ...], width: int, height: int) -> Image.Image:
    """A vertical gradient through `stops`, top to bottom."""
    at = np.linspace(0, len(stops) - 1, max(2, height))
    channels = [np.interp(at, range(len(stops)), [stop[i] for stop in stops]) for i in range(3)]
    column = np.stack(channels, axis=1).round().astype(np.uint8)[:, None, :]
    return Image.fromarray(column).resize((width, height), Image.Resampling.BILINEAR)


def glow(picture: Image.Image, x: float, y: float, radius: float, colour: RGB, strength: float) -> None:
    """Light that fades from (x, y) outwards; pixels."""
    side = 64
    yy, xx = np.mgrid[0:side, 0:side]
    distance = np.hypot(xx - (side - 1) / 2, yy - (side - 1) / 2) / (side / 2)
    fade: npt.NDArray[np.uint8] = (np.clip(1 - distance, 0, 1) ** 1.8 * 255 * strength).astype(np.uint8)
    size = max(2, round(radius * 2))
    mask = Image.fromarray(fade).resize((size, size), Image.Resampling.BILINEAR)
    picture.paste(colour, (round(x - size / 2), round(y - size / 2)), mask)


class Backdrop:
    """Draws sky and ground of one scene onto one picture."""

    def __init__(self, picture: Image.Image, scene: Scene, rng: random.Random) -> None:
        self.picture = picture
        self.scene = scene
        self.rng = rng
        self.w, self.h = picture.size
        self.draw = ImageDraw.Draw(picture)
        low = {"landscape": 0.54, "portrait": 0.40, "square": 0.43}[scene.shape]
        self.horizon = self.h * rng.uniform(low, low + 0.06)
        self.dull = _DULLNESS[scene.weather]
        self.sky_low = self._weathered(_SKIES[scene.time][2])

    def _weathered(self, colour: RGB) -> RGB:
        if self.scene.weather == "fog":
            return mix(colour, _HAZE[self.scene.time], 0.7)
        return mix(colour, _DULL[self.scene.time], self.dull)

    def lit(self, colour: RGB, far: float = 0.0) -> RGB:
        """A ground colour in the scene's light; `far` (0-1) fades it into the sky."""
        colour = scaled(colour, _LIGHT[self.scene.time])
        if self.scene.weather == "rain":
            colour = mix(colour, _DULL[self.scene.time], 0.3)
        if self.scene.weather == "fog":
            colour = mix(colour, _HAZE[self.scene.time], 0.14 + 0.5 * far)
        return mix(colour, self.sky_low, far)

    def _line(self, points: list[Point], width: float, fill: RGB) -> None:
        self.draw.line(points, fill=fill, width=max(1, round(width * self.h)))

    def _oval(self, cx: float, cy: float, rx: float, ry: float, fill: RGB) -> None:
        self.draw.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=fill)

    # -- sky ---------------------------------------------------------------------------------------------------------

    def sky(self) -> None:
        """The graded sky with sun, moon, stars and clouds as time and weather have them."""
        rng, w, h = self.rng, self.w, self.h
        time, weather = self.scene.time, self.scene.weather
        stops = tuple(self._weathered(stop) for stop in _SKIES[time])
        self.picture.paste(stops[2], (0, 0, w, h))
        self.picture.paste(ramp(stops, w, round(self.horizon + 0.02 * h)), (0, 0))
        if time == "night":
            count = {"clear": 70, "snow": 0, "rain": 0, "fog": 0}[weather]
            for _ in range(count):
                x, y, r = rng.uniform(0, w), rng.uniform(0, self.horizon * 0.9), rng.uniform(0.0016, 0.0046) * h
                self._oval(x, y, r, r, mix((255, 255, 240), stops[1], rng.uniform(0, 0.5)))
        light_x = rng.choice((rng.uniform(0.06, 0.24), rng.uniform(0.76, 0.94))) * w
        if time == "day":
            if weather == "clear":
                y, r = rng.uniform(0.10, 0.18) * h, 0.062 * h
                glow(self.picture, light_x, y, 0.34 * h, (255, 250, 214), 0.9)
                self._oval(light_x, y, r, r, (255, 246, 190))
        elif time == "sunset":
            y, r = self.horizon - rng.uniform(-0.01, 0.05) * h, 0.105 * h
            strength = {"clear": 0.95, "rain": 0.6, "snow": 0.7, "fog": 0.75}[weather]
            glow(self.picture, light_x, y, 0.62 * h, (255, 196, 112), strength)
            self._oval(light_x, y, r, r, mix((255, 232, 160), self.sky_low, 1 - strength))
        else:
            y, r = rng.uniform(0.11, 0.2) * h, 0.06 * h
            strength = {"clear": 0.6, "rain": 0.16, "snow": 0.3, "fog": 0.4}[weather]
            glow(self.picture, light_x, y, 0.3 * h, (190, 206, 250), strength)
            if weather == "clear":
                self._moon(light_x, y, r)
            elif weather == "fog":
                self._oval(light_x, y, r, r, mix((230, 234, 250), self.sky_low, 0.5))
        self._clouds()

    def _moon(self, x: float, y: float, r: float) -> None:
        moon = Image.new("L", (round(4 * r), round(4 * r)), 0)
        pen = ImageDraw.Draw(moon)
        pen.ellipse((r, r, 3 * r, 3 * r), fill=255)
        if self.rng.random() < 0.6:
            pen.ellipse((1.5 * r, 0.75 * r, 3.4 * r, 2.65 * r), fill=0)
        self.picture.paste((244, 242, 222), (round(x - 2 * r), round(y - 2 * r)), moon)

    def _clouds(self) -> None:
        rng, w, h = self.rng, self.w, self.h
        time, weather = self.scene.time, self.scene.weather
        if weather == "fog":
            return
        if weather == "clear":
            colour: RGB = {"day": (255, 255, 255), "sunset": (255, 170, 140), "night": (44, 54, 100)}[time]
            for _ in range(rng.randint(1, 3)):
                x, y, s = rng.uniform(0.05, 0.95) * w, rng.uniform(0.08, 0.34) * h, rng.uniform(0.05, 0.09) * h
                self._cloud(x, y, s, colour)
            return
        base = mix(_DULL[time], (58, 64, 80) if weather == "rain" else (232, 236, 242), 0.55 if time == "day" else 0.22)
        for _ in range(9):
            x, y, s = rng.uniform(-0.05, 1.05) * w, rng.uniform(-0.02, 0.1) * h, rng.uniform(0.09, 0.15) * h
            self._cloud(x, y, s, mix(base, self.sky_low, rng.uniform(0, 0.22)))

    def _cloud(self, x: float, y: float, s: float, colour: RGB) -> None:
        below = darker(colour, 0.1)
        for fill, drop in ((below, 0.16), (colour, 0.0)):
            for dx, dy, r in ((-1.3, 0.1, 0.6), (-0.5, -0.25, 0.85), (0.45, -0.1, 0.75), (1.2, 0.15, 0.5)):
                self._oval(x + dx * s, y + (dy + drop) * s, r * s, r * s * 0.72, fill)
            self.draw.rounded_rectangle(
                (x - 1.8 * s, y + drop * s, x + 1.65 * s, y + (0.52 + drop) * s), radius=0.25 * s, fill=fill
            )

    # -- ground ------------------------------------------------------------------------------------------------------

    def ground(self) -> None:
        """The scene's ground, from the horizon to the lower edge."""
        getattr(self, f"_{self.scene.ground}")()

    def _plain(self, near: RGB, far: RGB, top: float | None = None) -> None:
        """Fill from `top` (pixels; the horizon without) down with a gradient."""
        y = round(self.horizon if top is None else top)
        if self.h > y:
            self.picture.paste(ramp((self.lit(far, 0.12), self.lit(near)), self.w, self.h - y), (0, y))

    def _ridge(self, base: float, height: float, waves: float, fill: RGB) -> None:
        """A rolling hill line `height` above `base` (pixels), filled down to the lower edge."""
        phase, second = self.rng.uniform(0, 6.28), self.rng.uniform(0, 6.28)
        points = [
            (
                self.w * i / 40,
                base - height * (0.6 + 0.3 * math.sin(waves * i / 40 * 6.28 + phase)
                                 + 0.1 * math.sin(2.7 * waves * i / 40 * 6.28 + second)),
            )
            for i in range(41)
        ]  # fmt: skip
        self.draw.polygon([*points, (self.w, self.h), (0, self.h)], fill=fill)

    def _peaks(self, base: float, height: float, count: int, rock: RGB, cap: RGB | None) -> None:
        rng = self.rng
        for i in range(count):
            x = self.w * (i + rng.uniform(0.2, 0.8)) / count
            top = base - height * rng.uniform(0.7, 1.0)
            half = self.w / count * rng.uniform(0.7, 0.95)
            self.draw.polygon([(x - half, base), (x, top), (x + half, base)], fill=rock)
            self.draw.polygon([(x, top), (x + half, base), (x + half * 0.1, base)], fill=darker(rock, 0.18))
            if cap:
                deep = (base - top) * 0.34
                side = half * 0.34
                zigzag = [(x + side, top + deep), (x + side * 0.45, top + deep * 0.78), (x, top + deep * 1.08),
                          (x - side * 0.5, top + deep * 0.74), (x - side, top + deep)]  # fmt: skip
                self.draw.polygon([(x, top), *zigzag], fill=cap)

    def _pine(self, x: float, foot: float, tall: float, fill: RGB, snow: RGB | None = None) -> None:
        self.draw.rectangle((x - tall * 0.04, foot - tall * 0.15, x + tall * 0.04, foot), fill=darker(fill, 0.4))
        for i in range(3):
            top, bottom = foot - tall * (1 - i * 0.24), foot - tall * (0.56 - i * 0.22)
            half = tall * (0.17 + 0.07 * i)
            self.draw.polygon([(x, top), (x + half, bottom), (x - half, bottom)], fill=fill)
            if snow:
                self.draw.polygon([(x, top), (x + half * 0.5, top + (bottom - top) * 0.5),
                                   (x - half * 0.5, top + (bottom - top) * 0.5)], fill=snow)  # fmt: skip

    def _tufts(self, count: int, fill: RGB, size: float, top: float) -> None:
        rng, h = self.rng, self.h
        for _ in range(count):
            y = rng.uniform(top, h)
            depth = 0.4 + 0.6 * (y - top) / max(1.0, h - top)
            x, s = rng.uniform(0, self.w), size * h * depth
            for lean in (-0.5, 0.0, 0.5):
                self._line([(x, y), (x + lean * s, y - s)], 0.005 * depth, fill)

    def _waves(self, top: float, bottom: float, count: int, fill: RGB) -> None:
        rng = self.rng
        for _ in range(count):
            y = rng.uniform(top, bottom)
            depth = 0.25 + 0.75 * (y - top) / max(1.0, bottom - top)
            x, s = rng.uniform(-0.05, 1.0) * self.w, rng.uniform(0.06, 0.15) * self.h * depth
            points = [(x + s * t, y - 0.012 * self.h * depth * math.sin(t * 3.14)) for t in (0, 0.25, 0.5, 0.75, 1)]
            self._line(points, 0.006 * (0.4 + depth), fill)

    def _sea(self) -> None:
        self._plain((22, 104, 156), (66, 150, 190))
        far = self.lit((90, 110, 120), 0.35)
        if self.rng.random() < 0.6:
            x, half = self.rng.uniform(0.1, 0.9) * self.w, self.rng.uniform(0.12, 0.25) * self.h
            hump = curve([(x - half, self.horizon), (x - half * 0.4, self.horizon - half * 0.28),
                          (x + half * 0.2, self.horizon - half * 0.36), (x + half, self.horizon)],
                         closed=False)  # fmt: skip
            self.draw.polygon(hump, fill=far)
        self._waves(self.horizon + 0.02 * self.h, self.h, 46, self.lit((150, 206, 226)))
        self._waves(self.horizon + 0.1 * self.h, self.h, 18, self.lit((12, 72, 122)))

    def _lake(self) -> None:
        shore = self.horizon + 0.03 * self.h
        self._peaks(shore, 0.2 * self.h, 3, self.lit((108, 124, 128), 0.3), None)
        self._ridge(shore, 0.07 * self.h, 1.6, self.lit((76, 116, 84), 0.15))
        for i in range(16):
            x = self.w * (i + self.rng.uniform(0.1, 0.9)) / 16
            self._pine(x, shore + 0.01 * self.h, self.rng.uniform(0.09, 0.15) * self.h, self.lit((40, 92, 66), 0.08))
        self._plain((62, 136, 148), (128, 184, 186), shore)
        self._waves(shore + 0.02 * self.h, 0.9 * self.h, 16, self.lit((190, 222, 220)))
        bank = self.lit((86, 140, 62))
        self._ridge(0.985 * self.h, 0.045 * self.h, 1.2, bank)
        for _ in range(26):
            x = self.rng.choice((self.rng.uniform(0, 0.2), self.rng.uniform(0.8, 1))) * self.w
            tall = self.rng.uniform(0.08, 0.17) * self.h
            self._line([(x, self.h), (x + 0.1 * tall, self.h - tall)], 0.006, self.lit((66, 112, 52)))
            self._oval(x + 0.1 * tall, self.h - tall, 0.007 * self.h, 0.022 * self.h, self.lit((116, 82, 52)))

    def _beach(self) -> None:
        rng, h = self.rng, self.h
        self._plain((40, 138, 170), (70, 150, 190))
        self._waves(self.horizon + 0.01 * h, self.horizon + 0.1 * h, 14, self.lit((160, 214, 228)))
        edge = self.horizon + 0.11 * h
        for offset, fill in ((-0.014, (244, 250, 250)), (0.006, (206, 176, 124)), (0.03, (240, 214, 158))):
            self._ridge(edge + (offset + 0.02) * h, 0.03 * h, 1.4, self.lit(fill))
        for _ in range(70):
            x, y = rng.uniform(0, self.w), rng.uniform(edge + 0.05 * h, h)
            self._oval(x, y, 0.004 * h, 0.0025 * h, self.lit(rng.choice([(206, 172, 116), (252, 234, 192)])))
        x = rng.choice((0.05, 0.95)) * self.w
        lean = (0.5 * self.w - x) * 0.09
        foot, top = edge + 0.1 * h, 0.3 * h
        trunk = curve([(x, foot), (x + lean * 0.3, (foot + top) / 2), (x + lean, top)], closed=False)
        self._line(trunk, 0.022, self.lit((134, 98, 66)))
        for turn in (200, 235, 270, 305, 340, 160, 20):
            a = math.radians(turn)
            tip = (x + lean + 0.17 * h * math.cos(a), top + 0.12 * h * math.sin(a) + 0.05 * h)
            mid = (x + lean + 0.1 * h * math.cos(a), top + 0.1 * h * math.sin(a) - 0.02 * h)
            self._line(curve([(x + lean, top), mid, tip], closed=False), 0.02, self.lit((52, 128, 70)))

    def _meadow(self) -> None:
        h, rng = self.h, self.rng
        self._ridge(self.horizon + 0.02 * h, 0.12 * h, 1.1, self.lit((128, 172, 118), 0.25))
        self._ridge(self.horizon + 0.06 * h, 0.09 * h, 1.5, self.lit((112, 176, 84), 0.1))
        self._plain((74, 148, 50), (126, 188, 76), self.horizon + 0.06 * h)
        self._tufts(60, self.lit((52, 118, 40)), 0.028, self.horizon + 0.1 * h)
        for _ in range(34):
            x, y = rng.uniform(0, self.w), rng.uniform(self.horizon + 0.1 * h, h)
            r = 0.006 * h * (0.5 + (y - self.horizon) / (h - self.horizon))
            self._oval(x, y, r, r, self.lit((250, 246, 220)))

    def _snowfield(self) -> None:
        h, rng = self.h, self.rng
        self._ridge(self.horizon + 0.03 * h, 0.11 * h, 1.2, self.lit((206, 220, 236), 0.2))
        for _ in range(8):
            x, tall = rng.uniform(0, self.w), rng.uniform(0.12, 0.2) * h
            self._pine(x, self.horizon + 0.05 * h, tall, self.lit((66, 104, 96), 0.1), self.lit((246, 250, 255)))
        self._ridge(self.horizon + 0.08 * h, 0.06 * h, 1.3, self.lit((228, 238, 248)))
        self._plain((236, 243, 252), (214, 228, 244), self.horizon + 0.08 * h)
        for _ in range(9):
            x, y, s = rng.uniform(0, self.w), rng.uniform(self.horizon + 0.12 * h, h), rng.uniform(0.1, 0.22) * h
            drift = curve([(x - s, y), (x - s * 0.3, y - s * 0.09), (x + s, y + s * 0.02)], closed=False)
            self._line(drift, 0.008, self.lit((188, 208, 232)))

    def _street(self) -> None:
        h, w, rng = self.h, self.w, self.rng
        curb = self.horizon + 0.05 * h
        x = -rng.uniform(0, 0.06) * h
        night = self.scene.time == "night"
        while x < w:
            wide, tall = rng.uniform(0.17, 0.26) * h, rng.uniform(0.2, 0.42) * h
            wall = self.lit(rng.choice([(184, 174, 166), (164, 160, 168), (196, 182, 158), (150, 152, 162)]), 0.12)
            self.draw.rectangle((x, curb - tall, x + wide, curb), fill=wall)
            self.draw.rectangle((x, curb - tall, x + wide, curb - tall + 0.018 * h), fill=darker(wall, 0.25))
            columns = 3
            for row in range(int(tall / (0.075 * h))):
                for column in range(columns):
                    left = x + wide * (column + 0.24) / columns
                    top = curb - tall + (0.036 + row * 0.072) * h
                    lamp = night and rng.random() < 0.45
                    pane = mix((255, 214, 120), self.sky_low, 0.15) if lamp else darker(wall, 0.35)
                    if top + 0.045 * h < curb:
                        self.draw.rectangle((left, top, left + wide * 0.17, top + 0.042 * h), fill=pane)
            x += wide
        self._plain((176, 172, 168), (158, 154, 152), curb)
        road = curb + 0.07 * h
        self.draw.rectangle((0, road - 0.016 * h, w, road), fill=self.lit((206, 202, 196)))
        self._plain((92, 94, 102), (112, 114, 122), road)
        middle = (road + h) / 2
        for i in range(8):
            left = (i * 0.26 - 0.08) * h
            self.draw.rectangle((left, middle - 0.012 * h, left + 0.14 * h, middle + 0.012 * h),
                                fill=self.lit((232, 230, 220)))  # fmt: skip
        post = rng.choice((0.035, 0.965)) * w
        self._line([(post, road), (post, 0.26 * h)], 0.014, self.lit((70, 74, 84)))
        self._oval(post, 0.26 * h, 0.03 * h, 0.03 * h, (255, 226, 150) if night else self.lit((236, 236, 228)))
        if night:
            glow(self.picture, post, 0.26 * h, 0.17 * h, (255, 214, 130), 0.55)

    def _forest(self) -> None:
        h, rng = self.h, self.rng
        foot = self.horizon + 0.05 * h
        self.draw.rectangle((0, self.horizon - 0.08 * h, self.w, foot), fill=self.lit((30, 70, 50), 0.14))
        for layer, (count, tall, far) in enumerate(((18, 0.42, 0.34), (13, 0.52, 0.14))):
            for i in range(count):
                x = self.w * (i + rng.uniform(0, 1)) / count
                self._pine(x, foot + layer * 0.02 * h, rng.uniform(0.75, 1.0) * tall * h, self.lit((34, 84, 56), far))
        self._plain((72, 84, 44), (54, 78, 46), foot)
        for x in (0.02, 0.98):
            trunk = x * self.w
            self.draw.rectangle((trunk - 0.055 * h, 0, trunk + 0.055 * h, 0.86 * h), fill=self.lit((82, 60, 46)))
            self._line([(trunk - 0.02 * h, 0), (trunk - 0.02 * h, 0.84 * h)], 0.009, self.lit((108, 82, 62)))
        self._tufts(46, self.lit((104, 124, 60)), 0.036, foot + 0.04 * h)
        for _ in range(26):
            x, y = rng.uniform(0, self.w), rng.uniform(foot + 0.05 * h, h)
            self._oval(x, y, 0.012 * h, 0.006 * h, self.lit((124, 96, 62)))

    def _desert(self) -> None:
        h, rng = self.h, self.rng
        self._ridge(self.horizon + 0.02 * h, 0.14 * h, 0.9, self.lit((226, 176, 120), 0.25))
        self._ridge(self.horizon + 0.07 * h, 0.1 * h, 1.3, self.lit((222, 164, 98), 0.08))
        self._plain((214, 150, 82), (232, 178, 112), self.horizon + 0.07 * h)
        for _ in range(12):
            x, y, s = rng.uniform(0, self.w), rng.uniform(self.horizon + 0.11 * h, h), rng.uniform(0.12, 0.26) * h
            ripple = curve([(x - s, y), (x - s * 0.3, y - s * 0.08), (x + s, y + s * 0.03)], closed=False)
            self._line(ripple, 0.008, self.lit((190, 126, 66)))
        for side in rng.sample((0.06, 0.94, 0.15), 2):
            x, foot, tall = side * self.w, self.horizon + rng.uniform(0.06, 0.12) * h, rng.uniform(0.2, 0.28) * h
            green = self.lit((74, 122, 76))
            self._line([(x, foot), (x, foot - tall)], 0.042, green)
            self._oval(x, foot - tall, 0.021 * h, 0.021 * h, green)
            for way, at in ((-1, 0.45), (1, 0.6)):
                arm = [(x, foot - tall * at), (x + way * 0.065 * h, foot - tall * at),
                       (x + way * 0.065 * h, foot - tall * (at + 0.3))]  # fmt: skip
                self.draw.line(arm, fill=green, width=max(1, round(0.028 * h)), joint="curve")

    def _mountains(self) -> None:
        h, rng = self.h, self.rng
        foot = self.horizon + 0.07 * h
        self._peaks(foot, 0.5 * h, 3, self.lit((136, 142, 164), 0.28), self.lit((240, 244, 252), 0.1))
        self._peaks(foot, 0.34 * h, 4, self.lit((112, 114, 132), 0.08), self.lit((232, 238, 248)))
        self._plain((126, 124, 116), (112, 122, 106), foot)
        for _ in range(34):
            x, y = rng.uniform(0, self.w), rng.uniform(foot + 0.02 * h, h)
            s = rng.uniform(0.01, 0.028) * h * (0.5 + (y - foot) / (h - foot))
            stone = self.lit(rng.choice([(150, 148, 146), (96, 96, 100), (170, 168, 160)]))
            self.draw.polygon([(x - s, y), (x - s * 0.4, y - s * 0.8), (x + s * 0.5, y - s * 0.7), (x + s, y)],
                              fill=stone)  # fmt: skip
        self._tufts(16, self.lit((96, 128, 78)), 0.024, foot + 0.04 * h)

    # -- weather -----------------------------------------------------------------------------------------------------

    def weather(self) -> None:
        """What falls or drifts in front of everything."""
        match self.scene.weather:
            case "rain":
                self._rain()
            case "snow":
                self._snow()
            case "fog":
                self._fog()

    def _rain(self) -> None:
        rng, w, h = self.rng, self.w, self.h
        veil = Image.new("L", self.picture.size, 0)
        pen = ImageDraw.Draw(veil)
        for _ in range(round(95 * max(0.6, w / h))):
            x, y, s = rng.uniform(-0.05, 1.08) * w, rng.uniform(-0.1, 1.0) * h, rng.uniform(0.08, 0.13) * h
            pen.line([(x, y), (x - 0.32 * s, y + s)], fill=rng.randint(150, 215), width=max(1, round(0.0075 * h)))
        for _ in range(16):
            x, y, s = rng.uniform(0, w), rng.uniform(self.horizon + 0.1 * h, h), rng.uniform(0.012, 0.026) * h
            pen.ellipse((x - s, y - s * 0.3, x + s, y + s * 0.3), outline=190, width=max(1, round(0.004 * h)))
        colour: RGB = {"day": (224, 238, 250), "sunset": (250, 224, 224), "night": (150, 176, 226)}[self.scene.time]
        self.picture.paste(colour, (0, 0), veil)

    def _snow(self) -> None:
        rng, w, h = self.rng, self.w, self.h
        veil = Image.new("L", self.picture.size, 0)
        pen = ImageDraw.Draw(veil)
        for _ in range(round(105 * max(0.6, w / h))):
            x, y = rng.uniform(0, w), rng.uniform(0, h)
            r = rng.choice((0.006, 0.009, 0.012, 0.016)) * h
            pen.ellipse((x - r, y - r, x + r, y + r), fill=rng.randint(205, 255))
        self.picture.paste((255, 255, 255) if self.scene.time != "night" else (226, 232, 250), (0, 0), veil)

    def _fog(self) -> None:
        rng = self.rng
        rows, columns = 60, 40
        y = np.linspace(0, 1, rows)[:, None]
        x = np.linspace(0, 1, columns)[None, :]
        veil = np.full((rows, columns), 0.12)
        for i in range(5):
            centre = 0.22 + 0.17 * i + rng.uniform(-0.04, 0.04)
            sway = 0.03 * np.sin(6.28 * (x * rng.uniform(0.6, 1.4) + rng.random()))
            veil = veil + rng.uniform(0.34, 0.5) * np.exp(-(((y - centre - sway) / 0.05) ** 2))
        mask = Image.fromarray((np.clip(veil, 0, 0.56) * 255).astype(np.uint8))
        mask = mask.resize(self.picture.size, Image.Resampling.BICUBIC)
        self.picture.paste(lighter(_HAZE[self.scene.time], 0.12), (0, 0), mask)


def shadow(picture: Image.Image, cx: float, cy: float, rx: float, ry: float, strength: float) -> None:
    """A soft dark ellipse on the ground; pixels."""
    pad = max(2, round(ry))
    mask = Image.new("L", (max(2, round(2 * rx)) + 2 * pad, max(2, round(2 * ry)) + 2 * pad), 0)
    ImageDraw.Draw(mask).ellipse((pad, pad, mask.width - pad, mask.height - pad), fill=round(255 * strength))
    mask = mask.filter(ImageFilter.BoxBlur(pad / 2))
    picture.paste((14, 16, 34), (round(cx - mask.width / 2), round(cy - mask.height / 2)), mask)
