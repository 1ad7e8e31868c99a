"""A file that `torch.save` wrote before its version 1.6, read as data as the newer ones are.

It is a row of pickles: a number that says what it is, the version of the format, the machine it was made on, the list
of tensors, and the keys of the records that follow. Each record has the count of its numbers as eight bytes, then
these (https://github.com/pytorch/pytorch/blob/main/torch/serialization.py, `_legacy_save`).
"""

import pickle
from collections.abc import KeysView
from pathlib import Path
from typing import Any, BinaryIO

from reranker.errors import NotNativeError
from reranker.graphs.torch_pickle import FAULTS, Record, TensorReader, demand_small_memo, tensors_by_name
from reranker.graphs.weights_file import SIZES, Stored, mapped

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
BEGINNING = pickle.dumps(_MAGIC, protocol=2)
"""How such a file begins."""

_COUNT_BYTES = 8


class OldTorchFile:
    """The tensors of the file at `path`, by their names.

    Raises `NotNativeError` where the file is damaged, of another kind, or holds more than tensors, and OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                self._content = mapped(file)
                self._tensors = self._read(file)
        except FAULTS as error:
            raise self._unknown(str(error) or type(error).__name__) from None

    @property
    def names(self) -> KeysView[str]:
        """The names of all tensors."""
        return self._tensors.keys()

    def __getitem__(self, name: str) -> Stored:
        return self._tensors[name]

    def _read(self, file: BinaryIO) -> dict[str, Stored]:
        kinds: dict[str, str] = {}

        def note(key: str, kind: str) -> Stored:
            """Note a record whose place is not known yet."""
            kinds[key] = kind
            return Stored(kind, (0,), self._content[:0])

        if self._said(file, note) != _MAGIC or self._said(file, note) != _VERSION:
            raise self._unknown("it is of another format")
        machine = self._said(file, note)
        if not isinstance(machine, dict) or machine.get("little_endian") is not True:
            raise self._unknown("its numbers are big-endian")
        listing = file.tell()
        self._said(file, note)
        records = self._records(self._said(file, note), kinds, file.tell())
        file.seek(listing)
        return tensors_by_name(TensorReader(file, lambda key, kind: records[key]).load())

    def _said(self, file: BinaryIO, note: Record) -> Any:
        demand_small_memo(file, self._content.size)
        return TensorReader(file, note, tensor=lambda *_: None).load()

    def _records(self, keys: Any, kinds: dict[str, str], place: int) -> dict[str, Stored]:
        """The records by their keys, one after the other from `place` on."""
        if not isinstance(keys, list) or {*keys} != kinds.keys():
            raise self._unknown("its records are not those of its tensors")
        records: dict[str, Stored] = {}
        for key in keys:
            count = int.from_bytes(self._content[place : place + _COUNT_BYTES].tobytes(), "little")
            begin, place = place + _COUNT_BYTES, place + _COUNT_BYTES + count * SIZES[kinds[key]]
            if place > self._content.size:
                raise self._unknown("it is cut short")
            records[key] = Stored(kinds[key], (count,), self._content[begin:place])
        return records

    def _unknown(self, why: str) -> NotNativeError:
        return NotNativeError(f"{self._path.name} cannot be read without torch: {why}")
