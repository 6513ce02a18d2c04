"""A column's values as numbers, booleans or levels, whatever type they come in; what cannot be read is missing."""

import numpy as np
import polars as pl


def as_numbers(values: pl.Series) -> np.ndarray:
    """[N] float64; missing, unreadable and infinite values are nan.

    >>> as_numbers(pl.Series(["1.5", "high", None]))
    array([1.5, nan, nan])
    """
    x = values.cast(pl.Float64, strict=False).to_numpy().astype(np.float64)
    return np.where(np.isfinite(x), x, np.nan)


def as_booleans(values: pl.Series) -> pl.Series:
    """Booleans; numbers and text that a boolean can be read from are read, all else is null.

    >>> as_booleans(pl.Series(["Yes", "0", "perhaps"])).to_list()
    [True, False, None]
    """
    if values.dtype == pl.String:
        values = values.str.to_lowercase().replace({"1": "true", "0": "false", "yes": "true", "no": "false"})
        known = {"true": True, "false": False}
        return values.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Boolean)
    return values.cast(pl.Boolean, strict=False)


def as_levels(values: pl.Series) -> pl.Series:
    """Levels as text, null = missing.

    >>> as_levels(pl.Series([250, None])).to_list()
    ['250', None]
    """
    return values.cast(pl.String).alias("level")


def empty_rows(values: pl.Series) -> int:
    """Rows without a value: null, and nan where the column holds floats.

    >>> empty_rows(pl.Series([1.0, float("nan"), None]))
    2
    """
    return values.null_count() + (int(values.is_nan().sum()) if values.dtype.is_float() else 0)
