"""Places of a library's pictures on its map: computed once, kept beside the table, computed again when much changed."""

import io
import logging
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from phrasepix.errors import LibraryError
from phrasepix.library.beside import read_beside, write_beside
from phrasepix.library.guards import failures
from phrasepix.library.layout import Points, laid_out, placed
from phrasepix.library.schema import KEY
from phrasepix.library.table import Library, vectors_in
from reranker.encoder import Embeddings

logger = logging.getLogger(__name__)

MOST: Final = 20_000
"""Pictures on a map; of more, as many are drawn by lot, always the same."""
_MOST_CHANGED: Final = 0.1
"""Which share may have come or gone before all places are computed again."""


@dataclass(frozen=True, slots=True)
class MapPlaces:
    """Where pictures are on a map: their keys, contents and places; `total` is how many files have a vector.

    `is_drawn` says that there are more than a map holds.
    """

    keys: tuple[str, ...]
    digests: tuple[str, ...]
    places: Points
    total: int
    is_drawn: bool


def places_of(library: Library, column: str, most: int = MOST) -> MapPlaces:
    """Return the places of up to `most` pictures that have a vector in a column, each content once.

    Raises `LibraryError`.
    """
    found, total, is_drawn = _drawn(library, column, most)
    keys, digests, vectors = _each_once(found, column)
    name = f"map_{column}.npz"
    kept = _kept(read_beside(library.location, name))
    known = [number for number, digest in enumerate(digests) if digest in kept]
    changed = len(digests) - len(known) + len(kept.keys() - set(digests))
    if not known or changed > _MOST_CHANGED * len(digests):
        places = laid_out(vectors)
    else:
        places = np.empty((len(digests), 2), dtype=np.float32)
        places[known] = [kept[digests[number]] for number in known]
        new = np.setdiff1d(np.arange(len(digests)), known)
        if len(new):
            places[new] = placed(vectors[new], vectors[known], places[known])
    if changed and len(digests):
        file = io.BytesIO()
        np.savez(file, digests=np.array(digests), places=places)
        try:
            write_beside(library.location, name, file.getvalue())
        except LibraryError as error:
            logger.warning("where pictures lie on the map is found anew the next time: %s", error)
    return MapPlaces(tuple(keys), tuple(digests), places, total, is_drawn)


def _drawn(library: Library, column: str, most: int) -> tuple[Any, int, bool]:
    """The rows on the map, how many there are in all, and whether some were drawn of them."""
    columns = [KEY, "digest", column]
    with failures(library.location):
        total = library.count(f"{column} IS NOT NULL")
        rows = library.dataset.count_rows()
        if rows <= most:
            return library.dataset.to_table(columns=columns, filter=f"{column} IS NOT NULL"), total, False
        chosen = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
        return library.dataset.take(chosen.tolist(), columns=columns), total, True


def _each_once(found: Any, column: str) -> tuple[list[str], list[str], Embeddings]:
    by_digest: dict[str, tuple[str, Embeddings]] = {}
    ordered = sorted(
        zip(found["digest"].to_pylist(), found[KEY].to_pylist(), vectors_in(found[column]), strict=True),
        key=lambda row: row[:2],
    )
    for digest, key, vector in ordered:
        if vector is not None:
            by_digest.setdefault(digest, (key, vector))
    vectors = np.array([vector for _, vector in by_digest.values()], dtype=np.float32)
    return [key for key, _ in by_digest.values()], [*by_digest], vectors


def _kept(data: bytes | None) -> dict[str, Points]:
    """Places by digest; none where the file is damaged: they are computed again."""
    if data is None:
        return {}
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            digests, places = arrays["digests"].tolist(), np.asarray(arrays["places"], dtype=np.float32)
    except (OSError, ValueError, KeyError, EOFError):
        return {}
    if places.shape != (len(digests), 2) or not np.isfinite(places).all():
        return {}
    return dict(zip(digests, np.clip(places, 0, 1), strict=True))
