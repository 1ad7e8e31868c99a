"""What a server is configured by."""

import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from phrasepix.kept_searches import MOST_BYTES, MOST_SEARCHES

_TOKEN_BYTES = 24

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""What a browser on this machine may call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server is configured by."""

    port: int
    """Where it listens."""
    host: str = "127.0.0.1"
    """The name or address it listens on."""
    root: Path = Path("phrasepix-saved")
    """The folder below which clients may save, and read files and folders; absolute, its links resolved."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES), repr=False)
    """The secret that every request must show."""
    keeps_history: bool = True
    """Whether recent searches are listed."""
    notes_feedback: bool = False
    """Whether what is said of pictures is noted in the `feedback.jsonl` of their project's folder."""
    most_searches: int = 40
    """How many searches run at once; the rest wait. Of those that have to load pictures fewer do so at once."""
    most_threads: int = 8
    """How many other works are done at once beside them."""
    searches_kept: int = MOST_SEARCHES
    """How many searches stay at hand by their id."""
    searches_bytes: int = MOST_BYTES
    """How much memory their pictures may take, by estimate."""
    uploads_bytes: int = 128 << 20
    """How much memory uploaded pictures may take."""
    largest_upload_bytes: int = 32 << 20
    """The largest picture that may be uploaded."""

    @property
    def cookie(self) -> str:
        """The name of the cookie, one for each port: browsers share cookies among the ports of a host."""
        return f"phrasepix-{self.port}"

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host = "127.0.0.1" if self.listens_everywhere else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def address_with_token(self) -> str:
        """Where a browser finds it and is let in."""
        return f"{self.address}/?token={self.token}"

    @property
    def listens_everywhere(self) -> bool:
        """Whether it listens on all addresses of this machine."""
        try:
            return ip_address(self.host).is_unspecified
        except ValueError:
            return False


def is_loopback(host: str) -> bool:
    """Return whether a name or address is this machine's own, which nobody else reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
