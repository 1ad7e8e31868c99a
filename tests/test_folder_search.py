"""Whole searches over folders: loaded where the files lie, encoded once, shown from the file itself."""

import io
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from rich.console import Console

from phrasepix import find_images
from phrasepix.cache_inventory import FOLDERS, clear, inventory
from phrasepix.errors import UnknownSourceError
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.models.catalogue import choose_model
from phrasepix.models.shelf import ModelShelf
from phrasepix.results import Origin
from phrasepix.sample.catalogue import PICTURES_DIRECTORY, Catalogue
from phrasepix.sources.registry import source_named
from phrasepix.views.gallery import gallery_page
from phrasepix.views.links import page_of
from phrasepix_core.candidate import Candidate
from phrasepix_core.credit import credit_line
from reranker import ClipReranker, Embeddings, Ranking
from reranker.errors import ForbiddenAddressError, PictureError, PictureUnreachableError, PictureUnreadableError
from reranker.memory import PICTURES_FILE, Memory
from reranker.pictures import PictureLoader
from reranker.pictures.local_files import LocalFiles, path_of
from reranker.pictures.offline import OfflineFetcher
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.folder import FolderSource
from retriever.folder.file_index import NOTES_FILE
from retriever.folder.retriever import FolderRetriever
from retriever.source import SkippedHit
from tests.picture_server import candidate, encoded, stripes
from tests.picture_tree import KINDS, dng, picture, plant, write


