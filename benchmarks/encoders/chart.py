"""The chart: recall@1 by change and encoder, the darker the better, as plain SVG."""

from collections.abc import Mapping, Sequence

from benchmarks.speed.chart import INK, SOFT, framed, text

_WIDTH, _MARGIN, _LABELS, _ROW, _HEAD = 860, 28, 196, 22, 84
_LEAST, _MOST = (244, 246, 245), (15, 118, 110)
_DARK_FROM = 0.55


def chart(titles: Sequence[str], columns: Mapping[str, Mapping[str, float]], note: str) -> str:
    """The recalls of each column by title; where one was not measured the place stays empty."""
    width = (_WIDTH - 2 * _MARGIN - _LABELS) / max(1, len(columns))
    parts = [
        text(_MARGIN, _MARGIN + 8, "The same picture, found again after", 16, INK, weight="600"),
        text(_MARGIN, _MARGIN + 26, note, 12.5, SOFT),
    ]
    for column, (name, recalls) in enumerate(columns.items()):
        left = _MARGIN + _LABELS + column * width
        parts.append(text(left + width / 2, _HEAD - 8, name, 11, INK, weight="600", anchor="middle"))
        for row, title in enumerate(titles):
            if title in recalls:
                parts += _cell(recalls[title], left, _HEAD + row * _ROW, width)
    parts += [
        text(_MARGIN + _LABELS - 10, _HEAD + row * _ROW + 15, title, 12.5, INK, anchor="end")
        for row, title in enumerate(titles)
    ]
    height = _HEAD + _ROW * len(titles) + _MARGIN
    return framed(parts, _WIDTH, height, "Which encoder finds the same picture again")


def _cell(recall: float, left: float, top: float, width: float) -> list[str]:
    colour = "#" + "".join(f"{round(a + (b - a) * recall):02x}" for a, b in zip(_LEAST, _MOST, strict=True))
    ink = "#ffffff" if recall >= _DARK_FROM else INK
    rectangle = f'<rect x="{left + 1:.1f}" y="{top + 1}" width="{width - 2:.1f}" height="{_ROW - 2}" rx="2" '
    return [
        f'{rectangle}fill="{colour}"/>',
        text(left + width / 2, top + 15, f"{recall:.2f}", 12, ink, anchor="middle"),
    ]
