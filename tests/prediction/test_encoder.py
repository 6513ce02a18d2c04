"""A grid's trunk: NumPy says what Keras says, and both what a naive loop says."""

import numpy as np
import pytest

from rounds.data.preparation.array_scale import ArrayScale, array_rows
from rounds.errors import DataError, PlanError
from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.plan import Plan
from rounds.prediction.numpy_layers.table import convolve_rows
from rounds.task import Task

ROWS = 5
TASK = Task(kind="binary", targets=("finding",), classes=("no", "yes"))


def naive_convolution(array: np.ndarray, kernel: np.ndarray, step: int) -> np.ndarray:
    """Padding "same" by its definition, one place at a time."""
    height, width = (-(-n // step) for n in array.shape[1:3])
    made = np.zeros((len(array), height, width, kernel.shape[-1]))
    before = [
        max((n - 1) * step + k - s, 0) // 2
        for n, k, s in zip((height, width), kernel.shape[:2], array.shape[1:3], strict=True)
    ]
    for b, y, x in np.ndindex(len(array), height, width):
        for i, j in np.ndindex(*kernel.shape[:2]):
            row, column = y * step + i - before[0], x * step + j - before[1]
            if 0 <= row < array.shape[1] and 0 <= column < array.shape[2]:
                made[b, y, x] += array[b, row, column] @ kernel[i, j]
    return made


@pytest.mark.parametrize(
    ("size", "filter_size", "step"), [((5, 4), 3, 1), ((6, 7), 3, 2), ((5, 5), 4, 3), ((4, 4), 1, 2)]
)
def test_convolution_equals_the_naive_loop(size: tuple[int, int], filter_size: int, step: int) -> None:
    from rounds.networks.jax.convolution import convolve as compiled

    draw = np.random.default_rng(0)
    array = draw.normal(size=(2, *size, 3)).astype(np.float32)
    kernel = draw.normal(size=(filter_size, filter_size, 3, 2)).astype(np.float32)
    wanted = naive_convolution(array, kernel, step)
    np.testing.assert_allclose(convolve_rows(array, kernel, step), wanted, atol=1e-5)
    np.testing.assert_allclose(compiled(array, kernel, step), wanted, atol=1e-5)


def test_a_table_has_no_convolutions() -> None:
    with pytest.raises(PlanError) as caught:
        describe_network(Plan(network="convolutional"), TASK, InputShape(2, 0), False)
    assert str(caught.value) == (
        "network must be linear or dense for a table, got network='convolutional'. "
        "Write --set network=dense, or give images or recordings."
    )


def test_scale_is_that_of_known_values_and_leaves_masks() -> None:
    array = np.random.default_rng(0).normal(5, 2, (50, 6, 2)).astype(np.float32)
    array[:, :, 1] = array[:, :, 1] > 5
    array[3, 2, 0] = np.nan
    scale = ArrayScale.fit(array, np.arange(40), as_they_are=(1,))
    known = array[:40, :, 0].ravel()
    np.testing.assert_allclose(scale.mean, [np.nanmean(known), 0.0], rtol=1e-5)
    np.testing.assert_allclose(scale.spread, [np.nanstd(known), 1.0], rtol=1e-5)
    assert InputShape(0, 0, (), scale.shape).array == (6, 2)


def test_a_grid_of_another_shape_is_refused() -> None:
    import polars as pl

    scale = ArrayScale.unscaled(np.zeros((1, 4, 4, 1)))
    with pytest.raises(DataError, match=r"Data must be images or recordings of 4 x 4 x 1 beside the table, got"):
        array_rows(pl.DataFrame({"a": [1]}), np.zeros((1, 5, 5, 1)), scale)
