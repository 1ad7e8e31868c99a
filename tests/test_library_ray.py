"""Libraries built by a Ray cluster of two nodes on loopback, over moto's store, while real processes are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from phrasepix.library.description import EncoderColumn
from phrasepix.library.location import Location
from phrasepix.library.schema import KEY
from phrasepix.library.table import Library, vectors_in
from phrasepix.models.catalogue import choose_model
from reranker.encoder import image_tower_name
from reranker.engine.factory import load_encoder
from reranker.pictures.objects import object_url
from tests import in_process
from tests.object_store import ObjectStore, serving
from tests.picture_tree import picture
from tests.ray_cluster import RayCluster, cluster
from tests.test_command_line import run

pytest.importorskip("lance", reason="libraries need pylance")
pytest.importorskip("moto", reason="the store of these tests is moto's server")
if find_spec("ray") is None:
    pytest.skip("builds by a cluster need Ray", allow_module_level=True)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[1]
PICTURES, PREFIX = 160, "s3://pictures/spring"


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with serving() as serves:
        for bucket in ("tables", "pictures"):
            serves.make_bucket(bucket)
        for number in range(PICTURES):
            serves.put(f"pictures/spring/{number % 3}/{number:04}.png", picture(number))
        yield serves


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, link_export: Callable[[Path], None]) -> Iterator[RayCluster]:
    cache = tmp_path_factory.mktemp("sample-on-nodes")
    link_export(cache)
    with cluster(cache) as running:
        yield running


@pytest.fixture(autouse=True)
def asked_by_environment(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)


def empty(name: str, cache: Path) -> Library:
    """An empty library of the sample's model."""
    encoder = load_encoder(choose_model("sample", None, only_the_sample=False)[1], cache)
    library = Library.open_or_create(Location.of(f"s3://tables/{name}"))
    library.column_for(EncoderColumn(tower=image_tower_name(encoder), dimensions=encoder.dimensions, model="sample"))
    return library


def building(nodes: RayCluster, name: str, piece: int = 4) -> "subprocess.Popen[str]":
    arguments = [nodes.address, f"s3://tables/{name}", PREFIX, str(piece)]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.ray_build_process", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()  # the first piece is done
    return process


def ended(process: "subprocess.Popen[str]") -> int:
    process.communicate(timeout=600)
    return process.returncode


def keys_in(name: str) -> list[str]:
    keys: list[str] = Library.open(Location.of(f"s3://tables/{name}")).dataset.to_table(columns=[KEY])[KEY].to_pylist()
    return sorted(keys)


def all_keys(store: ObjectStore) -> list[str]:
    return sorted(map(object_url, store.paths("pictures/spring")))


def actors_of(nodes: RayCluster) -> list[int]:
    """The processes of the actors that encode."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            is_one = b"ray::MapWorker" in (place / "cmdline").read_bytes()
            is_ours = os.fsencode(nodes.directory) in (place / "environ").read_bytes()
        except OSError:
            continue
        if is_one and is_ours:
            found.append(int(place.name))
    return found


def test_the_command_writes_the_rows_that_it_writes_without_a_cluster(nodes: RayCluster, store: ObjectStore) -> None:
    options = ["--model", "sample", "--json"]
    done = run(
        "library", "build", PREFIX, "--ray", nodes.address, "--to", "s3://tables/one", "--piece", "30", *options,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    alone = in_process.run("library", "build", PREFIX, "--to", "s3://tables/alone", *options)
    assert alone.returncode == 0, alone.stderr
    tables = []
    for name in ("one", "alone"):
        table = Library.open(Location.of(f"s3://tables/{name}")).dataset.to_table().sort_by(KEY)
        (column,) = (column for column in table.schema.names if column.startswith("vector_"))
        rows = [vector for vector in vectors_in(table[column]) if vector is not None]
        tables.append((table.drop_columns([column, "modified_ns"]), np.stack(rows)))
    assert tables[0][0].equals(tables[1][0])
    assert tables[0][0][KEY].to_pylist() == all_keys(store)
    assert np.allclose(tables[0][1], tables[1][1], atol=0.02)


def test_a_killed_actor_leaves_each_row_once(nodes: RayCluster, store: ObjectStore, tmp_path: Path) -> None:
    empty("actor", tmp_path / "cache")
    process = building(nodes, "actor")
    killed = actors_of(nodes)
    assert killed
    os.kill(killed[0], signal.SIGKILL)
    assert ended(process) == 0
    assert keys_in("actor") == all_keys(store)


def test_a_killed_driver_leaves_what_was_committed_and_the_next_run_the_rest(
    nodes: RayCluster, store: ObjectStore, tmp_path: Path
) -> None:
    empty("driver", tmp_path / "cache")
    process = building(nodes, "driver")
    committed: list[str] = []
    while not committed and process.poll() is None:
        time.sleep(0.2)
        committed = keys_in("driver")
    process.kill()
    assert ended(process) == -signal.SIGKILL
    there = keys_in("driver")
    assert len(set(there)) == len(there) >= len(committed) > 0
    assert ended(building(nodes, "driver")) == 0
    assert keys_in("driver") == all_keys(store)


def test_a_killed_node_leaves_each_row_once(nodes: RayCluster, store: ObjectStore, tmp_path: Path) -> None:
    empty("node", tmp_path / "cache")
    process = building(nodes, "node")
    os.kill(nodes.workers[-1], signal.SIGKILL)
    assert ended(process) == 0
    assert keys_in("node") == all_keys(store)
    nodes.add_node()


def test_what_changed_is_written_again_in_its_place(nodes: RayCluster, store: ObjectStore, tmp_path: Path) -> None:
    library = empty("changed", tmp_path / "cache")
    assert ended(building(nodes, "changed", piece=40)) == 0
    changed = all_keys(store)[0]
    store.put("pictures/spring/0/0000.png", picture(9999, size=(80, 60)))
    assert ended(building(nodes, "changed", piece=40)) == 0
    library.refresh()
    assert keys_in("changed") == all_keys(store)
    assert library.dataset.to_table(columns=[KEY], filter="width = 80")[KEY].to_pylist() == [changed]
