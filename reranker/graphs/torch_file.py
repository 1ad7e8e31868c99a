"""A file that `torch.save` wrote, read as data: nothing that its pickle names is imported or called.

Such a file is a zip archive, uncompressed: `data.pkl` says which tensors there are and in which record each of them
stands (https://docs.pytorch.org/docs/stable/notes/serialization.html).
"""

import io
from collections.abc import KeysView
from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from phrasepix_core.text import printable, shortened
from reranker.errors import NotNativeError
from reranker.graphs.torch_pickle import FAULTS, TensorReader, demand_small_memo, tensors_by_name
from reranker.graphs.weights_file import SIZES, Stored, mapped

_LARGEST_PICKLE = 64 << 20
_LOCAL_HEADER = 30
"""Bytes of a zip record's own header, without the names that follow it."""


class TorchFile:
    """The tensors of the file at `path`, by their names.

    Raises `NotNativeError` where the file is damaged, of another kind, or holds more than tensors, and OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file, ZipFile(file) as archive:
                self._content = mapped(file)
                self._tensors = self._read(archive)
        except (BadZipFile, RuntimeError, *FAULTS) as error:  # RuntimeError: of an encrypted archive
            raise self._unknown(str(error) or type(error).__name__) from None

    @property
    def names(self) -> KeysView[str]:
        """The names of all tensors."""
        return self._tensors.keys()

    def __getitem__(self, name: str) -> Stored:
        return self._tensors[name]

    def _read(self, archive: ZipFile) -> dict[str, Stored]:
        places = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
        if len(places) != 1:
            raise self._unknown("it has no list of tensors, or several")
        folder = places[0].removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in archive.namelist() and self._content_of(archive, order, len(b"little")) != b"little":
            raise self._unknown("its numbers are big-endian")
        pickled = self._content_of(archive, places[0], _LARGEST_PICKLE)
        listing = io.BytesIO(pickled)
        demand_small_memo(listing, len(pickled))
        reader = TensorReader(listing, lambda key, kind: self._record(archive, f"{folder}data/{key}", kind))
        return tensors_by_name(reader.load())

    def _content_of(self, archive: ZipFile, name: str, most: int) -> bytes:
        """A record that is no tensor: kept as it is, and of `most` bytes."""
        record = archive.getinfo(name)
        if record.compress_type != ZIP_STORED or record.file_size > most:
            raise self._unknown(f"its record {shortened(printable(name), 80)} is not one that torch writes")
        return archive.read(record)

    def _record(self, archive: ZipFile, name: str, kind: str) -> Stored:
        """A record of the archive: all its numbers in a row."""
        record = archive.getinfo(name)
        header = self._content[record.header_offset : record.header_offset + _LOCAL_HEADER].tobytes()
        names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        first = record.header_offset + _LOCAL_HEADER + names
        if (
            record.compress_type != ZIP_STORED
            or record.file_size % SIZES[kind]
            or first + record.file_size > len(self._content)
        ):
            raise self._unknown(f"its record {shortened(printable(name), 80)} is not one that torch writes")
        return Stored(kind, (record.file_size // SIZES[kind],), self._content[first : first + record.file_size])

    def _unknown(self, why: str) -> NotNativeError:
        return NotNativeError(f"{self._path.name} cannot be read without torch: {why}")
