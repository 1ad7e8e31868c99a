"""What is found below a folder, and what is left alone."""

import os
import socket
import sys
from pathlib import Path

import pytest

from retriever.folder.walk import PICTURES, RAW, places
from tests.picture_tree import picture, write

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs what only POSIX systems have")


def found(root: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """The names found, relative to the root, and the problems told."""
    problems: list[tuple[str, str]] = []
    places_there = list(places(root, lambda path, reason: problems.append((path.name, reason))))
    return [place.path.relative_to(root).as_posix() for place in places_there], problems


def test_every_picture_is_found_by_its_extension_in_the_order_of_names(tmp_path: Path) -> None:
    names = [f"{number:02}{extension.upper() if number % 2 else extension}" for number, extension in
             enumerate(sorted(PICTURES | RAW))]  # fmt: skip
    for name in names:
        write(tmp_path / "below" / "deeper" / name, b"x")
    for name in ("text.txt", "film.mov", "no extension", "sidecar.xmp", "jpg"):
        write(tmp_path / "below" / name, b"x")
    write(tmp_path / "zebra.jpg", b"x")
    write(tmp_path / "ape.jpg", b"x")
    assert found(tmp_path) == (["ape.jpg", "zebra.jpg", *(f"below/deeper/{name}" for name in names)], [])


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.jpg", "._a.jpg", ".trash/a.jpg", ".Trash-1000/files/a.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        ".thumbnails/large/a.png", "$RECYCLE.BIN/a.jpg", "System Volume Information/a.jpg", "__MACOSX/a.jpg",
        "#recycle/a.jpg", "lost+found/a.jpg", "holiday/.cache/a.jpg",
    ],
)  # fmt: skip
def test_what_systems_make_for_themselves_is_left_out(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, picture(1))
    write(tmp_path / ".DS_Store", b"x")
    write(tmp_path / "Thumbs.db", b"x")
    assert found(tmp_path) == ([], [])


def test_a_hidden_folder_that_was_named_is_searched(tmp_path: Path) -> None:
    write(tmp_path / ".pictures" / "a.jpg", b"x")
    assert found(tmp_path / ".pictures") == (["a.jpg"], [])


def test_links_that_turn_in_circles_end(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.jpg", b"x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "a" / "this.jpg").symlink_to("this.jpg")
    names, problems = found(tmp_path)
    assert names == ["a/one.jpg"]
    assert [name for name, _ in problems] == ["this.jpg"]
    assert "cannot be read" in problems[0][1]


def test_a_link_to_a_file_below_the_folder_is_a_further_place_of_it(tmp_path: Path) -> None:
    write(tmp_path / "root" / ".store" / "content", b"x")
    (tmp_path / "root" / "one.jpg").symlink_to(Path(".store") / "content")
    assert found(tmp_path / "root") == (["one.jpg"], [])


def test_links_that_lead_out_are_not_followed_and_named_once(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "private.jpg", b"x")
    root = tmp_path / "root"
    write(root / "mine.jpg", b"x")
    (root / "all").symlink_to(tmp_path / "elsewhere")
    (root / "one.jpg").symlink_to(tmp_path / "elsewhere" / "private.jpg")
    (root / "text").symlink_to(write(tmp_path / "elsewhere" / "text", b"x"))
    (root / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    names, problems = found(root)
    assert names == ["mine.jpg"]
    assert [name for name, _ in problems] == ["all"]
    assert problems[0][1].startswith("2 links lead out of the folder")


def test_a_folder_that_is_a_link_itself_is_searched(tmp_path: Path) -> None:
    write(tmp_path / "there" / "a.jpg", b"x")
    (tmp_path / "here").symlink_to(tmp_path / "there")
    (tmp_path / "there" / "again.jpg").symlink_to(tmp_path / "there" / "a.jpg")
    assert found(tmp_path / "here") == (["a.jpg", "again.jpg"], [])


@POSIX
def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as one:
        monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
        one.bind("socket.jpg")
        names, problems = found(tmp_path)
    assert names == []
    assert sorted(problems) == [
        ("pipe.jpg", "is neither a file nor a folder"),
        ("socket.jpg", "is neither a file nor a folder"),
    ]


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "empty.png", b"")
    assert found(tmp_path) == ([], [("empty.png", "the file is empty")])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever runs this may read everything")
def test_a_folder_that_may_not_be_read_is_named_and_the_others_searched(tmp_path: Path) -> None:
    write(tmp_path / "closed" / "a.jpg", b"x")
    write(tmp_path / "open" / "b.jpg", b"x")
    (tmp_path / "closed").chmod(0)
    try:
        names, problems = found(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert names == ["open/b.jpg"]
    assert problems == [("closed", "the folder cannot be read: Permission denied")]


def test_a_folder_that_vanishes_meanwhile_is_named_and_the_others_searched(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / name / f"{name}.jpg", b"x")
    problems: list[str] = []
    names = []
    for place in places(tmp_path, lambda path, reason: problems.append(f"{path.name}: {reason}")):
        names.append(place.path.name)
        if place.path.name == "a.jpg":
            (tmp_path / "b" / "b.jpg").unlink()
            (tmp_path / "b").rmdir()
    assert names == ["a.jpg", "c.jpg"]
    assert problems == ["b: the folder cannot be read: No such file or directory"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_names_of_any_bytes_are_found_and_survive(tmp_path: Path) -> None:
    names = [b"\xff\xfe.jpg", "🛶 boat.jpg".encode(), b"new\nline.jpg", b"-rf.jpg", b" .jpg", b"\x1b[31mred.jpg",
             b"%41#?.jpg", "é".encode() * 120 + b".jpg", b"A.jpg", b"a.jpg"]  # fmt: skip
    for name in names:
        write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)), b"x")
    assert {os.fsencode(name) for name in found(tmp_path)[0]} == set(names)


def test_a_deep_tree_is_searched_to_its_end(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(["d"] * 300))
    write(deep / "a.jpg", b"x")
    assert found(tmp_path)[0] == [deep.relative_to(tmp_path).as_posix() + "/a.jpg"]