class CountingEncoder(ColourEncoder):
    """Counts the pictures it was given."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.encoded += len(pictures)
        return super().encode_pictures(pictures)


def search(
    folder: Path,
    memory: Path,
    phrase: str = "red",
    *,
    tag: str = "",
    top: int = 5,
    skipped: list[SkippedHit] | None = None,
) -> tuple[Ranking, int]:
    """What a reranker of its own finds with nothing but these files and a memory, and how many it encoded."""
    told: list[SkippedHit] = [] if skipped is None else skipped
    encoder = CountingEncoder()
    with (
        FolderRetriever(folder, on_skip=told.append, cache_directory=memory) as retriever,
        Memory(memory) as kept,
        PictureLoader(OfflineFetcher(), local_sources={"folder"}) as loader,
    ):
        reranker = ClipReranker(encoder, loader=loader, memory=kept, threads=4)
        return reranker.rerank(phrase, retriever.retrieve(tag), top=top), encoder.encoded


@pytest.fixture
def files() -> LocalFiles:
    return LocalFiles()


def red_among_blue(folder: Path, count: int = 12) -> None:
    """Pictures that show the less red the later they come."""
    for number in range(count):
        red = ["red"] * (count - number) + ["blue"] * (number + 1)
        write(folder / f"{number:02}.png", encoded(stripes(red, (200, 150)), "PNG"))


@pytest.mark.slow
def test_a_large_and_hostile_tree_is_searched_whole_and_nothing_is_encoded_twice(tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    usable = plant(root)
    skipped: list[SkippedHit] = []
    ranking, encoded_first = search(root, tmp_path / "memory", top=20, skipped=skipped)
    assert encoded_first == len(usable) - 20, "a copy is not encoded"
    assert ranking.pool_size == encoded_first + 1
    assert [Path(one.candidate.image_url).name for one in ranking.skipped] == ["cut%20off.jpg"]
    assert "cut%20off.jpg: the picture is damaged" in ranking.skipped[0].reason
    assert len(ranking.matches) == 20
    assert ranking.matches[0].score > 0.9
    again, encoded_again = search(root, tmp_path / "memory", top=20)
    assert encoded_again == 0
    assert again == ranking
    boats, _ = search(root, tmp_path / "memory", tag="boat", top=5)
    assert boats.pool_size == len([path for path in usable if "boat" in path.name.lower()])
    assert all("boat" in match.candidate.image_url for match in boats.matches)


def test_a_renamed_moved_or_copied_picture_is_not_encoded_again(tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    red_among_blue(root)
    before, encoded_before = search(root, tmp_path / "memory", top=12)
    assert encoded_before == 12
    (root / "00.png").rename(root / "renamed.png")
    (root / "sub").mkdir()
    (root / "01.png").rename(root / "sub" / "moved.png")
    write(root / "copy.png", (root / "02.png").read_bytes())
    (root / "11.png").unlink()
    write(root / "new.png", picture(1))
    after, encoded_after = search(root, tmp_path / "memory", top=20)
    assert encoded_after == 1, "the new one"
    ids = {match.candidate.id: match.candidate for match in after.matches}
    best, second, third = (match.candidate.id for match in before.matches[:3])
    assert ids[best].image_url.endswith("/renamed.png")
    assert ids[second].image_url.endswith("/sub/moved.png")
    assert [Path(url).name for url in (ids[third].image_url, *ids[third].other_urls)] == ["02.png", "copy.png"]
    assert before.matches[-1].candidate.id not in ids
    root.rename(tmp_path / "elsewhere")
    assert search(tmp_path / "elsewhere", tmp_path / "memory", top=20)[1] == 0


def test_a_second_search_reads_only_what_it_shows(tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    red_among_blue(root)
    first, _ = search(root, tmp_path / "memory", top=3)
    shown = {path_of(match.candidate.image_url) for match in first.matches}
    for path in set(root.iterdir()) - shown:  # of no use to anybody who looks, and to see no different
        found = path.stat()
        path.write_bytes(b"\0" * found.st_size)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    again, encoded_again = search(root, tmp_path / "memory", top=3)
    assert (again, encoded_again) == (first, 0)
    assert again.skipped == ()
    for one, other in zip(first.matches, again.matches, strict=True):
        np.testing.assert_array_equal(np.asarray(one.picture), np.asarray(other.picture))


def test_files_of_ones_own_are_not_copied_into_the_memory(tmp_path: Path) -> None:
    red_among_blue(tmp_path / "pictures")
    search(tmp_path / "pictures", tmp_path / "memory")
    with Memory(tmp_path / "memory") as memory:
        assert memory.embeddings.kept()[0].count == 12
        assert memory.pictures.count() == 0
    with closing(sqlite3.connect(tmp_path / "memory" / PICTURES_FILE)) as db:
        assert db.execute("SELECT COUNT(*) FROM pictures").fetchone() == (0,)


def test_results_that_firm_up_show_files_too(tmp_path: Path) -> None:
    red_among_blue(tmp_path / "pictures", 40)
    with (
        FolderRetriever(tmp_path / "pictures") as retriever,
        PictureLoader(OfflineFetcher(), local_sources={"folder"}) as loader,
    ):
        reranker = ClipReranker(ColourEncoder(), loader=loader, batch_size=8)
        rankings = list(reranker.stream("red", retriever.retrieve(), top=4))
    assert not rankings[0].matches
    assert all(len(ranking.matches) == 4 for ranking in rankings[1:] if ranking.pool_size >= 4)
    assert len(rankings) > 3


def test_a_picture_that_vanished_is_shown_from_its_copy_or_leaves_its_place_to_the_next(tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    red_among_blue(root, 5)
    write(root / "copy of 00.png", (root / "00.png").read_bytes())
    with (
        FolderRetriever(root) as retriever,
        PictureLoader(OfflineFetcher(), local_sources={"folder"}) as loader,
    ):
        pool = list(retriever.retrieve())
        reranker = ClipReranker(ColourEncoder(), loader=loader)
        whole = reranker.rerank("red", pool, top=5)
        (root / "00.png").unlink()
        (root / "01.png").unlink()
        left = reranker.rerank("red", pool, top=3)
    assert [m.candidate.id for m in left.matches] == [whole.matches[n].candidate.id for n in (0, 2, 3)]
    assert [one.candidate.id for one in left.skipped] == [whole.matches[1].candidate.id]
    assert "01.png: the file cannot be read: No such file" in left.skipped[0].reason


@pytest.mark.slow
def test_a_folder_of_drawn_scenes_is_ranked_by_what_they_show_not_by_what_they_are_called(tmp_path: Path) -> None:
    root = tmp_path / "drawn"
    tags = {}
    for number, scene in enumerate(Catalogue.load(PICTURES_DIRECTORY)):
        if {"boat", "kite"} & set(scene.tags):
            write(root / f"IMG_{number:04}.jpg", scene.path.read_bytes())
            tags[f"IMG_{number:04}"] = scene.tags
    _, choice = choose_model("sample", None, only_the_sample=False)
    with (
        FolderRetriever(root) as retriever,
        PictureLoader(OfflineFetcher(), local_sources={"folder"}) as loader,
    ):
        reranker = ModelShelf().reranker(choice, "auto", "auto", cache_directory())
        ranking = reranker.rerank("two red boats at night in the rain", retriever.retrieve(), top=5, loader=loader)
    assert ranking.pool_size == len(tags) > 80
    assert ranking.skipped == ()
    assert {"boat", "night", "rain"} <= set(tags[ranking.matches[0].candidate.title])


@pytest.mark.parametrize("extension", KINDS)
def test_every_kind_of_file_is_decoded_where_it_lies(tmp_path: Path, files: LocalFiles, extension: str) -> None:
    path = write(tmp_path / f"a{extension}", encoded(stripes(["red", "blue"], (64, 48)), KINDS[extension]))
    shown = files.picture([path.as_uri()], 300)
    assert (shown.mode, shown.size) == ("RGB", (64, 48))
    left, right = (np.asarray(shown)[24, x].astype(int) for x in (10, 54))
    assert left[0] > left[2]
    assert right[2] > right[0]


def test_a_turned_heic_comes_out_upright_once(tmp_path: Path, files: LocalFiles) -> None:
    heif = pillow_heif.from_pillow(stripes(["red", "blue"], (64, 48)))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    heif.save(buffer, exif=exif.tobytes())
    path = write(tmp_path / "a.heic", buffer.getvalue())
    with FolderRetriever(tmp_path) as retriever:
        (only,) = retriever.retrieve()
    assert files.picture([path.as_uri()], 300).size == (only.width, only.height)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_cameras_file_is_seen_by_its_preview_upright(tmp_path: Path, files: LocalFiles, orientation: int) -> None:
    pytest.importorskip("rawpy", reason="needs the extra raw")
    preview = encoded(stripes(["red", "blue"], (160, 120)), "JPEG")
    path = write(tmp_path / "a.dng", dng(preview, (320, 240), orientation=orientation))
    shown = files.picture([path.as_uri()], 300)
    where_red = {1: (10, 60), 3: (150, 60), 6: (60, 10), 8: (60, 150)}[orientation]
    assert shown.size == ((160, 120) if orientation in {1, 3} else (120, 160))
    red, _, blue = np.asarray(shown)[where_red[1], where_red[0]].astype(int)
    assert red > blue
    with FolderRetriever(tmp_path) as retriever:
        (only,) = retriever.retrieve()
    assert (only.width > only.height) == (shown.width > shown.height)


def test_a_cameras_file_without_the_extra_says_what_it_needs(
    tmp_path: Path, files: LocalFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)  # what the import system makes of a package that is not there
    path = write(tmp_path / "a.dng", dng(picture(1, "JPEG"), (32, 24)))
    with pytest.raises(PictureUnreadableError, match=r"a\.dng: .*pip install .*rawpy"):
        files.picture([path.as_uri()], 300)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_reduced_to_what_is_of_use(tmp_path: Path, files: LocalFiles, kind: str) -> None:
    path = write(tmp_path / "a.bin.png", encoded(stripes(["red", "blue"], (3000, 2000)), kind))
    assert 300 <= min(files.picture([path.as_uri()], 300).size) < 600
    assert min(files.picture([path.as_uri()], 1500).size) == 2000


def test_a_telephones_hundred_million_pixels_are_not_too_many(tmp_path: Path, files: LocalFiles) -> None:
    path = write(tmp_path / "a.jpg", encoded(Image.new("L", (9000, 9000), 128), "JPEG"))
    assert files.picture([path.as_uri()], 1000).size == (1125, 1125)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "gone", "folder", "pipe"])
def test_a_file_that_cannot_be_used_is_an_error_that_names_it(tmp_path: Path, files: LocalFiles, damage: str) -> None:
    path = tmp_path / "bad one.jpg"
    if damage == "folder":
        path.mkdir()
    elif damage == "pipe":
        if os.name == "nt":
            pytest.skip("needs what only POSIX systems have")
        os.mkfifo(path)
    elif damage != "gone":
        write(path, {"empty": b"", "text": b"no picture", "cut": picture(1, "JPEG", (640, 480))[:2000]}[damage])
    with pytest.raises(PictureError, match=r"^file:///.*bad%20one\.jpg: \S"):
        files.picture([path.as_uri()], 300)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
@pytest.mark.parametrize("name", [b"\xff\xfe.png", b"new\nline.png", b"%41?#;.png", "🛶 é.png".encode()])
def test_a_name_of_any_bytes_survives_its_way_as_an_address(tmp_path: Path, files: LocalFiles, name: bytes) -> None:
    path = write(tmp_path / os.fsdecode(name), picture(1))
    assert path_of(path.as_uri()) == path
    assert files.picture([path.as_uri()], 300).size == (64, 48)


@pytest.mark.parametrize("url", ["http://example.org/a.jpg", "file://elsewhere/a.jpg", "a.jpg", "data:,x"])
def test_an_address_that_is_no_files_is_refused(url: str) -> None:
    with pytest.raises(PictureUnreachableError, match="not that of a file"):
        path_of(url)


def test_files_are_read_for_no_source_but_those_named(tmp_path: Path) -> None:
    url = write(tmp_path / "private.png", picture(1)).as_uri()
    with PictureLoader(loopback_sources={"sample"}, local_sources={"folder"}) as loader:
        assert loader.load(candidate(1, url, source="folder"), 32).data is None
        for source in ("sample", "pixabay"):
            with pytest.raises(ForbiddenAddressError):
                loader.load(candidate(1, url, source=source), 32)
            assert loader.at_hand(candidate(1, url, source=source), 32) is None


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in ("plain", "pixabay", "with space"):
        (tmp_path / folder).mkdir()


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("name", ["./pixabay", "~/plain", "~", ".", "plain", "with space", "folder:plain", "/"])
def test_what_looks_like_a_path_or_is_a_folder_is_one(name: str) -> None:
    source = source_named(name)
    assert isinstance(source, FolderSource)
    assert source.profile.name == "folder"


@pytest.mark.usefixtures("places")
def test_a_path_is_a_folder_whatever_it_is_called() -> None:
    assert isinstance(source_named(Path("pixabay")), FolderSource)


@pytest.mark.usefixtures("places")
def test_a_sources_name_is_the_source_though_a_folder_is_called_so() -> None:
    assert source_named("pixabay").profile.name == "pixabay"


@pytest.mark.usefixtures("places")
def test_what_is_neither_a_source_nor_a_folder_is_a_clear_error() -> None:
    with pytest.raises(UnknownSourceError, match=r"'plane' is not known; allowed: .*sample.*, or the path of a folder"):
        source_named("plane")


def test_notes_of_folders_are_shown_and_cleared_like_all_that_is_kept(tmp_path: Path) -> None:
    red_among_blue(tmp_path / "pictures", 7)
    with FolderRetriever(tmp_path / "pictures") as retriever:
        first = list(retriever.retrieve())
    (kept,) = (one for one in inventory() if one.kind == FOLDERS)
    assert (kept.count, kept.path) == (7, tmp_path / "cache" / NOTES_FILE)
    assert clear([FOLDERS], older_than_days=1) == {FOLDERS: 0}
    assert clear([FOLDERS]) == {FOLDERS: 7}
    assert b"00.png" not in (tmp_path / "cache" / NOTES_FILE).read_bytes(), "nothing is left to be read"
    with FolderRetriever(tmp_path / "pictures") as retriever:
        assert list(retriever.retrieve()) == first


def test_the_page_and_the_table_of_results_lead_to_the_files(tmp_path: Path) -> None:
    red_among_blue(tmp_path / "pictures")
    ranking, _ = search(tmp_path / "pictures", tmp_path / "memory", top=2)
    profile = FolderSource(tmp_path / "pictures").profile
    origin = Origin(profile.name, profile.title, profile.mention)
    results = LiveResults(
        "red", (), (origin,), "colours", tuple(map(LiveMatch.of, ranking.matches)), (), ranking.pool_size
    )
    first = ranking.matches[0].candidate
    assert f'href="{first.page_url}"' in gallery_page(results)
    assert first.title in gallery_page(results)
    assert "the folder pictures" in repr(results)
    with io.StringIO() as shown:
        Console(file=shown, width=400, force_terminal=True).print(results)
        assert first.relative_path == "00.png" in shown.getvalue()
        assert first.page_url in shown.getvalue()  # as a link
    assert credit_line(first) == first.title, "a picture's own name, where nobody is named"
    disguised = replace(first, source="pixabay")
    assert page_of(disguised) == "", "no other source's answer leads to a file"


def test_a_candidates_address_is_its_page(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", picture(1))
    with FolderRetriever(tmp_path) as retriever:
        only: Candidate = next(retriever.retrieve())
    assert only.page_url == only.image_url == path.as_uri()


def test_a_folder_is_searched_by_name_with_and_without_a_tag(tmp_path: Path) -> None:
    red_among_blue(tmp_path / "pictures")
    whole = find_images("red", source=str(tmp_path / "pictures"), model=ColourEncoder(), top=3)
    assert whole.pool_size == len(list((tmp_path / "pictures").rglob("*.png")))
    assert whole.tags == ()
    assert whole[0].score == max(match.score for match in whole)
    by_path = find_images("red", source=tmp_path / "pictures", model=ColourEncoder(), top=3)
    assert [match.candidate for match in by_path] == [match.candidate for match in whole]
