"""What is wrong with a text file that cannot be read, with the row where it goes wrong."""

import csv
from pathlib import Path

import polars as pl

from rounds.errors import DataError, must_be

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def binary_error(path: Path, start: bytes) -> DataError:
    """For a file with zero bytes: UTF-16 text, or no text at all."""
    if start[:2] in _UTF16:
        advice = "Save the file as UTF-8 (iconv -f utf-16 -t utf-8)"
        return DataError(must_be("Encoding", "UTF-8", "file", f"{path.name} (UTF-16)", advice))
    advice = "It holds binary data: save it as CSV or Parquet"
    return DataError(must_be("DATA", "a text table", "file", path.name, advice))


def encoding_error(path: Path) -> DataError:
    """Names the first row that is not UTF-8."""
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            shown = f"byte 0x{line[error.start]:02x} in row {number} of {path.name}"
            return DataError(
                must_be("Encoding", "UTF-8", "found", shown, "Save the file as UTF-8 (iconv -f latin1 -t utf-8)")
            )
    return DataError(must_be("Encoding", "UTF-8", "file", path.name, "Save the file as UTF-8"))


def ragged_error(path: Path, separator: str, width: int) -> DataError | None:
    """Names the first row with more or fewer cells than the header, None where there is none; blank lines do not count.

    Cells are counted one by one only where some line holds another number of separators than the header should.
    """
    if not _suspicious(path, separator, width):
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator)
            for row in reader:
                if row and len(row) != width:
                    advice = "Quote cells that hold the separator, close every quote, or mend the row"
                    shown = f"{len(row)} in row {reader.line_num} of {path.name}"
                    return DataError(must_be("Cells in a row", f"{width} as in the header", "cells", shown, advice))
    except UnicodeDecodeError:
        return encoding_error(path)
    except csv.Error as error:
        return unreadable_error(path, str(error))
    return None


def _suspicious(path: Path, separator: str, width: int) -> bool:
    line = pl.col("line")
    other = (line.str.count_matches(separator, literal=True) != width - 1) & (line.str.strip_chars() != "")
    try:
        return bool(pl.scan_lines(path, name="line", glob=False).select(other.any()).collect(engine="streaming").item())
    except pl.exceptions.PolarsError:
        return True


def unreadable_error(path: Path, why: str) -> DataError:
    """For a fault that no row can be named for."""
    shown = f"{path.name} ({why.partition(chr(10))[0]})"
    return DataError(must_be("DATA", "a readable table", "file", shown, "Mend the file, or save it as Parquet"))
