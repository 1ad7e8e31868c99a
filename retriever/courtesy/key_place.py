"""Where in a request a source wants its key."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

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
