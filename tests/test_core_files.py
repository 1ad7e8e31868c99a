"""Files: what is written where, with which rights, and what is refused."""

import errno
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from phrasepix_core.errors import NotWrittenError
from phrasepix_core.files import (
    create,
    is_folder,
    is_own,
    is_there,
    make_folder,
    open_own,
    open_regular,
    read_bounded,
    reason_near,
    write_atomically,
)
from tests.small_disk import small_disk

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
SOMEBODY = 12345
_IMPORTS = "import os, sys; from pathlib import Path; from phrasepix_core.files import write_atomically\n"


def mode(path: Path) -> str:
    return stat.filemode(path.lstat().st_mode)


def left_behind(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if path.name.startswith(".phrasepix-")]


def as_written_by(code: str, *arguments: str, umask: int = 0o022) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _IMPORTS + code, *arguments],
        capture_output=True, text=True, timeout=30, umask=umask, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    done = as_written_by("write_atomically(Path(sys.argv[1]), 'x')", str(tmp_path / "new"), umask=umask)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~umask


def test_the_umask_of_the_process_is_never_touched(tmp_path: Path) -> None:
    code = """
touched = []
umask = os.umask
os.umask = lambda mask: (touched.append(mask), umask(mask))[1]
for content in ("one", "two"):
    write_atomically(Path(sys.argv[1]), content)
sys.exit(len(touched))
"""
    done = as_written_by(code, str(tmp_path / "page.html"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755, 0o200])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, kept: int) -> None:
    place = tmp_path / "page.html"
    place.write_text("old")
    place.chmod(kept)
    write_atomically(place, "new")
    assert stat.S_IMODE(place.stat().st_mode) == kept
    place.chmod(0o600)
    assert place.read_text() == "new"


@pytest.mark.skipif(not IS_ROOT, reason="only root may give files away")
def test_a_file_that_root_replaces_keeps_its_owner_and_group(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    place.write_text("old")
    os.chown(place, SOMEBODY, SOMEBODY + 1)
    write_atomically(place, "new")
    assert (place.stat().st_uid, place.stat().st_gid) == (SOMEBODY, SOMEBODY + 1)


@pytest.mark.parametrize("locked", [0o444, 0o400, 0o555, 0o000])
def test_a_file_without_write_bits_is_refused_to_root_too(tmp_path: Path, locked: int) -> None:
    place = tmp_path / "page.html"
    place.write_text("keep")
    place.chmod(locked)
    with pytest.raises(NotWrittenError, match=rf"{re.escape(str(place))}.*write-protected"):
        write_atomically(place, "new")
    place.chmod(0o600)
    assert place.read_text() == "keep"
    assert left_behind(tmp_path) == []


def test_links_are_followed_to_their_end_and_stay(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "real.html").write_text("old")
    (vault / "real.html").chmod(0o640)
    (tmp_path / "second.html").symlink_to(Path("vault", "real.html"))
    (tmp_path / "first.html").symlink_to("second.html")
    assert write_atomically(tmp_path / "first.html", "new") == tmp_path / "first.html"
    assert (vault / "real.html").read_text() == "new"
    assert mode(vault / "real.html") == "-rw-r-----"
    assert (tmp_path / "first.html").is_symlink()
    assert (tmp_path / "second.html").is_symlink()
    assert left_behind(vault) == left_behind(tmp_path) == []


def test_a_link_that_leads_nowhere_yet_gets_its_file(tmp_path: Path) -> None:
    (tmp_path / "page.html").symlink_to("later.html")
    write_atomically(tmp_path / "page.html", "new")
    assert (tmp_path / "later.html").read_text() == "new"
    (tmp_path / "other.html").symlink_to("/nowhere/at/all.html")
    with pytest.raises(NotWrittenError, match="there is no directory /nowhere/at"):
        write_atomically(tmp_path / "other.html", "new")


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(NotWrittenError, match="symbolic links"):
        write_atomically(tmp_path / "one", "new")


@pytest.mark.skipif(not IS_ROOT, reason="only root may make another user's link")
def test_a_link_that_another_user_made_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "mine.html"
    target.write_text("mine")
    link = tmp_path / "page.html"
    link.symlink_to(target)
    os.chown(link, SOMEBODY, SOMEBODY, follow_symlinks=False)
    with pytest.raises(NotWrittenError, match="another user"):
        write_atomically(link, "planted")
    assert target.read_text() == "mine"


def test_a_pipe_that_nobody_reads_is_an_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotWrittenError, match="a pipe that nobody reads"):
        write_atomically(tmp_path / "pipe", "page")
    assert mode(tmp_path / "pipe").startswith("p")


