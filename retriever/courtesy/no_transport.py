"""A transport that sends nothing: what stands behind a session that must stay offline."""

from collections.abc import Mapping

import requests
from requests.adapters import BaseAdapter

from retriever.errors import AnswerNotKeptError


class NoTransport(BaseAdapter):
    """Raises `AnswerNotKeptError` for whatever would be sent."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send nothing."""
        raise AnswerNotKeptError(f"offline, and no answer of {request.url} is kept on this machine")

    def close(self) -> None:
        """There is nothing to close."""
