"""The sample's stock site, asked over real HTTP as a client of the real one would."""

import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image, ImageDraw

from phrasepix.sample.catalogue import Catalogue, CatalogueError
from phrasepix.sample.renditions import Renditions
from phrasepix.sample.site import SAMPLE_KEY, StockSite
from tests.first_often import first_often

Get = Callable[..., requests.Response]

RED, BLUE = (200, 30, 40), (30, 60, 200)


def entry(number: int, tags: list[str], **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": number,
        "file": f"{number}.jpg",
        "type": "photo",
        "tags": tags,
        "category": "transportation",
        "colors": ["blue", "red"],
        "width": 640,
        "height": 426,
        "user": "phrasepix",
        "user_id": 1,
        "views": 10 * number,
        "downloads": 5000 - number,
        "likes": 3,
        "collections": 2,
        "comments": 1,
        "editors_choice": False,
    }
    return fields | changes


ENTRIES = [
    entry(1001, ["boat", "sea", "night", "rain"]),
    entry(1002, ["boats", "river"], width=600, height=900, colors=["green"]),
    entry(1003, ["tiger", "snow"], width=2000, height=1500, category="animals", editors_choice=True),
    entry(1004, ["berry", "red bus"], width=400, height=400, type="vector/svg", category="food"),
    entry(1005, ["glasses", "boat race"], width=1800, height=450, type="illustration", downloads=9000),
    entry(1006, ['"><script>alert(1)</script>', "Café & bar"], user="<i>ink</i>", user_id=7, category="food"),
]
"""The little catalogue of most tests: popular order is 1005, 1001, 1002, 1003, 1004, 1006."""


def draw(file: Path, width: int, height: int) -> None:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
    image.save(file, "JPEG", quality=90)


def write_catalogue(directory: Path, entries: list[dict[str, Any]]) -> Path:
    directory.mkdir(exist_ok=True)
    for fields in entries:
        file = directory / fields["file"]
        if not file.exists():
            draw(file, fields["width"], fields["height"])
    text = "".join(json.dumps(fields) + "\n" for fields in entries)
    (directory / "catalogue.jsonl").write_text(text, encoding="utf-8")
    return directory


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_catalogue(tmp_path / "pictures", ENTRIES)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(pictures: Path, clock: Clock) -> Iterator[StockSite]:
    with StockSite(pictures, clock=clock) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False  # a proxy of the environment must not come between the test and loopback
        yield opened


@pytest.fixture
def get(session: requests.Session) -> Get:
    def get_with_timeout(url: str, **options: Any) -> requests.Response:
        return session.get(url, timeout=20, allow_redirects=False, **options)

    return get_with_timeout


def ask(get: Get, site: StockSite, **parameters: Any) -> requests.Response:
    return get(site.api_url, params={"key": site.key} | parameters)


