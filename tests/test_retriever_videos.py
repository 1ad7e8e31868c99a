"""Pixabay's videos: an endpoint of their own, stills to look at, clips in the candidate."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from phrasepix.sample.source import sample_retriever
from phrasepix_core.candidate import Clip
from retriever import Candidate, Filters, PixabayRetriever, Rendition
from retriever.api.json_fields import UnusableHitError
from retriever.errors import KeyRefusedError, WrongParameterError
from retriever.pixabay import PIXABAY
from retriever.pixabay.videos import candidate_from_video
from retriever.source import Opening, SkippedHit
from tests.servers import KEY, ScriptedServer, hit, of_hits, plain, stock_of

Connect = Callable[..., PixabayRetriever]

VIDEOS = Filters(media_type="video")
SIZES = {"large": (3840, 2160), "medium": (1920, 1080), "small": (1280, 720), "tiny": (960, 540)}


def clip(number: int, name: str, **changes: Any) -> dict[str, Any]:
    width, height = SIZES[name]
    file = f"https://cdn.example/video/2023/06/18/{number}_{name}"
    given: dict[str, Any] = {"url": f"{file}.mp4", "width": width, "height": height, "size": 1000}
    return given | {"thumbnail": f"{file}.jpg"} | changes


def video(number: int, **changes: Any) -> dict[str, Any]:
    """A video's hit as Pixabay sends it since 2023."""
    return {
        "id": number,
        "pageURL": f"https://stock.example/videos/id-{number}/",
        "type": "film",
        "tags": "boat, sea, waves",
        "duration": 23,
        "videos": {name: clip(number, name) for name in SIZES},
        "views": 4462,
        "downloads": 1464,
        "likes": 18,
        "comments": 0,
        "user_id": 7,
        "user": "somebody",
        "userImageURL": "",
        "isAiGenerated": False,
        "isGRated": True,
    } | changes


def of_another_year(number: int, **changes: Any) -> dict[str, Any]:
    """A video's hit as Pixabay sent it before: no thumbnails, but a number of the still at Vimeo."""
    clips = {name: {"url": f"https://player.example/{number}/{name}", "width": 640, "height": 360} for name in SIZES}
    return video(number, videos=clips, picture_id="529927645") | changes


def made_of(found: object) -> Candidate:
    return candidate_from_video(found, PIXABAY, "boat")


def test_a_video_becomes_a_candidate_with_stills_and_clips() -> None:
    files = "https://cdn.example/video/2023/06/18/5_"
    assert made_of(video(5)) == Candidate(
        source="pixabay",
        id="video-5",
        page_url="https://stock.example/videos/id-5/",
        renditions=tuple(Rendition(f"{files}{name}.jpg", *SIZES[name]) for name in reversed(SIZES)),
        width=3840,
        height=2160,
        media_type="video",
        tags=("boat", "sea", "waves"),
        creator="somebody",
        creator_url="https://pixabay.com/users/somebody-7/",
        licence="Pixabay Content License",
        licence_url="https://pixabay.com/service/license-summary/",
        credit="somebody on Pixabay",
        found_by="boat",
        commercial_use=True,
        modification=True,
        credit_owed=False,
        uploaded_on=date(2023, 6, 18),
        duration_s=23.0,
        clips=tuple(Clip(f"{files}{name}.mp4", *SIZES[name]) for name in reversed(SIZES)),
        ai_generated=False,
        g_rated=True,
    )


def test_a_video_of_an_older_answer_has_its_stills_at_vimeo() -> None:
    found = made_of(of_another_year(5))
    assert [(still.url, still.width, still.height) for still in found.renditions] == [
        ("https://i.vimeocdn.com/video/529927645_295x166.jpg", 295, 166),
        ("https://i.vimeocdn.com/video/529927645_640x360.jpg", 640, 360),
        ("https://i.vimeocdn.com/video/529927645_1920x1080.jpg", 1920, 1080),
    ]
    assert (found.width, found.height, found.uploaded_on) == (640, 360, None)


def test_a_size_that_is_not_there_has_an_empty_address_and_is_left_out() -> None:
    files = {name: clip(5, name) for name in SIZES}
    files["large"] = clip(5, "large", url="", size=0, thumbnail="")
    found = made_of(video(5, videos=files))
    assert [one.width for one in found.clips] == [960, 1280, 1920]
    assert [one.width for one in found.renditions] == [960, 1280, 1920]
    assert (found.width, found.height) == (1920, 1080)


