"""Minibatch orders: every row once a pass, the same whoever asks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rounds.training.batches.orders import epoch_order, full_batch


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 40), batch=st.integers(1, 40), seed=st.integers(0, 9))
def test_every_row_comes_once_a_pass_whatever_the_batch(rows: int, batch: int, seed: int) -> None:
    batch = min(batch, rows)
    steps = -(-rows // batch)
    stream = np.concatenate(
        [epoch_order(np.arange(rows) + 5, (seed, 1), e, (steps, batch), True).ravel() for e in range(4)]
    )
    for number in range(len(stream) // rows):
        assert sorted(stream[number * rows : (number + 1) * rows]) == list(range(5, rows + 5))


def test_epochs_differ_and_repeat_exactly() -> None:
    first, second = (epoch_order(np.arange(50), (3, 7), e, (5, 10), True) for e in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(second, epoch_order(np.arange(50), (3, 7), 1, (5, 10), True))
    assert not np.array_equal(first, epoch_order(np.arange(50), (4, 7), 0, (5, 10), True))


def test_unshuffled_rows_keep_the_order_of_the_file() -> None:
    assert epoch_order(np.arange(6), (0, 0), 0, (3, 2), False).tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_full_batch_is_filled_up_with_rows_that_weigh_nothing() -> None:
    assert full_batch(np.array([4, 2]), 4).tolist() == [[4, 2, ~4, ~4]]
    assert full_batch(np.array([0, 2]), 3).tolist() == [[0, 2, -1]]
