"""Files beside pictures: XMP sidecars and Google Takeout's JSON, told by their names, read with care."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from phrasepix.library.location import Location
from phrasepix.library.table import Library
from retriever.filters import Filters
from retriever.folder.contents import read_contents
from retriever.folder.retriever import FolderRetriever
from retriever.folder.sidecars import SidecarNames
from retriever.folder.walk import FileEntry, places
from retriever.source import SkippedHit
from tests.library_parts import CountingEncoder, sync
from tests.picture_tree import bag, picture, write, xmp

LONG = "a name so long that no camera would ever give it, but people do"


def takeout(**said: object) -> bytes:
    """JSON as Takeout writes it."""
    return json.dumps({"title": "a.jpg", "imageViews": "3"} | said).encode()


def dated(seed: int, day: str) -> bytes:
    """A JPEG that says when it was taken."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = f"{day} 12:00:00"
    return picture(seed, "JPEG", exif=exif.tobytes())


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("photo.cr2", "photo.xmp"),  # Lightroom
        ("photo.JPG", "photo.JPG.xmp"),  # darktable, digiKam
        ("photo.jpg", "PHOTO.JPG.XMP"),
        ("IMG_E0001.JPG", "IMG_0001.xmp"),  # Apple's edited copy
        ("photo.jpg", "photo.jpg.json"),
        ("photo.jpg", "photo.jpg.supplemental-metadata.json"),
        ("a rather long name of a photo.jpg", "a rather long name of a photo.jpg.supplemental.json"),
        ("photo.jpg", "photo.jpg.s.json"),
        ("photo.jpg", "photo.jpg..json"),
        (f"{LONG[:47]}.jpg", f"{LONG[:46]}.json"),
        ("photo(2).jpg", "photo.jpg(2).json"),
        ("photo(2).jpg", "photo.jpg.supplemental-metadata(2).json"),
        ("photo(2).jpg", "photo(2).jpg.json"),
        (f"{LONG[:44]}(1).jpg", f"{LONG[:44]}.j(1).json"),
        ("photo-edited.jpg", "photo.jpg.json"),
        ("photo-bearbeitet(1).jpg", "photo.jpg(1).json"),
        ("IMG_1(3)-edited.jpg", "IMG_1.jpg(3).json"),
    ],
)
def test_a_sidecar_is_known_by_its_name(name: str, beside: str) -> None:
    others = [
        "metadata.json", "other.jpg.json", "photo.jpg(7).json", "other.xmp", "a rather long name.jpg.json",
        "photo.jpeg.json", "photo.jp.xmp",
    ]  # fmt: skip
    assert SidecarNames([*others, beside]).of(name) == (beside,)
    assert SidecarNames(others).of(name) == ()


def test_a_copy_that_was_edited_has_its_own_sidecar_if_it_has_one() -> None:
    names = SidecarNames(["photo.jpg.json", "photo-edited.jpg.xmp", "photo(1).xmp"])
    assert names.of("photo-edited.jpg") == ("photo-edited.jpg.xmp",)
    assert names.of("photo.jpg") == ("photo.jpg.json",)


def found(folder: Path, **wishes: object) -> list[str]:
    """Names of the pictures that fit."""
    with FolderRetriever(folder, on_skip=lambda hit: None) as retriever:
        candidates = retriever.retrieve(filters=Filters(**wishes))  # type: ignore[arg-type]
        return [Path(one.page_url).name for one in candidates]


def test_what_an_editor_wrote_counts_before_what_the_picture_says(tmp_path: Path) -> None:
    inner = xmp(f'xmp:Rating="1"><dc:title>before</dc:title><dc:subject>{bag("inside")}</dc:subject>')
    write(tmp_path / "a.jpg", picture(1, "JPEG", xmp=inner))
    write(tmp_path / "a.jpg.xmp", xmp(f'xmp:Rating="4"><dc:subject>{bag("harbour")}</dc:subject>'))
    write(tmp_path / "a.xmp", xmp('xmp:Rating="2"><dc:creator><rdf:Seq><rdf:li>Ann</rdf:li></rdf:Seq></dc:creator>'))
    with FolderRetriever(tmp_path) as retriever:
        (one,) = retriever.retrieve()
    assert (one.title, one.creator, set(one.tags)) == ("before", "Ann", {"harbour", "inside"})
    assert found(tmp_path, all_tags=("harbour", "inside")) == ["a.jpg"]


