"""Anchors: one learned vector for each fact a picture can show, to which pictures and phrases are both drawn.

With contrast alone, colours stay unbound for a long time: "red", "car", "blue" and "house" are in the picture, and the
phrase says all four, so neither tower gains by learning *which* is red while the other has not learned it. As every
scene's facts are known, anchors break that tie: a picture must lie near the anchor "red car" and far from "blue car",
and so must a phrase that says it. Anchors exist only while training; the shipped model does not hold them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.captions import SEVERAL, Claims
from training.scenes import COLOURS, COUNTS, GROUNDS, SUBJECTS, TIMES, WEATHERS, Scene

_SIDES = ("left", "right")
_SIZES = {
    "coloured": len(SUBJECTS) * len(COLOURS),
    "sided": len(SUBJECTS) * len(_SIDES),
    "bound": len(SUBJECTS) * len(COLOURS) * len(_SIDES),
    "tinted": len(COLOURS) * len(_SIDES),
    "counted": len(SUBJECTS) * len(COUNTS),
    "ground": len(GROUNDS),
    "time": len(TIMES),
    "weather": len(WEATHERS),
}
GROUPS: dict[str, slice] = {}
"""Which rows of the table belong together: of a group, those that are shown compete with those that are not."""
for _name, _size in _SIZES.items():
    _start = max((group.stop for group in GROUPS.values()), default=0)
    GROUPS[_name] = slice(_start, _start + _size)
ANCHORS = sum(_SIZES.values())


def _thing(subject: str, colour: str | None, side: str | None, count: int) -> list[int]:
    s = SUBJECTS.index(subject)
    rows = []
    if count != SEVERAL:
        rows.append(GROUPS["counted"].start + s * len(COUNTS) + COUNTS.index(count))
    if colour is not None:
        coloured = s * len(COLOURS) + COLOURS.index(colour)
        rows.append(GROUPS["coloured"].start + coloured)
        if side is not None:
            rows.append(GROUPS["tinted"].start + COLOURS.index(colour) * len(_SIDES) + _SIDES.index(side))
            rows.append(GROUPS["bound"].start + coloured * len(_SIDES) + _SIDES.index(side))
    if side is not None:
        rows.append(GROUPS["sided"].start + s * len(_SIDES) + _SIDES.index(side))
    return rows


def _scenery(ground: str | None, time: str | None, weather: str | None) -> list[int]:
    rows = []
    for name, values, value in (("ground", GROUNDS, ground), ("time", TIMES, time), ("weather", WEATHERS, weather)):
        if value is not None:
            rows.append(GROUPS[name].start + values.index(value))
    return rows


def shown(scene: Scene) -> list[int]:
    """The anchors of all that a scene shows."""
    sides = _SIDES if len(scene.figures) == 2 else (None,)
    rows = _scenery(scene.ground, scene.time, scene.weather)
    for figure, side in zip(scene.figures, sides, strict=True):
        rows += _thing(figure.subject, figure.colour, side, figure.count)
    return rows


def said(claims: Claims) -> list[int]:
    """The anchors of all that a phrase says."""
    sides = _SIDES if claims.ordered else (claims.side,) * len(claims.things)
    rows = _scenery(claims.ground, claims.time, claims.weather)
    for thing, side in zip(claims.things, sides, strict=True):
        rows += _thing(thing.subject, thing.colour, side, thing.count)
    return rows


class Anchors(nn.Module):
    """The table of anchors, float32 [ANCHORS, dimensions], and the scale of their cosines."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.table_embedding = nn.Parameter(torch.randn(ANCHORS, dimensions) * dimensions**-0.5)
        self.scale = nn.Parameter(torch.tensor(16.0).log())

    def forward(self, vectors: Tensor, facts: list[list[int]]) -> Tensor:
        """How far unit `vectors` [n, dimensions] are from lying nearer to the anchors of their facts than to others."""
        truth = torch.zeros(len(facts), ANCHORS)
        for row, places in enumerate(facts):
            truth[row, places] = 1.0
        cosines = vectors @ functional.normalize(self.table_embedding, dim=-1).T
        scores = self.scale.exp().clamp(max=50) * cosines
        total = vectors.new_zeros(())
        for group in GROUPS.values():
            own, part = truth[:, group], scores[:, group]
            others = torch.logsumexp(part.masked_fill(own > 0, -1e4), dim=1, keepdim=True)
            gap = (functional.softplus(others - part) * own).sum(1) / own.sum(1).clamp_min(1)
            total = total + gap.sum() / (own.sum(1) > 0).sum().clamp_min(1)
        return total / len(GROUPS)
