"""What a second node brings a library's build: `python -m benchmarks.library_scale`, two minutes.

Drawn pictures in a store on loopback (moto's server) are encoded by the sample's model, by one actor of one thread and
by two on two Ray nodes. What counts is the time a picture takes inside the actors, but for each one's first piece, with
which the model is loaded: it would be the same if a second node took nothing from the first. Where both nodes share a
machine that does other things too, processor time says it, not time.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phrasepix.events import ignore
from phrasepix.library.description import EncoderColumn
from phrasepix.library.location import Location
from phrasepix.library.object_prefix import ObjectPrefix
from phrasepix.library.table import Library
from phrasepix.models.catalogue import choose_model
from reranker.encoder import image_tower_name
from reranker.engine.factory import load_encoder
from tests.object_store import serving
from tests.picture_tree import picture
from tests.ray_cluster import cluster

PREFIX = "s3://pictures/drawn"


@contextmanager
def library_of(name: str, cache: Path) -> Iterator[Location]:
    """An empty library of the sample's model, whose export is below `cache`."""
    encoder = load_encoder(choose_model("sample", None, only_the_sample=False)[1], cache)
    location = Location.of(f"s3://tables/{name}")
    Library.open_or_create(location).column_for(
        EncoderColumn(tower=image_tower_name(encoder), dimensions=encoder.dimensions, model="sample")
    )
    yield location


@dataclass(frozen=True, slots=True)
class Measured:
    """How many pictures were written, on how many nodes, and what one took: processor time and time, in ms."""

    pictures: int
    nodes: int
    cpu_ms: float
    wall_ms: float


def measured(location: Location, address: str, piece: int, actors: int) -> Measured:
    """Build a library by so many actors."""
    from phrasepix.library.piece_encoder import Written
    from phrasepix.library.ray_build import RayBuilder

    done: list[Written] = []
    (column,) = Library.open(location).description.encoders
    builder = RayBuilder(location, column, address, on_event=ignore, piece=piece, actors=actors, on_written=done.append)
    counts = builder.run([ObjectPrefix.of(PREFIX)])
    begun: set[str] = set()
    warm = []
    for one in done:
        if one.actor in begun:
            warm.append(one)
        begun.add(one.actor)
    rows = sum(one.rows for one in warm)
    return Measured(
        counts.written,
        len({one.actor.partition(":")[0] for one in warm}),
        1000 * sum(one.cpu_s for one in warm) / rows,
        1000 * sum(one.wall_s for one in warm) / rows,
    )


def main() -> None:
    """Measure, and print a table."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--pictures", type=int, default=960)
    asked.add_argument("--piece", type=int, default=40)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as directory, serving() as store:
        cache = Path(directory, "cache")
        os.environ.update(store.environment)
        for bucket in ("tables", "pictures"):
            store.make_bucket(bucket)
        for number in range(options.pictures):
            store.put(f"pictures/drawn/{number % 4}/{number:05}.jpg", picture(number, "JPEG", (640, 480)))
        found: list[Measured] = []
        with cluster(cache) as nodes:
            for actors in (1, 2):
                with library_of(f"with-{actors}", cache) as location:
                    found.append(measured(location, nodes.address, options.piece, actors))
    print(
        "| actors | nodes | pictures | processor ms a picture | ms a picture | of linear, by processor time | by time |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    first = found[0]
    for actors, one in enumerate(found, start=1):
        print(
            f"| {actors} | {one.nodes} | {one.pictures} | {one.cpu_ms:.2f} | {one.wall_ms:.2f} "
            f"| {first.cpu_ms / one.cpu_ms:.2f} | {first.wall_ms / one.wall_ms:.2f} |"
        )


if __name__ == "__main__":
    main()
