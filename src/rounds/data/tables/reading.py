"""A table from a file, a frame or a name, as it stands there: no column is judged yet."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from rounds.data.tables.delimited import SEPARATORS, read_delimited, refuse_repeated, unnamed_numbered
from rounds.data.tables.parquet_structure import parquet_fault
from rounds.errors import DataError, must_be
from rounds.foreign_files import damage_named, named_plainly, shown

PARQUET = (".parquet", ".pq")


def read_table(source: Any, codes: Collection[str] = ()) -> pl.DataFrame:
    """CSV, TSV or Parquet by path; a Polars or pandas frame as it is. nan counts as missing.

    codes: columns of a text file whose numbers are codes: they stay text where a number would lose digits (250.10).
    Raises DataError where the file is missing, a folder, empty, of another kind, damaged, not UTF-8, ragged, or has
    two columns of one name.
    """
    if isinstance(source, pl.DataFrame):
        return _checked(source, "frame")
    if hasattr(source, "to_dict") and hasattr(source, "columns") and not isinstance(source, str | Path):
        return _checked(_from_pandas(source), "frame")
    if not isinstance(source, str | Path):
        advice = "Collect a lazy frame, make a frame of a dictionary, or save the table to a file"
        raise DataError(must_be("DATA", "a path or a frame of Polars or pandas", "type", type(source).__name__, advice))
    path = Path(source)
    _refuse_no_file(path)
    if shown(str(path)) != str(path):
        with named_plainly(path) as link:
            return read_table(link, codes)
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return _checked(_read_parquet(path), path.name)
    if suffix in SEPARATORS:
        return _checked(read_delimited(path, SEPARATORS[suffix], codes), path.name)
    expected = f"one of {', '.join([*SEPARATORS, *PARQUET])}"
    raise DataError(must_be("Kind of file", expected, "file", path.name, "Save the table as CSV or Parquet"))


def _from_pandas(frame: Any) -> pl.DataFrame:
    names = [str(c) for c in frame.columns]
    refuse_repeated(names, "frame")
    try:
        columns = {n: pl.Series(n, _cells(frame.iloc[:, i]), strict=False) for i, n in enumerate(names)}
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        advice = "Give columns of numbers, texts, booleans or dates"
        raise DataError(must_be("Frame", "of plain columns", "error", str(error).partition("\n")[0], advice)) from None
    return pl.DataFrame(columns)


def _cells(column: Any) -> list[Any]:
    """A pandas column as plain values; its nan, NaT and NA are all None."""
    return [value if known else None for value, known in zip(column.tolist(), column.notna().tolist(), strict=True)]


def _refuse_no_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        advice = "Check the path, or give the name of a built-in set (rounds data lists them)"
        shown = f"{path} ({error.strerror})"
        raise DataError(must_be("DATA", "a file that exists", "file", shown, advice)) from None
    if path.is_dir():
        raise DataError(must_be("DATA", "a file", "file", str(path), "Give a CSV, TSV or Parquet file, not a folder"))
    if not path.is_file():
        raise DataError(must_be("DATA", "a file on disk", "file", str(path), "Save what it gives to a file first"))
    if size == 0:
        raise DataError(must_be("DATA", "a table with a header and rows", "file", path.name, "The file is empty"))


def _read_parquet(path: Path) -> pl.DataFrame:
    advice = "Write it again, or hand over CSV"
    if why := parquet_fault(path):
        raise DataError(must_be("Parquet file", "whole and readable", "file", f"{path.name} ({why})", advice))
    with damage_named("Parquet file", path.name, advice):
        return pl.read_parquet(path, hive_partitioning=False, glob=False)


def _checked(table: pl.DataFrame, where: str) -> pl.DataFrame:
    """Names without spaces around them, plain columns, nan as missing, no blank lines at the end."""
    names = unnamed_numbered([n.strip() for n in table.columns])
    refuse_repeated(names, where)
    table = table.rename(dict(zip(table.columns, names, strict=True)))
    nested = [n for n, t in table.schema.items() if t.is_nested() or t in (pl.Object, pl.Binary)]
    if nested:
        advice = "Leave it out of the table, or spread it over columns"
        shown = f"{nested[0]} ({table.schema[nested[0]]})"
        raise DataError(must_be("Table", "of plain columns", "column", shown, advice))
    table = table.with_columns(
        *(pl.col(s.name).fill_nan(None) for s in table if s.dtype.is_float() and s.is_nan().any()),
        pl.selectors.decimal().cast(pl.Float64),
        pl.selectors.by_dtype(pl.Int128, pl.UInt128).cast(pl.String),
    )
    table = _without_blank_end(table)
    if table.height == 0 or table.width == 0:
        raise DataError(must_be("DATA", "a table with rows", "rows", table.height, f"{where} has a header only"))
    return table


def _without_blank_end(table: pl.DataFrame) -> pl.DataFrame:
    blank = blank_rows(table)
    filled = blank.not_().arg_true()
    return table.head(int(filled[-1]) + 1 if len(filled) else 0)


def blank_rows(table: pl.DataFrame) -> pl.Series:
    """Rows without a value in any column, [N] booleans.

    >>> blank_rows(pl.DataFrame({"a": [1, None], "b": ["x", None]})).to_list()
    [False, True]
    """
    return table.select(pl.all_horizontal(pl.all().is_null()).alias("blank")).to_series()
