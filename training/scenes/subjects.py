"""The twenty subjects, each drawn with a :class:`~training.scenes.ink.Pen` in its main colour and a few neutral ones.

Every subject stands on y = 0.9 (those in the air are centred) and fills most of the box of -1 to 1.
"""

import math
from collections.abc import Callable

from training.scenes.ink import RGB, Pen, arc, curve, darker, lighter, mix

GLASS: RGB = (196, 226, 240)
TYRE: RGB = (44, 44, 52)
STEEL: RGB = (176, 180, 190)
WOOD: RGB = (122, 82, 52)
CREAM: RGB = (246, 234, 208)
LEAF: RGB = (74, 140, 62)
INK: RGB = (36, 32, 44)


def boat(pen: Pen, c: RGB) -> None:
    """A small sailing boat: hull and sails."""
    pen.line([(0.0, 0.5), (0.0, -0.95)], 0.07, WOOD)
    pen.blob([(0.06, -0.88), (0.42, -0.3), (0.62, 0.36), (0.3, 0.4), (0.06, 0.38)], c)
    pen.shape([(-0.07, -0.78), (-0.07, 0.36), (-0.56, 0.36)], lighter(c, 0.3))
    pen.shape([(0.0, -0.97), (-0.26, -0.9), (0.0, -0.82)], darker(c, 0.1))
    pen.shape(
        [(-0.95, 0.46), (0.98, 0.46), (0.82, 0.72), *curve([(0.66, 0.9), (0, 0.93), (-0.6, 0.9)], closed=False)], c
    )
    pen.shape([(-0.95, 0.46), (0.98, 0.46), (0.93, 0.55), (-0.91, 0.55)], CREAM)
    pen.shape([(-0.75, 0.76), (0.79, 0.76), (0.66, 0.9), (-0.6, 0.9)], darker(c, 0.3))


def car(pen: Pen, c: RGB) -> None:
    """A small car seen from the side."""
    pen.blob([(-0.62, 0.32), (-0.42, -0.2), (-0.1, -0.3), (0.26, -0.26), (0.56, 0.3), (0.1, 0.42)], c)
    pen.shape([(-0.48, 0.24), (-0.35, -0.12), (-0.08, -0.17), (-0.08, 0.24)], GLASS)
    pen.shape([(0.02, 0.24), (0.02, -0.17), (0.2, -0.14), (0.42, 0.24)], GLASS)
    pen.blob(
        [(-0.98, 0.42), (-0.9, 0.26), (-0.5, 0.2), (0.45, 0.2), (0.86, 0.3), (0.99, 0.5), (0.95, 0.7), (-0.95, 0.7)], c
    )
    pen.box(-0.93, 0.58, 0.95, 0.7, darker(c, 0.3), 0.05)
    pen.oval(0.88, 0.42, 0.08, 0.07, (255, 244, 190))
    pen.line([(-0.03, 0.24), (-0.03, 0.56)], 0.025, darker(c, 0.35))
    pen.line([(-0.02, 0.36), (0.1, 0.36)], 0.04, darker(c, 0.35))
    for x in (-0.54, 0.54):
        pen.oval(x, 0.68, 0.23, 0.23, TYRE)
        pen.oval(x, 0.68, 0.11, 0.11, STEEL)


def house(pen: Pen, c: RGB) -> None:
    """A house with coloured walls under a slate roof."""
    pen.box(0.36, -0.82, 0.56, -0.3, (150, 104, 92))
    pen.box(-0.72, -0.18, 0.72, 0.9, c)
    pen.shape([(-0.72, -0.18), (0, -0.72), (0.72, -0.18)], c)
    pen.box(-0.72, 0.78, 0.72, 0.9, darker(c, 0.3))
    pen.shape([(0, -0.92), (0.94, -0.14), (0.86, -0.02), (0, -0.68), (-0.86, -0.02), (-0.94, -0.14)], (92, 84, 96))
    pen.box(-0.16, 0.32, 0.16, 0.9, (110, 72, 48), 0.03)
    pen.oval(0.09, 0.62, 0.03, 0.03, (240, 210, 120))
    for x in (-0.46, 0.46):
        pen.box(x - 0.18, 0.14, x + 0.18, 0.52, (255, 252, 240))
        pen.box(x - 0.14, 0.18, x + 0.14, 0.48, (252, 226, 150))
        pen.line([(x, 0.16), (x, 0.5)], 0.03, (255, 252, 240))
    pen.oval(0, -0.24, 0.13, 0.13, (255, 252, 240))
    pen.oval(0, -0.24, 0.09, 0.09, (252, 226, 150))