def found(get: Get, site: StockSite, **parameters: Any) -> list[int]:
    answer = ask(get, site, **parameters)
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def raw(site: StockSite, request: bytes) -> bytes:
    """Everything the site answers to these bytes until it closes the connection."""
    answer = b""
    port = int(site.home_url.rsplit(":", 1)[1].strip("/"))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def size_of(answer: requests.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.format == "JPEG"
        image.load()
        return image.size


# The search


def test_a_hit_has_every_key_of_the_protocol(get: Get, site: StockSite) -> None:
    answer = ask(get, site, q="night")
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert body["total"] == body["totalHits"] == 1
    hit = body["hits"][0]
    origin = site.home_url.rstrip("/")
    preview, webformat, large = (hit.pop(name) for name in ("previewURL", "webformatURL", "largeImageURL"))
    assert preview.endswith("_150.jpg")
    assert re.fullmatch(re.escape(origin) + r"/get/g[0-9a-f]+_640\.jpg", webformat)
    assert re.fullmatch(re.escape(origin) + r"/get/g[0-9a-f]+_1280\.jpg", large)
    assert hit == {
        "id": 1001,
        "pageURL": origin + "/photos/boat-sea-night-rain-1001/",
        "type": "photo",
        "tags": "boat, sea, night, rain",
        "previewWidth": 150,
        "previewHeight": 99,
        "webformatWidth": 640,
        "webformatHeight": 426,
        "imageWidth": 640,
        "imageHeight": 426,
        "imageSize": next(picture.size_bytes for picture in site.catalogue if picture.id == 1001),
        "views": 10010,
        "downloads": 3999,
        "collections": 2,
        "likes": 3,
        "comments": 1,
        "user_id": 1,
        "user": "phrasepix",
        "userImageURL": "",
        "noAiTraining": False,
        "isAiGenerated": False,
        "isGRated": True,
        "isLowQuality": 0,
        "userURL": origin + "/users/phrasepix-1/",
    }


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [1005, 1001, 1002, 1003, 1004, 1006]),
        ({"q": ""}, [1005, 1001, 1002, 1003, 1004, 1006]),
        ({"q": "  "}, [1005, 1001, 1002, 1003, 1004, 1006]),
        ({"order": "latest"}, [1006, 1005, 1004, 1003, 1002, 1001]),
        ({"q": "boat"}, [1005, 1001, 1002]),
        ({"q": "BOATS"}, [1005, 1001, 1002]),
        ({"q": "boat night"}, [1001]),
        ({"q": "boat,night"}, [1001]),
        ({"q": "night boats in the rain"}, []),
        ({"q": "boa"}, []),
        ({"q": "berries"}, [1004]),
        ({"q": "buses"}, [1004]),
        ({"q": "glass"}, [1005]),
        ({"q": "café"}, [1006]),
        ({"q": "!?"}, []),
        ({"q": "boat", "lang": "en"}, [1005, 1001, 1002]),
        ({"q": "boat", "lang": "de"}, []),
        ({"lang": "de"}, [1005, 1001, 1002, 1003, 1004, 1006]),
        ({"id": 1003}, [1003]),
        ({"id": 9999}, []),
        ({"image_type": "photo"}, [1001, 1002, 1003, 1006]),
        ({"image_type": "illustration"}, [1005]),
        ({"image_type": "vector"}, [1004]),
        ({"orientation": "horizontal"}, [1005, 1001, 1003, 1006]),
        ({"orientation": "vertical"}, [1002]),
        ({"category": "animals"}, [1003]),
        ({"category": "music"}, []),
        ({"min_width": 1800}, [1005, 1003]),
        ({"min_height": 900}, [1002, 1003]),
        ({"colors": "green"}, [1002]),
        ({"colors": "green,red", "q": "boat"}, [1005, 1001, 1002]),
        ({"colors": "pink"}, []),
        ({"editors_choice": "true"}, [1003]),
        ({"editors_choice": "false"}, [1005, 1001, 1002, 1003, 1004, 1006]),
        ({"safesearch": "true", "q": "tiger"}, [1003]),
        ({"q": "boat", "orientation": "horizontal", "order": "latest"}, [1005, 1001]),
        ({"unknown_parameter": "x", "q": "tiger"}, [1003]),
        ({"category": "", "colors": "", "q": "tiger"}, [1003]),
    ],
)
def test_a_search_finds_what_meets_every_condition_in_the_order_asked_for(
    get: Get, site: StockSite, parameters: dict[str, Any], expected: list[int]
) -> None:
    assert found(get, site, **parameters) == expected


def test_pages_follow_one_another_without_gap_or_repeat(get: Get, site: StockSite) -> None:
    assert found(get, site, per_page=4, page=1) == [1005, 1001, 1002, 1003]
    assert found(get, site, per_page=4, page=2) == [1004, 1006]


def test_a_page_past_a_small_result_is_empty_and_still_tells_the_total(get: Get, site: StockSite) -> None:
    answer = ask(get, site, per_page=4, page=3)
    assert answer.status_code == 200
    assert answer.json() == {"total": 6, "totalHits": 6, "hits": []}


