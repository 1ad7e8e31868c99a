"""A pair of pictures with the key points that agree, as lines in a drawing (SVG)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from phrasepix.comparing.comparison import KeyPointPair

BOX: Final = (320, 240)
"""The place of each picture, in units of the drawing."""
GAP: Final = 8
_MOST_LINES: Final = 40
"""More would hide the pictures."""

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a picture stands in a drawing: its upper left corner, its width and height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PairDrawing:
    """A drawing of `width` and `height`, the question to the left; points and lines are data of SVG's paths."""

    rank: int
    question: Frame
    match: Frame
    points: str
    """All key points, as dots."""
    agreeing: str
    """Those that agree, as dots."""
    lines: str
    """From one picture to the other, between points that agree."""
    agreed: int
    """How many points agree."""
    of: int
    """How many the picture with fewer has."""
    drawn: int
    """How many of the lines are drawn."""
    width: int = 2 * BOX[0] + GAP
    height: int = BOX[1]


def drawing_of(pair: KeyPointPair, question: Size, match: Size) -> PairDrawing:
    """Return the drawing of a pair; the sizes say how the pictures are shaped."""
    left, right = _frame(question, 0), _frame(match, BOX[0] + GAP)
    here, there = _placed(pair.agreeing[:, :2], left), _placed(pair.agreeing[:, 2:], right)
    chosen = _spread(len(here))
    lines = "".join(f"M{_xy(here[number])}L{_xy(there[number])}" for number in chosen)
    return PairDrawing(
        rank=pair.rank,
        question=left,
        match=right,
        points=_dots(_placed(pair.in_question, left)) + _dots(_placed(pair.in_match, right)),
        agreeing=_dots(here) + _dots(there),
        lines=lines,
        agreed=len(here),
        of=max(len(here), min(len(pair.in_question), len(pair.in_match))),
        drawn=len(chosen),
    )


def _frame(size: Size, x: int) -> Frame:
    """A picture as large as its place allows, in the middle of it; a thread of one stays to be seen."""
    width, height = size
    scale = min(BOX[0] / width, BOX[1] / height)
    wide, high = max(1.0, width * scale), max(1.0, height * scale)
    return Frame(round(x + (BOX[0] - wide) / 2, 1), round((BOX[1] - high) / 2, 1), round(wide, 1), round(high, 1))


def _placed(shares: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
    place = np.array([frame.x, frame.y], dtype=np.float32)
    return place + shares * np.array([frame.width, frame.height], dtype=np.float32)


def _dots(points: NDArray[np.float32]) -> str:
    """Lines of no length, which round ends make dots."""
    return "".join(f"M{_xy(point)}h0" for point in points)


def _xy(point: NDArray[np.float32]) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _spread(count: int) -> list[int]:
    """At most `_MOST_LINES` of so many numbers, from the first to the last."""
    return sorted({int(number) for number in np.linspace(0, count - 1, min(count, _MOST_LINES))}) if count else []
