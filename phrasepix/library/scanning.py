"""Reading a table's vectors in little memory."""

from typing import Any, Final

_ROWS_AT_ONCE: Final = 8192
_BATCHES_AHEAD: Final = 2
_BYTES_AHEAD: Final = 32 << 20
"""What Lance reads ahead, which is in memory all at once; by itself it takes 0.6 GB for a million vectors."""


def scanner_of(dataset: Any, columns: list[str], **options: Any) -> Any:
    """Return a scanner of some columns and the row ids, in the order of the rows; `options` are those of Lance."""
    return dataset.scanner(
        columns=columns,
        with_row_id=True,
        batch_size=_ROWS_AT_ONCE,
        batch_readahead=_BATCHES_AHEAD,
        fragment_readahead=1,
        io_buffer_size=_BYTES_AHEAD,
        **options,
    )