def test_the_default_page_holds_twenty_hits_and_only_five_hundred_can_be_reached(get: Get, tmp_path: Path) -> None:
    many = [entry(number, ["boat"], file="one.jpg") for number in range(1, 521)]
    with StockSite(write_catalogue(tmp_path / "many", many)) as site:
        first = ask(get, site, q="boat").json()
        assert (first["total"], first["totalHits"], len(first["hits"])) == (520, 500, 20)
        third = ask(get, site, q="boat", per_page=200, page=3)
        assert [hit["id"] for hit in third.json()["hits"]] == list(range(401, 501))
        assert ask(get, site, q="boat", per_page=50, page=10).json()["hits"][-1]["id"] == 500
        for per_page, page in ((200, 4), (50, 11), (20, 26)):
            beyond = ask(get, site, q="boat", per_page=per_page, page=page)
            assert (beyond.status_code, beyond.text) == (400, '[ERROR 400] "page" is out of valid range.')


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("q", "x" * 101),
        ("lang", "xx"),
        ("id", "abc"),
        ("id", "0"),
        ("image_type", "film"),
        ("orientation", "square"),
        ("category", "cats"),
        ("min_width", "-1"),
        ("min_height", "1.5"),
        ("colors", "red,crimson"),
        ("editors_choice", "True"),
        ("safesearch", "yes"),
        ("order", "best"),
        ("page", "0"),
        ("page", "two"),
        ("page", "٣"),
        ("page", "9" * 5000),
        ("page", "501"),
        ("per_page", "2"),
        ("per_page", "201"),
        ("per_page", "x"),
    ],
)
def test_a_parameter_outside_its_range_is_a_plain_text_400_that_names_it(
    get: Get, site: StockSite, parameter: str, value: str
) -> None:
    answer = ask(get, site, **{parameter: value})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text == f'[ERROR 400] "{parameter}" is out of valid range.'


@pytest.mark.parametrize("value", ["x" * 100, "ß" * 100])
def test_a_query_of_a_hundred_characters_is_taken(get: Get, site: StockSite, value: str) -> None:
    assert found(get, site, q=value) == []


@pytest.mark.parametrize("per_page", [3, 200])
def test_the_ends_of_the_range_of_per_page_are_taken(get: Get, site: StockSite, per_page: int) -> None:
    assert len(found(get, site, per_page=per_page)) == min(per_page, 6)


@pytest.mark.parametrize("key", [None, "", "wrong", "schlüssel"])
def test_a_bad_or_missing_key_is_a_400_and_not_a_401(get: Get, site: StockSite, key: str | None) -> None:
    answer = ask(get, site, key=key, q="boat")
    assert answer.status_code == 400
    assert answer.text == "[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/)."
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_the_key_can_be_chosen(get: Get, pictures: Path) -> None:
    with StockSite(pictures, key="my own & key") as site:
        assert found(get, site, q="tiger") == [1003]
        assert ask(get, site, key=SAMPLE_KEY).status_code == 400


# The rate limit


