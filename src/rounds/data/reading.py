"""A table from a file, a frame or a name, as it stands there: no column is judged yet."""

import csv
from pathlib import Path
from typing import Any

import polars as pl

from rounds.errors import DataError, must_be

MISSING_WORDS = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "?"]  # the text None can be a level: not measured
SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
PARQUET = (".parquet", ".pq")
_SNIFFED = 65_536  # bytes looked at to tell text from junk


def read_table(source: Any) -> pl.DataFrame:
    """CSV, TSV or Parquet by path; a Polars or pandas frame as it is.

    Raises DataError where the file is missing, a folder, empty, of another kind, damaged, not UTF-8, ragged, or has
    two columns of one name.
    """
    if isinstance(source, pl.DataFrame):
        return _checked(source, "frame")
    if hasattr(source, "to_dict") and hasattr(source, "columns") and not isinstance(source, str | Path):
        return _checked(_from_pandas(source), "frame")
    path = Path(source)
    _refuse_no_file(path)
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return _checked(_read_parquet(path), path.name)
    if suffix in SEPARATORS:
        return _checked(_read_text(path, SEPARATORS[suffix]), path.name)
    expected = f"one of {', '.join([*SEPARATORS, *PARQUET])}"
    raise DataError(must_be("Kind of file", expected, "file", path.name, "Save the table as CSV or Parquet"))


def _from_pandas(frame: Any) -> pl.DataFrame:
    names = [str(c) for c in frame.columns]
    _refuse_repeated(names, "frame")
    return pl.DataFrame(
        {n: pl.Series(n, frame.iloc[:, i].tolist(), strict=False) for i, n in enumerate(names)}
    ).with_columns(pl.selectors.float().fill_nan(None))


def _refuse_no_file(path: Path) -> None:
    if not path.exists():
        advice = "Check the path, or give the name of a built-in set (rounds data lists them)"
        raise DataError(must_be("DATA", "a file that exists", "file", str(path), advice))
    if path.is_dir():
        raise DataError(must_be("DATA", "a file", "file", str(path), "Give a CSV, TSV or Parquet file, not a folder"))
    if path.stat().st_size == 0:
        raise DataError(must_be("DATA", "a table with a header and rows", "file", path.name, "The file is empty"))


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        advice = "Write it again, or hand over CSV"
        first = str(error).splitlines()[0]
        raise DataError(
            must_be("Parquet file", "whole and readable", "file", f"{path.name} ({first})", advice)
        ) from None


def _read_text(path: Path, separator: str) -> pl.DataFrame:
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
    if b"\0" in start:
        raise DataError(
            must_be("DATA", "a text table", "file", path.name, "It holds binary data: save it as CSV or Parquet")
        )
    header = _header(path, separator)
    _refuse_repeated(header, path.name)
    try:
        return pl.read_csv(
            path, separator=separator, infer_schema_length=None, null_values=MISSING_WORDS, try_parse_dates=True
        )
    except pl.exceptions.NoDataError:
        raise DataError(must_be("DATA", "a table with rows", "file", path.name, "It has a header only")) from None
    except pl.exceptions.PolarsError as error:
        raise _text_error(path, separator, len(header), str(error)) from None


def _header(path: Path, separator: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file, delimiter=separator), [])
    except UnicodeDecodeError:
        raise _encoding_error(path) from None
    except csv.Error as error:
        raise DataError(
            must_be("DATA", "a text table", "file", f"{path.name} ({error})", "Save it as CSV or Parquet")
        ) from None


def _text_error(path: Path, separator: str, width: int, why: str) -> DataError:
    """Names the row that cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.reader(file, delimiter=separator), start=1):
                if row and len(row) != width:
                    advice = "Quote cells that hold the separator, or mend the row"
                    shown = f"{len(row)} in row {number} of {path.name}"
                    return DataError(must_be("Cells in a row", f"{width} as in the header", "cells", shown, advice))
    except UnicodeDecodeError:
        return _encoding_error(path)
    except csv.Error as error:
        why = str(error)
    return DataError(
        must_be("DATA", "a readable table", "file", f"{path.name} ({why.splitlines()[0]})", "Mend the file")
    )


def _encoding_error(path: Path) -> DataError:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            shown = f"byte 0x{line[error.start]:02x} in row {number} of {path.name}"
            return DataError(
                must_be("Encoding", "UTF-8", "found", shown, "Save the file as UTF-8 (iconv -f latin1 -t utf-8)")
            )
    return DataError(must_be("Encoding", "UTF-8", "file", path.name, "Save the file as UTF-8"))


def _refuse_repeated(names: list[str], where: str) -> None:
    twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(
            must_be("Column names", "all different", "repeated", ", ".join(twice), f"Rename them in {where}")
        )


def _checked(table: pl.DataFrame, where: str) -> pl.DataFrame:
    if table.height == 0 or table.width == 0:
        raise DataError(must_be("DATA", "a table with rows", "rows", table.height, f"{where} has a header only"))
    return table.rename({n: n.strip() for n in table.columns if n != n.strip()})