def tree(pen: Pen, c: RGB) -> None:
    """A broad tree with a round coloured crown."""
    pen.shape([(-0.15, 0.9), (-0.09, 0.2), (0.09, 0.2), (0.17, 0.9)], WOOD)
    pen.line([(0.02, 0.4), (0.32, 0.08)], 0.08, WOOD)
    for x, y, r in ((-0.42, 0.0, 0.4), (0.44, 0.0, 0.4), (-0.3, -0.42, 0.4), (0.32, -0.42, 0.4), (0, -0.58, 0.38)):
        pen.oval(x, y, r, r, c)
    pen.oval(0, -0.16, 0.5, 0.45, c)
    for x, y, r in ((-0.34, -0.5, 0.2), (0.1, -0.68, 0.17), (0.36, -0.2, 0.15), (-0.5, -0.06, 0.14)):
        pen.oval(x, y, r, r * 0.8, lighter(c, 0.22))
    for x, y, r in ((0.5, 0.16, 0.16), (-0.16, 0.1, 0.18), (0.1, -0.22, 0.12)):
        pen.oval(x, y, r, r * 0.7, darker(c, 0.2))


def cat(pen: Pen, c: RGB) -> None:
    """A cat sitting upright, tail curled up."""
    pen.line(curve([(0.3, 0.8), (0.72, 0.74), (0.8, 0.36), (0.62, 0.08), (0.74, -0.12)], closed=False), 0.17, c)
    pen.blob([(-0.2, -0.1), (0.24, -0.1), (0.5, 0.5), (0.46, 0.88), (0, 0.92), (-0.46, 0.88), (-0.46, 0.5)], c)
    pen.shape([(-0.5, -0.36), (-0.5, -0.98), (-0.08, -0.66)], c)
    pen.shape([(0.5, -0.36), (0.5, -0.98), (0.08, -0.66)], c)
    pen.shape([(-0.42, -0.54), (-0.42, -0.82), (-0.2, -0.64)], (238, 170, 168))
    pen.shape([(0.42, -0.54), (0.42, -0.82), (0.2, -0.64)], (238, 170, 168))
    pen.oval(0, -0.34, 0.54, 0.42, c)
    for x in (-0.21, 0.21):
        pen.oval(x, -0.4, 0.105, 0.12, (244, 250, 190))
        pen.oval(x, -0.4, 0.042, 0.11, INK)
        pen.oval(x, 0.86, 0.17, 0.09, lighter(c, 0.25))
        for dy in (-0.03, 0.06):
            pen.line([(x * 1.3, -0.2), (x * 3.1, -0.22 + dy * 2)], 0.018, lighter(INK, 0.5))
    pen.shape([(-0.06, -0.25), (0.06, -0.25), (0, -0.17)], (230, 130, 140))
    pen.line([(0, -0.17), (0, -0.1)], 0.02, INK)
    pen.line([(-0.03, 0.5), (-0.03, 0.84)], 0.025, darker(c, 0.35))


def dog(pen: Pen, c: RGB) -> None:
    """A dog standing sideways, long snout, hanging ear."""
    for x, shade in ((-0.44, 0.25), (0.34, 0.25), (-0.58, 0.0), (0.2, 0.0)):
        pen.box(x - 0.1, 0.3, x + 0.1, 0.9, darker(c, shade), 0.08)
    pen.line(curve([(-0.66, 0.1), (-0.88, -0.1), (-0.92, -0.42)], closed=False), 0.14, c)
    pen.blob([(-0.76, 0.1), (-0.5, -0.14), (0.2, -0.14), (0.5, -0.02), (0.46, 0.42), (0.1, 0.5), (-0.62, 0.5)], c)
    pen.blob([(0.16, -0.02), (0.22, -0.5), (0.56, -0.56), (0.56, 0.1), (0.4, 0.26)], c)
    pen.oval(0.46, -0.5, 0.32, 0.28, c)
    pen.box(0.46, -0.54, 0.98, -0.28, c, 0.12)
    pen.oval(0.94, -0.48, 0.075, 0.07, INK)
    pen.line([(0.7, -0.31), (0.94, -0.31)], 0.022, darker(c, 0.5))
    pen.blob([(0.26, -0.74), (0.42, -0.66), (0.36, -0.3), (0.22, -0.1), (0.1, -0.24), (0.14, -0.58)], darker(c, 0.35))
    pen.oval(0.58, -0.58, 0.06, 0.065, (250, 250, 250))
    pen.oval(0.6, -0.58, 0.035, 0.04, INK)
    pen.line([(0.2, 0.0), (0.5, 0.1)], 0.09, (206, 166, 90))


