"""How large the body of a request may be."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phrasepix.server.problems import problem_response

_TOO_LARGE = 413


class BodyLimits:
    """Refuses bodies of more than `usual` bytes, or than those of `larger`, by path.

    FastAPI's own bound stands before every middleware: what it refuses would be told in other words, and without the
    headers that every answer has.
    """

    def __init__(self, app: ASGIApp, usual: int, larger: Mapping[str, int]) -> None:
        self._app = app
        self._usual = usual
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._usual)
        told = f"the body is larger than {most / (1 << 20):g} MiB"
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > most:
            await problem_response(_TOO_LARGE, "too-large", told)(scope, receive, send)
            return
        read = 0

        async def receive_bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(_TOO_LARGE, told)
            return message

        await self._app(scope, receive_bounded, send)
