"""Filling a library by a Ray cluster: Ray Data reads the lists and prefixes, actors encode, the driver commits."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import lance
import ray
import ray.data

from phrasepix.errors import LibraryError
from phrasepix.events import Listener, Notice, SearchProgress
from phrasepix.library.folder_sync import SyncCounts
from phrasepix.library.guards import failures
from phrasepix.library.location import Location
from phrasepix.library.maintenance import BITS, WHOLE, tidy
from phrasepix.library.object_prefix import ObjectPrefix, Place
from phrasepix.library.piece_encoder import PieceEncoder, Written
from phrasepix.library.pieces import BuildPiece, Spans, pieces_of_list, pieces_of_prefix
from phrasepix.library.planner import INDEXED_FROM, has_index
from phrasepix.library.shortlist import is_usable
from phrasepix.library.table import Library
from phrasepix.models.catalogue import choose_model
from phrasepix_core.text import printable
from reranker.engine.factory import load_encoder
from retriever.directories import cache_directory
from retriever.folder.profile import FOLDER

PIECE: Final = 4096
"""Pictures that an actor writes at once: a minute's work of a core, and what is done again if it is killed."""
_COMMIT_EVERY_S: Final = 15.0
_DISTRIBUTED_FROM: Final = 2_000_000
"""From how many rows on the cluster compacts and indexes the table: with fewer one machine is done sooner."""
_PASSES: Final = 3
"""How often what was refused is listed and read again, at most."""