def bird(pen: Pen, c: RGB) -> None:
    """A bird in flight, wings raised."""
    pen.blob([(-0.1, 0.02), (0.02, -0.5), (0.3, -0.92), (0.38, -0.5), (0.3, 0.02)], darker(c, 0.28))
    pen.shape([(-0.5, 0.2), (-0.98, 0.1), (-0.86, 0.3), (-0.98, 0.46), (-0.48, 0.42)], darker(c, 0.15))
    pen.blob([(-0.62, 0.3), (-0.2, 0.02), (0.3, -0.04), (0.62, 0.1), (0.46, 0.42), (0.0, 0.54), (-0.4, 0.46)], c)
    pen.oval(0.58, 0.04, 0.25, 0.24, c)
    pen.shape([(0.79, -0.02), (1.05, 0.09), (0.78, 0.15)], (240, 170, 60))
    pen.oval(0.64, -0.02, 0.06, 0.06, (255, 255, 255))
    pen.oval(0.655, -0.02, 0.035, 0.035, INK)
    pen.blob([(-0.24, 0.2), (-0.42, -0.3), (-0.5, -0.86), (-0.12, -0.62), (0.14, -0.3), (0.28, 0.16)], c)
    for y in (-0.5, -0.25, 0.0):
        pen.line([(-0.36, y - 0.06), (0.02, y + 0.14)], 0.04, darker(c, 0.3))
    pen.oval(0.14, 0.38, 0.3, 0.1, lighter(c, 0.4))


def balloon(pen: Pen, c: RGB) -> None:
    """A toy balloon on a string."""
    pen.line(curve([(0, 0.4), (0.08, 0.58), (-0.06, 0.76), (0.04, 0.98)], closed=False), 0.035, (236, 236, 236))
    pen.shape([(-0.1, 0.46), (0.1, 0.46), (0, 0.32)], darker(c, 0.2))
    pen.blob([(0, -0.96), (0.5, -0.74), (0.62, -0.26), (0.38, 0.18), (0, 0.4), (-0.38, 0.18), (-0.62, -0.26),
              (-0.5, -0.74)], c)  # fmt: skip
    pen.oval(-0.26, -0.54, 0.11, 0.2, lighter(c, 0.65), 24)


def umbrella(pen: Pen, c: RGB) -> None:
    """An open umbrella with a hooked handle."""
    pen.line([(0, -0.9), (0, 0.66), *arc(-0.14, 0.68, 0.14, 0.18, 0, 190, 12)], 0.075, WOOD)
    dome = arc(0, 0.02, 0.98, 0.84, 180, 360, 30)
    hem: list[tuple[float, float]] = []
    for i in range(4):
        hem += arc(0.735 - i * 0.49, 0.02, 0.245, 0.14, 360, 180, 8)
    pen.shape([*dome, *hem], c)
    pen.shape([(0, -0.82), *arc(0.0, 0.02, 0.5, 0.84, 270, 360, 10), *arc(0.245, 0.02, 0.245, 0.14, 360, 180, 8)],
              darker(c, 0.16))  # fmt: skip
    pen.shape([(0, -0.82), *arc(0, 0.02, 0.5, 0.84, 270, 180, 10), *arc(-0.735, 0.02, 0.245, 0.14, 360, 180, 8),
               *arc(0, 0.02, 0.98, 0.84, 180, 270, 12)], lighter(c, 0.18))  # fmt: skip
    pen.line([(0, -0.82), (0, -0.95)], 0.06, STEEL)


def chair(pen: Pen, c: RGB) -> None:
    """A wooden chair painted in one colour."""
    for x, bottom in ((-0.5, 0.78), (0.62, 0.78)):
        pen.line([(x * 0.8, 0.2), (x * 0.8, bottom)], 0.13, darker(c, 0.3))
    for x in (-0.46, 0.36):
        pen.line([(x, -0.92), (x, 0.2)], 0.14, c)
    for y in (-0.8, -0.5, -0.2):
        pen.box(-0.44, y - 0.1, 0.34, y + 0.1, lighter(c, 0.1))
    pen.shape([(-0.5, 0.06), (0.46, 0.06), (0.66, 0.32), (-0.7, 0.32)], lighter(c, 0.2))
    pen.box(-0.7, 0.3, 0.66, 0.44, c)
    for x in (-0.61, 0.57):
        pen.line([(x, 0.4), (x, 0.84)], 0.15, c)