def test_a_pipe_whose_reader_has_fallen_asleep_is_an_error_after_a_while(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    asleep = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(NotWrittenError, match=r"nobody read from it for 0\.2 s"):
        write_atomically(tmp_path / "pipe", b"x" * (1 << 20), pipe_patience_s=0.2)
    os.close(asleep)


def test_a_pipe_that_is_read_gets_all_of_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    content = os.urandom(1 << 20)
    came: list[bytes] = []
    opened = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(opened, True)

    def read() -> None:
        with os.fdopen(opened, "rb") as pipe:
            came.append(pipe.read())

    # Nobody has the other end open yet: a read would be answered by the end of the file.
    held = os.open(tmp_path / "pipe", os.O_WRONLY)
    reader = threading.Thread(target=read)
    reader.start()
    write_atomically(tmp_path / "pipe", content)
    os.close(held)
    reader.join(30)
    assert came == [content]


def test_devices_are_written_into() -> None:
    before = mode(Path("/dev/null"))
    assert write_atomically(Path("/dev/null"), "page") == Path("/dev/null")
    assert mode(Path("/dev/null")) == before
    if Path("/dev/full").exists():
        with pytest.raises(NotWrittenError, match="/dev/full: No space left"):
            write_atomically(Path("/dev/full"), "page")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_gets_the_content_behind_what_is_there(tmp_path: Path, name: str) -> None:
    if not Path(name).exists():
        pytest.skip(f"there is no {name} here")
    code = f"print('table', flush=True); write_atomically(Path({name!r}), 'page\\n'); print('end')"
    assert as_written_by(code).stdout == "table\npage\nend\n"
    with (tmp_path / "out").open("wb") as out:  # a file, as a shell redirects
        subprocess.run(
            [sys.executable, "-c", f"{_IMPORTS}{code}"],
            stdout=out, timeout=30, check=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
    assert (tmp_path / "out").read_text() == "table\npage\nend\n"


def test_a_directory_a_missing_one_and_a_socket_are_named(tmp_path: Path) -> None:
    import socket

    (tmp_path / "folder").mkdir()
    with pytest.raises(NotWrittenError, match=r"folder is a directory; name a file"):
        write_atomically(tmp_path / "folder", "page")
    with pytest.raises(NotWrittenError, match=r"there is no directory .*/none"):
        write_atomically(tmp_path / "none" / "page.html", "page")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(NotWrittenError, match="a socket"):
            write_atomically(tmp_path / "s", "page")
    for name in ("a\0b", "~nobody-has-this-name/page.html"):
        with pytest.raises(NotWrittenError, match="cannot write"):
            write_atomically(Path(name), "page")


def test_a_name_that_steers_a_terminal_is_quoted_harmlessly(tmp_path: Path) -> None:
    place = tmp_path / "a\x1b]0;owned\x07\n" / "page.html"
    with pytest.raises(NotWrittenError) as caught:
        write_atomically(place, "page")
    assert str(caught.value).isprintable()
    assert r"\x1b" in str(caught.value)


def test_a_failure_leaves_what_stood_there_and_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    place.write_text("keep")
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_atomically(Path(sys.argv[1]), b"x" * 100_000)
"""
    done = as_written_by(code, str(place))
    assert "NotWrittenError" in done.stderr
    assert place.read_text() == "keep"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_nothing_that_is_planted_is_taken_for_ones_own(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.write_text("secret")
    (tmp_path / "link").symlink_to(private)
    os.link(private, tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "own").write_text("own")
    for name in ("link", "hard", "pipe", "none"):
        assert not is_own(tmp_path / name)
        with pytest.raises(OSError, match=r"symbolic|another user|no regular|No such"):
            open_own(tmp_path / name)
    with open_own(tmp_path / "own") as file:
        assert file.read() == b"own"
    for name in ("link", "pipe", "own"):
        with pytest.raises(FileExistsError):
            create(tmp_path / name)
    if IS_ROOT:
        os.chown(tmp_path / "own", SOMEBODY, SOMEBODY)
        assert not is_own(tmp_path / "own")
        with pytest.raises(PermissionError):
            open_own(tmp_path / "own")


def test_only_regular_files_of_a_sane_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for special in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="no regular file"):
            open_regular(special)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(OSError, match="larger than 1 MiB"):
        read_bounded(tmp_path / "sparse", 1 << 20)
    (tmp_path / "small").write_bytes(b"x" * 10)
    assert read_bounded(tmp_path / "small", 10) == b"x" * 10
    with pytest.raises(OSError, match="larger"):
        read_bounded(tmp_path / "small", 9)


def test_what_can_be_no_name_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("n" * 300, "a\0b", "file/below", "nothing"):
        assert not is_there(tmp_path / name)
        assert not is_folder(tmp_path / name)
    assert is_there(tmp_path / "file")
    assert not is_folder(tmp_path / "file")
    assert is_folder(tmp_path)


@pytest.mark.usefixtures("usual_recursion")
def test_folders_are_made_one_below_the_other_but_not_without_end(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert is_folder(tmp_path / "a" / "b")
    with pytest.raises(OSError, match="it lies in too many folders"):
        make_folder(Path(tmp_path, *"c" * 1900))
    assert not is_there(tmp_path / "c")


def test_a_full_disk_is_named_whatever_a_library_says_of_it(tmp_path: Path) -> None:
    said = OSError("iostream error")
    assert reason_near(tmp_path, said) == "iostream error"
    with small_disk(tmp_path / "disk", 128) as disk:
        (disk / "fill").write_bytes(bytes(100 << 10))
        assert reason_near(disk / "not made yet" / "file", said) == os.strerror(errno.ENOSPC)
