"""A requests session for pictures: guarded, without redirects, and to be cut from another thread."""

import requests

from reranker.pictures.address_guard import GuardedTransport


class PictureSession(requests.Session):
    """Asks public addresses, and this machine's own where `loopback` is True; follows no redirect."""

    def __init__(self, user_agent: str, loopback: bool, connections: int) -> None:
        super().__init__()
        self._transport = GuardedTransport(loopback=loopback, connections=connections)
        self.adapters.clear()  # no scheme but these two
        self.mount("https://", self._transport)
        self.mount("http://", self._transport)
        self.headers["User-Agent"] = user_agent
        self.headers["Accept"] = "image/*"
        self.headers["Accept-Encoding"] = "identity"  # pictures are compressed already

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: the fetcher follows redirects itself."""
        return None

    def cut(self) -> None:
        """Cut all connections for good; a thread that waits for an answer fails at once."""
        self._transport.cut()