def test_every_answer_of_the_api_tells_what_is_left_of_the_minute(get: Get, site: StockSite, clock: Clock) -> None:
    headers = ask(get, site).headers
    assert [headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")] == ["100", "99", "60"]
    clock.now += 12.5
    headers = ask(get, site, per_page=1).headers
    assert [headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")] == ["100", "98", "48"]


def test_over_the_limit_is_a_429_until_the_window_ends(get: Get, pictures: Path, clock: Clock) -> None:
    with StockSite(pictures, requests_per_minute=3, clock=clock) as site:
        assert [ask(get, site).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        clock.now += 59.5
        refused = ask(get, site)
        assert (refused.status_code, refused.text) == (429, "API rate limit exceeded")
        assert refused.headers["Content-Type"].startswith("text/plain")
        assert (refused.headers["X-RateLimit-Remaining"], refused.headers["X-RateLimit-Reset"]) == ("0", "1")
        clock.now += 0.5
        granted = ask(get, site)
        assert (granted.status_code, granted.headers["X-RateLimit-Remaining"]) == (200, "2")
        assert granted.headers["X-RateLimit-Reset"] == "60"
        assert [ask(get, site).status_code for _ in range(3)] == [200, 200, 429]


def test_wrong_keys_and_pictures_do_not_spend_the_limit(get: Get, pictures: Path, clock: Clock) -> None:
    with StockSite(pictures, requests_per_minute=2, clock=clock) as site:
        wrong = [ask(get, site, key=f"wrong-{number}").status_code for number in range(4)]
        assert wrong == [400, 400, 429, 429]
        url = ask(get, site, q="tiger").json()["hits"][0]["webformatURL"]
        assert [get(url).status_code for _ in range(4)] == [200] * 4
        assert ask(get, site).status_code == 200


# Pictures


@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        (1001, {"180": (270, 180), "340": (510, 340), "640": (640, 426), "960": (640, 426), "1280": (640, 426)}),
        (1002, {"180": (120, 180), "340": (226, 340), "640": (426, 640), "960": (480, 720), "1280": (600, 900)}),
        (1003, {"180": (240, 180), "340": (453, 340), "640": (640, 480), "960": (960, 720), "1280": (1280, 960)}),
        (1004, {"180": (180, 180), "340": (340, 340), "640": (400, 400), "960": (400, 400), "1280": (400, 400)}),
        (1005, {"180": (720, 180), "340": (1360, 340), "640": (640, 160), "960": (960, 240), "1280": (1280, 320)}),
    ],
)
def test_renditions_have_their_true_sizes_and_are_never_enlarged(
    get: Get, site: StockSite, number: int, sizes: dict[str, tuple[int, int]]
) -> None:
    hit = ask(get, site, id=number).json()["hits"][0]
    urls = {suffix: hit["webformatURL"].replace("_640", f"_{suffix}") for suffix in ("180", "340", "640", "960")}
    urls["1280"] = hit["largeImageURL"]
    assert {suffix: size_of(get(url)) for suffix, url in urls.items()} == sizes
    assert (hit["webformatWidth"], hit["webformatHeight"]) == sizes["640"]
    preview = size_of(get(hit["previewURL"]))
    assert preview == (hit["previewWidth"], hit["previewHeight"])
    assert max(preview) == 150


@pytest.mark.parametrize("suffix", ["150", "180", "960"])
def test_a_rendition_shows_the_picture(pictures: Path, suffix: str) -> None:
    picture = Catalogue.load(pictures).get(1003)
    assert picture is not None
    with Image.open(io.BytesIO(Renditions().jpeg(picture, suffix))) as image:
        left, right = (image.getpixel((round(image.width * x), image.height // 2)) for x in (0.2, 0.8))
    for seen, drawn in ((left, RED), (right, BLUE)):
        assert isinstance(seen, tuple)
        assert all(abs(a - b) <= 12 for a, b in zip(seen, drawn, strict=True))


def test_an_original_of_the_right_size_is_given_byte_for_byte(get: Get, site: StockSite, pictures: Path) -> None:
    url = ask(get, site, id=1001).json()["hits"][0]["webformatURL"]
    assert get(url).content == (pictures / "1001.jpg").read_bytes()


def test_an_original_that_is_not_a_jpeg_becomes_one(get: Get, tmp_path: Path) -> None:
    directory = tmp_path / "png"
    directory.mkdir()
    Image.new("RGBA", (300, 200), (*RED, 255)).save(directory / "1.png")
    write_catalogue(directory, [entry(1, ["boat"], file="1.png", width=300, height=200)])
    with StockSite(directory) as site:
        assert size_of(get(ask(get, site).json()["hits"][0]["webformatURL"])) == (300, 200)


def test_renditions_kept_in_memory_stay_within_their_bytes_and_stay_right(pictures: Path) -> None:
    catalogue = list(Catalogue.load(pictures))
    fresh = {(p.id, suffix): Renditions().jpeg(p, suffix) for p in catalogue for suffix in ("150", "180", "340")}
    capacity = sum(map(len, fresh.values())) // 3
    renditions = Renditions(capacity_bytes=capacity)
    order = [(p, suffix) for p in catalogue for suffix in ("150", "180", "340")] * 4
    random.Random(5).shuffle(order)
    for picture, suffix in order:
        assert renditions.jpeg(picture, suffix) == fresh[picture.id, suffix]
        assert 0 < renditions.kept_bytes <= capacity


def test_a_rendition_asked_for_by_many_at_once_is_kept_once(pictures: Path) -> None:
    picture = Catalogue.load(pictures).get(1003)
    assert picture is not None
    renditions, start = Renditions(), threading.Barrier(8)

    def make(_: int) -> bytes:
        start.wait(timeout=60)
        return renditions.jpeg(picture, "960")

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(make, range(8)))
    assert len(made) == 1
    assert renditions.kept_bytes == len(made.pop())


def test_a_rendition_expires_and_the_api_gives_a_new_address(get: Get, pictures: Path, clock: Clock) -> None:
    with StockSite(pictures, rendition_lifetime=timedelta(seconds=30), clock=clock) as site:
        hit = ask(get, site, id=1001).json()["hits"][0]
        clock.now += 29.9
        assert get(hit["webformatURL"]).status_code == 200
        clock.now += 0.2
        for url in (hit["webformatURL"], hit["largeImageURL"], hit["webformatURL"].replace("_640", "_340")):
            expired = get(url)
            assert expired.status_code == 403
            assert expired.headers["Content-Type"].startswith("text/plain")
            assert "expired" in expired.text
        assert get(hit["previewURL"]).status_code == 200
        renewed = ask(get, site, id=1001).json()["hits"][0]["webformatURL"]
        assert renewed != hit["webformatURL"]
        assert get(renewed).status_code == 200


def test_a_forged_or_borrowed_address_of_a_rendition_is_a_403(get: Get, site: StockSite, pictures: Path) -> None:
    hit = ask(get, site, id=1003).json()["hits"][0]
    url = hit["webformatURL"]
    at = url.index("/get/g") + len("/get/g")
    forged = [url[:place] + ("0" if url[place] != "0" else "1") + url[place + 1 :] for place in (at + 15, at + 20, -9)]
    with StockSite(pictures) as other:
        borrowed = ask(get, other, id=1003).json()["hits"][0]["webformatURL"]
        forged.append(borrowed.replace(other.home_url, site.home_url))
    forged.append(url.replace("_640", "_1280"))
    forged.append(hit["largeImageURL"].replace("_1280", "_640"))
    assert [get(address).status_code for address in forged] == [403] * 6


def test_a_picture_whose_file_has_gone_is_a_500_and_the_site_lives_on(
    get: Get, site: StockSite, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (pictures / "1003.jpg").unlink()
    (pictures / "1005.jpg").write_bytes(b"no picture at all")
    for number in (1003, 1005):
        answer = get(ask(get, site, id=number).json()["hits"][0]["webformatURL"])
        assert answer.status_code == 500
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert str(pictures) not in answer.text
    assert found(get, site, q="tiger") == [1003]
    assert capfd.readouterr() == ("", "")


# Pages and everything else


def test_the_page_of_a_picture_shows_it_with_its_tags_and_its_credit(get: Get, site: StockSite) -> None:
    hit = ask(get, site, id=1001).json()["hits"][0]
    page = get(hit["pageURL"])
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for tag in ("boat", "sea", "night", "rain"):
        assert f"<li>{tag}</li>" in page.text
    assert 'href="/users/phrasepix-1/"' in page.text
    shown = re.search(r'<img src="([^"]+)"', page.text)
    assert shown is not None
    assert size_of(get(site.home_url.rstrip("/") + shown[1])) == (640, 426)


def test_pages_escape_what_the_catalogue_says(get: Get, site: StockSite) -> None:
    hit = ask(get, site, id=1006).json()["hits"][0]
    for url in (hit["pageURL"], hit["userURL"], site.home_url):
        page = get(url)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<i>" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in get(hit["pageURL"]).text


def test_a_picture_without_tags_has_a_page_and_a_preview_too(get: Get, tmp_path: Path) -> None:
    with StockSite(write_catalogue(tmp_path / "bare", [entry(5, [])])) as site:
        hit = ask(get, site).json()["hits"][0]
        assert hit["tags"] == ""
        assert get(hit["pageURL"]).status_code == 200
        assert size_of(get(hit["previewURL"])) == (150, 99)


def test_the_page_of_a_user_leads_to_the_users_pictures_and_to_no_others(get: Get, site: StockSite) -> None:
    page = get(site.home_url + "users/phrasepix-1/").text
    for address in ("photos/boat-sea-night-rain-1001/", "vectors/berry-red-bus-1004/", "illustrations/"):
        assert f'href="/{address}' in page
    assert "1006" not in page


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "api/videos/",
        "photos/boat-9999/",
        "photos/",
        "users/phrasepix-99/",
        "photo/boat-9999_150.jpg",
        "photo/../catalogue.jsonl",
        "get/gabc_640.jpg",
        "get/",
        "catalogue.jsonl",
        "1001.jpg",
        "%00",
        "//[",
    ],
)
def test_anything_else_is_a_plain_text_404(site: StockSite, path: str) -> None:
    answer = raw(site, f"GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"Content-Type: text/plain" in answer
    assert answer.endswith(b"[ERROR 404] There is nothing at this address.")


def test_head_gives_the_headers_of_get_and_no_body(get: Get, session: requests.Session, site: StockSite) -> None:
    hit = ask(get, site, id=1003).json()["hits"][0]
    for url in (hit["webformatURL"], hit["pageURL"], site.api_url, site.home_url + "nothing"):
        full, head = get(url), session.head(url, timeout=20)
        assert head.status_code == full.status_code
        assert head.content == b""
        assert head.headers["Content-Type"] == full.headers["Content-Type"]
        assert int(head.headers["Content-Length"]) == len(full.content)


def test_nothing_follows_the_headers_of_a_head_on_the_wire(site: StockSite) -> None:
    answer = raw(site, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.index(b"\r\n\r\n") == len(answer) - 4


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_a_plain_text_405(session: requests.Session, site: StockSite, method: str) -> None:
    answer = session.request(method, site.api_url, data=b"x" * 100_000, timeout=20)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x00\xff\xfe\r\n\r\n", 400),
        (b"GET /api/?key=hidden-key HTTP/1.1 extra\r\n\r\n", 400),
        (b"GET /api/?key=hidden-key HTTP/x\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"BREW /?key=hidden-key HTTP/1.1\r\n\r\n", 501),
        (b"GET /?key=hidden-key&q=" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 431),
    ],
)
def test_a_malformed_request_is_answered_in_plain_text_without_repeating_it(
    get: Get, site: StockSite, capfd: pytest.CaptureFixture[str], request_bytes: bytes, status: int
) -> None:
    answer = raw(site, request_bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: text/plain" in answer
    assert b"hidden-key" not in answer
    assert found(get, site, q="tiger") == [1003]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"x" * 8_000_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 8_000_000, 405),
    ],
)
def test_a_client_that_says_too_much_still_gets_its_answer(site: StockSite, request_bytes: bytes, status: int) -> None:
    assert raw(site, request_bytes).startswith(b"HTTP/1.1 %d " % status)


def test_the_body_of_a_get_is_not_taken_for_the_next_request(site: StockSite) -> None:
    body = b"GET /nothing HTTP/1.1\r\n\r\n"
    answer = raw(site, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close\r\n" in answer


def test_several_requests_share_one_connection(site: StockSite) -> None:
    request = b"GET /nothing HTTP/1.1\r\nHost: x\r\n"
    answer = raw(site, (request + b"\r\n") * 3 + request + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404 ") == 4
    assert answer.count(b"Connection: keep-alive\r\n") == 3


def test_a_client_that_hangs_up_leaves_no_trace(get: Get, site: StockSite, capfd: pytest.CaptureFixture[str]) -> None:
    port = int(site.home_url.rsplit(":", 1)[1].strip("/"))
    for request in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request)
    assert found(get, site, q="tiger") == [1003]
    site.close()
    assert capfd.readouterr() == ("", "")


def test_requests_are_counted_by_kind(get: Get, site: StockSite) -> None:
    assert not site.served
    hit = ask(get, site, id=1001).json()["hits"][0]
    ask(get, site, key="wrong")
    get(hit["webformatURL"])
    get(hit["previewURL"])
    get(hit["pageURL"])
    get(site.home_url + "nothing")
    assert site.served == {"api": 2, "picture": 2, "page": 1, "other": 1}


def test_eight_clients_at_once_all_get_what_they_asked_for(pictures: Path) -> None:
    numbers = [1001, 1002, 1003, 1004, 1005]
    heights = {1001: 426, 1002: 900, 1003: 1500, 1004: 400, 1005: 450}

    with StockSite(pictures, requests_per_minute=1000) as site, ThreadPoolExecutor(8) as pool:

        def client(seed: int) -> int:
            chance = random.Random(seed)
            with requests.Session() as session:
                session.trust_env = False
                for _ in range(25):
                    number, suffix = chance.choice(numbers), chance.choice(["180", "340"])
                    parameters: dict[str, str | int] = {"key": site.key, "id": number}
                    hits = session.get(site.api_url, params=parameters, timeout=60).json()["hits"]
                    assert [hit["id"] for hit in hits] == [number]
                    picture = session.get(hits[0]["webformatURL"].replace("_640", f"_{suffix}"), timeout=60)
                    assert size_of(picture)[1] == min(int(suffix), heights[number])
            return 50

        assert sum(pool.map(client, range(8))) == 400
        assert site.served == {"api": 200, "picture": 200}


# Its life


@pytest.fixture
def threads_of_the_site() -> Callable[[], list[str]]:
    """The names of those that began with the test; a finder of another test may have a site open."""
    before = {*threading.enumerate()}
    return lambda: [one.name for one in {*threading.enumerate()} - before if one.name.startswith("sample site")]


def test_after_the_block_nothing_listens_and_no_thread_is_left(
    get: Get, pictures: Path, threads_of_the_site: Callable[[], list[str]]
) -> None:
    with StockSite(pictures) as site:
        found(get, site, q="boat")  # the session keeps this connection open
        assert threads_of_the_site()
    assert threads_of_the_site() == []
    with pytest.raises(requests.ConnectionError):
        get(site.api_url)
    site.close()


def test_stopping_does_not_wait_for_a_slow_picture(
    get: Get, pictures: Path, threads_of_the_site: Callable[[], list[str]]
) -> None:
    with StockSite(pictures, picture_delay_s=3600) as site, ThreadPoolExecutor(1) as pool:
        url = ask(get, site, id=1001).json()["hits"][0]["webformatURL"]
        with requests.Session() as session:
            session.trust_env = False
            waiting = pool.submit(session.get, url, timeout=60)
            while not site.served["picture"]:
                time.sleep(0.01)
            site.close()
            # Whether the answer still got out is a matter of luck; that the client does not hang is not.
            assert waiting.exception(timeout=30) is None or isinstance(waiting.exception(), requests.ConnectionError)
    assert threads_of_the_site() == []


def test_a_delayed_picture_arrives_whole(get: Get, pictures: Path) -> None:
    with StockSite(pictures, picture_delay_s=0.2) as site:
        before = time.monotonic()
        assert size_of(get(ask(get, site, id=1001).json()["hits"][0]["webformatURL"])) == (640, 426)
        assert time.monotonic() - before > 0.1  # a lower bound: a slow machine cannot break it


def test_a_site_can_be_stopped_and_started_again_and_has_no_address_before(get: Get, pictures: Path) -> None:
    site = StockSite(pictures)
    with pytest.raises(RuntimeError, match="with statement"):
        _ = site.api_url
    for _ in range(3):
        with site:
            assert found(get, site, q="tiger") == [1003]
            with pytest.raises(RuntimeError, match="running already"):
                site.__enter__()
            assert SAMPLE_KEY not in repr(site)
    assert "not running" in repr(site)


def test_two_sites_run_side_by_side(get: Get, pictures: Path) -> None:
    with StockSite(pictures) as one, StockSite(pictures) as other:
        assert one.api_url != other.api_url
        assert found(get, one) == found(get, other)
        with pytest.raises(OSError, match="in use"), StockSite(pictures, port=int(one.home_url[:-1].rsplit(":")[-1])):
            pass


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", 'line 1, does not describe a picture: "file" is missing'),
        ("\n[1]", "line 2"),
        ("{nonsense", "line 1"),
        (json.dumps(ENTRIES[0] | {"id": "x"}), '"id" must be a whole number'),
        (json.dumps(ENTRIES[0] | {"id": True}), '"id" must be a whole number'),
        (json.dumps(ENTRIES[0] | {"width": 0}), '"width" must be at least 1'),
        (json.dumps(ENTRIES[0] | {"type": "film"}), '"type" must be one of photo'),
        (json.dumps(ENTRIES[0] | {"tags": [1]}), '"tags" must be a list of strings'),
        (json.dumps(ENTRIES[0] | {"file": "../1001.jpg"}), "plain file name"),
        (json.dumps(ENTRIES[0] | {"file": "gone.jpg"}), "gone.jpg"),
        (f"{json.dumps(ENTRIES[0])}\n{json.dumps(ENTRIES[0])}", "number 1001"),
    ],
)
def test_a_catalogue_that_cannot_be_used_says_where_and_why(pictures: Path, text: str, complaint: str) -> None:
    (pictures / "catalogue.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError, match=re.escape(complaint)):
        Catalogue.load(pictures)


def test_a_directory_without_a_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"catalogue\.jsonl"):
        StockSite(tmp_path / "nowhere")


