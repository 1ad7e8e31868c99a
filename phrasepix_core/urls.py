"""Web addresses: which may be shown, which last, which are this machine's own."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit


def is_on_this_machine(url: str) -> bool:
    """Whether `url` names a loopback address, or localhost. False where it is no address at all."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def lasting(url: str) -> str:
    """`url` where it is a web address that outlives the search, else an empty text.

    A page on this machine (the sample's) is gone with the search; another scheme never becomes a link.
    """
    try:
        urlsplit(url)
    except ValueError:
        return ""
    return url if re.match(r"https?://[^/\s]", url) and not is_on_this_machine(url) else ""


def shown_url(url: str) -> str:
    """The URL without what may carry a secret: its query, its user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return repr(url[:80])
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else repr(url[:80])
