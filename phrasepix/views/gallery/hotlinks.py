"""Pictures shown by their source's own address, where it wants that, instead of by a copy."""

import re
from urllib.parse import urlsplit

from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.urls import lasting

_LARGE_ENOUGH = (640, 480)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?", re.IGNORECASE)


def hotlinked(candidate: Candidate) -> Rendition | None:
    """The file to show the candidate by at its source; None where a copy is shown.

    It is the smallest given one that fills a card. One on this machine would be gone with the search, and an address
    whose origin is more than a host and a port cannot be named to a browser.
    """
    if not candidate.hotlink:
        return None
    given = [rendition for rendition in candidate.renditions if rendition.as_given] or list(candidate.renditions)
    width, height = _LARGE_ENOUGH
    best = next((one for one in given if one.width >= width or one.height >= height), given[-1])
    return best if lasting(best.url) and _ORIGIN.fullmatch(origin_of(best.url)) else None


def origin_of(url: str) -> str:
    """Scheme, host and port of a web address, as a Content-Security-Policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
