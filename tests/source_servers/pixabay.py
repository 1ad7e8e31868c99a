"""Pixabay's API: a key in the query, errors in plain text, 500 pictures deep."""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from retriever.api.adapter import ApiAdapter
from retriever.pixabay import SOURCE
from retriever.pixabay.adapter import PixabayAdapter
from retriever.source import Source
from tests.servers import KEY, Asked, Step, hit, of_hits, plain
from tests.source_servers.base import Picture, Rights, SourceServer


class PixabayServer(SourceServer):
    source: ClassVar[Source] = SOURCE
    adapter: ClassVar[type[ApiAdapter]] = PixabayAdapter
    key: ClassVar[str] = KEY
    media_types: ClassVar[frozenset[str]] = frozenset({"photo", "illustration", "vector"})
    page_sizes: ClassVar[range] = range(3, 201)

    def entry(self, picture: Picture) -> dict[str, Any]:
        return hit(
            picture.number,
            pageURL=self.page(picture),
            type="vector/svg" if picture.media_type == "vector" else picture.media_type,
            tags=", ".join(picture.tags),
            previewURL=self.preview(picture),
            webformatURL=self.file(picture, "x_640"),
            largeImageURL=self.file(picture, "1280"),
            imageWidth=picture.width,
            imageHeight=picture.height,
            user=picture.creator,
            isAiGenerated=picture.ai_generated,
            isGRated=picture.g_rated,
        )

    def preview(self, picture: Picture) -> str:
        """The one address that says when a picture was uploaded."""
        return (
            picture.file_url or f"https://files.example/photo/{picture.uploaded_on:%Y/%m/%d}/{picture.number}_150.jpg"
        )

    def day(self, picture: Picture) -> date:
        """No answer says when a picture was taken."""
        return picture.uploaded_on

    def listing(self, asked: Asked, entries: Sequence[object], total: int) -> Step:
        return of_hits(entries, min(total, self.profile.deepest))

    def page_of(self, asked: Asked) -> int:
        return int(asked.query.get("page", "1"))

    def page_size_of(self, asked: Asked) -> int:
        return int(asked.query.get("per_page", "20"))

    def page_size_refused(self) -> Step:
        return plain(400, '[ERROR 400] "per_page" is out of valid range.')

    def past_the_end(self, asked: Asked, total: int) -> Step:
        if self.page_of(asked) * self.page_size_of(asked) > self.profile.deepest:
            return plain(400, '[ERROR 400] "page" is out of valid range.')
        return super().past_the_end(asked, total)

    def spent(self) -> Step:
        return plain(429, "API rate limit exceeded", X_RateLimit_Remaining="0", X_RateLimit_Reset="0.02")

    def rights(self, picture: Picture) -> Rights:
        return Rights(commercial=True, modification=True, credit_owed=False)

    def unusable(self) -> dict[str, object]:
        return {
            "901": hit(901, previewURL="", webformatURL="javascript:alert(1)", largeImageURL="file:///etc/passwd"),
            "?": hit(902, id=None),
        }

    def matches(self, asked: Asked, picture: Picture) -> bool:
        query = asked.query
        colours = set(query["colors"].split(",")) if "colors" in query else set(picture.colours)
        orientation = "horizontal" if picture.width > picture.height else "vertical"
        return (
            query.get("image_type", "all") in {"all", picture.media_type}
            and query.get("orientation", "all") in {"all", orientation}
            and picture.width >= int(query.get("min_width", "0"))
            and picture.height >= int(query.get("min_height", "0"))
            and bool(colours & set(picture.colours))
            and (picture.g_rated or query.get("safesearch") != "true")
        )

    def is_search(self, asked: Asked) -> bool:
        return "id" not in asked.query

    def answer_of_another_kind(self, asked: Asked) -> Step | None:
        if self.is_search(asked):
            return None
        picture = self.picture(asked.query["id"])
        return of_hits([] if picture is None else [self.entry(picture)])

    def key_of(self, asked: Asked) -> str:
        return asked.query.get("key", "")

    def key_refused(self) -> Step:
        return plain(400, "[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/).")
