"""Wikimedia Commons' API: no key, errors with status 200, metadata in HTML, an offset instead of pages."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from retriever.api.adapter import ApiAdapter
from retriever.commons import SOURCE, CommonsAdapter
from retriever.source import Source
from tests.servers import Asked, Step, as_json
from tests.source_servers.base import Picture, Rights, SourceServer

MIME = {"photo": "image/jpeg", "illustration": "image/png", "vector": "image/svg+xml"}
LICENCES = {"cc0": "CC0", "pdm": "Public domain", "by-sa": "CC BY-SA 4.0", "by": "CC BY 2.0", "by-nc": "CC BY-NC 2.0"}
LICENCES |= {"by-nd": "CC BY-ND 3.0 de"}


def error(code: str, info: str, **headers: str) -> Step:
    """An error of MediaWiki."""
    return as_json({"error": {"code": code, "info": info, "docref": "See the API's page"}}, **headers)


class CommonsServer(SourceServer):
    source: ClassVar[Source] = SOURCE
    adapter: ClassVar[type[ApiAdapter]] = CommonsAdapter
    media_types: ClassVar[frozenset[str]] = frozenset({"photo", "illustration", "vector"})
    page_sizes: ClassVar[range] = range(1, 51)

    @property
    def api_url(self) -> str:
        return f"{self.origin}/w/api.php"

    def entry(self, picture: Picture) -> dict[str, Any]:
        name = f"{quote(f'{picture.number}')}.jpg"
        at = f"https://upload.example/{self.files_at}/commons"
        wide = min(960, picture.width)
        facts = {
            "ObjectName": picture.title,
            "Artist": f'<a href="//commons.example/wiki/User:Somebody" title="x"><b>{picture.creator}</b></a>',
            "Credit": '<span class="int-own-work" lang="en">Own work</span>',
            "LicenseShortName": LICENCES[picture.licence],
            "LicenseUrl": f"https://licences.example/{picture.licence}",
            "AttributionRequired": "false" if picture.licence in {"cc0", "pdm"} else "true",
            "DateTimeOriginal": f'<time class="dtstart" datetime="{picture.taken_on}">some day</time>',
            "Categories": "|".join([*picture.tags, "CC-BY-SA-4.0", "Self-published work"]),
        }
        return {
            "pageid": picture.number,
            "ns": 6,
            "title": f"File:{picture.title}.jpg",
            "index": picture.number,
            "imagerepository": "local",
            "imageinfo": [
                {
                    "timestamp": f"{picture.uploaded_on}T12:00:00Z",
                    "size": 123456,
                    "width": picture.width,
                    "height": picture.height,
                    "thumburl": picture.file_url or f"{at}/thumb/a/ab/{name}/{wide}px-{name}",
                    "thumbwidth": wide,
                    "thumbheight": max(1, round(picture.height * wide / picture.width)),
                    "url": picture.file_url or f"{at}/a/ab/{name}",
                    "descriptionurl": self.page(picture),
                    "mime": MIME[picture.media_type],
                    "extmetadata": {
                        key: {"value": value, "source": "commons-desc-page"} for key, value in facts.items()
                    },
                }
            ],
        }

    def entries(self, held: Sequence[object]) -> list[object]:
        """In an order of its own: `index` says which comes first."""
        numbered = [
            one | {"index": place} if isinstance(one, dict) else one for place, one in enumerate(super().entries(held))
        ]
        return numbered[::-1]

    def listing(self, asked: Asked, entries: Sequence[object], total: int) -> Step:
        answer: dict[str, Any] = {"batchcomplete": True}
        if entries:
            answer["query"] = {"pages": list(entries)}
        behind = int(asked.query.get("gsroffset", "0")) + self.page_size_of(asked)
        if behind < total:
            answer["continue"] = {"gsroffset": behind, "continue": "gsroffset||"}
        return as_json(answer)

    def page_of(self, asked: Asked) -> int:
        return int(asked.query.get("gsroffset", "0")) // self.page_size_of(asked) + 1

    def page_size_of(self, asked: Asked) -> int:
        return int(asked.query.get("gsrlimit", "10"))

    def page_size_refused(self) -> Step:
        return error("badinteger", 'The value for parameter "gsrlimit" must be no more than 50.')

    def spent(self) -> Step:
        return error("maxlag", "Waiting for a server: 7 seconds lagged", Retry_After="0", X_Database_Lag="7")

    def rights(self, picture: Picture) -> Rights:
        parts = picture.licence.split("-")
        return Rights("nc" not in parts, "nd" not in parts, picture.licence not in {"cc0", "pdm"})

    def unusable(self) -> dict[str, object]:
        document = self.entry(Picture(number=901))
        document["imageinfo"][0]["mime"] = "application/pdf"
        without_file = self.entry(Picture(number=902)) | {"imageinfo": []}
        hostile = self.entry(Picture(number=903, file_url="javascript:alert(1)"))
        return {"901": document, "902": without_file, "903": hostile, "?": {"title": "File:No number.jpg"}}

    def matches(self, asked: Asked, picture: Picture) -> bool:
        search = asked.query["gsrsearch"]
        kind = re.search(r"(?<!-)filetype:(\S+)", search)
        widths, heights = re.search(r"filew:>(\d+)", search), re.search(r"fileh:>(\d+)", search)
        return (
            (kind is None or ("drawing" if picture.media_type == "vector" else "bitmap") in kind[1].split("|"))
            and not any(one in MIME[picture.media_type] for one in re.findall(r"-filemime:(\S+)", search))
            and (widths is None or picture.width >= int(widths[1]))
            and (heights is None or picture.height >= int(heights[1]))
        )

    def is_search(self, asked: Asked) -> bool:
        return "generator" in asked.query

    def answer_of_another_kind(self, asked: Asked) -> Step | None:
        if self.is_search(asked):
            return None
        identifier = asked.query["pageids"]
        picture = self.picture(identifier)
        page = {"pageid": int(identifier), "missing": True} if picture is None else self.entry(picture)
        return as_json({"batchcomplete": True, "query": {"pages": [page]}})
