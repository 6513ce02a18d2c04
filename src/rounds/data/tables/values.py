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


EXACT_WHOLE = 2**53  # whole numbers below are exact in Float64
_POINT_ZERO = r"^(-?\d+)\.0$"  # how many programs write a whole number in a column that also has missing values


def as_levels(values: pl.Series) -> pl.Series:
    """Levels as text, each value on its own, null = missing: 250, 250.0 and the text "250.0" are one level.

    >>> as_levels(pl.Series([250.0, 250.5, None])).to_list(), as_levels(pl.Series(["250.0", "250.10 "])).to_list()
    (['250', '250.5', None], ['250', '250.10'])
    """
    if values.dtype.is_float():
        return _shortest(values).alias("level")
    text = values.cast(pl.String)
    return text.str.strip_chars().str.replace(_POINT_ZERO, "${1}").alias("level")


def as_number_levels(values: pl.Series) -> pl.Series:
    """Levels of a column that training read as numbers: texts that are numbers are written as numbers are.

    >>> as_number_levels(pl.Series(["250.10", "V57"])).to_list()
    ['250.1', 'V57']
    """
    if values.dtype != pl.String:
        return as_levels(values)
    return (
        _shortest(values.str.strip_chars().cast(pl.Float64, strict=False)).fill_null(as_levels(values)).alias("level")
    )


def _shortest(numbers: pl.Series) -> pl.Series:
    whole = (numbers == numbers.round(0)) & (numbers.abs() < EXACT_WHOLE)
    text = pl.when(whole).then(numbers.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(numbers.cast(pl.String))
    return pl.select(text).to_series()


def empty_rows(values: pl.Series) -> int:
    """Rows without a value: null, and nan where the column holds floats.

    >>> empty_rows(pl.Series([1.0, float("nan"), None]))
    2
    """
    return values.null_count() + (int(values.is_nan().sum()) if values.dtype.is_float() else 0)