def cup(pen: Pen, c: RGB) -> None:
    """A steaming mug on a saucer."""
    pen.oval(0, 0.78, 0.86, 0.14, (232, 228, 222))
    pen.oval(0, 0.75, 0.6, 0.08, (200, 196, 194))
    pen.line(arc(0.56, 0.2, 0.32, 0.28, -80, 90, 18), 0.14, c)
    pen.shape([(-0.62, -0.22), (0.58, -0.22), (0.52, 0.56), *arc(-0.02, 0.56, 0.54, 0.24, 0, 180, 16)], c)
    pen.oval(-0.02, -0.22, 0.6, 0.14, lighter(c, 0.35))
    pen.oval(-0.02, -0.2, 0.5, 0.095, (92, 58, 40))
    pen.shape([(-0.5, 0.0), (-0.34, 0.02), (-0.3, 0.66), (-0.42, 0.6)], lighter(c, 0.4))
    for x in (-0.26, 0.02, 0.3):
        pen.line(curve([(x, -0.4), (x + 0.08, -0.56), (x - 0.06, -0.74), (x + 0.03, -0.92)], closed=False), 0.06,
                 (238, 240, 244))  # fmt: skip


def flower(pen: Pen, c: RGB) -> None:
    """One big blossom on a leafy stem."""
    pen.line(curve([(0.0, -0.2), (0.04, 0.3), (-0.02, 0.9)], closed=False), 0.09, LEAF)
    pen.blob([(0.02, 0.7), (0.3, 0.36), (0.66, 0.34), (0.42, 0.66)], LEAF)
    pen.blob([(0.0, 0.82), (-0.28, 0.48), (-0.64, 0.46), (-0.4, 0.78)], darker(LEAF, 0.15))
    for i in range(8):
        turn = i * 45
        x, y = 0.4 * math.cos(math.radians(turn)), 0.4 * math.sin(math.radians(turn))
        pen.oval(x, -0.36 + y, 0.27, 0.17, c if i % 2 else mix(c, (255, 255, 255), 0.14), turn)
    pen.oval(0, -0.36, 0.2, 0.2, (128, 84, 40))
    pen.oval(-0.03, -0.4, 0.11, 0.1, (190, 138, 62))


def apple(pen: Pen, c: RGB) -> None:
    """An apple with stalk and leaf."""
    pen.blob([(0, -0.4), (0.36, -0.54), (0.8, -0.32), (0.84, 0.2), (0.54, 0.78), (0.2, 0.9), (0, 0.82), (-0.2, 0.9),
              (-0.54, 0.78), (-0.84, 0.2), (-0.8, -0.32), (-0.36, -0.54)], c)  # fmt: skip
    pen.oval(0, -0.42, 0.2, 0.07, darker(c, 0.4))
    pen.line(curve([(0, -0.4), (0.03, -0.66), (0.14, -0.92)], closed=False), 0.1, WOOD)
    pen.blob([(0.1, -0.66), (0.34, -0.94), (0.74, -0.88), (0.46, -0.64)], LEAF)
    pen.oval(-0.46, -0.14, 0.12, 0.25, lighter(c, 0.6), 18)


def bicycle(pen: Pen, c: RGB) -> None:
    """A bicycle: frame, mudguards and rims in its colour."""
    for x in (-0.56, 0.56):
        pen.ring(x, 0.5, 0.37, 0.09, TYRE)
        pen.ring(x, 0.5, 0.29, 0.07, c)
        for turn in range(0, 180, 45):
            dx, dy = 0.27 * math.cos(math.radians(turn)), 0.27 * math.sin(math.radians(turn))
            pen.line([(x - dx, 0.5 - dy), (x + dx, 0.5 + dy)], 0.02, STEEL)
        pen.line(arc(x, 0.5, 0.44, 0.44, 200, 320, 12), 0.07, c)
    for a, b in (
        ((-0.56, 0.5), (-0.02, 0.5)),
        ((-0.56, 0.5), (-0.22, -0.18)),
        ((-0.02, 0.5), (-0.26, -0.3)),
        ((-0.02, 0.5), (0.4, -0.14)),
        ((-0.2, -0.14), (0.4, -0.14)),
        ((0.56, 0.5), (0.34, -0.4)),
    ):
        pen.line([a, b], 0.135, c)
    pen.line([(-0.26, -0.3), (-0.3, -0.42)], 0.07, STEEL)
    pen.oval(-0.32, -0.46, 0.22, 0.08, (70, 52, 44))
    pen.line([(0.34, -0.4), (0.3, -0.56), (0.56, -0.62)], 0.08, STEEL)
    pen.line([(0.56, -0.62), (0.64, -0.52)], 0.1, (70, 52, 44))
    pen.oval(-0.02, 0.5, 0.11, 0.11, STEEL)


