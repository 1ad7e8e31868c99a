"""A picture's address as it may be shown."""

from urllib.parse import urlsplit


def shown_url(url: str) -> str:
    """The URL without what may carry a secret: its query, its user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return repr(url[:80])
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else repr(url[:80])
