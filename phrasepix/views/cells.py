"""Lines in a cell of a table, each of which fits its width without breaking a word in two."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

Cut = Callable[[Text, int], list[Text]]
"""From a line that may be too long to lines of at most so many cells."""

_MAY_END = re.compile(r"(?<=[/\\_,;:?&=-])")
"""Where a word without spaces may be broken: behind what parts a path, an address or an identifier."""


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def without_controls(text: str) -> str:
    """The text, as long as before, with a space for each character that would steer a terminal or a line's direction.

    rich leaves most of them in.
    """
    return _CONTROLS.sub(" ", text)


@dataclass
class Lines:
    """Texts below each other."""

    _lines: list[tuple[Text, Cut]] = field(default_factory=list)

    def add(self, line: Text, cut: "Cut | None" = None) -> None:
        """One more line, unless it is empty; by default one that is too long goes on below."""
        line.plain = without_controls(line.plain)
        if line.plain:
            self._lines.append((line, cut or between_words))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, cut to the width there is."""
        for line, cut in self._lines:
            yield from cut(line, options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """At most as wide as the longest line."""
        longest = max((line.cell_len for line, _ in self._lines), default=1)
        return Measurement(min(24, longest, options.max_width), min(longest, options.max_width))


def at_spaces(line: Text, width: int) -> list[Text]:
    """The line broken at spaces only: a path or an address stays whole, for whoever copies it."""
    return _broken(line, width, re.findall(r"\s*\S+\s*", line.plain))


def between_words(line: Text, width: int) -> list[Text]:
    """The line broken at spaces; a word that is longer than a line behind its punctuation, else wherever it must."""
    return _broken(line, width, _pieces(line.plain, width))


def _broken(line: Text, width: int, pieces: Iterable[str]) -> list[Text]:
    starts, at, filled = [], 0, 0
    for piece in pieces:
        if filled and filled + cell_len(piece.rstrip()) > width:
            starts.append(at)
            filled = 0
        filled += cell_len(piece)
        at += len(piece)
    lines = list(line.divide(starts))
    for one in lines:
        one.rstrip()
    return lines


def in_the_middle(line: Text, width: int) -> list[Text]:
    """The line, what is too much of it left out of its middle: an address is told by its two ends."""
    if line.cell_len <= width:
        return [line]
    plain = line.plain
    head = tail = 0
    while cell_len(plain[: head + 1]) + cell_len(plain[len(plain) - tail :]) < width:
        head += 1
        if cell_len(plain[:head]) + cell_len(plain[len(plain) - tail - 1 :]) < width:
            tail += 1
    return [Text.assemble(line[:head], "…", line[len(plain) - tail :] if tail else "", style=line.style)]


def _pieces(text: str, width: int) -> Iterable[str]:
    """What may not be broken: words with the spaces behind them, and what long words are made of."""
    for word in re.findall(r"\s*\S+\s*", text):
        if cell_len(word.rstrip()) <= width:
            yield word
            continue
        for part in _MAY_END.split(word):
            yield from [part] if cell_len(part.rstrip()) <= width else part