def bus(pen: Pen, c: RGB) -> None:
    """A long bus with a row of windows."""
    pen.box(-0.98, -0.46, 0.98, 0.72, c, 0.14)
    pen.box(-0.9, -0.3, 0.74, 0.1, darker(c, 0.35), 0.04)
    for x in (-0.88, -0.56, -0.24, 0.08, 0.4):
        pen.box(x, -0.28, x + 0.27, 0.08, GLASS, 0.03)
    pen.box(0.74, -0.3, 0.96, 0.16, GLASS, 0.04)
    pen.box(-0.98, 0.24, 0.98, 0.32, CREAM)
    pen.box(-0.95, 0.6, 0.95, 0.72, darker(c, 0.3), 0.04)
    pen.box(0.42, 0.14, 0.68, 0.66, mix(GLASS, c, 0.35), 0.03)
    pen.line([(0.55, 0.16), (0.55, 0.64)], 0.03, darker(c, 0.4))
    pen.oval(0.9, 0.48, 0.06, 0.06, (255, 244, 190))
    for x in (-0.56, 0.24):
        pen.oval(x, 0.7, 0.21, 0.21, TYRE)
        pen.oval(x, 0.7, 0.1, 0.1, STEEL)


def butterfly(pen: Pen, c: RGB) -> None:
    """A butterfly seen from above, wings spread."""
    for side in (-1.0, 1.0):
        upper = [(0.06, -0.06), (0.3, -0.66), (0.78, -0.84), (0.97, -0.5), (0.74, -0.06), (0.3, 0.06)]
        lower = [(0.06, 0.02), (0.5, 0.06), (0.76, 0.36), (0.6, 0.78), (0.3, 0.72), (0.1, 0.36)]
        pen.blob([(x * side, y) for x, y in lower], darker(c, 0.18))
        pen.blob([(x * side, y) for x, y in upper], c)
        pen.oval(0.7 * side, -0.52, 0.12, 0.12, lighter(c, 0.55))
        pen.oval(0.5 * side, -0.3, 0.09, 0.09, lighter(c, 0.55))
        pen.oval(0.48 * side, 0.46, 0.1, 0.1, lighter(c, 0.5))
        pen.line(curve([(0.02 * side, -0.4), (0.08 * side, -0.7), (0.24 * side, -0.9)], closed=False), 0.035, INK)
    pen.oval(0, 0.08, 0.085, 0.5, (74, 58, 54))
    pen.oval(0, -0.42, 0.1, 0.1, (74, 58, 54))


def tent(pen: Pen, c: RGB) -> None:
    """A ridge tent with an open flap."""
    pen.line([(-0.1, -0.52), (-1.0, 0.88)], 0.03, CREAM)
    pen.line([(0.0, -0.52), (1.02, 0.88)], 0.03, CREAM)
    pen.shape([(-0.3, -0.56), (0.36, -0.5), (0.94, 0.9), (0.3, 0.9)], darker(c, 0.2))
    pen.shape([(-0.3, -0.56), (0.42, 0.9), (-0.94, 0.9)], c)
    pen.shape([(-0.3, -0.3), (0.0, 0.9), (-0.56, 0.9)], (58, 46, 44))
    pen.blob([(-0.3, -0.32), (-0.1, 0.3), (0.1, 0.9), (-0.1, 0.88), (-0.2, 0.4)], lighter(c, 0.3))
    pen.line([(-0.3, -0.5), (-0.3, -0.74)], 0.05, WOOD)
    pen.line([(-0.32, -0.54), (-0.94, 0.88)], 0.04, lighter(c, 0.35))


