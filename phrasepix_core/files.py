"""Files: written whole or not at all, read only where they are regular files."""

import os
import stat
import tempfile
from io import BufferedReader
from pathlib import Path

from phrasepix_core.errors import NotWrittenError


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write `content` (text as UTF-8) under a temporary name and move it into place; returns the absolute path.

    Nobody ever reads half a file, and a failure leaves what stood there before. Raises `NotWrittenError`.
    """
    path = path.expanduser().absolute()
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise NotWrittenError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def open_regular(path: Path) -> BufferedReader:
    """Open the file at `path` for reading in binary. A pipe or a device in its place is not waited for.

    Raises `OSError`, also where `path` is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no file any more")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
