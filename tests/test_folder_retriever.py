"""A folder as a source: what it offers, what it says of the rest, and what it reads again."""

import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest

from phrasepix_core.candidate import Candidate
from retriever.errors import WrongParameterError
from retriever.filters import Filters
from retriever.folder import FOLDER, FolderSource
from retriever.folder.file_index import NOTES_FILE, FileIndex
from retriever.folder.names import occurs, shown
from retriever.folder.retriever import FolderRetriever
from retriever.folder.walk import FileEntry
from retriever.protocol import Downloads, Retriever
from retriever.source import Opening, SkippedHit, Source
from tests.picture_tree import bag, picture, plant, with_iptc, write, xmp

Opened = Callable[..., FolderRetriever]


@pytest.fixture
def skipped() -> list[SkippedHit]:
    return []


@pytest.fixture
def opened(skipped: list[SkippedHit]) -> Iterator[Opened]:
    """Opens retrievers for folders, which tell `skipped`, and closes them after the test."""
    with ExitStack() as stack:
        yield lambda folder, **options: stack.enter_context(FolderRetriever(folder, on_skip=skipped.append, **options))


def path_of(url: str) -> Path:
    assert url.startswith("file:///")
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(url).path)))


def names(candidates: Iterator[Candidate]) -> list[str]:
    return [path_of(candidate.image_url).name for candidate in candidates]


def test_a_folder_is_a_source_like_any_other(tmp_path: Path) -> None:
    write(tmp_path / "a.png", picture(1))
    source = FolderSource(tmp_path)
    assert isinstance(source, Source)
    assert not source.profile.needs_key
    assert source.profile.name == FOLDER.name == "folder"
    assert source.profile.title == f"the folder {tmp_path.name}"
    assert source.profile.usual_limit is None
    with source.open(Opening(offline=True)) as retriever:
        assert isinstance(retriever, Retriever)
        assert isinstance(retriever, Downloads)
        (only,) = retriever.retrieve("", limit=10, filters=Filters())
        assert retriever.file_to_save(only).url == (tmp_path / "a.png").as_uri()


@pytest.mark.slow
def test_the_whole_of_a_large_and_hostile_tree_is_offered(
    tmp_path: Path, opened: Opened, skipped: list[SkippedHit]
) -> None:
    root = tmp_path / "pictures"
    usable = plant(root)
    assert len(usable) > 1000
    offered = list(opened(root).retrieve())
    places = [path_of(url) for one in offered for url in (one.image_url, *one.other_urls)]
    cut_off = root / "bad" / "cut off.jpg"  # its head is whole: only who decodes it sees
    assert len(places) == len(set(places))
    assert set(places) == usable | {cut_off}
    assert len(offered) == len(usable) + 1 - 20
    assert len({one.identity for one in offered}) == len(offered)
    assert all(one.width > 0 and one.height > 0 and one.source == "folder" and one.title for one in offered)
    told = {Path(one.id).name: one.reason for one in skipped}
    assert {"empty.jpg", "text.jpg", "bomb.png", "itself.jpg", "out"} <= told.keys()
    if os.name != "nt":
        assert {"pipe.jpg", "socket.jpg"} <= told.keys()
    assert told.keys() <= {
        "empty.jpg",
        "text.jpg",
        "bomb.png",
        "cut off.heic",
        "itself.jpg",
        "out",
        "pipe.jpg",
        "socket.jpg",
    }
    assert "far too many pixels" in told["bomb.png"]
    assert all(one.source == "folder" and one.id.isprintable() and one.reason for one in skipped)


def test_addresses_and_words_of_odd_names_can_be_written_anywhere(tmp_path: Path, opened: Opened) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems allow no such names")
    name = os.fsdecode(b"\xffnew\nline\x1b[31m.png")
    write(tmp_path / name, picture(1))
    (only,) = opened(tmp_path).retrieve()
    assert path_of(only.image_url) == tmp_path / name
    assert only.image_url.isascii()
    assert only.title == "\\xffnew\\nline\\x1b[31m"
    repr(only).encode()


