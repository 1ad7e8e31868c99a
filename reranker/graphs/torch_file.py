"""A file that `torch.save` wrote, read as data: nothing that its pickle names is imported or called.

Such a file is a zip archive, uncompressed: `data.pkl` says which tensors there are and in which record each of them
stands (https://docs.pytorch.org/docs/stable/notes/serialization.html). What a pickle may name is a closed list.
"""

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable, KeysView
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from phrasepix_core.text import printable, shortened
from reranker.errors import NotNativeError
from reranker.graphs.weights_file import SIZES, Stored, mapped

_LARGEST_PICKLE = 64 << 20
_LOCAL_HEADER = 30
"""Bytes of a zip record's own header, without the names that follow it."""
_KINDS = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}  # fmt: skip


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
        except (
            BadZipFile,
            pickle.UnpicklingError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            EOFError,
            RuntimeError,  # of an encrypted archive
            ArithmeticError,
            MemoryError,
        ) as error:
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
        _demand_small_memo(pickled)
        said = _Reader(pickled, lambda key, kind: self._record(archive, f"{folder}data/{key}", kind)).load()
        if isinstance(said, dict) and isinstance(said.get("state_dict"), dict):
            said = said["state_dict"]
        if not isinstance(said, dict) or not all(
            isinstance(name, str) and isinstance(tensor, Stored) for name, tensor in said.items()
        ):
            raise self._unknown("it holds something else than tensors by their names")
        return dict(said)

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


def _demand_small_memo(pickled: bytes) -> None:
    """Raise where an object is kept under a number so large that the memory for all below it would be asked for."""
    for code, argument, _ in pickletools.genops(pickled):
        if code.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > len(pickled):
            raise pickle.UnpicklingError("it keeps more objects than it has")


class _Reader(pickle.Unpickler):
    """Reads the list of tensors: whatever it names is found here, or refused."""

    def __init__(self, content: bytes, record: Callable[[str, str], Stored]) -> None:
        super().__init__(io.BytesIO(content))
        self._record = record

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name."""
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _tensor
            case "torch._utils", "_rebuild_parameter":
                return _parameter
            case "torch", _ if name in _KINDS:
                return _KINDS[name]
        raise pickle.UnpicklingError(f"it names {shortened(printable(f'{module}.{name}'), 80)}, which is no tensor")

    def persistent_load(self, pid: Any) -> Stored:
        """The record that a tensor's numbers stand in."""
        what, kind, key, *_ = pid
        if what != "storage":
            raise pickle.UnpicklingError("it names something else than numbers")
        return self._record(str(key), str(kind))


def _tensor(numbers: Stored, first: int, shape: tuple[int, ...], steps: tuple[int, ...], *_: Any) -> Stored:
    """A tensor whose numbers stand in a row, from the number `first` on."""
    expected, size = 1, SIZES[numbers.kind]
    for length, step in zip(reversed(shape), reversed(steps), strict=True):
        if length != 1 and step != expected:
            raise pickle.UnpicklingError("the numbers of a tensor stand in another order")
        expected *= length
    begin, end = first * size, (first + math.prod(shape)) * size
    if not 0 <= begin <= end <= len(numbers.content):
        raise pickle.UnpicklingError("a tensor is larger than its record")
    return Stored(numbers.kind, tuple(shape), numbers.content[begin:end])


def _parameter(tensor: Stored, *_: Any) -> Stored:
    return tensor
