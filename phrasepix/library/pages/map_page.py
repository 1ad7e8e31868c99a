"""A library as a map, as a page."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from phrasepix.library.map_places import MOST, MapPlaces, places_of
from phrasepix.library.pages.rendering import rendered
from phrasepix.library.pages.thumbnails import thumbnails_of
from phrasepix.library.table import Library
from reranker.pictures.local_files import path_of
from retriever.folder.names import shown

_SIDE: Final = 1000.0
"""Of the map, in units of its own."""
_CELLS: Final = 20
"""Places for thumbnails along a side."""
_THUMBNAIL: Final = 96


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture on the map: its file, its upper left corner, its JPEG as a data URL, and how many lie there."""

    key: str
    path: str
    x: float
    y: float
    src: str
    pictures: int


def map_page(library: Library, column: str, most: int = MOST) -> str:
    """Return a self-contained page of up to `most` pictures: of each place one, and how many lie there.

    Raises `LibraryError`.
    """
    places = places_of(library, column, most)
    return rendered(
        "map.html.jinja",
        name=library.location.name,
        model=library.description.encoders[column].model,
        total=places.total,
        on_map=len(places.keys),
        is_drawn=places.is_drawn,
        side=_SIDE,
        cell=_SIDE / _CELLS,
        tiles=_tiles(places),
    )


def _tiles(places: MapPlaces) -> list[Tile]:
    """In each cell of a grid, the picture that is nearest to its middle."""
    cells = np.minimum((places.places * _CELLS).astype(int), _CELLS - 1)
    away = ((places.places * _CELLS - cells - 0.5) ** 2).sum(axis=1)
    there = Counter(zip(cells[:, 1].tolist(), cells[:, 0].tolist(), strict=True))
    nearest: dict[tuple[int, int], int] = {}
    for number in np.argsort(-away, kind="stable").tolist():
        nearest[int(cells[number, 1]), int(cells[number, 0])] = number
    thumbnails = thumbnails_of((places.keys[number] for number in nearest.values()), _THUMBNAIL)
    size = _SIDE / _CELLS
    return [
        Tile(key, shown(str(path_of(key))), column * size, row * size, thumbnails[key], there[row, column])
        for (row, column), number in sorted(nearest.items())
        if (key := places.keys[number]) in thumbnails
    ]
