"""Candidates for tests: what a test does not say is filled in."""

from typing import Any

from phrasepix_core.candidate import Candidate, Rendition


def made_candidate(
    identifier: str | int = 1, *, url: str = "", size: tuple[int, int] = (640, 480), **facts: Any
) -> Candidate:
    """Return a candidate whose only rendition is the file at `url`, `size` pixels large.

    `facts` are fields of `Candidate` and win over everything else; what is not given is empty or unknown, at addresses
    that nobody has (`pictures.example`).
    """
    page = f"https://pictures.example/{identifier}"
    fields: dict[str, Any] = {
        "source": "list",
        "id": str(identifier),
        "page_url": page,
        "renditions": (Rendition(url or f"{page}.jpg", *size),),
        "width": size[0],
        "height": size[1],
        "media_type": "photo",
        "tags": (),
        "creator": "",
        "creator_url": "",
        "licence": "",
        "licence_url": "",
        "credit": "",
        "found_by": "",
    }
    return Candidate(**fields | facts)
