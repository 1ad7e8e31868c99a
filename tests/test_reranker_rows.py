"""The matrix that grows by rows."""

import numpy as np
import pytest

from reranker.rows import Rows

SIZES = (0, 1, 2, 1000, 1023, 1024, 1025, 2100)


@pytest.mark.parametrize("seed", range(40))
def test_rows_are_kept_in_their_order_however_many_come_at_once(seed: int) -> None:
    dice = np.random.default_rng(seed)
    sizes = dice.choice(SIZES, size=seed % 6).tolist()
    numbers = np.arange(3 * sum(sizes), dtype=np.float32).reshape(-1, 3)
    rows, begin = Rows(3, np.float32), 0
    for size in sizes:
        added = numbers[begin : begin + size]
        if dice.random() < 0.5:
            lie_at = rows.append_each(list(added))
            assert sum(map(len, lie_at)) == size
            assert np.array_equal(np.concatenate([added[:0], *lie_at]), added)
        else:
            rows.append(added)
        begin += size
    assert len(rows) == len(numbers)
    assert np.array_equal(rows.all(), numbers)
    assert sum(map(len, rows.chunks())) == len(numbers)
    if len(numbers):
        assert np.array_equal(rows[len(numbers) - 1], numbers[-1])


def test_what_is_returned_of_added_rows_is_where_they_lie_and_what_was_added_is_not() -> None:
    rows, added = Rows(2, np.float32), [np.ones(2, np.float32)]
    (lies,) = rows.append_each(added)
    added[0][:] = 5
    assert rows[0].tolist() == [1, 1]
    lies[0] = 7
    assert rows[0].tolist() == [7, 7]


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="Output array is the wrong shape"):
        Rows(2, np.float32).append_each([np.ones(3, np.float32)])