def test_takeout_says_what_the_picture_does_not(tmp_path: Path) -> None:
    said = takeout(
        description="At the lake",
        photoTakenTime={"timestamp": "1577145600"},  # 24 December 2019, 00:00 in UTC
        people=[{"name": "Ann"}, {"nobody": 1}, "x"],
    )
    write(tmp_path / "a.jpg", picture(1, "JPEG"))
    write(tmp_path / "a.jpg.supplemental-metadata.json", said)
    with FolderRetriever(tmp_path) as retriever:
        (one,) = retriever.retrieve()
    assert (one.title, one.tags, one.taken_on) == ("At the lake", ("Ann",), date(2019, 12, 24))


@pytest.mark.parametrize(("day", "counts"), [("2019:12:23", date(2019, 12, 23)), ("2001:01:01", date(2019, 12, 24))])
def test_takeouts_day_counts_only_where_it_was_mended(tmp_path: Path, day: str, counts: date) -> None:
    write(tmp_path / "a.jpg", dated(1, day))
    write(tmp_path / "a.jpg.json", takeout(photoTakenTime={"timestamp": "1577145600"}))
    with FolderRetriever(tmp_path) as retriever:
        assert [one.taken_on for one in retriever.retrieve()] == [counts]


@pytest.mark.parametrize(
    "broken",
    [
        b"", b'{"description": "cut o', b"[" * 100_000, b"\xff\xfe{}", b'{"photoTakenTime": {"timestamp": "1e9"}}',
        b'{"photoTakenTime": 3, "people": 7, "geoData": [], "description": {}}', b"[1, 2]", b"null", b" " * (2 << 20),
        b'{"photoTakenTime": {"timestamp": "99999999999999999999"}, "geoData": {"latitude": "x", "longitude": 1e999}}',
    ],
)  # fmt: skip
def test_broken_json_takes_nothing_from_its_picture(tmp_path: Path, broken: bytes) -> None:
    write(tmp_path / "a.jpg", dated(1, "2020:01:05"))
    write(tmp_path / "a.jpg.json", broken)
    with FolderRetriever(tmp_path, on_skip=lambda hit: None) as retriever:
        (one,) = retriever.retrieve()
    assert (one.taken_on, one.tags, one.title) == (date(2020, 1, 5), (), "a")


