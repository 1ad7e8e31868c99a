"""Where a result leads."""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from phrasepix_core.candidate import Candidate
from phrasepix_core.s3_access import S3
from phrasepix_core.urls import host_address, lasting
from retriever.folder.names import shown
from retriever.folder.profile import FOLDER

_OWN = ("file:///", S3)
"""How addresses of one's own pictures begin."""


def page_of(candidate: Candidate) -> str:
    """Where a person can look at the picture: its page on the web or, of a folder's, the file; else an empty text."""
    if candidate.source == FOLDER.name and candidate.page_url.startswith(_OWN):
        return candidate.page_url
    return lasting(candidate.page_url)


def address_of(candidate: Candidate, url: str, loopback_sources: Collection[str] = ()) -> str:
    """`url`, which the candidate's source gave, if it may be passed on to people and programs; else an empty text.

    Such are addresses on the internet, a folder's files, objects of a library's store, and addresses of this machine
    from the `loopback_sources`: an answer must not send anybody into a network of their own.
    """
    if candidate.source == FOLDER.name and url.startswith(_OWN):
        return url
    return url if candidate.source in loopback_sources and _is_loopback(url) else lasting(url)


@lru_cache(maxsize=1024)
def _is_loopback(url: str) -> bool:
    if not url.startswith(("http://", "https://")) or not url.isprintable():
        return False
    try:
        address = host_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address is not None and address.is_loopback


def file_of(candidate: Candidate) -> Path | None:
    """The file that a picture of a folder is, by its absolute path; None for what is not on this machine."""
    if candidate.source != FOLDER.name or not candidate.page_url.startswith("file:///"):
        return None
    from reranker.pictures.local_files import path_of  # brings Pillow's decoders

    return path_of(candidate.page_url)


def path_shown(candidate: Candidate) -> str:
    """The path of `file_of` in printable characters; empty for what is not on this machine."""
    return "" if (path := file_of(candidate)) is None else shown(str(path))
