"""One feature column as a network's preparation expects it, from a column as read."""

import numpy as np
import polars as pl

from rounds.data.dataset import Column
from rounds.data.tables.values import as_levels, as_number_levels
from rounds.errors import DataError, nearest

_YES = ("true", "yes", "y", "t", "1")
_NO = ("false", "no", "n", "f", "0")
# Columns that `cohort.rows` adds, so that an error names the row of the file and not that of a filtered table.
ROW, TEST_ROW = "__rounds_row__", "__rounds_test_row__"
LARGEST = 1e30  # sums of squares stay finite, and so does a 32-bit number
EXACT_IN_FLOAT32 = 2**24  # whole numbers up to here survive as Float32


def feature(table: pl.DataFrame, column: Column, reference: str | None, strict: bool = True) -> pl.Series:
    """numeric -> Float32/Float64, categorical -> String, boolean -> Boolean; missing codes -> null.

    reference: date column that a date is counted from. strict: raises DataError where a value is of another type; else
    only where all are, and what is stays for the preparation to count as missing.
    """
    if reference is not None:
        return _days_since(table, column.name, reference)
    values = without_missing_codes(table[column.name], column.missing)
    if column.role == "categorical":
        levels = as_levels(values) if column.as_written else as_number_levels(values)
        return levels.alias(column.name)
    if column.role == "boolean":
        return _booleans(table, values, strict)
    return _numbers(table, values, strict)


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


def _booleans(table: pl.DataFrame, values: pl.Series, strict: bool) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    text = as_levels(values).str.to_lowercase()
    readable = text.is_in([*_YES, *_NO])
    if not readable.all() and (strict or not readable.any()):
        raise _wrong_type(table, values, readable, "yes or no")
    if not readable.all():
        return text.replace({**dict.fromkeys(_YES, "true"), **dict.fromkeys(_NO, "false")}).alias(values.name)
    return text.is_in(list(_YES)).alias(values.name)


def _numbers(table: pl.DataFrame, values: pl.Series, strict: bool) -> pl.Series:
    if values.dtype == pl.Float32:
        return values
    if values.dtype.is_integer() and (values.abs().max() or 0) <= EXACT_IN_FLOAT32:  # type: ignore[operator]
        return values.cast(pl.Float32)
    if values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null):
        return values.cast(pl.Float64)
    numbers = values.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    if numbers.null_count() == values.null_count():
        return numbers
    if strict or numbers.null_count() == len(numbers):
        raise _wrong_type(table, values, numbers.is_not_null(), "a number")
    return values


def _wrong_type(table: pl.DataFrame, values: pl.Series, right: pl.Series, expected: str) -> DataError:
    row = int(np.flatnonzero((values.is_not_null() & ~right.fill_null(False)).to_numpy())[0])
    advice = "Mend the cell, or leave it empty; before training, --as and a roles file say what a column is"
    shown = f"{values[row]} in {row_place(table, row)}"
    return DataError(f"Column {values.name}", expected, name="value", got=shown, advice=advice)


def row_place(table: pl.DataFrame, row: int) -> str:
    """Where a row of a table stands in its file, the header being row 1.

    >>> row_place(pl.DataFrame({"age": [50]}), 0)
    'row 2'
    """
    if ROW not in table.columns:
        return f"row {row + 2}"
    return f"row {table[ROW][row]}" + (" of the test table" if table[TEST_ROW][row] else "")


def refuse_infinite(table: pl.DataFrame, name: str) -> None:
    """Raises DataError where a numeric column holds an infinite value, or one too large to compute with."""
    values = table[name]
    if not values.dtype.is_float():
        return
    infinite = (values.abs() > LARGEST).fill_null(False)
    if infinite.any():
        row = int(infinite.arg_max() or 0)
        advice = "Mend the cell, or leave it empty where the value is missing"
        shown = f"{values[row]} in {row_place(table, row)}"
        expected = "finite numbers" if values.is_infinite()[row] else f"numbers up to {LARGEST:.0e}"
        raise DataError(f"Column {name}", expected, name="value", got=shown, advice=advice)


def _days_since(table: pl.DataFrame, name: str, reference: str) -> pl.Series:
    if reference not in table.columns:
        advice = nearest(reference, [n for n in table.columns if n not in (ROW, TEST_ROW)])
        raise DataError("Reference of a date", "a column of the table", column=reference, advice=advice)
    for column in (name, reference):
        if table[column].dtype not in (pl.Date, pl.Datetime, pl.Null):
            shown = str(next(iter(table[column].drop_nulls()), None))
            raise DataError(f"Column {column}", "dates", name="value", got=shown, advice="Write dates as 2024-12-31")
    days = (_moment(name) - _moment(reference)).dt.total_microseconds() / _MICROSECONDS_A_DAY
    return table.select(days.cast(pl.Float32).alias(name)).to_series()


def _moment(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Datetime("us"))


_MICROSECONDS_A_DAY = 86_400_000_000
