"""What the values of options and arguments may be, in the words of all other errors."""

import math
from pathlib import Path
from typing import Any

import click


class WholeNumber(click.ParamType[int]):
    """A whole number, `least` or more and at most `most`; the help text need not say so."""

    name = "integer"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Raises `click.BadParameter`."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is no whole number", param, ctx)
        if number < self._least or (self._most is not None and number > self._most):
            to = "" if self._most is None else f" to {self._most}"
            self.fail(f"{value} is out of range; allowed: whole numbers from {self._least}{to}", param, ctx)
        return number


class Number(click.ParamType[float]):
    """A number, `least` or more where that is given."""

    name = "number"

    def __init__(self, least: float | None = None) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number. Raises `click.BadParameter`."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is no number", param, ctx)
        if self._least is not None and not (number >= self._least and math.isfinite(number)):
            self.fail(f"{value} is out of range; allowed: numbers from {self._least:g}", param, ctx)
        return number


class PathValue(click.Path):
    """A path that is named: an empty one, as an unset variable of a shell leaves it, would be the current folder."""

    def __init__(self, *, exists: bool = False, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(exists=exists, file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Raises `click.BadParameter`."""
        if isinstance(value, str) and not value.strip():
            meant = ", or . for the folder you are in" if self.dir_okay else ""
            self.fail(f"the path is empty; give one{meant}", param, ctx)
        return super().convert(value, param, ctx)


class PlaceValue(click.ParamType[str]):
    """A path or URI that is named, likewise."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it is. Raises `click.BadParameter`."""
        if not str(value).strip():
            self.fail("the path is empty; give one, or . for the folder you are in", param, ctx)
        return str(value)
