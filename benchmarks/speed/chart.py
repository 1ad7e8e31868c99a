"""The chart: plain SVG on its own background, so that it reads in light and dark surroundings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.speed import measured as m
from benchmarks.speed.measured import Measured
from benchmarks.speed.rounds import Spread

_WIDTH, _MARGIN = 860, 28
_BARS_FROM, _BARS_TO = 212, 700
_BAR, _STEP, _HEADING, _GAP = 16, 25, 30, 20
_OURS, _OTHERS, _WHISKER = "#0f766e", "#a8b3c2", "#475569"
INK, SOFT, _PAPER, _EDGE = "#1f2937", "#5b6675", "#fbfbf9", "#d8dce2"


@dataclass(frozen=True, slots=True)
class Panel:
    """One comparison: a heading, a remark, and bars in the unit of `digits` places after the point."""

    heading: str
    remark: str
    bars: Mapping[str, Spread]
    ours: Sequence[str]
    unit: str
    digits: int


def panels(measured: Measured) -> list[Panel]:
    """What the chart shows of a run."""
    groups, ours = measured.groups, (m.OURS,)
    shown = [
        Panel(
            f"A new phrase over {measured.pictures} remembered pictures",
            "whole process, seconds; shorter is better; the seed recipe remembers nothing",
            groups[m.NEW_PHRASE],
            ours,
            "s",
            2,
        ),
        Panel(
            "Pictures encoded",
            "per second, preprocessing included; longer is better",
            groups[m.PICTURES],
            ours,
            "/s",
            0,
        ),
        Panel(
            "One phrase, model loaded", "milliseconds; shorter is better", _scaled(groups[m.TEXT], 1000), ours, "ms", 1
        ),
        Panel(
            f"First search: {measured.pictures} pictures, each answer {measured.delay_s * 1000:.0f} ms away",
            "seconds; the whole can be no faster than the slower of its parts",
            {_PARTS[name]: spread for name, spread in groups[m.FIRST].items()},
            (_PARTS["whole"],),
            "s",
            2,
        ),
    ]
    if m.INDEX in groups:
        shown.append(
            Panel(
                f"{measured.pictures} files encoded and one phrase asked",
                "fresh process, seconds; shorter is better; the model for 256 pixels rclip is built for",
                groups[m.INDEX],
                ours,
                "s",
                2,
            )
        )
    return shown


_PARTS = {"whole": "whole search", "encode": "encoding alone", "fetch": "fetching alone"}


def _scaled(bars: Mapping[str, Spread], factor: float) -> dict[str, Spread]:
    return {name: Spread(tuple(factor * value for value in spread.values)) for name, spread in bars.items()}


def chart(measured: Measured) -> str:
    """The chart as SVG."""
    parts: list[str] = []
    y = _MARGIN
    for panel in panels(measured):
        y = _panel(panel, y, parts)
    machine = measured.machine
    note = f"{machine.cpu}, {machine.cores} cores, {measured.date}. ViT-B-32, the same weights and pictures for all."
    parts.append(text(_MARGIN, y + 8, f"{note} Medians; the thin line spans all rounds.", 12, SOFT))
    height = y + 8 + _MARGIN
    return framed(parts, _WIDTH, height, "How fast phrasepix is beside others")


def framed(parts: Sequence[str], width: int, height: int, title: str) -> str:
    """The parts of a picture on paper of that size, with its title for those who do not see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10" fill="{_PAPER}" stroke="{_EDGE}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(panel: Panel, y: int, parts: list[str]) -> int:
    """Draw one comparison from `y` on; where the next may begin."""
    parts.append(text(_MARGIN, y + 8, panel.heading, 16, INK, weight="600"))
    parts.append(text(_MARGIN, y + 26, panel.remark, 12.5, SOFT))
    y += _HEADING + 8
    longest = max(spread.high for spread in panel.bars.values()) or 1.0
    scale = (_BARS_TO - _BARS_FROM) / longest
    for name, spread in panel.bars.items():
        ours = name in panel.ours
        middle = y + _BAR / 2
        length = max(1.0, spread.median * scale)
        label = text(_BARS_FROM - 10, middle + 5, name, 14, INK, weight="600" if ours else "400", anchor="end")
        value = f"{spread.median:.{panel.digits}f} {panel.unit}".replace(" /s", "/s")
        low, high = (_BARS_FROM + side * scale for side in (spread.low, spread.high))
        parts += [
            label,
            f'<rect x="{_BARS_FROM}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="2" '
            f'fill="{_OURS if ours else _OTHERS}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="{_WHISKER}" stroke-width="1.5"/>',
            text(max(_BARS_FROM + length, high) + 9, middle + 5, value, 14, INK, weight="600" if ours else "400"),
        ]
        y += _STEP
    return y + _GAP


def text(x: float, y: float, words: str, size: float, fill: str, *, weight: str = "400", anchor: str = "start") -> str:
    """Words of that size in pixels at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )
