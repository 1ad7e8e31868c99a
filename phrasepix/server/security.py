"""Who is let in: each request's Host, origin and token, checked before anything else sees it.

Host: a page elsewhere may have its name resolve to this machine (DNS rebinding) and would then be of our origin.
Origin and `Sec-Fetch-Site`: a browser sends cookies of this host from pages of its other ports, too.
"""

import hmac
import logging
import socket
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phrasepix.server.problems import problem_response, unforeseen_response
from phrasepix.server.settings import LOOPBACK_NAMES, ServerSettings

logger = logging.getLogger(__name__)

_READING = frozenset({"GET", "HEAD"})
_PAGE = "/"
_OWN_SITES = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of our own page, and of what a person typed or opened."""

_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: https:",  # some sources want their pictures shown by their own addresses
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # the first address has the token in it
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer."""

_NOT_LET_IN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>phrasepix</title></head>
<body><h1>This address is not the one that phrasepix has printed</h1>
<p>Each time <code>phrasepix serve</code> starts, it prints an address with a new token. Open that address: it is in the
terminal where the command runs. An address, a bookmark or a cookie of an earlier start is of no use any more.</p>
</body></html>
"""


class Gate:
    """Lets in requests that name this server, come from its own page or from no page, and show the token."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings
        self._hosts = _hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not spoken here")

        is_begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
            return
        is_first_page = scope["path"] == _PAGE and _token_of_query(scope)
        try:
            await self._app(scope, receive, self._with_cookie(send_guarded) if is_first_page else send_guarded)
        except Exception as error:  # answered here: Starlette's answer would be sent past this gate
            if is_begun:
                raise
            logger.exception("a request failed")
            await unforeseen_response(error)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_named_by(headers.getlist("host")):
            return problem_response(
                421, "wrong-host", f"this server is {self._settings.address}; the request is for another host"
            )
        if not self._is_of_own_site(scope, headers):
            return problem_response(
                403, "cross-site", f"requests from pages other than those of {self._settings.address} are refused"
            )
        if self._has_token(scope, headers):
            return None
        if scope["path"] == _PAGE and scope["method"] in _READING:
            return HTMLResponse(_NOT_LET_IN, 401)
        return problem_response(
            401,
            "wrong-token",
            "the token is missing or not that of this start; phrasepix serve prints it in its address: open that, or "
            "send the header Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _is_named_by(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        if hosts[0].lower() in self._hosts:
            return True
        # A name can be made to lead here; an address cannot.
        return self._settings.listens_everywhere and _is_address(hosts[0], self._settings.port)

    def _is_of_own_site(self, scope: Scope, headers: Headers) -> bool:
        is_opened = scope["path"] == _PAGE and scope["method"] in _READING
        sites = headers.getlist("sec-fetch-site")
        if sites and not is_opened and (len(sites) > 1 or sites[0] not in _OWN_SITES):
            return False
        origins = headers.getlist("origin")
        return not origins or origins == [f"http://{headers['host'].lower()}"]

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        token = self._settings.token
        given = [_bearer(headers), _cookie(headers, self._settings.cookie)]
        if scope["path"] == _PAGE:
            given.append(_token_of_query(scope))
        return any(hmac.compare_digest(one.encode(), token.encode()) for one in given)

    def _with_cookie(self, send: Send) -> Send:
        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "Set-Cookie",
                    f"{self._settings.cookie}={self._settings.token}; Path=/; HttpOnly; SameSite=Strict",
                )
            await send(message)

        return send_with_cookie


def _hosts(settings: ServerSettings) -> frozenset[str]:
    """The values of `Host` that mean this server."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    names = {*LOOPBACK_NAMES, host.lower()}
    if not settings.is_on_loopback:
        names.add(socket.gethostname().lower())
    return frozenset(
        named for name in names for named in (f"{name}:{settings.port}", *([name] if settings.port == 80 else []))
    )


def _is_address(host: str, port: int) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        ip_address(parts.hostname or "")
        return (parts.port or 80) == port and parts.username is None
    except ValueError:
        return False


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cookie(headers: Headers, name: str) -> str:
    cookies: dict[str, str] = cookie_parser(headers.get("cookie", ""))
    return cookies.get(name, "")


def _token_of_query(scope: Scope) -> str:
    query: str = scope["query_string"].decode("latin-1")
    return parse_qs(query).get("token", [""])[0]
