"""Memory given back to the system."""

import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reranker.engine.exported_model import ExportedModel
from reranker.engine.openvino_encoder import OpenVinoEncoder
from reranker.process_memory import give_back_mapped, giving_back_mapped
from reranker.threads import cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is done on Linux only")

PAGES = 256
CONTENT = b"".join(bytes([number]) * mmap.PAGESIZE for number in range(PAGES))

COUNT_ARENAS = """
import ctypes, sys, threading
from phrasepix.finder import Finder
with Finder():
    together = threading.Barrier(12)
    c = ctypes.CDLL(None)
    c.malloc.restype = ctypes.c_void_p
    def allocate():
        c.malloc(1000)
        together.wait()
    threads = [threading.Thread(target=allocate) for _ in range(12)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    c.fopen.restype = ctypes.c_void_p
    c.fclose.argtypes = [ctypes.c_void_p]
    c.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
    stream = c.fopen(sys.argv[1].encode(), b"w")
    c.malloc_info(0, stream)
    c.fclose(stream)
"""


def resident(file: Path) -> int:
    """Bytes of `file` that count as this process's."""
    found, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            ours = line.endswith(f" {file.resolve()}")
        elif ours and words[0] == "Rss:":
            found += int(words[1]) * 1024
    return found


def is_mapped(file: Path) -> bool:
    return f" {file.resolve()}\n" in Path("/proc/self/maps").read_text()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights — 1.bin"
    path.write_bytes(CONTENT)
    return path


def test_pages_that_were_read_are_given_back_and_read_the_same_again(file: Path) -> None:
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:] == CONTENT
        assert resident(file) == len(CONTENT)
        assert give_back_mapped(file) == len(CONTENT)
        assert resident(file) == 0
        assert mapped[:] == CONTENT


def test_what_was_written_into_a_private_copy_stays(file: Path) -> None:
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        mapped[:5] = b"other"
        assert give_back_mapped(file) == 0
        assert mapped[:5] == b"other"


def test_other_files_keep_their_pages(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "weights"
    other.write_bytes(CONTENT)
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[-1] == PAGES - 1
        before = resident(file)
        assert before
        assert give_back_mapped(other) == 0
        assert give_back_mapped(tmp_path / "missing") == 0
        assert resident(file) == before


def test_an_error_in_the_meantime_is_raised(file: Path) -> None:
    with pytest.raises(ValueError, match="amid"), giving_back_mapped(file):
        raise ValueError("amid")


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_the_file_of_a_tower_that_ran_is_not_in_memory(
    precision: str, link_export: Callable[[Path], None], tmp_path: Path
) -> None:
    link_export(tmp_path)
    (artefacts,) = filter(None, (ExportedModel.read(path) for path in (tmp_path / "engines").iterdir()))
    encoder = OpenVinoEncoder(artefacts, "sample", precision=precision)
    first = encoder.encode_texts(["a red boat"])
    mapped = [path for path in artefacts.directory.rglob("text.bin") if is_mapped(path)]
    assert len(mapped) == 1
    assert resident(mapped[0]) == 0
    np.testing.assert_array_equal(encoder.encode_texts(["a red boat"]), first)


@pytest.mark.parametrize("said", [None, "9"])
def test_threads_share_what_they_freed_unless_it_is_said_otherwise(said: str | None, tmp_path: Path) -> None:
    others = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    environment = others | ({"MALLOC_ARENA_MAX": said} if said else {})
    info = tmp_path / "malloc.xml"
    subprocess.run([sys.executable, "-c", COUNT_ARENAS, str(info)], env=environment, check=True, timeout=60)
    arenas = info.read_text().count("<heap nr=")
    assert arenas == 9 if said else 1 <= arenas <= cores()