def mushroom(pen: Pen, c: RGB) -> None:
    """A toadstool: coloured cap with pale spots, cream stem."""
    pen.blob([(-0.2, 0.0), (0.2, 0.0), (0.2, 0.5), (0.32, 0.86), (0, 0.94), (-0.32, 0.86), (-0.2, 0.5)], CREAM)
    pen.shape([*arc(0, 0.1, 0.94, 0.96, 180, 360, 30), *arc(0, 0.1, 0.94, 0.2, 0, 180, 20)], c)
    pen.shape([*arc(0, 0.13, 0.6, 0.09, 180, 360, 16), *arc(0, 0.13, 0.6, 0.14, 0, 180, 16)], (226, 208, 180))
    spot = (255, 250, 240) if sum(c) < 700 else (214, 196, 166)
    for x, y, r in ((-0.5, -0.22, 0.14), (0.04, -0.58, 0.15), (0.5, -0.2, 0.15), (-0.06, -0.16, 0.11),
                    (-0.36, -0.54, 0.08), (0.36, -0.52, 0.09)):  # fmt: skip
        pen.oval(x, y, r, r * 0.85, spot)
    pen.shape([(-0.14, 0.3), (0.16, 0.3), (0.2, 0.4), (-0.18, 0.4)], (222, 204, 176))


def kite(pen: Pen, c: RGB) -> None:
    """A diamond kite with a bowed tail."""
    tail = curve([(0, 0.4), (0.14, 0.56), (-0.06, 0.74), (0.16, 0.98)], closed=False)
    pen.line(tail, 0.035, (236, 232, 224))
    for x, y in ((0.12, 0.54), (-0.02, 0.74), (0.12, 0.92)):
        pen.shape([(x - 0.15, y - 0.07), (x, y), (x - 0.15, y + 0.07)], c)
        pen.shape([(x + 0.15, y - 0.07), (x, y), (x + 0.15, y + 0.07)], c)
    pen.shape([(0, -0.98), (0.66, -0.36), (0, 0.44), (-0.66, -0.36)], c)
    pen.shape([(0, -0.98), (0.66, -0.36), (0, -0.36)], darker(c, 0.18))
    pen.shape([(0, 0.44), (-0.66, -0.36), (0, -0.36)], lighter(c, 0.25))
    pen.line([(0, -0.98), (0, 0.44)], 0.035, WOOD)
    pen.line([(-0.66, -0.36), (0.66, -0.36)], 0.035, WOOD)


def airplane(pen: Pen, c: RGB) -> None:
    """An airliner seen from the side."""
    pen.shape([(-0.1, 0.0), (0.18, 0.0), (-0.14, -0.44), (-0.3, -0.44)], darker(c, 0.3))
    pen.shape([(-0.92, -0.52), (-0.72, -0.52), (-0.42, -0.04), (-0.84, 0.02)], c)
    pen.blob([(-0.96, -0.04), (-0.5, -0.16), (0.4, -0.2), (0.84, -0.08), (0.98, 0.08), (0.8, 0.2), (0.3, 0.24),
              (-0.5, 0.16)], c)  # fmt: skip
    pen.shape([(-0.98, 0.02), (-0.66, 0.02), (-0.84, 0.2), (-1.02, 0.2)], darker(c, 0.2))
    pen.shape([(0.68, -0.1), (0.82, -0.07), (0.9, 0.02), (0.7, 0.0)], GLASS)
    for i in range(7):
        pen.oval(-0.46 + i * 0.15, -0.03, 0.04, 0.05, GLASS)
    pen.line([(-0.9, 0.1), (0.94, 0.12)], 0.04, CREAM)
    pen.box(0.02, 0.2, 0.28, 0.34, STEEL, 0.06)
    pen.shape([(-0.02, 0.06), (0.34, 0.06), (-0.3, 0.52), (-0.52, 0.52)], darker(c, 0.15))


#: How each subject is drawn.
DRAWN: dict[str, Callable[[Pen, RGB], None]] = {
    "boat": boat,
    "car": car,
    "house": house,
    "tree": tree,
    "cat": cat,
    "dog": dog,
    "bird": bird,
    "balloon": balloon,
    "umbrella": umbrella,
    "chair": chair,
    "cup": cup,
    "flower": flower,
    "apple": apple,
    "bicycle": bicycle,
    "bus": bus,
    "butterfly": butterfly,
    "tent": tent,
    "mushroom": mushroom,
    "kite": kite,
    "airplane": airplane,
}

#: Size of a subject against the common size.
STATURE: dict[str, float] = {
    "boat": 1.08, "house": 1.08, "tree": 1.1, "bus": 1.08, "car": 1.08, "bicycle": 1.08, "tent": 1.04,
    "cup": 0.9, "apple": 0.84, "mushroom": 0.92, "butterfly": 0.92, "airplane": 1.08, "bird": 1.0,
}  # fmt: skip
