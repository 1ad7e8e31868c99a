"""Videos in a library: found by their shots, with the place in the clip; what is no video never ends the sync."""

import json
import os
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phrasepix import find_images
from phrasepix.library.folder_sync import SyncCounts
from phrasepix.library.location import Location
from phrasepix.library.pages.timeline import timeline_page
from phrasepix.library.schema import KEY
from phrasepix.library.table import Library
from phrasepix.views.videos import video_note
from reranker.errors import PictureError
from reranker.pictures.local_files import LocalFiles
from reranker.pictures.videos import frame_at, shots_of
from reranker.testing import COLOURS, ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from retriever.folder.walk import VIDEOS
from tests.library_parts import CountingEncoder, sync
from tests.picture_tree import picture, settle, write

av = pytest.importorskip("av")

FRAMES_A_SECOND = 10


def video(path: Path, shots: Sequence[tuple[str, float]], size: tuple[int, int] = (96, 64), **metadata: str) -> Path:
    """Write a video of shots, each of a colour with a mark that moves, so many seconds long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata)
        stream = container.add_stream("mpeg4", rate=FRAMES_A_SECOND)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        number = 0
        for colour, seconds in shots:
            for _ in range(round(seconds * FRAMES_A_SECOND)):
                drawn = np.full((size[1], size[0], 3), COLOURS[colour], dtype=np.uint8)
                drawn[:8, number % (size[0] - 8) : number % (size[0] - 8) + 8] = 128
                container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn, format="rgb24")))
                number += 1
        container.mux(stream.encode())
    settle(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    write(place / "still.png", picture(1))
    video(
        place / "clip, cut.mp4",
        [("red", 3), ("blue", 2.5), ("green", 2)],
        title="A day out",
        creation_time="2020-02-29T10:00:00Z",
    )
    return place


def synced(
    folder: Path, encoder: ColourEncoder | None = None, told: list[str] | None = None
) -> tuple[Library, SyncCounts]:
    location = Location.of("mine")
    counts = sync(Path(location.base), folder, cache_directory(), encoder, told)
    return Library.open(location), counts


def frames(library: Library) -> list[tuple[str, float]]:
    table = library.dataset.to_table(columns=["path", "frame_at"], filter="media = 'video'")
    rows = zip(table["path"].to_pylist(), table["frame_at"].to_pylist(), strict=True)
    return sorted((Path(path).name, at) for path, at in rows)


def test_a_video_is_found_by_its_shots_with_the_place_in_it(folder: Path) -> None:
    library, counts = synced(folder)
    assert frames(library) == [("clip, cut.mp4", at) for at in (0.0, 3.0, 5.5)]
    assert (counts.written, counts.encoded) == (4, 4)
    results = find_images("blue", source="library:mine", model=ColourEncoder(), filters=Filters(media_type="video"))
    best = results[0].candidate
    assert (best.media_type, best.frame_at) == ("video", 3.0)
    assert best.duration_s == pytest.approx(7.5, abs=0.2)
    assert best.page_url == (folder / "clip, cut.mp4").as_uri() + "#t=3.000"
    assert [clip.url for clip in best.clips] == [(folder / "clip, cut.mp4").as_uri()]
    assert (best.title, str(best.taken_on)) == ("A day out", "2020-02-29")
    pixel = results[0].picture.getpixel((48, 40))
    assert isinstance(pixel, tuple)
    assert pixel[2] > 150 > pixel[0]
    (first,) = [one for one in json.loads(results.to_json())["matches"] if one["rank"] == 1]
    assert first["frame_at"] == 3.0
    assert first["path"] == str(folder / "clip, cut.mp4")
    assert video_note(best) == "0:03 of 0:08 video"
    results.save_gallery(folder.parent / "found.html")
    assert "0:03 of 0:08 video" in (folder.parent / "found.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("media", "count"), [("video", 3), ("photo", 1), ("all", 4)])
def test_videos_and_stills_are_told_apart(folder: Path, media: str, count: int) -> None:
    synced(folder)
    filters = Filters(media_type=media)
    results = find_images("blue", source="library:mine", model=ColourEncoder(), filters=filters, fold=False)
    assert len(results) == count


def test_an_unchanged_video_is_not_opened_and_a_changed_one_is_read_again(folder: Path) -> None:
    library, _ = synced(folder)
    encoder = CountingEncoder()
    _, counts = synced(folder, encoder)
    assert (counts.unchanged, counts.written, encoder.encoded) == (2, 0, 0)
    video(folder / "clip, cut.mp4", [("white", 2), ("black", 2)])
    os.utime(folder / "clip, cut.mp4", ns=(10**18, 10**18))
    library, counts = synced(folder)
    assert frames(library) == [("clip, cut.mp4", 0.0), ("clip, cut.mp4", 2.0)]
    library, _ = synced(folder)
    assert library.count() == 3


def test_a_video_that_moves_is_not_encoded_again_and_one_that_goes_is_gone(folder: Path) -> None:
    synced(folder)
    (folder / "below").mkdir()
    (folder / "clip, cut.mp4").rename(folder / "below" / "moved.mp4")
    encoder = CountingEncoder()
    library, counts = synced(folder, encoder)
    assert frames(library) == [("moved.mp4", at) for at in (0.0, 3.0, 5.5)]
    assert encoder.encoded == 0
    (folder / "below" / "moved.mp4").unlink()
    write(folder / "below" / "other.png", picture(4))  # else its drive might be elsewhere
    library, counts = synced(folder)
    assert frames(library) == []
    assert counts.deleted == 1


def test_the_video_of_a_live_photo_is_no_picture_of_its_own(folder: Path) -> None:
    write(folder / "IMG_1234.HEIC", picture(2))
    write(folder / "IMG_1235.jpg", picture(3))
    for name in ("IMG_1234.MOV", "img_1235.mp4", "IMG_1236.MOV", "below/IMG_1234.MOV"):
        video(folder / name, [("blue", 1)], title=name)  # the last two have no photograph beside them
    library, counts = synced(folder)
    assert {name for name, _ in frames(library)} == {"clip, cut.mp4", "IMG_1236.MOV", "IMG_1234.MOV"}
    assert library.count(f"{KEY} = '{(folder / 'IMG_1234.MOV').as_uri()}#t=0.000'") == 0
    assert counts.unchanged == counts.skipped == 0
    again, counts = synced(folder)
    assert (counts.written, again.count()) == (0, library.count())


def test_a_photograph_that_comes_to_its_video_takes_it_out_and_a_film_stays(folder: Path) -> None:
    video(folder / "IMG_7.MOV", [("blue", 1)])
    film = video(folder / "IMG_8.MOV", [("red", 1)])
    with film.open("r+b") as file:
        file.truncate(20 << 20)  # a sparse end, which players pass over
    synced(folder)
    for number in (7, 8):
        write(folder / f"IMG_{number}.jpg", picture(number))
    library, counts = synced(folder)
    assert counts.deleted == 1
    assert {name for name, _ in frames(library)} == {"clip, cut.mp4", "IMG_8.MOV"}


def test_a_copy_of_a_video_is_found_once(folder: Path) -> None:
    shutil.copy(folder / "clip, cut.mp4", folder / "again.mp4")
    library, counts = synced(folder)
    assert counts.encoded == 4
    assert library.count() == 7
    results = find_images("blue", source="library:mine", model=ColourEncoder(), filters=Filters(media_type="video"))
    assert [one.candidate.frame_at for one in results] == [3.0, 0.0, 5.5]
    assert len(results[0].candidate.other_urls) == 1


def test_videos_of_a_library_are_taken_out_by_file_and_folder(folder: Path) -> None:
    library, _ = synced(folder)
    assert len(library.keys_below(folder / "clip, cut.mp4")) == 3
    assert len(library.keys_below(folder)) == 4
    assert library.keys_below(folder / "clip, cut") == []


BROKEN = {
    "empty stream.mp4": b"\0" * 5000,
    "text.mov": b"no video at all\n" * 200,
    "picture.mkv": picture(9),
    "cut short.avi": b"",
}


def test_what_is_no_video_is_named_and_the_sync_goes_on(folder: Path) -> None:
    for name, data in BROKEN.items():
        write(folder / name, data)
    whole = (folder / "clip, cut.mp4").read_bytes()
    write(folder / "half.mp4", whole[: len(whole) // 2])
    sound = folder / "sound.mov"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame(format="s16", layout="mono", samples=1024)
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    settle(sound)
    told: list[str] = []
    library, counts = synced(folder, told=told)
    assert frames(library)[:1] == [("clip, cut.mp4", 0.0)]
    named = {one.partition(":")[0] for one in told}
    assert {*BROKEN, "half.mp4", "sound.mov"} - {"picture.mkv"} <= named
    assert counts.skipped >= 5
    again: list[str] = []
    _, counts = synced(folder, told=again)
    assert {one.partition(":")[0] for one in again} == named


def test_at_most_one_frame_a_second_is_taken(tmp_path: Path) -> None:
    colours = list(COLOURS)
    flicker = video(tmp_path / "flicker.mp4", [(colours[n % 8], 0.3) for n in range(20)])
    begin = shots_of(flicker).begin_s
    assert len(begin) > 3
    assert all(later - earlier >= 1 for earlier, later in pairwise(begin))


def test_a_long_video_is_looked_at_by_its_own_key_frames(tmp_path: Path) -> None:
    long = video(tmp_path / "long.mp4", [("red", 40), ("blue", 40)], size=(32, 32))
    shots = shots_of(long)
    assert shots.duration_s == pytest.approx(80, abs=1)
    assert len(shots.begin_s) == 2
    assert shots.begin_s[1] == pytest.approx(40, abs=1.5)


def test_a_frame_beyond_the_end_is_the_last(folder: Path) -> None:
    pixel = frame_at(folder / "clip, cut.mp4", 999).getpixel((48, 40))
    assert isinstance(pixel, tuple)
    assert pixel[1] > pixel[0]
    with pytest.raises(PictureError):
        frame_at(folder / "missing.mp4", 0)
    url = (folder / "clip, cut.mp4").as_uri() + "#t=0.000"
    assert isinstance(LocalFiles().picture([url], 32), Image.Image)


@pytest.mark.parametrize("name", ["a day (1).mp4", "b.MPG", "é" * 100 + ".mov"])
def test_the_video_of_a_match_is_saved_whole_and_once(name: str, tmp_path: Path) -> None:
    clip = video(tmp_path / "pictures" / name, [("red", 2), ("blue", 2)])
    synced(tmp_path / "pictures")
    results = find_images("blue", source="library:mine", model=ColourEncoder(), filters=Filters(media_type="video"))
    assert len(results) == 2
    saved = results.save(tmp_path / "book")
    assert saved.failed == ()
    (path,) = {one.path for one in saved.pictures}
    assert path.read_bytes() == clip.read_bytes()
    assert path.suffix.lower() == clip.suffix.lower()
    entries = json.loads((tmp_path / "book" / "credits.json").read_text(encoding="utf-8"))["pictures"]
    assert {one["format"] for one in entries} == {clip.suffix[1:].upper()}
    assert {(one["width"], one["height"]) for one in entries} == {(96, 64)}


def test_pages_show_frames(folder: Path) -> None:
    library, _ = synced(folder)
    html = timeline_page(library)
    assert "#t=3.000" in html
    assert html.count("data:image/jpeg") == 3


def test_every_kind_of_video_is_walked(tmp_path: Path) -> None:
    place = tmp_path / "pictures"
    clip = video(tmp_path / "clip.mp4", [("red", 1)])
    for suffix in sorted(VIDEOS):
        shutil.copy(clip, write(place / f"clip{suffix.upper()}", b"-"))
    library, _ = synced(place)
    assert len(set(library.dataset.to_table(columns=[KEY])[KEY].to_pylist())) == len(VIDEOS)
