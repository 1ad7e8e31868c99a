"""The list of tensors in a file of torch, a pickle, read as data: what it names is found here, or refused."""

import math
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from phrasepix_core.text import printable, shortened
from reranker.graphs.weights_file import SIZES, Stored

_KINDS = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}  # fmt: skip

FAULTS = (
    pickle.UnpicklingError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    ArithmeticError,
    MemoryError,
)
"""What a damaged pickle raises."""

Record = Callable[[str, str], Stored]
"""Of a key and a kind of numbers, all the numbers of that record in a row."""


class TensorReader(pickle.Unpickler):
    """Reads the pickle that `file` goes on with; `record` gives the numbers that its tensors are made of.

    `tensor` makes a tensor of a record, the place of its first number, its shape and its steps.

    What a pickle may name is a closed list, and nothing of it is imported or called.
    """

    def __init__(self, file: BinaryIO, record: Record, tensor: Callable[..., Any] | None = None) -> None:
        super().__init__(file)
        self._record = record
        self._tensor = tensor or _tensor

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name."""
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return self._tensor
            case "torch._utils", "_rebuild_parameter":
                return _parameter
            case "torch", _ if name in _KINDS:
                return _KINDS[name]
        raise pickle.UnpicklingError(f"it names {shortened(printable(f'{module}.{name}'), 80)}, which is no tensor")

    def persistent_load(self, pid: Any) -> Stored:
        """The record that a tensor's numbers stand in."""
        what, kind, key, _, _, *view = pid
        if what != "storage" or any(view):
            raise pickle.UnpicklingError("it names something else than numbers")
        return self._record(str(key), str(kind))


def tensors_by_name(said: Any) -> dict[str, Stored]:
    """The tensors of what a pickle says, which may keep them under `state_dict`.

    Raises `pickle.UnpicklingError` where it says something else.
    """
    if isinstance(said, dict) and isinstance(said.get("state_dict"), dict):
        said = said["state_dict"]
    if not isinstance(said, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Stored) for name, tensor in said.items()
    ):
        raise pickle.UnpicklingError("it holds something else than tensors by their names")
    return dict(said)


def demand_small_memo(file: BinaryIO, size: int) -> None:
    """Raise where an object is kept under a number so large that the memory for all below it would be asked for.

    The pickle that `file` goes on with has at most `size` bytes; afterwards the file stands where it stood.
    """
    place = file.tell()
    for code, argument, _ in pickletools.genops(file):
        if code.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > size:
            raise pickle.UnpicklingError("it keeps more objects than it has")
    file.seek(place)


def _tensor(numbers: Stored, first: int, shape: tuple[int, ...], steps: tuple[int, ...], *_: Any) -> Stored:
    """A tensor: its numbers from the number `first` of a record on, `steps` apart along each axis."""
    size, count = SIZES[numbers.kind], math.prod(shape)
    last = first + sum((length - 1) * step for length, step in zip(shape, steps, strict=True))
    if count and not (
        0 <= first <= last < numbers.shape[0] and min(steps, default=0) >= 0 and min(shape, default=1) > 0
    ):
        raise pickle.UnpicklingError("a tensor is larger than its record")
    content = numbers.content[first * size : (first + count) * size]
    if count and not _stand_in_a_row(shape, steps):
        if count > numbers.shape[0]:
            raise pickle.UnpicklingError("a tensor has a number of its record several times")
        record = np.frombuffer(numbers.content[first * size :].tobytes(), dtype=f"V{size}")
        strided = np.lib.stride_tricks.as_strided(record, shape, [step * size for step in steps], writeable=False)
        content = np.frombuffer(strided.tobytes(), dtype=np.uint8)
    return Stored(numbers.kind, tuple(shape), content)


def _stand_in_a_row(shape: tuple[int, ...], steps: tuple[int, ...]) -> bool:
    expected = 1
    for length, step in zip(reversed(shape), reversed(steps), strict=True):
        if length != 1 and step != expected:
            return False
        expected *= length
    return True


def _parameter(tensor: Stored, *_: Any) -> Stored:
    return tensor
