"""API keys: found in one place, put where a source wants them in a request, shown nowhere."""

import logging
import os
import re
import stat
import tomllib
import unicodedata
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from phrasepix_core import environment
from phrasepix_core.files import read_bounded, reason_of
from phrasepix_core.text import printable
from retriever.directories import config_directory
from retriever.errors import ConfigFileError, KeyUnusableError

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)

_LARGEST_CONFIG = 1 << 20

_SHORTEST_REDACTED = 8
_QUOTES = frozenset("\"'`")
_KINDS = {"\n": "a line break", "\r": "a line break", "\t": "a tab", " ": "a space"} | dict.fromkeys(_QUOTES, "a quote")
_NEARLY = 0.8
"""How alike, by difflib's ratio, a setting's name and a misspelt one are at least."""

KeyPlace = Callable[["requests.PreparedRequest", str], None]
"""Puts a key into a request."""


def in_query(parameter: str) -> KeyPlace:
    """The key is the query parameter `parameter`."""
    return lambda request, key: request.prepare_url(request.url or "", {parameter: key})


def in_header(name: str, before: str = "") -> KeyPlace:
    """The key is the header `name`, behind the words `before`."""

    def place(request: "requests.PreparedRequest", key: str) -> None:
        request.headers[name] = before + key

    return place


def config_file() -> Path:
    """The file settings are read from; it need not exist."""
    return config_directory() / "config.toml"


def how_to_get_a_key(url: str, variable: str, setting: str) -> str:
    """What to do where a key is missing, for the person at the keyboard."""
    return f'Get one (free) at {url}, then set {variable} or write {setting} = "…" into {config_file()}.'


class ApiKey:
    """A key that does not show itself: `repr`, `str` and formatting give dots."""

    __slots__ = ("__weakref__", "_spellings", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        in_url = {quote(value, safe=""), quote_plus(value), quote(quote(value, safe=""), safe="")}
        in_html = {escape(one) for one in {value, *in_url}}
        small = {re.sub("%[0-9A-F]{2}", lambda hexadecimal: hexadecimal[0].lower(), one) for one in in_url}
        self._spellings = sorted({value, *in_url, *in_html, *small, value.replace("&", "&amp;")}, key=len, reverse=True)

    def reveal(self) -> str:
        """The key itself, for the request's last step only."""
        return self._value

    def redact(self, text: str, dots: str = "•••") -> str:
        """`text` with the key replaced by `dots`, also where it stands as in a URL or in HTML."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, dots)
        return text

    def redact_json(self, answer: dict[str, Any]) -> None:
        """Replace the key in all texts of a JSON object, in place.

        A key of under eight characters, which no source gives out, is left: it would be found within words.
        """
        if len(self._value) < _SHORTEST_REDACTED:
            return
        waiting: list[dict[str, Any] | list[Any]] = [answer]
        while waiting:
            current = waiting.pop()
            if isinstance(current, dict):
                redacted = {self.redact(name): self._redacted(value) for name, value in current.items()}
                current.clear()
                current.update(redacted)
                inner: Iterable[Any] = redacted.values()
            else:
                current[:] = inner = [self._redacted(value) for value in current]
            waiting += [value for value in inner if isinstance(value, dict | list)]

    def _redacted(self, value: Any) -> Any:
        return self.redact(value) if isinstance(value, str) else value

    def __repr__(self) -> str:
        return "ApiKey(•••)"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("an API key is not pickled")


def find_api_key(variable: str, setting: str, given: str | None = None) -> ApiKey | None:
    """The key given, or of the environment variable, or of the config file's `setting`; None if there is none.

    Raises `ConfigFileError` where the config file is not valid TOML or the setting is not a string, and
    `KeyUnusableError` where the key has a character that no key has: most were pasted along with it.
    """
    if value := _stripped(given):
        return _checked(value, "the API key that was given")
    if value := environment.variable(variable):
        return _checked(value, f"the API key in {variable}")
    if value := _stripped(_from_config_file(setting)):
        return _checked(value, f"the API key {setting} in {config_file()}")
    return None


def _checked(value: str, what: str) -> ApiKey:
    """The key. The error names the character, its place and nothing else of it."""
    for place, character in enumerate(value, 1):
        if "!" <= character <= "~" and character not in _QUOTES:
            continue
        kind = _KINDS.get(character) or unicodedata.name(character, "control character").lower()
        raise KeyUnusableError(
            f"{what} has a character that no key has: {kind} (U+{ord(character):04X}, character {place} of "
            f"{len(value)}). Copy the key once more, without quotes, spaces or line breaks"
        )
    return ApiKey(value)


def _stripped(text: str | None) -> str:
    return (text or "").strip()


def _from_config_file(setting: str) -> str | None:
    path = config_file()
    try:
        text = read_bounded(path, _LARGEST_CONFIG).decode("utf-8-sig")  # some editors begin a file with a mark
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ConfigFileError(f"cannot read {path}: it is not UTF-8 text") from None
    except OSError as error:
        raise ConfigFileError(f"cannot read {path}: {reason_of(error)}") from None
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Only the position: the message of some errors quotes the line, and the key stands on it.
        place = str(error).rpartition("(")[2].rstrip(")")
        raise ConfigFileError(f'{path} is not valid TOML ({place}); a line looks like: {setting} = "…"') from None
    value = settings.get(setting)
    if value is None:
        _name_misspelt(settings, setting, path)
        return None
    if not isinstance(value, str):
        raise ConfigFileError(f'in {path}, {setting} must be a text in quotes: {setting} = "…"')
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        logger.warning("%s holds an API key and can be read by others; run: chmod 600 %s", path, path)
    return value


def _name_misspelt(settings: dict[str, Any], setting: str, path: Path) -> None:
    """Say on the log which name in the config file looks like a misspelt `setting`."""
    from difflib import SequenceMatcher  # seldom needed

    for name in settings:
        plain = name.strip().lower().replace("-", "_").replace(" ", "_")
        # Another source's setting ends alike; what comes before that tells them apart.
        alike = SequenceMatcher(None, plain.partition("_")[0], setting.partition("_")[0]).ratio()
        if alike >= _NEARLY:
            logger.warning("%s: %r is not a setting; did you mean %s?", path, printable(name)[:80], setting)
