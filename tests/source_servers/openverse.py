"""Openverse's API: no key, 20 to a page, 240 deep, errors in JSON."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from retriever.api.adapter import ApiAdapter
from retriever.openverse import SOURCE, OpenverseAdapter
from retriever.source import Source
from tests.servers import Asked, Step, as_json
from tests.source_servers.base import Picture, Rights, SourceServer

FREE = {"cc0", "pdm"}
CATEGORIES = {"photo": "photograph", "illustration": "illustration", "vector": "illustration"}


def refusal(status: int, detail: str, **headers: str) -> Step:
    """An error of Openverse."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Step(status, json.dumps({"detail": detail}).encode(), {"Content-Type": "application/json", **names})


class OpenverseServer(SourceServer):
    source: ClassVar[Source] = SOURCE
    adapter: ClassVar[type[ApiAdapter]] = OpenverseAdapter
    media_types: ClassVar[frozenset[str]] = frozenset({"photo", "illustration", "vector"})
    page_sizes: ClassVar[range] = range(1, 21)

    @property
    def api_url(self) -> str:
        return f"{self.origin}/v1/images/"

    def identifier(self, picture: Picture) -> str:
        return f"4bc43a04-ef46-4544-a0c1-{picture.number:012x}"

    def entry(self, picture: Picture) -> dict[str, Any]:
        identifier = self.identifier(picture)
        version = "1.0" if picture.licence in FREE else "2.0"
        file = self.file(picture, "original")
        return {
            "id": identifier,
            "title": picture.title,
            "indexed_on": "2023-01-02T03:04:05.678900Z",
            "foreign_landing_url": self.page(picture),
            "url": file.replace(".jpg", ".svg") if picture.media_type == "vector" else file,
            "creator": picture.creator,
            "creator_url": "https://source.example/people/somebody",
            "license": picture.licence,
            "license_version": version,
            "license_url": f"https://creativecommons.org/licenses/{picture.licence}/{version}/",
            "provider": "collection",
            "source": "collection",
            "category": CATEGORIES[picture.media_type],
            "filesize": None,
            "filetype": "svg" if picture.media_type == "vector" else "jpg",
            "tags": [{"name": tag, "accuracy": None} for tag in picture.tags],
            "attribution": f'"{picture.title}" by {picture.creator} is marked with {picture.licence} {version}.',
            "fields_matched": ["title"],
            "mature": not picture.g_rated,
            "height": picture.height,
            "width": picture.width,
            "thumbnail": self.file(picture, "thumb"),
            "detail_url": f"{self.api_url}{identifier}/",
        }

    def listing(self, asked: Asked, entries: Sequence[object], total: int) -> Step:
        return as_json(
            {
                "result_count": total,
                "page_count": min(-(-total // self.page_size_of(asked)), 12),
                "page_size": self.page_size_of(asked),
                "page": self.page_of(asked),
                "results": list(entries),
            }
        )

    def page_of(self, asked: Asked) -> int:
        return int(asked.query.get("page", "1"))

    def page_size_of(self, asked: Asked) -> int:
        return int(asked.query.get("page_size", "20"))

    def page_size_refused(self) -> Step:
        return refusal(401, "page_size may not exceed 20 for anonymous requests")

    def past_the_end(self, asked: Asked, total: int) -> Step:
        return refusal(404, "Invalid page.")

    def spent(self) -> Step:
        return refusal(429, "Request was throttled. Expected available in 0 seconds.", Retry_After="0")

    def rights(self, picture: Picture) -> Rights:
        parts = picture.licence.split("-")
        return Rights("nc" not in parts, "nd" not in parts, picture.licence not in FREE)

    def unusable(self) -> dict[str, object]:
        return {
            "without-files": self.entry(Picture(number=901))
            | {"id": "without-files", "url": "javascript:alert(1)", "thumbnail": None},
            "?": self.entry(Picture(number=902)) | {"id": None},
        }

    def matches(self, asked: Asked, picture: Picture) -> bool:
        query = asked.query
        rights = self.rights(picture)
        allowed = {"commercial": rights.commercial, "modification": rights.modification}
        shape = "wide" if picture.width > picture.height else "tall" if picture.width < picture.height else "square"
        return (
            CATEGORIES[picture.media_type] in query.get("category", CATEGORIES[picture.media_type]).split(",")
            and (query.get("extension") != "svg" or picture.media_type == "vector")
            and query.get("aspect_ratio", shape) == shape
            and all(allowed[use] for use in query.get("license_type", "").split(",") if use)
            and (picture.g_rated or "mature" in query)
        )

    def is_search(self, asked: Asked) -> bool:
        return asked.path == "/v1/images/"

    def answer_of_another_kind(self, asked: Asked) -> Step | None:
        if self.is_search(asked):
            return None
        picture = self.picture(asked.path.removeprefix("/v1/images/").rstrip("/"))
        return refusal(404, "No Image matches the given query.") if picture is None else as_json(self.entry(picture))
