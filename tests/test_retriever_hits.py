"""From hits, odd ones too, to candidates; the recorded answers of several years among them."""

import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from retriever import Candidate, PixabayRetriever, Rendition
from retriever.api.json_fields import UnusableHitError, identifier_of
from retriever.pixabay import PIXABAY
from retriever.pixabay.hits import candidate_from_hit
from retriever.source import SkippedHit
from tests.servers import ScriptedServer, hit, of_hits

Connect = Callable[..., PixabayRetriever]

RECORDINGS = Path(__file__).parents[1].parent / "shared" / "pixabay"


def made_of(found: object) -> Candidate:
    return candidate_from_hit(found, PIXABAY, "boat")


def without(*keys: str, **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in hit(1, **changes).items() if key not in keys}


NO_PICTURES = ("previewURL", "webformatURL", "largeImageURL")


def test_a_hit_becomes_a_candidate() -> None:
    assert made_of(hit(1)) == Candidate(
        source="pixabay",
        id="1",
        page_url="https://stock.example/photos/1/",
        renditions=(
            Rendition("https://cdn.example/1_150.jpg", 150, 100),
            Rendition("https://cdn.example/1_180.jpg", 270, 180, as_given=False),
            Rendition("https://cdn.example/1_340.jpg", 511, 340, as_given=False),
            Rendition("https://cdn.example/1_640.jpg", 640, 426),
            Rendition("https://cdn.example/1_1280.jpg", 1280, 853),
        ),
        width=3000,
        height=2000,
        media_type="photo",
        tags=("boat", "sea", "night"),
        creator="somebody",
        creator_url="https://stock.example/users/somebody-7/",
        licence="Pixabay Content License",
        licence_url="https://pixabay.com/service/license-summary/",
        credit="somebody on Pixabay",
        found_by="boat",
        commercial_use=True,
        modification=True,
        credit_owed=False,
        ai_generated=False,
        no_ai_training=True,
        g_rated=True,
    )


UNUSABLE = {
    "a missing id": without("id"),
    "a boolean id": hit(1, id=True),
    "an empty id": hit(1, id="  "),
    "an id of control characters": hit(1, id="\x00\x1b"),
    "an id that is a list": hit(1, id=[1]),
    "an id that is a fraction": hit(1, id=1.5),
    "no id": hit(1, id=None),
    "no picture URLs": without(*NO_PICTURES),
    "empty picture URLs": hit(1, **dict.fromkeys(NO_PICTURES, "")),
    "picture URLs that are scripts": hit(1, **dict.fromkeys(NO_PICTURES, "javascript:alert(1)")),
    "picture URLs that are files": hit(1, **dict.fromkeys(NO_PICTURES, "file:///etc/passwd")),
    "picture URLs without a host": hit(1, **dict.fromkeys(NO_PICTURES, "https:///x_640.jpg")),
    "picture URLs that are broken": hit(1, **dict.fromkeys(NO_PICTURES, "http://[::1")),
    "picture URLs with control characters": hit(1, **dict.fromkeys(NO_PICTURES, "https://x.example/a\x00\r\nb.jpg")),
    "picture URLs that are numbers": hit(1, **dict.fromkeys(NO_PICTURES, 5)),
    "a text": "a picture",
    "a number": 7,
    "nothing": None,
    "a list": [hit(1)],
    "an empty object": {},
}