class RayBuilder:
    """Fills the `column` of the library at `location` by the cluster at `address`; `on_event` is told how far it is.

    The actors write fragments of the table, to which nothing refers until the driver commits them, some at a time:
    rows are there exactly once, whether an actor, a node or the driver is killed, and the next run leaves out what is
    committed. By default as many `actors` encode as the cluster has room for; `on_written` is told of each piece. One
    build at a time may run on a table; any number of readers, and folders kept in step, beside it.
    """

    def __init__(
        self,
        location: Location,
        column: str,
        address: str,
        *,
        on_event: Listener,
        piece: int = PIECE,
        commit_every_s: float = _COMMIT_EVERY_S,
        distributed_from: int = _DISTRIBUTED_FROM,
        actors: int | None = None,
        on_written: Callable[[Written], None] = lambda written: None,
    ) -> None:
        self._location = location
        self._column = column
        self._address = address
        self._on_event = on_event
        self._piece = piece
        self._commit_every_s = commit_every_s
        self._distributed_from = distributed_from
        self._actors = actors
        self._on_written = on_written

    def run(self, places: Sequence[Place]) -> SyncCounts:
        """Encode what is new or changed in lists and prefixes, then compact and index. Nothing is taken out.

        Raises `LibraryError`, `WrongParameterError` for a folder, and `ModelError`.
        """
        counts = SyncCounts()
        with _connected(self._address):
            library = Library.open(self._location)
            for _ in range(_PASSES):
                if not self._pass(library, places, counts):
                    break
            self._finish(library)
        return counts

    def _pass(self, library: Library, places: Sequence[Place], counts: SyncCounts) -> int:
        """Go through all places; return how many pieces were refused."""
        waiting: list[Written] = []
        spans, refused = Spans(), 0
        committed_at = time.monotonic()
        for one in self._results(places):
            if not spans.take(one.part, one.span):
                refused += 1
                continue
            waiting.append(one)
            self._note(one, counts)
            self._on_written(one)
            if time.monotonic() > committed_at + self._commit_every_s:
                self._commit(library, waiting)
                waiting, committed_at = [], time.monotonic()
        self._commit(library, waiting)
        return refused

    def _results(self, places: Sequence[Place]) -> Iterator[Written]:
        """What becomes of the pieces, in the order in which they are done."""
        named = {str(place): place for place in places}
        parts = [part for place in places for part in self._parts(place)]
        if not parts:
            return
        with_gpu = ray.cluster_resources().get("GPU", 0) >= 1
        cluster_cpus = int(ray.cluster_resources().get("CPU", 1))
        nodes = sum(bool(node["Alive"]) for node in ray.nodes())
        # Ray waits for ever, without a word, where actors leave the tasks that read no processor: one a node is theirs.
        actors = int(ray.cluster_resources()["GPU"]) if with_gpu else max(1, cluster_cpus - nodes)
        actors = self._actors or actors
        context = ray.data.DataContext.get_current()
        context.target_max_block_size = 1  # each piece is a block of its own: what one actor has in hand
        context.enable_progress_bars = False
        dataset = (
            ray.data.from_items(parts, override_num_blocks=len(parts))
            .flat_map(_pieces, fn_kwargs={"places": named, "most": self._piece})
            .map_batches(
                _Actor,
                batch_size=1,
                compute=ray.data.ActorPoolStrategy(min_size=self._actors or 1, max_size=actors),
                fn_constructor_kwargs={"location": self._location, "column": self._column, "places": named},
                num_gpus=1 if with_gpu else None,
                num_cpus=max(1, cluster_cpus // (2 * actors)) if with_gpu else 1,
            )
        )
        try:
            for row in dataset.iter_rows():
                yield Written.from_json(row["written"])
        except ray.exceptions.RayError as error:
            raise LibraryError(
                f"the library {self._location.name} is not finished: {_reason_of(error)}; start the same command "
                "again, what is written stays"
            ) from None

    def _parts(self, place: Place) -> Iterator[dict[str, Any]]:
        """What is read at once: parts of a prefix, or pieces of a list."""
        if isinstance(place, ObjectPrefix):
            for part in place.parts():
                yield {"place": str(place), "path": part.path, "deep": part.deep, "piece": ""}
            return
        problems: list[str] = []
        for piece in pieces_of_list(place, self._piece, problems):
            yield {"place": str(place), "path": "", "deep": False, "piece": piece.to_json()}
        for problem in problems:
            self._on_event(Notice((f"{place}: {problem}",), FOLDER.name))

    def _note(self, one: Written, counts: SyncCounts) -> None:
        counts.written += one.rows + one.renewed
        counts.encoded += one.rows + one.renewed
        counts.unchanged += one.unchanged
        counts.skipped += one.skipped
        for reason in one.reasons:
            self._on_event(Notice((reason,), FOLDER.name))
        if one.skipped > len(one.reasons):
            self._on_event(Notice((f"{one.skipped - len(one.reasons)} more of {one.part}",), FOLDER.name))
        done = counts.written + counts.unchanged + counts.skipped
        self._on_event(SearchProgress("looking at the pictures", done))

    def _commit(self, library: Library, waiting: Sequence[Written]) -> None:
        fragments = [lance.FragmentMetadata.from_json(text) for one in waiting for text in one.fragments]
        if not fragments:
            return
        library.refresh()
        with failures(self._location):
            lance.LanceDataset.commit(
                self._location.table,
                lance.LanceOperation.Append(fragments),
                read_version=library.dataset.version,
                storage_options=self._location.storage_options,
            )

    def _finish(self, library: Library) -> None:
        library.refresh()
        if library.count() >= max(self._distributed_from, INDEXED_FROM):
            self._on_event(SearchProgress("compacting and indexing"))
            with failures(self._location):
                compact_and_index(library, self._column, workers=max(1, len(ray.nodes())))
        tidy(library)


def compact_and_index(library: Library, column: str, *, workers: int) -> None:
    """Have the cluster make small fragments large ones, and the index of a column, if it has none and will be asked."""
    import lance_ray

    location = library.location
    told = {"storage_options": location.storage_options, "num_workers": workers}
    options = {"target_rows_per_fragment": WHOLE, "num_threads": 1}
    lance_ray.compact_files(location.table, compaction_options=options, **told)
    library.refresh()
    if not is_usable(location) and not has_index(library.dataset, column):
        lance_ray.create_index(location.table, column, "IVF_RQ", metric="cosine", num_bits=BITS, **told)
    library.refresh()


class _Actor:
    """Has the model of a node; one piece after the other."""

    def __init__(self, location: Location, column: str, places: Mapping[str, Place]) -> None:
        self._places = places
        self._name = f"{ray.get_runtime_context().get_node_id()}:{os.getpid()}"
        library = Library.open(location)
        encoder = library.description.encoders[column]
        _, spec = choose_model(encoder.model, encoder.pretrained, only_the_sample=False)
        self._encoder = PieceEncoder(library, column, load_encoder(spec, cache_directory()))

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        piece, place = BuildPiece.from_json(str(batch["piece"][0])), self._places[str(batch["place"][0])]
        written = replace(self._encoder.written(piece, place), actor=self._name)
        return {"written": [written.to_json()]}


def _pieces(row: dict[str, Any], places: Mapping[str, Place], most: int) -> Iterator[dict[str, Any]]:
    place = places[row["place"]]
    if not isinstance(place, ObjectPrefix):
        yield {"place": row["place"], "piece": row["piece"]}
        return
    for piece in pieces_of_prefix(replace(place, path=row["path"], deep=bool(row["deep"])), most):
        yield {"place": row["place"], "piece": piece.to_json()}


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """Be a driver of the cluster. Raises `LibraryError` if it cannot be reached."""
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise LibraryError(f"no Ray cluster can be reached at {printable(address)}: {_reason_of(error)}") from None
    try:
        yield
    finally:
        ray.shutdown()


def _reason_of(error: BaseException) -> str:
    """The last line that says something: above it are the places in Ray's and our source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable(lines[-1] if lines else type(error).__name__)[:500]
