"""Pexels' API: a key in the header, eighty photos at once, nobody answered who does not say who asks."""

from collections.abc import Sequence
from typing import Any, ClassVar

from retriever.api.adapter import ApiAdapter
from retriever.pexels import SOURCE, PexelsAdapter
from retriever.source import Source
from tests.servers import KEY, Asked, Step, as_json, plain
from tests.source_servers.base import Picture, Rights, SourceServer

LEAST_PIXELS = {"small": 4_000_000, "medium": 12_000_000, "large": 24_000_000}


def photo(number: int, file: str = "https://images.example/1.jpeg", **changes: Any) -> dict[str, Any]:
    """A photo as Pexels sends it; `file` is the address of the original, and of all others in front of their query."""
    fitted = f"{file}?auto=compress&cs=tinysrgb"
    return {
        "id": number,
        "width": 3000,
        "height": 2000,
        "url": f"https://photos.example/photo/a-boat-at-night-{number}/",
        "photographer": "somebody",
        "photographer_url": "https://photos.example/@somebody",
        "photographer_id": 7,
        "avg_color": "#374824",
        "src": {
            "original": file,
            "large2x": f"{fitted}&dpr=2&h=650&w=940",
            "large": f"{fitted}&h=650&w=940",
            "medium": f"{fitted}&h=350",
            "small": f"{fitted}&h=130",
            "portrait": f"{fitted}&fit=crop&h=1200&w=800",
            "landscape": f"{fitted}&fit=crop&h=627&w=1200",
            "tiny": f"{fitted}&dpr=1&fit=crop&h=200&w=280",
        },
        "liked": False,
        "alt": "A boat at night.",
    } | changes


class PexelsServer(SourceServer):
    source: ClassVar[Source] = SOURCE
    adapter: ClassVar[type[ApiAdapter]] = PexelsAdapter
    key: ClassVar[str] = KEY
    page_sizes: ClassVar[range] = range(1, 81)

    def entry(self, picture: Picture) -> dict[str, Any]:
        return photo(
            picture.number,
            self.file(picture, "original"),
            width=picture.width,
            height=picture.height,
            url=self.page(picture),
            photographer=picture.creator,
            alt=picture.title,
        )

    def answer(self, asked: Asked) -> Step:
        if not asked.headers.get("User-Agent"):
            return plain(403, "error code: 1010")
        return super().answer(asked)

    def listing(self, asked: Asked, entries: Sequence[object], total: int) -> Step:
        page, size = self.page_of(asked), self.page_size_of(asked)
        following = {"next_page": f"{self.api_url}search?page={page + 1}"} if page * size < total else {}
        return as_json({"page": page, "per_page": size, "photos": entries, "total_results": total, **following})

    def page_of(self, asked: Asked) -> int:
        return int(asked.query.get("page", "1"))

    def page_size_of(self, asked: Asked) -> int:
        return int(asked.query.get("per_page", "15"))

    def page_size_refused(self) -> Step:
        return Step(400, b'{"status": 400, "code": "Bad Request"}', {"Content-Type": "application/json"})

    def spent(self) -> Step:
        return Step(429, b'{"status": 429, "code": "Too many requests"}', {"Content-Type": "application/json"})

    def rights(self, picture: Picture) -> Rights:
        return Rights(commercial=True, modification=True, credit_owed=False)

    def unusable(self) -> dict[str, object]:
        return {"901": photo(901, "javascript:alert(1)"), "902": photo(902, width=0), "?": photo(903, id=None)}

    def matches(self, asked: Asked, picture: Picture) -> bool:
        query = asked.query
        shape = {True: "landscape", False: "portrait"}[picture.width > picture.height]
        shapes = (
            {shape, "square"}
            if max(picture.width, picture.height) < 1.1 * min(picture.width, picture.height)
            else {shape}
        )
        colours = {"violet" if colour == "lilac" else colour for colour in picture.colours}
        return (
            query.get("orientation", shape) in shapes
            and query.get("color", "") in {"", *colours}
            and picture.width * picture.height >= LEAST_PIXELS.get(query.get("size", ""), 0)
        )

    def is_search(self, asked: Asked) -> bool:
        return asked.path.endswith("/search")

    def answer_of_another_kind(self, asked: Asked) -> Step | None:
        if self.is_search(asked):
            return None
        picture = self.picture(asked.path.rpartition("/photos/")[2])
        if picture is None:
            return Step(404, b'{"status": 404, "code": "Not Found"}', {"Content-Type": "application/json"})
        return as_json(self.entry(picture))

    def key_of(self, asked: Asked) -> str:
        return asked.headers.get("Authorization", "")

    def key_refused(self) -> Step:
        return Step(401, b'{"status": 401, "code": "Unauthorized"}', {"Content-Type": "application/json"})