@pytest.mark.parametrize("odd", UNUSABLE)
def test_a_hit_of_no_use_is_refused_with_a_reason(odd: str) -> None:
    with pytest.raises(UnusableHitError, match=r"^it (is not an object|has no id|has no picture URL)$"):
        made_of(UNUSABLE[odd])


ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "repeated tags": (hit(1, tags="apple, red,apple ,, apple"), {"tags": ("apple", "red")}),
    "tags that are null": (hit(1, tags=None), {"tags": ()}),
    "tags that are a list": (hit(1, tags=["boat", " sea", 3, None, "boat"]), {"tags": ("boat", "sea")}),
    "tags that are a number": (hit(1, tags=5), {"tags": ()}),
    "no tags": (without("tags"), {"tags": ()}),
    "empty tags": (hit(1, tags=""), {"tags": ()}),
    "tags that steer a terminal": (hit(1, tags="bo\x1b[2Jat, half \ud83d pair"), {"tags": ("bo [2Jat", "half pair")}),
    "a vector's type": (hit(1, type="vector/svg"), {"media_type": "vector"}),
    "another vector's type": (hit(1, type="vector/ai"), {"media_type": "vector"}),
    "no type": (without("type"), {"media_type": "photo"}),
    "a type that is null": (hit(1, type=None), {"media_type": "photo"}),
    "flags as integers": (
        hit(1, isAiGenerated=1, noAiTraining=0, isGRated=0, isLowQuality=0),
        {"ai_generated": True, "no_ai_training": False, "g_rated": False},
    ),
    "no flags": (
        without("isAiGenerated", "noAiTraining", "isGRated", "isLowQuality"),
        {"ai_generated": None, "no_ai_training": None, "g_rated": None},
    ),
    "flags that are texts": (hit(1, isAiGenerated="no", isGRated=None), {"ai_generated": None, "g_rated": None}),
    "no original size": (without("imageWidth", "imageHeight"), {"width": 1280, "height": 1280}),
    "an original size of nonsense": (hit(1, imageWidth=-5, imageHeight=float("nan")), {"width": 1280, "height": 1280}),
    "an original size in fractions": (hit(1, imageWidth=300.7, imageHeight=200.2), {"width": 300, "height": 200}),
    "no creator": (
        without("user", "userURL"),
        {"creator": "", "creator_url": "", "credit": "an unnamed creator on Pixabay"},
    ),
    "a creator with braces": (hit(1, user="{0.__class__}"), {"credit": "{0.__class__} on Pixabay"}),
    "a creator's page to be made": (without("userURL"), {"creator_url": "https://pixabay.com/users/somebody-7/"}),
    "a creator's page that is a script": (
        hit(1, userURL="javascript:alert(1)"),
        {"creator_url": "https://pixabay.com/users/somebody-7/"},
    ),
    "a creator whose name fits no URL": (without("userURL", user="../x y"), {"creator": "../x y", "creator_url": ""}),
    "a creator without a number": (without("userURL", "user_id"), {"creator_url": ""}),
    "a creator's number that is a flag": (without("userURL", user_id=True), {"creator_url": ""}),
    "a creator that steers a terminal": (hit(1, user="\x1b]0;x\x07me\ud800"), {"creator": "]0;x me"}),
    "a page that is a script": (hit(1, pageURL="JavaScript:alert(1)"), {"page_url": ""}),
    "no page": (without("pageURL"), {"page_url": ""}),
    "an id that is a text": (hit(1, id=" 77 "), {"id": "77"}),
    "keys of tomorrow": (hit(1, embedding=[0.5] * 3, palette={"a": "b"}), {"id": "1"}),
    "a creator's name of markup": (hit(1, user="<b>[red]x"), {"creator": "<b>[red]x"}),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_hit_comes_out_right(odd: str) -> None:
    found, expected = ODD[odd]
    candidate = made_of(found)
    assert {name: getattr(candidate, name) for name in expected} == expected
    json.dumps(repr(candidate)).encode("utf-8")
    str(candidate.tags).encode("utf-8")


# Renditions.


def sizes(candidate: Candidate) -> list[tuple[int, int, bool]]:
    return [(rendition.width, rendition.height, rendition.as_given) for rendition in candidate.renditions]


def test_renditions_go_from_small_to_large_also_for_a_tall_picture() -> None:
    tall = hit(
        1,
        previewWidth=100,
        previewHeight=150,
        webformatWidth=427,
        webformatHeight=640,
        imageWidth=2000,
        imageHeight=3000,
    )
    assert sizes(made_of(tall)) == [
        (100, 150, True),
        (120, 180, False),
        (227, 340, False),
        (427, 640, True),
        (853, 1280, True),
    ]
    assert made_of(tall).image_url == "https://cdn.example/1_1280.jpg"


@pytest.mark.parametrize(
    ("width", "height", "derived"),
    [(640, 341, [180, 340]), (640, 340, [180]), (640, 181, [180]), (640, 180, []), (640, 90, [])],
)
def test_a_smaller_file_is_derived_only_where_it_is_smaller(width: int, height: int, derived: list[int]) -> None:
    candidate = made_of(without("previewURL", "largeImageURL", webformatWidth=width, webformatHeight=height))
    assert [rendition.height for rendition in candidate.renditions if not rendition.as_given] == derived
    assert [rendition.url for rendition in candidate.renditions if rendition.as_given] == [
        "https://cdn.example/1_640.jpg"
    ]


@pytest.mark.parametrize("url", ["https://cdn.example/1.jpg", "https://cdn.example/_640/1.jpg", "https://x.y/1_640"])
def test_nothing_is_derived_from_a_url_that_does_not_follow_the_rule(url: str) -> None:
    assert all(rendition.as_given for rendition in made_of(hit(1, webformatURL=url)).renditions)


def test_sizes_that_are_missing_are_worked_out_from_the_original() -> None:
    bare = without("previewWidth", "previewHeight", "webformatWidth", "webformatHeight")
    assert [size[:2] for size in sizes(made_of(bare)) if size[2]] == [(150, 100), (640, 427), (1280, 853)]


def test_a_small_original_is_not_enlarged() -> None:
    assert made_of(without("webformatURL", imageWidth=300, imageHeight=200)).renditions[-1].width == 300


@pytest.mark.parametrize("only", NO_PICTURES)
def test_one_picture_url_is_enough(only: str) -> None:
    candidate = made_of(without(*(key for key in NO_PICTURES if key != only)))
    assert candidate.image_url == hit(1)[only]


def test_a_candidate_without_any_rendition_cannot_be() -> None:
    candidate = made_of(hit(1))
    fields = {name: getattr(candidate, name) for name in Candidate.__slots__}
    with pytest.raises(ValueError, match="pixabay:1 has no rendition"):
        Candidate(**fields | {"renditions": ()})


