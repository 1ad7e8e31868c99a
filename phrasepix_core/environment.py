"""The only reader of the process's environment: read at each call, so that what is set later takes effect."""

import os


def variable(name: str) -> str:
    """Return what the environment says under `name`, without spaces around it; empty if it says nothing."""
    return os.environ.get(name, "").strip()


def is_set(name: str) -> bool:
    """Return whether the environment has `name`, even if it is empty."""
    return name in os.environ


def for_a_child(**changes: str) -> dict[str, str]:
    """Return the environment of a child process: this one's with `changes`. This process's own is not changed."""
    return {**os.environ, **changes}
