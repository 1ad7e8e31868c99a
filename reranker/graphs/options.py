"""A configuration as it is read here: what nobody asks for is not known, and then no graph is built after it."""

from collections.abc import Mapping
from typing import Any

from phrasepix_core.text import printable, shortened
from reranker.errors import NotNativeError


class Options:
    """The options of a section of a configuration, called `name`."""

    def __init__(self, section: Any, name: str) -> None:
        if not isinstance(section, Mapping):
            raise NotNativeError(f"the configuration's {name} is no table of options")
        self._options = dict(section)
        self._name = name

    def section(self, key: str) -> "Options":
        """The options under `key`."""
        return Options(self._options.pop(key, None), key)

    def take(self, key: str, default: Any = None) -> Any:
        """The value of an option, or `default`."""
        return self._options.pop(key, default)

    def peek(self, key: str) -> Any:
        """The value of an option, which somebody else takes."""
        return self._options.get(key)

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number above 0."""
        return self.demand_number(key, self.take(key, default))

    def demand_number(self, key: str, value: Any) -> int:
        """`value`, which is that of an option. Raises `NotNativeError` where it is no whole number above 0."""
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.unknown(key, value)
        return value

    def decimal(self, key: str, default: float) -> float:
        """A number above 0."""
        value = self.take(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            raise self.unknown(key, value)
        return float(value)

    def choice(self, key: str, default: Any, known: tuple[Any, ...]) -> Any:
        """One of the values that are known."""
        if (value := self.take(key, default)) not in known:
            raise self.unknown(key, value)
        return value

    def ignore(self, *keys: str) -> None:
        """Know these, which change nothing of what a tower computes."""
        for key in keys:
            self._options.pop(key, None)

    def demand_all_known(self) -> None:
        """Raise `NotNativeError` where an option was not asked for, unless it is off."""
        for key, value in self._options.items():
            if value not in (None, False):
                raise self.unknown(key, value)

    def unknown(self, key: str, value: Any) -> NotNativeError:
        """What to raise where a value is not known."""
        said = shortened(printable(repr(value)), 80)
        return NotNativeError(f"the option {self._name}.{printable(key)} is {said}, after which no graph is built here")
