"""Where a result leads."""

from phrasepix_core.urls import lasting
from retriever.candidate import Candidate
from retriever.folder.profile import FOLDER


def page_of(candidate: Candidate) -> str:
    """Where a person can look at the picture: its page on the web or, of a folder's, the file; else an empty text."""
    if candidate.source == FOLDER.name and candidate.page_url.startswith("file:///"):
        return candidate.page_url
    return lasting(candidate.page_url)