def test_a_damaged_sidecar_is_named_each_time(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", picture(1, "JPEG"))
    write(tmp_path / "a.jpg.json", b"{")
    write(tmp_path / "a.xmp", b"no XMP")
    for _ in range(2):  # read, then noted
        skipped: list[SkippedHit] = []
        with FolderRetriever(tmp_path, on_skip=skipped.append) as retriever:
            assert len(list(retriever.retrieve())) == 1
        assert sorted(Path(one.id).name for one in skipped) == ["a.jpg.json", "a.xmp"]
        assert "is damaged" in skipped[0].reason


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_sidecar_that_is_a_link_is_none(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "secret.xmp", xmp(f">{bag('secret')}"))
    write(tmp_path / "here" / "a.jpg", picture(1, "JPEG"))
    (tmp_path / "here" / "a.xmp").symlink_to(tmp_path / "elsewhere" / "secret.xmp")
    (entry,) = places(tmp_path / "here", lambda path, reason: None)
    assert entry.sidecars == ()
    assert entry.beside == ""


def test_a_changed_sidecar_is_a_change_of_its_picture(tmp_path: Path) -> None:
    folder, base, cache = tmp_path / "pictures", tmp_path / "library", tmp_path / "cache"
    for number in range(3):
        write(folder / f"{number}.jpg", picture(number, "JPEG"))
    sync(base, folder, cache)
    encoder = CountingEncoder()

    def ratings() -> list[int | None]:
        dataset = Library.open(Location("mine", str(base))).dataset
        rated: list[int | None] = dataset.to_table(columns=["key", "rating"]).sort_by("key")["rating"].to_pylist()
        return rated

    write(folder / "1.xmp", xmp('xmp:Rating="4">'))
    assert sync(base, folder, cache, encoder).written == 1
    assert ratings() == [None, 4, None]
    write(folder / "1.xmp", xmp('xmp:Rating="5">'), age_s=60)
    assert sync(base, folder, cache, encoder).written == 1
    assert ratings() == [None, 5, None]
    assert sync(base, folder, cache, encoder).unchanged == 3
    (folder / "1.xmp").unlink()
    assert sync(base, folder, cache, encoder).written == 1
    assert (ratings(), encoder.encoded) == ([None] * 3, 0)


def test_a_library_names_a_damaged_sidecar_and_keeps_the_picture(tmp_path: Path) -> None:
    folder, base = tmp_path / "pictures", tmp_path / "library"
    write(folder / "a.jpg", picture(1, "JPEG"))
    write(folder / "a.jpg.json", b"{")
    skipped: list[str] = []
    counts = sync(base, folder, tmp_path / "cache", skipped=skipped)
    assert (counts.written, counts.deleted) == (1, 0)
    assert skipped == ["a.jpg.json: is damaged; what it says of its picture is not known"]


def test_where_a_picture_was_taken_is_kept_only_where_it_is_wanted(tmp_path: Path) -> None:
    folder, base, cache = tmp_path / "pictures", tmp_path / "library", tmp_path / "cache"
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 36.0)})
    write(folder / "exif.jpg", picture(1, "JPEG", exif=exif.tobytes()))
    write(folder / "json.jpg", picture(2, "JPEG"))
    write(folder / "json.jpg.json", takeout(geoData={"latitude": 48.2, "longitude": 16.4}))
    write(folder / "none.jpg", picture(3, "JPEG"))
    write(folder / "none.jpg.json", takeout(geoData={"latitude": 0.0, "longitude": 0.0}))
    write(folder / "xmp.jpg", picture(4, "JPEG"))
    write(folder / "xmp.jpg.xmp", xmp('exif:GPSLatitude="51,28.6N" exif:GPSLongitude="0,6,0W">'))

    def kept() -> list[tuple[float, float] | None]:
        dataset = Library.open(Location("mine", str(base))).dataset
        rows = dataset.to_table(columns=["key", "latitude", "longitude"]).sort_by("key").to_pylist()
        return [
            None if row["latitude"] is None else (round(row["latitude"], 4), round(row["longitude"], 4)) for row in rows
        ]

    sync(base, folder, cache)
    assert kept() == [None] * 4
    library = Library.open(Location("mine", str(base)))
    library.keep_places(keeps=True)
    encoder = CountingEncoder()
    assert (sync(base, folder, cache, encoder).written, encoder.encoded) == (4, 0)
    assert kept() == [(-33.86, 151.21), (48.2, 16.4), None, (51.4767, -0.1)]
    assert sync(base, folder, cache).unchanged == 4
    library.keep_places(keeps=False)
    assert kept() == [None] * 4
    assert len(library.dataset.versions()) == 1  # nor do former versions tell


def test_a_place_is_no_part_of_what_facts_say(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", picture(1, "JPEG"))
    write(tmp_path / "a.xmp", xmp('exif:GPSLatitude="51,28.6N" exif:GPSLongitude="0,6,0W">'))
    (entry,) = places(tmp_path, lambda path, reason: None)
    facts = read_contents(entry).facts
    assert facts is not None
    assert facts.place is not None
    assert facts.place == pytest.approx((51 + 28.6 / 60, -0.1))
    assert "51." not in repr(facts) + facts.to_json()
    assert FileEntry.at(entry.path).sidecars == ()
