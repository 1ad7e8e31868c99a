"""Warnings of libraries that nobody wants to read."""

import re
import warnings

_PILLOW = re.compile(r"PIL\.")


def hush_pillow() -> None:
    """Have Python ignore what Pillow warns of: of ten thousand pictures some have damaged metadata.

    For the whole process, and for good: `warnings.catch_warnings` would put back, at its end, a list of filters that
    other threads have changed meanwhile. A filter that somebody adds later comes before this one.
    """
    if not any(kind == "ignore" and module == _PILLOW for kind, _, _, module, _ in warnings.filters):
        warnings.filterwarnings("ignore", module=_PILLOW.pattern)