def test_copies_are_one_candidate_that_lists_its_other_places(tmp_path: Path, opened: Opened) -> None:
    for name in ("b/one.png", "a/two.png", "c.png"):
        write(tmp_path / name, picture(1))
    write(tmp_path / "b" / "other.png", picture(2))
    first, other = opened(tmp_path).retrieve()
    assert path_of(first.image_url) == tmp_path / "c.png"
    assert [path_of(url) for url in first.other_urls] == [tmp_path / "a/two.png", tmp_path / "b/one.png"]
    assert first.page_url == first.image_url
    assert other.other_urls == ()


def test_files_of_equal_size_are_not_taken_for_copies(tmp_path: Path, opened: Opened) -> None:
    write(tmp_path / "a.gif", picture(1, "GIF"))
    data = bytearray(picture(1, "GIF"))
    data[-3] ^= 1
    write(tmp_path / "b.gif", bytes(data))
    assert [len(one.other_urls) for one in opened(tmp_path).retrieve()] == [0, 0]


def test_a_picture_keeps_its_identity_when_it_is_renamed_moved_or_copied(tmp_path: Path, opened: Opened) -> None:
    write(tmp_path / "one" / "a.png", picture(1))
    (before,) = opened(tmp_path / "one").retrieve()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a.png").rename(tmp_path / "two" / "b.png")
    (after,) = opened(tmp_path / "two").retrieve()
    assert after.identity == before.identity
    assert after.image_url != before.image_url


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        ("boat", "IMG_boat-01", True),
        ("Boat", "two BOATS", False),
        ("boat", "boat01", True),
        ("boat", "houseboat", False),
        ("red boat", "a red boat", True),
        ("red boat", "red and boat", False),
        ("hafen", "Häfen von Åland", True),
        ("HÄFEN", "hafen", True),
        ("strasse", "Straße", True),
        ("cafe", "cafe\u0301", True),
        ("2019", "2019-07-02", True),
        ("2019", "20190702", False),
        ("лодка", "Лодка у моря", True),
        ("boat", "bo\u00adat\u200b", True),
        ("\ufeffboat", "boat", True),
        ("cafe\u0301", "Café", True),  # as macOS names files, and as people type
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8", True),
        # Scripts that set no spaces between words: a tag stands within others.
        ("海", "青い海と砂浜", True),
        ("砂浜 海", "青い海と砂浜", False),
        ("東京 タワー", "夜の東京タワー", True),
        ("タワー", "東京ﾀﾜｰ2", True),
        ("パン", "バンド", False),
        ("か", "が", False),
        ("เรือ", "เรือใบสีขาว", True),
        ("เสือ", "เสื้อสีแดง", False),  # a tiger is no shirt
        ("ເຮືອ", "ເຮືອໃນແມ່ນ້ຳ", True),
        ("ទូក", "ទូកនៅលើទឹក", True),
        ("လှေ", "အနီရောင်လှေ", True),
        ("sea", "青いsea海", True),
        # Scripts that do set them: whole words, however their letters are made up.
        ("नाव", "लाल नाव", True),
        ("नाव", "नव", False),
        ("배", "배경", False),
        ("قارب", "قَارِبٌ", True),
        ("!", "!", False),
    ],
)
def test_a_tag_occurs_as_whole_words_whatever_case_and_accents(tag: str, text: str, expected: bool) -> None:
    assert occurs(tag, [text]) is expected


def test_a_tag_is_looked_for_in_file_names_folders_and_keywords(tmp_path: Path, opened: Opened) -> None:
    root = tmp_path / "boat"  # the folder itself says nothing of a picture
    write(root / "a boat.png", picture(1))
    write(root / "Boat" / "2019" / "x.png", picture(2))
    write(root / "keyword.jpg", with_iptc(picture(3, "JPEG"), [(25, b"fishing boat")]))
    write(root / "packet.jpg", picture(4, "JPEG", xmp=xmp("><dc:subject>" + bag("Boat") + "</dc:subject>")))
    write(root / "houseboat.png", picture(5))
    write(root / "y.boat.png", picture(6))
    write(root / "copy.png", picture(1))
    write(root / "plain.png", picture(7))
    retriever = opened(root)
    found = list(retriever.retrieve("boat"))
    assert sorted(path_of(one.image_url).name for one in found) == [
        "a boat.png", "keyword.jpg", "packet.jpg", "x.png", "y.boat.png",
    ]  # fmt: skip
    assert {one.found_by for one in found} == {"boat"}
    assert [one.tags for one in found if one.tags] == [("fishing boat",), ("Boat",)]
    assert len(list(retriever.retrieve(""))) == 7
    assert list(retriever.retrieve("dragon")) == []


