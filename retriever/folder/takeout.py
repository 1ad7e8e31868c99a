"""What the JSON beside a picture of Google Takeout says of it."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from retriever.folder.facts import Facts, Place, place_of, text_of, texts_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def facts_of_takeout(data: bytes) -> Facts | None:
    """The facts a file states: none if it is another program's JSON, and None if it is damaged.

    Its `title` is the name of the file, its `description` what somebody wrote. Who is in the picture is a keyword.
    """
    try:
        said: Any = json.loads(data)
    except (ValueError, RecursionError):  # the latter: of thousands of brackets
        return None
    if not isinstance(said, dict):
        return Facts()
    people = said.get("people")
    return Facts(
        title=text_of(said.get("description")),
        keywords=texts_of(_of(one, "name") for one in people) if isinstance(people, list) else (),
        taken_on=_day(_of(said.get("photoTakenTime"), "timestamp")),
        place=_place(said.get("geoData")) or _place(said.get("geoDataExif")),
    )


def _of(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _day(timestamp: object) -> date | None:
    """The day of a number of seconds since the epoch, in UTC; they may be a text, and lie before it."""
    try:
        seconds = int(timestamp) if isinstance(timestamp, str | int) else None
        return None if seconds is None else (_EPOCH + timedelta(seconds=seconds)).date()
    except (ValueError, OverflowError):
        return None


def _place(said: object) -> Place | None:
    return place_of(_of(said, "latitude"), _of(said, "longitude"))
