"""What an HTTP answer is by its status."""

import re

PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses of failures that another try may mend."""


def is_whole(status: int, content_range: str = "") -> bool:
    """Whether an answer brings all of what was asked for.

    So do 200 and 203 (as a proxy passes it on), and 206 if its `Content-Range` is that of the whole.
    """
    if status != 206:
        return status in (200, 203)
    found = re.fullmatch(r"\s*bytes\s+0-([0-9]{1,18})/([0-9]{1,18})\s*", content_range)
    return found is not None and int(found[1]) + 1 == int(found[2])