def test_a_copy_is_found_by_any_of_its_names(tmp_path: Path, opened: Opened) -> None:
    write(tmp_path / "IMG_1.png", picture(1))
    write(tmp_path / "a lighthouse.png", picture(1))
    assert names(opened(tmp_path).retrieve("lighthouse")) == ["IMG_1.png"]


def test_no_limit_is_all_there_is_and_a_limit_is_kept(tmp_path: Path, opened: Opened) -> None:
    for number in range(30):
        write(tmp_path / f"{number:02}.png", picture(number))
    retriever = opened(tmp_path)
    assert len(list(retriever.retrieve())) == 30
    assert names(retriever.retrieve("", limit=3)) == ["00.png", "01.png", "02.png"]


@pytest.mark.parametrize("limit", [0, -1, True, 2.5])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, opened: Opened, limit: int) -> None:
    with pytest.raises(WrongParameterError, match="limit"):
        opened(tmp_path).retrieve("", limit=limit)


def test_by_order_latest_the_last_changed_come_first(tmp_path: Path, opened: Opened) -> None:
    for number, age_s in enumerate([500, 100, 300]):
        write(tmp_path / f"{number}.png", picture(number), age_s=age_s)
    assert names(opened(tmp_path).retrieve("", limit=2, filters=Filters(order="latest"))) == ["1.png", "2.png"]


def test_filters_are_checked_against_what_files_say(tmp_path: Path, opened: Opened) -> None:
    dated = xmp('photoshop:DateCreated="2019-07-02" xmpRights:WebStatement="https://creativecommons.org/licenses/by-nc/4.0/">'
                "<dc:creator><rdf:Seq><rdf:li>Åse</rdf:li></rdf:Seq></dc:creator>")  # fmt: skip
    made = xmp(
        'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia">'
    )
    write(tmp_path / "upright.png", picture(1, size=(30, 60)))
    write(tmp_path / "dated.jpg", picture(2, "JPEG", xmp=dated))
    write(tmp_path / "made.jpg", picture(3, "JPEG", (80, 60), xmp=made))
    retriever = opened(tmp_path)

    def left(**wishes: object) -> list[str]:
        return sorted(names(retriever.retrieve("", filters=Filters(**wishes))))  # type: ignore[arg-type]

    assert left() == ["dated.jpg", "made.jpg", "upright.png"]
    assert left(orientation="vertical") == ["upright.png"]
    assert left(min_width=70) == ["made.jpg"]
    assert left(aspect_ratio=0.5) == ["upright.png"]
    assert left(since=date(2019, 1, 1), until=date(2019, 12, 31)) == ["dated.jpg"]
    assert left(since=date(2020, 1, 1)) == []
    assert left(creator="åse") == ["dated.jpg"]
    assert left(licence=("commercial",)) == [], "none of them says that it is allowed"
    assert left(exclude_ai=True) == ["dated.jpg", "upright.png"]
    assert left(media_type="video") == []
    assert len(left(media_type="illustration", colours=("red",))) == 3
    assert retriever.unhonoured(Filters(media_type="illustration", colours=("red",))) == {"media_type", "colours"}
    assert retriever.unhonoured(Filters(orientation="square", creator="x", exclude_ai=True)) == frozenset()


def test_a_second_search_reads_no_file_again(tmp_path: Path, opened: Opened, skipped: list[SkippedHit]) -> None:
    root = tmp_path / "pictures"
    for number in range(40):
        write(root / f"{number}.png", picture(number))
    write(root / "text.jpg", b"no picture at all")
    first = list(opened(root).retrieve())
    told = list(skipped)
    for (
        path
    ) in root.iterdir():  # unreadable for anybody who looks: other bytes of the same size, and the time as it was
        found = path.stat()
        path.write_bytes(b"\0" * found.st_size)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    skipped.clear()
    assert list(opened(root).retrieve()) == first
    assert skipped == told
    assert len(told) == 1


def test_a_file_that_changed_is_read_again_and_one_that_is_gone_not_offered(tmp_path: Path, opened: Opened) -> None:
    root = tmp_path / "pictures"
    for number in range(3):
        write(root / f"{number}.png", picture(number))
    before = {path_of(one.image_url).name: one.id for one in opened(root).retrieve()}
    write(root / "1.png", picture(10))
    (root / "2.png").unlink()
    after = {path_of(one.image_url).name: one.id for one in opened(root).retrieve()}
    assert after.keys() == {"0.png", "1.png"}
    assert after["0.png"] == before["0.png"]
    assert after["1.png"] != before["1.png"]


