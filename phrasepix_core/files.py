"""Files: written whole or not at all, read only where they are regular files."""

import errno
import os
import select
import shutil
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from phrasepix_core.errors import NotWrittenError

TEMPORARY = ".phrasepix-"
"""How the name of a file that is being written begins; sixteen random hexadecimal digits and `.tmp` follow."""

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY
_ANY_WRITE_BIT = 0o222
_MOST_LINKS = 40  # as Linux has it
_FULL_BYTES = 64 << 10  # less than a store of SQLite needs to be opened
_AT_ONCE = 4096  # what a pipe takes whole when it is said to be ready


def at_home(path: Path) -> Path:
    """Return a path to read from with `~` replaced; if nobody of that name has a home, as it is: nothing is there."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def is_there(path: Path) -> bool:
    """Whether something can be found at `path`; what may not be looked at, or can be no name, is not there."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: Path) -> bool:
    """Whether a folder can be found at `path`, likewise: `Path.is_dir` raises for a name that is too long."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def make_folder(path: Path) -> None:
    """Make the folder at `path`, and those above it, where they are missing. Raises `OSError` and `ValueError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except RecursionError:  # the standard library makes one above the other by calling itself
        raise OSError(errno.ENAMETOOLONG, "it lies in too many folders") from None


def write_atomically(
    path: Path, content: str | bytes, *, temporary: str = TEMPORARY, pipe_patience_s: float = 30.0
) -> Path:
    """Write `content` (text as UTF-8) to the file at `path`, whole or not at all; returns the absolute path.

    It is written under a random name that begins with `temporary`, and moved into place: nobody ever reads half a file,
    and a failure leaves what stood there before. A file that is replaced keeps its mode and, if the system allows it,
    its owner and group. Links are followed, unless another user made them. Devices, pipes and open descriptors
    (`/dev/stdout`) are written into. A pipe that nobody reads is an error: at once, or after `pipe_patience_s` seconds
    without progress.

    Raises `NotWrittenError`, also if the file may not be written to (root is not exempt from its mode), or `path` is a
    directory, a socket or a disk.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    try:
        path = path.expanduser().absolute()
        place = _end_of_links(path)
        if isinstance(place, int):
            _write_into(os.dup(place), data, pipe_patience_s)
        else:
            _write(place, data, temporary, pipe_patience_s)
    except (OSError, ValueError, RuntimeError) as error:  # a name with a NUL; a home nobody has
        raise NotWrittenError(f"cannot write {shown_path(path)}: {reason_of(error)}") from None
    return path


def _write(place: Path, data: bytes, temporary: str, patience_s: float) -> None:
    try:
        found = place.lstat()
    except FileNotFoundError:
        found = None
    if found is None or stat.S_ISREG(found.st_mode):
        _replace(place, data, temporary, found)
    elif stat.S_ISDIR(found.st_mode):
        raise OSError(f"{shown_path(place)} is a directory; name a file")
    elif stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode):
        try:
            descriptor = os.open(place, os.O_WRONLY | _NO_WAIT | _NO_LINK | getattr(os, "O_NOCTTY", 0))
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise OSError("it is a pipe that nobody reads") from None
            raise
        _write_into(descriptor, data, patience_s)
    else:
        raise OSError("it is a socket or a disk, and nothing is written there")


def _replace(place: Path, data: bytes, prefix: str, found: os.stat_result | None) -> None:
    if found is not None:
        if not found.st_mode & _ANY_WRITE_BIT:
            raise OSError("the file is write-protected; allow it first (chmod u+w) or name another file")
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    temporary = place.with_name(unique(prefix, ".tmp"))
    try:
        file = create(temporary, 0o666 if found is None else 0o600)
    except FileNotFoundError:
        raise OSError(f"there is no directory {shown_path(place.parent)}") from None
    try:
        with file:
            file.write(data)
            if found is not None:
                _keep_access(file.fileno(), found)
        temporary.replace(place)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _keep_access(descriptor: int, before: os.stat_result) -> None:
    """Give a new file the mode, and if possible the owner and the group, of the one it replaces."""
    if not hasattr(os, "fchown"):
        return
    mode = stat.S_IMODE(before.st_mode) & 0o777
    now = os.fstat(descriptor)
    if now.st_gid != before.st_gid:
        try:
            os.fchown(descriptor, -1, before.st_gid)
        except OSError:
            mode &= ~0o070  # what that group may do is not for another one
    if now.st_uid != before.st_uid:
        with suppress(OSError):
            os.fchown(descriptor, before.st_uid, -1)
    os.fchmod(descriptor, mode)


def _write_into(descriptor: int, data: bytes, patience_s: float) -> None:
    """Write to what is no regular file, and close it."""
    try:
        rest = memoryview(data)
        while rest:
            if not _is_ready(descriptor, patience_s):
                raise OSError(f"nobody read from it for {patience_s:g} s")
            with suppress(BlockingIOError):
                rest = rest[os.write(descriptor, rest[:_AT_ONCE]) :]
    finally:
        os.close(descriptor)


def _is_ready(descriptor: int, patience_s: float) -> bool:
    if not hasattr(select, "poll"):
        return True
    waiting = select.poll()
    waiting.register(descriptor, select.POLLOUT)
    return bool(waiting.poll(patience_s * 1000))


def _end_of_links(path: Path) -> Path | int:
    """Where the links at the end of `path` lead, which need not exist; of one's own open descriptors, the number."""
    for _ in range(_MOST_LINKS):
        parent = os.path.realpath(path.parent)
        if path.name.isdecimal() and parent in {"/dev/fd", f"/proc/{os.getpid()}/fd"}:
            return int(path.name)
        path = Path(parent, path.name)
        try:
            found = path.lstat()
        except FileNotFoundError:
            return path
        if not stat.S_ISLNK(found.st_mode):
            return path
        if hasattr(os, "geteuid") and found.st_uid not in {0, os.geteuid()}:
            raise OSError(f"{shown_path(path)} is a link that another user made, and is not followed")
        path = Path(parent, path.readlink())
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def unique(prefix: str, suffix: str) -> str:
    """A file name that nobody can guess: sixteen random hexadecimal digits between `prefix` and `suffix`."""
    return f"{prefix}{os.urandom(8).hex()}{suffix}"


def create(path: Path, mode: int = 0o666) -> BinaryIO:
    """Begin a new file, with `mode` less what the process's umask takes away. Raises `OSError` if anything is there."""
    return os.fdopen(os.open(path, _NEW, mode), "w+b")


def open_regular(path: Path) -> BufferedReader:
    """Open the file at `path` for reading in binary. A pipe or a device in its place is not waited for.

    Raises `OSError`, also where `path` is no regular file.
    """
    return os.fdopen(_descriptor(path, os.O_RDONLY), "rb")


def open_own(path: Path) -> BufferedReader:
    """Open a file of one's own for reading: a regular one, no link, and the current user's.

    Raises `OSError` for anything else: in a folder that others may write to, it may have been put there by them.
    """
    return os.fdopen(_own_descriptor(path, os.O_RDONLY), "rb")


def append_to_own(path: Path) -> BinaryIO:
    """Open a file of one's own, as `open_own` has it, for writing behind what is there. Raises `OSError`."""
    return os.fdopen(_own_descriptor(path, os.O_WRONLY | os.O_APPEND), "ab")


def is_own(path: Path) -> bool:
    """Whether `path` is a regular file of the current user's, and no link."""
    try:
        return _belongs_here(path.lstat())
    except OSError:
        return False


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """The content of the regular file at `path`. Raises `OSError`, also where it has more than `most_bytes`."""
    with open_regular(path) as file:
        # What it says its size is, first: a file of 40 GB may lie on the disk in a few blocks.
        if os.fstat(file.fileno()).st_size > most_bytes or len(content := file.read(most_bytes + 1)) > most_bytes:
            raise OSError(f"it is larger than {most_bytes / (1 << 20):g} MiB")
        return content


def shown_path(path: Path | str) -> str:
    """A path as a message may quote it: each character that is not printable as an escape, such as `\\x1b`.

    Bytes that are no UTF-8, as Python holds them in names of files, become escapes too.
    """
    return "".join(one if one.isprintable() else _escaped(one) for one in str(path))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def reason_of(error: BaseException) -> str:
    """Why something failed, in the system's words without its number, or in our own."""
    return str(getattr(error, "strerror", None) or error)


def reason_near(place: Path, error: BaseException) -> str:
    """Why nothing could be written at `place`: that its disk is full, if it is, for libraries word that as they like.

    SQLite says “disk I/O error” of it, OpenVINO “iostream error”.
    """
    there = next((one for one in (place, *place.absolute().parents) if is_folder(one)), None)
    with suppress(OSError):
        if there is not None and (usage := shutil.disk_usage(there)).total and usage.free < _FULL_BYTES:
            return os.strerror(errno.ENOSPC)  # what has no room at all, such as /proc, is not full
    return reason_of(error)


def _descriptor(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | _NO_WAIT | _BINARY)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError("it is no regular file")


def _own_descriptor(path: Path, flags: int) -> int:
    descriptor = _descriptor(path, flags | _NO_LINK)
    if _belongs_here(os.fstat(descriptor)):
        return descriptor
    os.close(descriptor)
    raise PermissionError(errno.EPERM, "it is another user's file")


def _belongs_here(found: os.stat_result) -> bool:
    """Whether it is a regular file of the current user's that lies nowhere else too."""
    if not stat.S_ISREG(found.st_mode):
        return False
    return not hasattr(os, "geteuid") or (found.st_uid == os.geteuid() and found.st_nlink == 1)
