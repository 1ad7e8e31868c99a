"""A library by years and months, as a page."""

from calendar import month_name
from collections import Counter
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

from phrasepix.library.guards import failures
from phrasepix.library.pages.rendering import rendered
from phrasepix.library.pages.thumbnails import thumbnails_of
from phrasepix.library.schema import KEY
from phrasepix.library.table import Library

_MOST_SHOWN: Final = 240
"""Thumbnails on the page: some 800 KB."""
_MOST_OF_A_MONTH: Final = 12
_LOOKED_AT: Final = 2000
"""Rows of a month among which those to show are chosen."""
_SIDE: Final = 120


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture on a page: its key and path, when it was taken, and its thumbnail as a data URL, or empty."""

    key: str
    path: str
    taken_on: date | None
    src: str


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a year: how many pictures, as a `share` (0…1) of what the month has that has most, and some."""

    year: int
    number: int
    pictures: int
    share: float
    shown: tuple[ShownPicture, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return month_name[self.number]

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True)
class Year:
    """A year and its twelve months."""

    number: int
    months: tuple[Month, ...]

    @property
    def pictures(self) -> int:
        """How many there are."""
        return sum(month.pictures for month in self.months)


def timeline_page(library: Library) -> str:
    """Return a self-contained page: each year's months as bars, with pictures of each. Raises `LibraryError`."""
    years, undated = timeline_of(library)
    return rendered(
        "timeline.html.jinja",
        name=library.location.name,
        years=years,
        undated=undated,
        total=undated + sum(year.pictures for year in years),
    )


def timeline_of(library: Library) -> tuple[list[Year], int]:
    """Return the years that have pictures, latest first, and how many pictures have no date. Raises `LibraryError`."""
    with failures(library.location):
        table = library.dataset.to_table(columns=["taken_year", "taken_month"])
        dated = Counter(zip(table["taken_year"].to_pylist(), table["taken_month"].to_pylist(), strict=True))
        undated = dated.pop((None, None), 0)
        latest = sorted(dated, reverse=True)
        of_each = next(
            (
                most
                for most in range(_MOST_OF_A_MONTH, 1, -1)
                if sum(min(most, one) for one in dated.values()) <= _MOST_SHOWN
            ),
            1,
        )
        chosen = {month: _chosen(library, *month, of_each) for month in latest[:_MOST_SHOWN]}
    thumbnails = thumbnails_of((row[KEY] for rows in chosen.values() for row in rows), _SIDE)
    most = max(dated.values(), default=1)

    def month_of(year: int, number: int) -> Month:
        shown = tuple(
            ShownPicture(row[KEY], row["path"], row["taken_on"], thumbnails.get(row[KEY], ""))
            for row in chosen.get((year, number), ())
        )
        pictures = dated.get((year, number), 0)
        return Month(year, number, pictures, pictures / most, shown)

    years = sorted({year for year, _ in dated}, reverse=True)
    return [Year(year, tuple(month_of(year, number) for number in range(1, 13))) for year in years], undated


def _chosen(library: Library, year: int, month: int, most: int) -> list[dict[str, Any]]:
    """Rows of a month, from its beginning to its end, of each part of it the one that is rated best."""
    rows = library.dataset.to_table(
        columns=[KEY, "digest", "path", "taken_on", "rating"],
        filter=f"taken_year = {year} AND taken_month = {month}",
        limit=_LOOKED_AT,
    ).to_pylist()
    each_once = {row["digest"]: row for row in sorted(rows, key=lambda row: row[KEY], reverse=True)}
    ordered = sorted(each_once.values(), key=lambda row: (row["taken_on"], row[KEY]))
    parts = min(most, len(ordered))
    bounds = [len(ordered) * part // parts for part in range(parts + 1)]
    return [max(ordered[start:end], key=lambda row: row["rating"] or 0) for start, end in pairwise(bounds)]
