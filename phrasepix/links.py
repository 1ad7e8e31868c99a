"""Where a result leads."""

from pathlib import Path

from phrasepix_core.candidate import Candidate
from phrasepix_core.urls import lasting
from retriever.folder.names import shown
from retriever.folder.profile import FOLDER


def page_of(candidate: Candidate) -> str:
    """Where a person can look at the picture: its page on the web or, of a folder's, the file; else an empty text."""
    if candidate.source == FOLDER.name and candidate.page_url.startswith("file:///"):
        return candidate.page_url
    return lasting(candidate.page_url)


def file_of(candidate: Candidate) -> Path | None:
    """The file that a picture of a folder is, by its absolute path; None for what is not on this machine."""
    if candidate.source != FOLDER.name or not candidate.page_url.startswith("file:///"):
        return None
    from reranker.pictures.local_files import path_of  # brings Pillow's decoders

    return path_of(candidate.page_url)


def path_shown(candidate: Candidate) -> str:
    """The path of `file_of` in printable characters; empty for what is not on this machine."""
    return "" if (path := file_of(candidate)) is None else shown(str(path))
