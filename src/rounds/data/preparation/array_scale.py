"""Images and recordings beside a table: which rows, and the scale that training rows teach."""

from hashlib import blake2b
from math import prod
from typing import Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from rounds.data.preparation.array_on_disk import ArrayInput, some_rows
from rounds.data.signals import ARRAY_ROW
from rounds.errors import DataError

# Rows, and values, that the scale of a channel is learned from: its error is then far below what a network could
# notice.
SCALE_ROWS, SCALE_VALUES = 2_048, 12_000_000
SMALLEST_SPREAD = 1e-6  # a channel that never changes stays at 0 instead of being divided by nothing


class ArrayScale(BaseModel):
    """Shape and type of one row of the array, and mean and standard deviation of each channel over the training rows.

    A network reads (value - mean) / spread; a missing value (nan) becomes 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, ...]
    dtype: str
    mean: tuple[float, ...]
    spread: tuple[float, ...]

    @classmethod
    def fit(cls, array: ArrayInput, rows: np.ndarray, as_they_are: tuple[int, ...] = ()) -> Self:
        """From rows [M] of an array [N, *space, channels]; channels `as_they_are` (masks) keep mean 0 and spread 1.

        >>> ArrayScale.fit(np.array([[[0.0], [2.0]], [[4.0], [np.nan]]]), np.arange(2)).mean
        (2.0,)
        """
        most = max(1, min(SCALE_ROWS, SCALE_VALUES // prod(array.shape[1:]), len(rows)))
        some = rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]
        values = np.asarray(array[np.sort(some)], np.float32).reshape(-1, array.shape[-1])
        known = np.isfinite(values)
        count = np.maximum(known.sum(0), 1)
        mean = np.where(known, values, 0).sum(0, dtype=np.float64) / count
        spread = np.sqrt(np.where(known, (values - mean) ** 2, 0).sum(0, dtype=np.float64) / count)
        spread = np.where(spread > SMALLEST_SPREAD, spread, 1.0)
        plain = list(as_they_are)
        mean[plain], spread[plain] = 0.0, 1.0
        return cls(
            shape=array.shape[1:], dtype=str(array.dtype), mean=tuple(mean.tolist()), spread=tuple(spread.tolist())
        )

    @classmethod
    def unscaled(cls, array: ArrayInput) -> Self:
        """A scale that leaves every value as it is."""
        channels = array.shape[-1]
        return cls(shape=array.shape[1:], dtype=str(array.dtype), mean=(0.0,) * channels, spread=(1.0,) * channels)


def array_rows(inputs: pl.DataFrame, array: ArrayInput | None, scale: ArrayScale | None) -> ArrayInput | None:
    """The array's rows that belong to the rows of the table, as stored; the array itself where it is all of them.

    Raises DataError where the model wants an array and there is none, or one of another shape.
    """
    if scale is None:
        return None
    if array is None or array.shape[1:] != scale.shape:
        found = None if array is None else " x ".join(map(str, array.shape[1:]))
        wanted = f"images or recordings of {' x '.join(map(str, scale.shape))} beside the table"
        raise DataError(
            "Data", wanted, name="shape", got=found, advice="Give the kind of data that the model learned from"
        )
    if ARRAY_ROW not in inputs.columns:
        return some_rows(array, slice(inputs.height))
    rows = inputs[ARRAY_ROW].to_numpy()
    whole = len(rows) == len(array) and bool((rows == np.arange(len(rows))).all())
    return array if whole else some_rows(array, rows)


def marked(inputs: pl.DataFrame, array: ArrayInput | None, modality: str) -> pl.DataFrame:
    """The table with a number for each image or recording that only its equals share, instead of its place."""
    if array is None or ARRAY_ROW not in inputs.columns:
        return inputs
    marks = [int.from_bytes(blake2b(array[p].tobytes(), digest_size=8).digest()) for p in inputs[ARRAY_ROW].to_numpy()]
    return inputs.drop(ARRAY_ROW).with_columns(pl.Series(modality, marks, dtype=pl.UInt64))