def test_an_upright_video_is_upright() -> None:
    files = {"tiny": clip(5, "tiny", width=540, height=960), "small": clip(5, "small", width=720, height=1280)}
    found = made_of(video(5, videos=files))
    assert (found.width, found.height) == (720, 1280)
    assert [one.short_side for one in found.renditions] == [540, 720]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ("a text", "not an object"),
        (None, "not an object"),
        (video(5, id=None), "no id"),
        (video(5, id=True), "no id"),
        (video(5, videos=None), "no still"),
        (video(5, videos=[]), "no still"),
        (video(5, videos={}), "no still"),
        (video(5, videos={"tiny": "https://cdn.example/x.jpg", "large": None}), "no still"),
        (video(5, videos={"tiny": clip(5, "tiny", thumbnail="javascript:alert(1)")}), "no still"),
        (video(5, videos={"tiny": clip(5, "tiny", width="wide")}), "no still"),
        (of_another_year(5, picture_id="../../x?y="), "no still"),
        (of_another_year(5, picture_id=7), "no still"),
        (of_another_year(5, picture_id=None), "no still"),
        (hit(5), "no still"),
    ],
)
def test_a_video_without_id_or_still_is_refused_with_a_reason(odd: object, reason: str) -> None:
    with pytest.raises(UnusableHitError, match=reason):
        made_of(odd)


@pytest.mark.parametrize("duration", [None, "23", 0, -1, True, float("nan"), float("inf")])
def test_a_length_of_nonsense_is_not_known(duration: object) -> None:
    assert made_of(video(5, duration=duration)).duration_s is None


def test_a_clip_of_a_hostile_address_is_left_out_and_the_still_stays() -> None:
    found = made_of(video(5, videos={"tiny": clip(5, "tiny", url="file:///etc/passwd")}))
    assert found.clips == ()
    assert found.image_url.endswith("_tiny.jpg")


def test_videos_are_asked_for_at_their_endpoint_without_what_is_said_of_pictures(
    api: ScriptedServer, connect: Connect
) -> None:
    api.otherwise = stock_of([video(1), video(2)])
    filters = Filters(
        media_type="video", orientation="horizontal", colours=("red",), min_width=900, category="nature", language="de"
    )
    found = list(connect(api).retrieve("boat", filters=filters))
    assert [one.id for one in found] == ["video-1", "video-2"]
    assert api.asked[0].path == "/api/videos/"
    assert api.asked[0].query == {
        "q": "boat",
        "lang": "de",
        "video_type": "all",
        "category": "nature",
        "min_width": "900",
        "safesearch": "true",
        "order": "popular",
        "page": "1",
        "per_page": "200",
        "key": KEY,
    }


