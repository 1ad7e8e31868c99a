"""Warnings of libraries that nobody wants to read."""

import re
import warnings


def hush(package: str) -> None:
    """Have Python ignore what the modules of `package` warn of.

    For the whole process, and for good: `warnings.catch_warnings` would put back, at its end, a list of filters that
    other threads have changed meanwhile. A filter that somebody adds later comes before this one.
    """
    module = re.compile(rf"{re.escape(package)}(\.|$)")
    if not any(kind == "ignore" and of == module for kind, _, _, of, _ in warnings.filters):
        warnings.filterwarnings("ignore", module=module.pattern)