def test_a_file_changed_within_the_clocks_tick_is_read_again(tmp_path: Path, opened: Opened) -> None:
    path = write(tmp_path / "pictures" / "a.gif", picture(1, "GIF"), age_s=0)
    (before,) = opened(path.parent).retrieve()
    found = path.stat()
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    (after,) = opened(path.parent).retrieve()
    assert after.id != before.id


def test_what_was_read_is_noted_though_the_search_ends_early(tmp_path: Path, opened: Opened) -> None:
    root = tmp_path / "pictures"
    for number in range(300):
        write(root / f"{number:03}.png", picture(number))
    retriever = opened(root)
    candidates = retriever.retrieve()
    for _ in range(200):
        next(candidates)
    with closing(sqlite3.connect(tmp_path / "cache" / NOTES_FILE)) as db:
        assert db.execute("SELECT COUNT(*) FROM files").fetchone()[0] >= 128, "though the search is not even ended"
    candidates.close()  # type: ignore[attr-defined]
    with closing(sqlite3.connect(tmp_path / "cache" / NOTES_FILE)) as db:
        assert db.execute("SELECT COUNT(*) FROM files").fetchone()[0] == 200


def test_a_file_that_vanishes_meanwhile_is_named(tmp_path: Path, opened: Opened, skipped: list[SkippedHit]) -> None:
    for number in range(3):
        write(tmp_path / "pictures" / f"{number}.png", picture(number))
    candidates = opened(tmp_path / "pictures").retrieve()
    next(candidates)
    (tmp_path / "pictures" / "1.png").unlink()
    assert names(candidates) == ["2.png"]
    assert [Path(one.id).name for one in skipped] == ["1.png"]
    assert skipped[0].reason == "cannot be read: No such file or directory"


@pytest.mark.skipif(os.name == "nt", reason="needs what only POSIX systems have")
def test_a_pipe_that_takes_a_files_place_meanwhile_is_not_waited_for(
    tmp_path: Path, opened: Opened, skipped: list[SkippedHit]
) -> None:
    for number in range(3):
        write(tmp_path / "pictures" / f"{number}.png", picture(number))
    candidates = opened(tmp_path / "pictures").retrieve()
    next(candidates)
    (tmp_path / "pictures" / "1.png").unlink()
    os.mkfifo(tmp_path / "pictures" / "1.png")
    assert names(candidates) == ["2.png"]
    assert "it is no regular file" in skipped[0].reason


@pytest.mark.parametrize("damage", [b"this is no database at all, however long it is read" * 50, b""])
def test_damaged_notes_are_begun_afresh(tmp_path: Path, opened: Opened, damage: bytes) -> None:
    root = tmp_path / "pictures"
    write(root / "a.png", picture(1))
    first = list(opened(root).retrieve())
    opened(root).close()
    for file in (tmp_path / "cache").glob(f"{NOTES_FILE}*"):
        file.unlink()
    (tmp_path / "cache" / NOTES_FILE).write_bytes(damage)
    assert list(opened(root).retrieve()) == first
    with closing(sqlite3.connect(tmp_path / "cache" / NOTES_FILE)) as db:
        assert db.execute("SELECT COUNT(*) FROM files").fetchone() == (1,)