def test_pictures_are_asked_for_where_they_always_were(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([hit(1)])
    list(connect(api).retrieve("boat"))
    assert api.asked[0].path == "/api/"


@pytest.mark.parametrize(
    ("wish", "left"),
    [
        ({"orientation": "vertical"}, ["video-2"]),
        ({"orientation": "square"}, ["video-3"]),
        ({"aspect_ratio": 16 / 9}, ["video-1", "video-4"]),
        ({"exclude_ai": True}, ["video-1", "video-2", "video-3"]),
        ({"creator": "SOMEBODY"}, ["video-1", "video-2", "video-4"]),
        ({"licence": ("commercial", "modification")}, ["video-1", "video-2", "video-3", "video-4"]),
        ({"since": date(2023, 6, 18)}, ["video-1", "video-2", "video-3"]),
        ({"until": date(2023, 6, 17)}, ["video-4"]),
        ({"colours": ("red",)}, ["video-1", "video-2", "video-3", "video-4"]),
    ],
)
def test_what_the_endpoint_cannot_filter_by_is_decided_here(
    wish: dict[str, Any], left: list[str], api: ScriptedServer, connect: Connect
) -> None:
    older = clip(4, "tiny", thumbnail="https://cdn.example/video/2015/08/08/4.jpg", url="https://cdn.example/4.mp4")
    api.otherwise = stock_of(
        [
            video(1),
            video(2, videos={"tiny": clip(2, "tiny", width=540, height=960)}),
            video(3, videos={"tiny": clip(3, "tiny", width=540, height=540)}, user="another"),
            video(4, videos={"tiny": older}, isAiGenerated=True),
        ]
    )
    found = connect(api).retrieve("boat", filters=Filters(media_type="video", **wish))
    assert [one.id for one in found] == left


def test_of_videos_only_the_colour_is_passed_over(api: ScriptedServer, connect: Connect) -> None:
    every: dict[str, Any] = {
        "orientation": "square", "aspect_ratio": 1.5, "min_width": 1, "min_height": 1, "colours": ("red",),
        "licence": ("commercial",), "since": date(2024, 1, 1), "until": date(2024, 1, 1), "exclude_ai": True,
        "creator": "x", "category": "nature", "editors_choice": True,
    }  # fmt: skip
    retriever = connect(api)
    assert retriever.unhonoured(Filters(media_type="video", **every)) == {"colours"}
    assert retriever.unhonoured(Filters(**every)) == frozenset()


def test_a_video_is_another_thing_than_the_picture_of_its_number(api: ScriptedServer, connect: Connect) -> None:
    retriever = connect(api)
    api.play(of_hits([hit(5)]), of_hits([video(5)]))
    picture = next(retriever.retrieve("boat"))
    found = next(retriever.retrieve("boat", filters=VIDEOS))
    assert picture.identity != found.identity
    assert (str(picture), str(found)) == ("pixabay:5", "pixabay:video-5")


def test_a_video_is_looked_up_among_the_videos_and_a_picture_among_the_pictures(
    api: ScriptedServer, connect: Connect
) -> None:
    retriever = connect(api)
    api.play(of_hits([video(5)]), of_hits([hit(5)]), of_hits([]))
    assert [(found.id, found.media_type) for one in ("video-5", 5) if (found := retriever.look_up(one))] == [
        ("video-5", "video"),
        ("5", "photo"),
    ]
    assert [(asked.path, asked.query["id"]) for asked in api.asked] == [("/api/videos/", "5"), ("/api/", "5")]
    assert retriever.look_up("video-6") is None
    assert retriever.look_up("video-x") is None
    assert len(api.asked) == 3


def test_what_can_be_saved_of_a_video_is_its_largest_still_by_a_fresh_address(
    api: ScriptedServer, connect: Connect
) -> None:
    fresh = {"medium": clip(5, "medium", thumbnail="https://cdn.example/fresh.jpg")}
    api.play(of_hits([video(5, videos=fresh)]))
    assert connect(api).file_to_save(made_of(video(5))) == Rendition("https://cdn.example/fresh.jpg", 1920, 1080)


def test_an_answer_about_videos_is_kept_and_not_taken_for_one_about_pictures(
    api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    retriever = connect(api, cache_directory=tmp_path)
    api.play(of_hits([video(5)]), of_hits([hit(6)]))
    for _ in range(2):
        assert [one.id for one in retriever.retrieve("boat", filters=VIDEOS)] == ["video-5"]
        assert [one.id for one in retriever.retrieve("boat")] == ["6"]
    assert len(api.asked) == 2


def test_unusable_videos_are_skipped_by_name_and_the_others_come(api: ScriptedServer, connect: Connect) -> None:
    skipped: list[SkippedHit] = []
    api.otherwise = stock_of([video(1, videos={}), video(2), "a text"])
    found = list(connect(api, on_skip=skipped.append).retrieve("boat", filters=VIDEOS))
    assert [one.id for one in found] == ["video-2"]
    assert [(one.id, one.reason.partition(": ")[2]) for one in skipped] == [
        ("1", "it has no still"),
        ("?", "it is not an object"),
    ]


def test_a_refused_key_is_said_of_videos_as_of_pictures(api: ScriptedServer, connect: Connect) -> None:
    api.play(plain(400, "[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/)."))
    with pytest.raises(KeyRefusedError, match="does not accept the API key"):
        list(connect(api).retrieve("boat", filters=VIDEOS))


def test_a_page_of_videos_past_the_end_is_no_error(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = stock_of([video(number) for number in range(1, 601)])
    assert len(list(connect(api).retrieve("boat", limit=700, filters=VIDEOS))) == 500


def test_a_source_without_videos_says_who_has_them() -> None:
    with (
        sample_retriever(Opening(on_skip=print)) as retriever,
        pytest.raises(WrongParameterError, match=r'the built-in sample; Pixabay .*Filters\(media_type="video"\)'),
    ):
        retriever.retrieve("boat", filters=VIDEOS)


@pytest.mark.parametrize(
    ("preview", "day"),
    [
        ("https://cdn.pixabay.com/photo/2016/09/29/08/33/apple-1702316_150.jpg", date(2016, 9, 29)),
        ("https://cdn.pixabay.com/photo/2016/13/29/08/33/apple-1702316_150.jpg", None),
        ("https://cdn.example/5_150.jpg", None),
        ("", None),
    ],
)
def test_the_day_of_the_upload_stands_in_the_previews_path(
    preview: str, day: date | None, api: ScriptedServer, connect: Connect
) -> None:
    api.play(of_hits([hit(5, previewURL=preview)]))
    retriever = connect(api)
    assert [one.uploaded_on for one in retriever.retrieve("boat")] == [day]
    api.play(of_hits([hit(5, previewURL=preview)]))
    of_2016 = Filters(since=date(2016, 1, 1), until=date(2016, 12, 31))
    assert len(list(retriever.retrieve("boat", filters=of_2016))) == (1 if day else 0)
