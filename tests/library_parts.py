"""What tests of libraries share: a folder's sync with an encoder that counts, and rows without files."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from phrasepix.library.description import EncoderColumn
from phrasepix.library.folder_sync import FolderSync, SyncCounts
from phrasepix.library.location import Location
from phrasepix.library.schema import KEY
from phrasepix.library.table import Library
from reranker import ClipReranker, Embeddings
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.offline import OfflineFetcher
from reranker.testing import ColourEncoder
from retriever.folder.file_index import NOTES_FILE, FileIndex


class CountingEncoder(ColourEncoder):
    """Counts the pictures it was given."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.encoded += len(pictures)
        return super().encode_pictures(pictures)


def column_of(encoder: ColourEncoder) -> EncoderColumn:
    """The column of an encoder's vectors."""
    return EncoderColumn(tower=encoder.name, dimensions=encoder.dimensions, model=encoder.name)


def sync(
    base: Path,
    folder: Path,
    cache: Path,
    encoder: ColourEncoder | None = None,
    skipped: list[str] | None = None,
    **options: Any,
) -> SyncCounts:
    """Bring the library below `base` in step with a folder, as a process of its own would."""
    encoder = encoder or ColourEncoder()
    library = Library.open_or_create(Location("mine", str(base)))
    library.change(folders=[str(folder)])
    told = [] if skipped is None else skipped
    with ExitStack() as opened:
        memory = opened.enter_context(Memory(cache))
        syncing = FolderSync(
            library,
            library.column_for(column_of(encoder)),
            lambda: (ClipReranker(encoder), memory),
            loader=opened.enter_context(PictureLoader(OfflineFetcher(), local_sources={"folder"})),
            notes=opened.enter_context(FileIndex(cache / NOTES_FILE)),
            on_skip=lambda path, reason: told.append(f"{path.name}: {reason}"),
            **options,
        )
        return syncing.run(folder)


def paths_in(base: Path) -> list[str]:
    """The paths of all rows, in order; a row that stands twice stands twice."""
    table = Library.open(Location("mine", str(base))).dataset.to_table(columns=["path", KEY])
    assert table[KEY].null_count == 0
    return sorted(table["path"].to_pylist())
