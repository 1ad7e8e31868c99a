"""Addresses that may become a link."""

import re

from retriever.courtesy.addresses import is_on_this_machine


def lasting(url: str) -> str:
    """`url` where it is a web address that outlives the search, else an empty text.

    A page on this machine (the sample's) is gone with the search; another scheme never becomes a link.
    """
    return url if re.match(r"https?://[^/\s]", url) and not is_on_this_machine(url) else ""
