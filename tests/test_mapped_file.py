"""Pages of mapped files given back to the system."""

import mmap
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reranker.engine.exported_model import ExportedModel
from reranker.engine.mapped_file import give_back_pages, giving_back_pages
from reranker.engine.openvino_encoder import OpenVinoEncoder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is done on Linux only")

PAGES = 256
CONTENT = b"".join(bytes([number]) * mmap.PAGESIZE for number in range(PAGES))


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
        assert give_back_pages(file) == len(CONTENT)
        assert resident(file) == 0
        assert mapped[:] == CONTENT


def test_what_was_written_into_a_private_copy_stays(file: Path) -> None:
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        mapped[:5] = b"other"
        assert give_back_pages(file) == 0
        assert mapped[:5] == b"other"


def test_other_files_keep_their_pages(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "weights"
    other.write_bytes(CONTENT)
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[-1] == PAGES - 1
        before = resident(file)
        assert before
        assert give_back_pages(other) == 0
        assert give_back_pages(tmp_path / "missing") == 0
        assert resident(file) == before


def test_an_error_in_the_meantime_is_raised(file: Path) -> None:
    with pytest.raises(ValueError, match="amid"), giving_back_pages(file):
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
