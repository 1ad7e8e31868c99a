"""A disk of a few hundred KB, where this machine lets one be mounted."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size_kb: int) -> Iterator[Path]:
    """A tmpfs of `size_kb` mounted at `place`; the test is skipped where that is not allowed."""
    place.mkdir()
    mounted = _mount("-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(place))
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def make_read_only(place: Path) -> None:
    """From now on nothing can be written there."""
    done = _mount("-o", "remount,ro", str(place))
    if done.returncode != 0:
        pytest.skip(f"the disk cannot be made read-only: {done.stderr.strip()}")


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