def test_notes_that_cannot_be_kept_are_gone_without(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "pictures"
    for number in range(3):
        write(root / f"{number}.png", picture(number))
    (tmp_path / "occupied").write_text("a file where a directory should be")
    assert len(list(opened(root, cache_directory=tmp_path / "occupied").retrieve())) == 3
    assert len(caplog.records) == 1
    assert f"nothing new can be kept in {tmp_path / 'occupied'}" in caplog.text


def test_damaged_notes_are_set_aside_with_a_message(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "pictures" / "a.png", picture(1))
    notes = tmp_path / "cache" / NOTES_FILE
    notes.parent.mkdir()
    notes.write_bytes(b"no notes " * 100)
    for _ in range(2):
        assert len(list(opened(tmp_path / "pictures").retrieve())) == 1
    assert notes.with_suffix(".damaged").read_bytes() == b"no notes " * 100
    assert caplog.text.count("set aside as folder-notes.damaged") == 1


def version_of(notes: Path, new: int | None = None) -> int:
    with closing(sqlite3.connect(notes)) as db:
        if new is not None:
            db.execute(f"PRAGMA user_version = {new}")
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_notes_of_an_older_version_are_begun_afresh_and_those_of_a_newer_one_left(
    tmp_path: Path, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    root, notes = tmp_path / "pictures", tmp_path / "cache" / NOTES_FILE
    write(root / "a.png", picture(1))
    with opened(root) as retriever:
        first = list(retriever.retrieve())
    current = version_of(notes)
    with closing(sqlite3.connect(notes)) as db, db:
        db.execute("ALTER TABLE files DROP COLUMN facts")  # what the version before knew less of
    version_of(notes, current - 1)
    with opened(root) as retriever:
        assert list(retriever.retrieve()) == first
    assert version_of(notes) == current
    version_of(notes, current + 1)
    before = notes.read_bytes()
    with opened(root) as retriever:
        assert list(retriever.retrieve()) == first
    assert notes.read_bytes() == before
    assert caplog.text.count("it is left as it is") == 1


def test_notes_that_make_no_sense_are_not_believed(tmp_path: Path, opened: Opened) -> None:
    root = tmp_path / "pictures"
    write(root / "a.png", picture(1))
    first = list(opened(root).retrieve())
    for nonsense in ("[]", "{", '{"width": 1}', '"text"', "null"):
        with closing(sqlite3.connect(tmp_path / "cache" / NOTES_FILE)) as db, db:
            db.execute("UPDATE files SET facts = ?", (nonsense,))
        assert list(opened(root).retrieve()) == first


def test_notes_of_files_unseen_for_half_a_year_go(tmp_path: Path, opened: Opened) -> None:
    root = tmp_path / "pictures"
    for number in range(2):
        write(root / f"{number}.png", picture(number))
    list(opened(root).retrieve())
    place = FileEntry.at(root / "0.png")
    day_s = 24 * 60 * 60
    for days, expected in ((100, 2), (200, 1), (400, 0)):
        now = place.modified_ns / 1e9 + days * day_s
        with FileIndex(tmp_path / "cache" / NOTES_FILE, clock=partial(float, now)) as notes:
            assert (notes.get(place) is not None) == (days < 400)
        with closing(sqlite3.connect(tmp_path / "cache" / NOTES_FILE)) as db:
            assert db.execute("SELECT COUNT(*) FROM files").fetchone() == (expected,)


def test_cameras_files_without_the_extra_are_left_out_with_one_remedy(
    tmp_path: Path, opened: Opened, skipped: list[SkippedHit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)  # what the import system makes of a package that is not there
    for name in ("1.CR2", "2.nef", "3.dng"):
        write(tmp_path / name, b"a camera's own")
    write(tmp_path / "4.png", picture(1))
    assert names(opened(tmp_path).retrieve()) == ["4.png"]
    assert len(skipped) == 1
    assert skipped[0].reason.startswith("3 files of cameras' own formats")
    assert re.search(r"pip install .*rawpy", skipped[0].reason)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nothing", "does not exist"),
        ("a.txt", "is no folder"),
        ("", "not named"),
        ("~nobody-of-that-name/pictures", "cannot be read"),
        ("nul\0byte", "cannot be read"),
    ],
)
def test_a_folder_that_is_none_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.txt", b"x")
    with pytest.raises(WrongParameterError, match=words):
        FolderSource(path).open(Opening())


def test_the_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(tmp_path / "Pictures" / "a.png", picture(1))
    with FolderSource("~/Pictures").open(Opening()) as retriever:
        assert names(retriever.retrieve("", limit=5, filters=Filters())) == ["a.png"]


def test_an_empty_folder_offers_nothing(tmp_path: Path, opened: Opened) -> None:
    assert list(opened(tmp_path).retrieve()) == []


def test_names_are_shown_without_what_a_terminal_would_obey() -> None:
    assert shown("\x1b[2J\r\n\udcff\u202eé🛶") == "\\x1b[2J\\r\\n\\xffé🛶"
    assert shown("👩\u200d🌾 خانه\u200cها\u200b.jpg") == "👩\u200d🌾 خانه\u200cها.jpg"
