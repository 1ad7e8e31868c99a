"""Addresses that may become a link."""

import re

from retriever.candidate import Candidate
from retriever.courtesy.addresses import is_on_this_machine
from retriever.folder.profile import FOLDER


def lasting(url: str) -> str:
    """`url` where it is a web address that outlives the search, else an empty text.

    A page on this machine (the sample's) is gone with the search; another scheme never becomes a link.
    """
    return url if re.match(r"https?://[^/\s]", url) and not is_on_this_machine(url) else ""


def page_of(candidate: Candidate) -> str:
    """Where a person can look at the picture: its page on the web or, of a folder's, the file; else an empty text."""
    if candidate.source == FOLDER.name and candidate.page_url.startswith("file:///"):
        return candidate.page_url
    return lasting(candidate.page_url)
