"""Making a shortlist, or a new one of what the last one knows and what was added since."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from phrasepix.library.room import has_room
from phrasepix.library.scanning import scanner_of
from phrasepix.library.shortlist import (
    AXES,
    COARSE,
    COARSE_CODES,
    DELETED,
    FILES,
    FINE,
    FINE_CODES,
    HAS_VECTOR,
    STATES,
    WITHOUT_VECTOR,
    About,
    Part,
    Shortlist,
    parts_of,
    pointer_of,
    read_shortlist,
    row_ids,
)
from phrasepix.library.table import Library
from phrasepix_core.files import unique
from reranker.encoder import Embeddings

_COARSE_AXES: Final = 128
"""Of how many axes the first code is, two bits each (`benchmarks/LIBRARY_SETTINGS.md`)."""
_LEARNED_FROM: Final = 30_000
"""How many rows the axes and the quantisers are learned from."""
_GROWN: Final = 2
"""How many times as many rows there are as when the axes were learned, before they are learned anew."""
_ABOUT: Final = "about.json"
_ROWS_AT_ONCE: Final = 8192
_SEED: Final = 1

Codes = NDArray[np.uint8]
_Batch = tuple[NDArray[np.int64], Embeddings, NDArray[np.bool_]]
"""Rows of a fragment: their places in it, ascending, their vectors, and which have none."""


def uncovered_rows(library: Library, column: str) -> int:
    """Return how many rows with a vector the shortlist of a column lacks: all of them where there is none."""
    shortlist = read_shortlist(library.location, column)
    parts = parts_of(library.dataset, column)
    covered = {*shortlist.about.parts} & parts.keys() if shortlist else set()
    fragments = [fragment for part, fragment in parts.items() if part not in covered]
    if not fragments:
        return 0
    return int(scanner_of(library.dataset, [], fragments=fragments, filter=f"{column} IS NOT NULL").count_rows())


def build_shortlist(library: Library, column: str) -> bool:
    """Make the shortlist of a column as the table is now, and put it in place of the last; return whether there was
    room for it on the disk.

    To be called under the library's lock. Whoever is killed leaves what was there before. In memory are the first codes
    of all rows, and some thousand vectors. Raises `OSError`.
    """
    former = read_shortlist(library.location, column)
    dimensions = library.description.encoders[column].dimensions
    parts = parts_of(library.dataset, column)
    rows = sum(part.rows for part in parts)
    if not has_room(library.location, 2 * rows * dimensions):
        return False
    pointer = pointer_of(library.location, column)
    pointer.parent.mkdir(exist_ok=True)
    directory = pointer.with_name(unique(f"{column}-", ""))
    directory.mkdir()
    try:
        if former is not None and former.about.dimensions == dimensions and rows <= _GROWN * former.about.learned_from:
            coder, learned_from = _Coder.of(former), former.about.learned_from
        else:
            coder, learned_from, former = _Coder.learned(library.dataset, column), rows, None
        _write(directory, coder, library.dataset, column, parts, former)
        sizes = {name: (directory / name).stat().st_size for name in FILES}
        about = About(directory.name, dimensions, learned_from, tuple(parts), sizes)
        (directory / _ABOUT).write_text(about.to_json(), encoding="utf-8")
        for path in directory.iterdir():  # on the disk before anything points to it
            with path.open("rb") as file:
                os.fsync(file.fileno())
        (directory / _ABOUT).replace(pointer)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    _clear(pointer.parent)
    return True


def renew_shortlists(library: Library) -> None:
    """Have the shortlists that there are say nothing of rows that are gone from the table, or delete them.

    To be called under the library's lock. Raises `OSError`.
    """
    if library.location.is_uri:
        return
    for column in library.description.encoders:
        pointer = pointer_of(library.location, column)
        if not pointer.exists():
            continue
        has_rows = read_shortlist(library.location, column) is not None and library.count() > 0
        if not has_rows or not build_shortlist(library, column):
            pointer.unlink()
            _clear(pointer.parent)


def _clear(directory: Path) -> None:
    """Delete what no pointer points to: former shortlists, and those of whoever was killed."""
    current = set()
    for pointer in directory.glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            current.add(About.from_json(pointer.read_text("utf-8")).directory)
    for path in directory.iterdir():
        if path.is_dir() and path.name not in current:
            shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Coder:
    """Turns vectors into their codes: principal axes, then both quantisers of faiss, which are learned."""

    axes: Embeddings
    coarse: Any
    fine: Any

    @classmethod
    def of(cls, shortlist: Shortlist) -> Self:
        """That of a shortlist."""
        coarse = _coarse(shortlist.coarse.d)
        coarse.pq, coarse.is_trained = shortlist.coarse.pq, True
        return cls(shortlist.axes, coarse, shortlist.fine)

    @classmethod
    def learned(cls, dataset: Any, column: str) -> Self:
        """That of rows drawn from a table."""
        import faiss  # also loaded where its shortlist is asked

        there = row_ids(dataset, f"{column} IS NOT NULL")
        drawn = np.random.default_rng(_SEED).choice(there, min(len(there), _LEARNED_FROM), replace=False)
        rows = dataset._take_rows(np.sort(drawn).tolist(), columns=[column])
        sample = _unit(_values(rows[column].combine_chunks())[0])
        mean = sample.mean(axis=0)
        centred = sample - mean
        # In 64 bits: the last axes of vectors of fewer ranks are noise, and must still be at right angles.
        spread, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        axes = axes[:, np.argsort(-spread)]
        # Each code of the product quantiser has a long axis and a short one, so that all of them err as much: two long
        # ones in a code lose a tenth of the nearest (`benchmarks/LIBRARY_SETTINGS.md`).
        used = min(_COARSE_AXES, len(axes) // 2 * 2)
        order = np.arange(len(axes))
        order[:used] = np.stack([np.arange(used // 2), used - 1 - np.arange(used // 2)], axis=1).ravel()
        all_axes = np.vstack([mean, axes[:, order]]).astype(np.float32)
        turned = centred @ all_axes[1:]
        coarse = _coarse(used)
        coarse.train(np.ascontiguousarray(turned[:, :used]))
        fine = faiss.IndexScalarQuantizer(len(axes), faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        fine.train(turned)
        return cls(all_axes, coarse, fine)

    def encoded(self, vectors: Embeddings) -> tuple[Codes, Codes]:
        """The codes of vectors, float32 [n, d]: uint8 [n, bytes] and [n, d]."""
        turned = (_unit(vectors) - self.axes[0]) @ self.axes[1:]
        start = np.ascontiguousarray(turned[:, : self.coarse.d])
        return self.coarse.sa_encode(start), self.fine.sa_encode(turned)


def _coarse(axes: int) -> Any:
    import faiss

    return faiss.IndexPQ(axes, axes // 2, 4, faiss.METRIC_INNER_PRODUCT)


def _write(
    directory: Path, coder: _Coder, dataset: Any, column: str, parts: Mapping[Part, Any], former: Shortlist | None
) -> None:
    """Write all files; the codes of parts that the former shortlist has are copied."""
    import faiss

    known: dict[Part, slice] = {}
    start = 0
    for part in former.about.parts if former else ():
        known[part] = slice(start, start + part.rows)
        start += part.rows
    former_coarse = np.load(former.directory / COARSE_CODES, mmap_mode="r") if former else None
    rows = sum(part.rows for part in parts)
    coarse_codes = np.zeros((rows, coder.coarse.code_size), np.uint8)
    states = np.full(rows, DELETED, np.uint8)
    place = 0
    with (directory / FINE_CODES).open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (rows, len(coder.axes) - 1)}
        np.lib.format.write_array_header_1_0(file, header)
        for part, fragment in parts.items():
            here = slice(place, place + part.rows)
            place += part.rows
            if former is not None and former_coarse is not None and (there := known.get(part)):
                coarse_codes[here], states[here] = former_coarse[there], former.states[there]
                for some in range(there.start, there.stop, _ROWS_AT_ONCE):
                    file.write(former.fine_codes[some : min(some + _ROWS_AT_ONCE, there.stop)].tobytes())
            else:
                _encode(_batches(dataset, fragment, column), coder, coarse_codes[here], states[here], file)
    np.save(directory / AXES, coder.axes)
    np.save(directory / STATES, states)
    np.save(directory / COARSE_CODES, coarse_codes)
    faiss.write_index(coder.fine, str(directory / FINE))
    coder.coarse.reset()
    coder.coarse.add_sa_codes(coarse_codes)
    del coarse_codes
    faiss.write_index(faiss.IndexPQFastScan(coder.coarse), str(directory / COARSE))


def _encode(
    batches: Iterable[_Batch],
    coder: _Coder,
    coarse: Codes,
    states: Codes,
    file: BinaryIO,
) -> None:
    """Fill in what is said of a fragment's rows, and append their second codes to a file; deleted rows have none."""
    done = 0
    for offsets, vectors, missing in batches:
        coarse_codes, fine_codes = coder.encoded(vectors)
        coarse[offsets] = coarse_codes
        states[offsets] = np.where(missing, WITHOUT_VECTOR, HAS_VECTOR)
        fine = np.zeros((offsets[-1] + 1 - done, fine_codes.shape[1]), np.uint8)
        fine[offsets - done] = fine_codes
        file.write(fine.tobytes())
        done = offsets[-1] + 1
    file.write(bytes((len(states) - done) * coder.fine.d))


def _batches(dataset: Any, fragment: Any, column: str) -> Iterator[_Batch]:
    for batch in scanner_of(dataset, [column], fragments=[fragment]).to_batches():
        if batch.num_rows:
            addresses = batch["_rowid"].to_numpy()
            yield (addresses & 0xFFFFFFFF).astype(np.int64), *_values(batch[column])


def _values(column: Any) -> tuple[Embeddings, NDArray[np.bool_]]:
    """The vectors of an Arrow array, float32 [n, d], zero where there is none, and where that is."""
    width = column.type.list_size
    vectors = column.values.slice(column.offset * width, len(column) * width).to_numpy(zero_copy_only=False)
    vectors = np.array(vectors, dtype=np.float32).reshape(len(column), width)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    vectors[missing] = 0
    return vectors, missing


def _unit(vectors: Embeddings) -> Embeddings:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
