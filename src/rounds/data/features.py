"""One feature column as a network's preparation expects it, from a column as read."""

import numpy as np
import polars as pl

from rounds.data.dataset import Column
from rounds.errors import DataError, must_be, nearest

_YES = ("true", "yes", "y", "t", "1")
_NO = ("false", "no", "n", "f", "0")
EXACT_IN_FLOAT32 = 2**24  # whole numbers up to here survive as Float32


def feature(table: pl.DataFrame, column: Column, reference: str | None) -> pl.Series:
    """numeric -> Float32/Float64, categorical -> String, boolean -> Boolean; missing codes -> null.

    reference: date column that a date is counted from. Raises DataError where a value is of another type.
    """
    if reference is not None:
        return _days_since(table, column.name, reference)
    values = without_missing_codes(table[column.name], column.missing)
    if column.role == "categorical":
        return _labels(values)
    if column.role == "boolean":
        return _booleans(values)
    return _numbers(values)


def without_missing_codes(values: pl.Series, codes: tuple[str, ...]) -> pl.Series:
    """Values that equal one of the codes become missing; "-9" means -9.0 in a numeric column."""
    if not codes:
        return values
    if values.dtype.is_numeric():
        wanted = [float(c) for c in codes if _is_number(c)]
        hit = values.cast(pl.Float64).is_in(wanted)
    else:
        hit = values.cast(pl.String).str.strip_chars().is_in(list(codes))
    return values.to_frame().select(pl.when(~hit).then(pl.col(values.name))).to_series()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _labels(values: pl.Series) -> pl.Series:
    """Levels as text; whole numbers without a decimal point, so that 250 and 250.0 are one code."""
    if values.dtype.is_float():
        known = values.drop_nulls()
        if len(known) and bool((known == known.round(0)).all()):
            values = values.cast(pl.Int64)
    return values.cast(pl.String)


def _booleans(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    text = _labels(values).str.strip_chars().str.to_lowercase()
    wrong = text.drop_nulls().filter(~text.drop_nulls().is_in([*_YES, *_NO]))
    if len(wrong):
        raise _wrong_type(values, text.is_in([*_YES, *_NO]), "yes or no")
    return text.is_in(list(_YES)).alias(values.name)


def _numbers(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Float32:
        return values
    if values.dtype.is_integer() and (values.abs().max() or 0) <= EXACT_IN_FLOAT32:  # type: ignore[operator]
        return values.cast(pl.Float32)
    if values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null):
        return values.cast(pl.Float64)
    numbers = values.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    if numbers.null_count() > values.null_count():
        raise _wrong_type(values, numbers.is_not_null(), "a number")
    return numbers


def _wrong_type(values: pl.Series, right: pl.Series, expected: str) -> DataError:
    row = int(np.flatnonzero((values.is_not_null() & ~right.fill_null(False)).to_numpy())[0])
    advice = f"Mend the cell, name it as missing in a roles file, or say --as {values.name}=categorical"
    return DataError(must_be(f"Column {values.name}", expected, "value", f"{values[row]} in row {row + 2}", advice))


def refuse_infinite(values: pl.Series) -> None:
    """Raises DataError where a numeric column holds an infinite value."""
    if not values.dtype.is_float():
        return
    infinite = values.is_infinite().fill_null(False)
    if infinite.any():
        row = int(infinite.arg_max() or 0)
        advice = "Mend the cell, or leave it empty where the value is missing"
        raise DataError(
            must_be(f"Column {values.name}", "finite numbers", "value", f"{values[row]} in row {row + 2}", advice)
        )


def _days_since(table: pl.DataFrame, name: str, reference: str) -> pl.Series:
    for column in (name, reference):
        if column not in table.columns:
            raise DataError(must_be("Date", "a column of the table", "column", column, nearest(column, table.columns)))
        if not table[column].dtype.is_temporal():
            advice = "Write dates as 2024-12-31"
            raise DataError(must_be(f"Column {column}", "dates", "value", str(table[column].drop_nulls()[0]), advice))
    days = (pl.col(name).cast(pl.Datetime) - pl.col(reference).cast(pl.Datetime)).dt.total_hours() / 24
    return table.select(days.cast(pl.Float32).alias(name)).to_series()