# The command

COMMAND = [sys.executable, "-W", "error", "-m", "phrasepix.sample"]
PROJECT = Path(__file__).parents[1]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
def test_the_command_serves_until_ctrl_c(get: Get, pictures: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--pictures", str(pictures)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONDEVMODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip("\n") for _ in range(2)]
        settings = dict(line.split("=", 1) for line in lines)
        assert list(settings) == ["PIXABAY_API_URL", "PIXABAY_API_KEY"]
        answer = get(settings["PIXABAY_API_URL"], params={"key": settings["PIXABAY_API_KEY"], "q": "tiger"})
        assert [hit["id"] for hit in answer.json()["hits"]] == [1003]
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == ""
    assert re.fullmatch(r"6 pictures at http://127\.0\.0\.1:\d+/, until Ctrl-C\n", errors)


def test_the_command_says_in_one_line_what_keeps_it_from_starting(tmp_path: Path) -> None:
    missing = run("--pictures", str(tmp_path / "nowhere"))
    assert (missing.returncode, missing.stdout) == (3, "")
    assert missing.stderr.count("\n") == 1
    assert "catalogue.jsonl" in missing.stderr


def test_the_command_names_a_port_that_is_taken(site: StockSite, pictures: Path) -> None:
    port = site.home_url[:-1].rsplit(":")[-1]
    taken = run("--pictures", str(pictures), "--port", port)
    assert (taken.returncode, taken.stdout) == (3, "")
    assert taken.stderr.count("\n") == 1
    assert port in taken.stderr


@pytest.mark.parametrize("port", first_often(1, ["65536", "-1", "x", "9" * 5000]))
def test_a_port_that_cannot_be_is_wrong_usage(port: str) -> None:
    wrong = run(f"--port={port}")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
