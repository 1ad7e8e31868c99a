"""Templates once compiled, kept for the next process where jinja keeps them by itself: below the temporary directory.

To compile a page's templates takes as long as to fill them. The directory is readable and writable by its owner alone,
and jinja takes no other.
"""

from contextlib import suppress

from jinja2 import BytecodeCache, FileSystemBytecodeCache
from jinja2.bccache import Bucket


class _KeptIfPossible(FileSystemBytecodeCache):
    """What cannot be written is compiled by the next process."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_templates() -> BytecodeCache | None:
    """Return where they are kept; None where there is no directory that is safe."""
    try:
        return _KeptIfPossible()
    except (RuntimeError, OSError):
        return None
