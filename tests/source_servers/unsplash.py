"""Unsplash's API: a key in the header, thirty photos at once, told of every download."""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from retriever.api.adapter import ApiAdapter
from retriever.source import Source
from retriever.unsplash import SOURCE, UnsplashAdapter
from tests.servers import KEY, Asked, Step, as_json, plain
from tests.source_servers.base import Picture, Rights, SourceServer

REFERRAL = "utm_source=phrasepix&utm_medium=referral"
COLOURS = {"grayscale": "black_and_white", "lilac": "purple", "pink": "magenta", "turquoise": "teal"}
IXID = "M3wxMjA3fDB8MXxzZWFyY2h8MXx8Ym9hdHxlbnwwfHx8"


def photo(identifier: str, file: str = "https://images.example/photo-1", **changes: Any) -> dict[str, Any]:
    """A photo as Unsplash sends it; `file` is the address of all its files in front of their query."""
    raw = f"{file}?ixid={IXID}&ixlib=rb-4.0.3"
    return {
        "id": identifier,
        "slug": f"a-boat-at-night-{identifier}",
        "created_at": "2021-06-18T11:00:28Z",
        "updated_at": "2023-07-10T11:00:01Z",
        "width": 3000,
        "height": 2000,
        "color": "#0c4059",
        "blur_hash": "LaLXMa9Fx[D%~q%MtQM|kDRjtRIU",
        "description": None,
        "alt_description": "a boat at night",
        "urls": {
            "raw": raw,
            "full": f"{raw}&q=85&fm=jpg&crop=entropy&cs=srgb",
            "regular": f"{raw}&q=80&fm=jpg&crop=entropy&cs=tinysrgb&w=1080&fit=max",
            "small": f"{raw}&q=80&fm=jpg&crop=entropy&cs=tinysrgb&w=400&fit=max",
            "thumb": f"{raw}&q=80&fm=jpg&crop=entropy&cs=tinysrgb&w=200&fit=max",
            "small_s3": f"{file}-small-s3",
        },
        "links": {
            "self": f"https://api.example/photos/{identifier}",
            "html": f"https://photos.example/photos/{identifier}",
            "download": f"https://photos.example/photos/{identifier}/download?ixid={IXID}",
            "download_location": f"https://api.example/photos/{identifier}/download?ixid={IXID}",
        },
        "user": {
            "id": "u7",
            "username": "some.body",
            "name": "somebody",
            "links": {"html": "https://photos.example/@some.body"},
        },
        "tags": [{"type": "search", "title": "boat"}, {"type": "landing_page", "title": "sea"}],
    } | changes


class UnsplashServer(SourceServer):
    source: ClassVar[Source] = SOURCE
    adapter: ClassVar[type[ApiAdapter]] = UnsplashAdapter
    key: ClassVar[str] = KEY
    page_sizes: ClassVar[range] = range(1, 31)

    def identifier(self, picture: Picture) -> str:
        return f"Xq_{picture.number}-aB"

    def page(self, picture: Picture) -> str:
        return f"{super().page(picture)}?{REFERRAL}"

    def day(self, picture: Picture) -> date:
        return picture.uploaded_on

    def entry(self, picture: Picture) -> dict[str, Any]:
        identifier = self.identifier(picture)
        return photo(
            identifier,
            self.file(picture, "any"),
            created_at=f"{picture.uploaded_on}T11:00:28-05:00",
            width=picture.width,
            height=picture.height,
            description=picture.title,
            links={
                "html": super().page(picture),
                "download_location": f"{self.api_url}photos/{identifier}/download?ixid={IXID}",
            },
            user={
                "name": picture.creator,
                "username": "some.body",
                "links": {"html": "https://photos.example/@some.body"},
            },
            tags=[{"type": "search", "title": tag} for tag in picture.tags],
        )

    def listing(self, asked: Asked, entries: Sequence[object], total: int) -> Step:
        pages = -(-total // self.page_size_of(asked))
        return as_json(
            {"total": total, "total_pages": pages, "results": entries},
            X_Ratelimit_Limit="50",
            X_Ratelimit_Remaining="9",
        )

    def page_of(self, asked: Asked) -> int:
        return int(asked.query.get("page", "1"))

    def page_size_of(self, asked: Asked) -> int:
        return int(asked.query.get("per_page", "10"))

    def page_size_refused(self) -> Step:
        return Step(400, b'{"errors": ["per_page is too large"]}', {"Content-Type": "application/json"})

    def spent(self) -> Step:
        return plain(403, "Rate Limit Exceeded", X_Ratelimit_Limit="50", X_Ratelimit_Remaining="0")

    def rights(self, picture: Picture) -> Rights:
        return Rights(commercial=True, modification=True, credit_owed=True)

    def unusable(self) -> dict[str, object]:
        return {
            "Xq_901": photo("Xq_901", "javascript:alert(1)"),
            "Xq_902": photo("Xq_902", premium=True, plus=True),
            "Xq_903": photo("Xq_903", height=None),
            "?": photo("Xq_904", id=None),
        }

    def matches(self, asked: Asked, picture: Picture) -> bool:
        query = asked.query
        shape = {True: "landscape", False: "portrait"}[picture.width > picture.height]
        shapes = (
            {shape, "squarish"}
            if max(picture.width, picture.height) < 1.2 * min(picture.width, picture.height)
            else {shape}
        )
        return (
            query.get("orientation", shape) in shapes
            and query.get("color", "") in {"", *(COLOURS.get(colour, colour) for colour in picture.colours)}
            and (picture.g_rated or query.get("content_filter") != "high")
        )

    def is_search(self, asked: Asked) -> bool:
        return asked.path.endswith("/search/photos")

    def answer_of_another_kind(self, asked: Asked) -> Step | None:
        if self.is_search(asked):
            return None
        identifier, _, news = asked.path.rpartition("/photos/")[2].partition("/")
        picture = self.picture(identifier)
        if picture is None:
            return Step(404, b'{"errors": ["Couldn\'t find Photo"]}', {"Content-Type": "application/json"})
        if news != "download":
            return as_json(self.entry(picture))
        self.told_of.append(identifier)
        return as_json({"url": f"{self.file(picture, 'download')}?ixid={asked.query.get('ixid', '')}"})

    def key_of(self, asked: Asked) -> str:
        return asked.headers.get("Authorization", "").removeprefix("Client-ID ")

    def key_refused(self) -> Step:
        body = b'{"errors": ["OAuth error: The access token is invalid"]}'
        return Step(401, body, {"Content-Type": "application/json"})