def test_candidates_found_by_different_tags_are_the_same_picture() -> None:
    first, second = made_of(hit(1)), candidate_from_hit(hit(1), PIXABAY, "tiger")
    assert first.identity == second.identity == ("pixabay", "1")
    assert str(first) == "pixabay:1"


# In a search.


def test_unusable_hits_are_skipped_by_name_and_counted_and_the_others_come(
    api: ScriptedServer, connect: Connect
) -> None:
    bad = [hit(8, **dict.fromkeys(NO_PICTURES, "")), "a text", without("id"), hit(1, id={"a": "\x1b"})]
    api.play(of_hits([hit(1), *bad, hit(2)]))
    skipped: list[SkippedHit] = []
    found = list(connect(api, on_skip=skipped.append).retrieve("boat"))
    assert [candidate.id for candidate in found] == ["1", "2"]
    assert [(skip.source, skip.id) for skip in skipped] == [("pixabay", name) for name in ("8", "?", "?", "?")]
    assert [skip.reason.rpartition(": it ")[2] for skip in skipped] == [
        "has no picture URL",
        "is not an object",
        "has no id",
        "has no id",
    ]


def test_where_nobody_counts_them_skipped_hits_are_said_on_the_log(
    api: ScriptedServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    api.play(of_hits([hit(8, **dict.fromkeys(NO_PICTURES, "")), hit(1)]))
    assert len(list(connect(api).retrieve("boat"))) == 1
    assert "pixabay:8 skipped" in caplog.text


def test_a_limit_counts_usable_candidates_only(api: ScriptedServer, connect: Connect) -> None:
    api.play(of_hits([hit(1), "bad", hit(2)], total=6), of_hits([hit(3), hit(4), hit(5)], total=6))
    found = list(connect(api, on_skip=lambda skipped: None).retrieve("boat", limit=3))
    assert [candidate.id for candidate in found] == ["1", "2", "3"]


# The recorded answers.

needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded answers are not beside the project")
NAMES = sorted(path.name for path in RECORDINGS.glob("*.json")) if RECORDINGS.is_dir() else []


@needs_recordings
@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_hit_becomes_a_candidate(name: str, api: ScriptedServer, connect: Connect) -> None:
    answer = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
    api.play(of_hits(answer["hits"]))
    skipped: list[SkippedHit] = []
    found = list(connect(api, on_skip=skipped.append).retrieve("boat"))
    assert skipped == []
    assert [candidate.id for candidate in found] == [str(recorded["id"]) for recorded in answer["hits"]]
    for candidate, recorded in zip(found, answer["hits"], strict=True):
        assert (candidate.width, candidate.height) == (recorded["imageWidth"], recorded["imageHeight"])
        assert candidate.page_url == recorded["pageURL"]
        assert candidate.creator == recorded["user"]
        assert candidate.creator_url.startswith("https://pixabay.com/users/")
        assert set(candidate.tags) == {tag.strip() for tag in recorded["tags"].split(",")}
        assert len(candidate.tags) == len(set(candidate.tags)) >= 1
        assert candidate.media_type in {"photo", "illustration", "vector"}
        assert recorded["webformatURL"] in [rendition.url for rendition in candidate.renditions]
        assert all(small.short_side <= large.short_side for small, large in pairwise(candidate.renditions))
        assert candidate.uploaded_on is not None
        assert candidate.no_ai_training == recorded.get("noAiTraining")
        assert "CC0" not in candidate.licence


# Mangled at random.

SCRAPS: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**400,
    1.5,
    float("nan"),
    float("-inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "http://",
    "https://[",
    "https://x.example/a_640.jpg",
    "javascript:alert(1)",
    "a" * 5000,
    "{}{0}%s",
    [],
    [None, "boat", ["sea"]],
    {},
    {"id": 1},
)


def test_whatever_a_hit_is_mangled_to_it_is_a_candidate_or_unusable() -> None:
    dice = random.Random(20)
    usable = 0
    for _ in range(300):
        mangled: Any = hit(dice.randrange(1000))
        for key in dice.sample(sorted(mangled), dice.randint(1, 12)):
            if dice.random() < 0.3:
                del mangled[key]
            else:
                mangled[key] = dice.choice(SCRAPS)
        if dice.random() < 0.05:
            mangled = dice.choice(SCRAPS)
        identifier_of(mangled).encode("utf-8")
        try:
            candidate = made_of(mangled)
        except UnusableHitError:
            continue
        usable += 1
        assert all(rendition.width > 0 and rendition.height > 0 for rendition in candidate.renditions)
        assert candidate.width > 0
        assert candidate.height > 0
        for text in (candidate.id, candidate.creator, candidate.credit, candidate.page_url, *candidate.tags):
            assert text.isprintable()
            text.encode("utf-8")
        for url in (candidate.page_url, candidate.creator_url, *(item.url for item in candidate.renditions)):
            assert url == "" or url.startswith(("https://", "http://"))
    assert 50 < usable < 300
