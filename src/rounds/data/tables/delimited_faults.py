"""What is wrong with a text file that cannot be read, with the row where it goes wrong."""

import csv
from itertools import islice

import polars as pl

from rounds.data.tables.raw_text import RawText
from rounds.errors import DataError

FOOTER_LINES = 5  # at the end of a file that may have fewer cells: words below the table


def ragged_error(text: RawText, separator: str, skip: int, width: int) -> DataError | None:
    """Names the first row behind `skip` lines with more or fewer cells than the header, None where there is none; blank
    lines do not count, nor do lines of one cell at the end.

    Cells are counted one by one only where some line holds another number of separators than the header should.
    """
    if not _suspicious(text, separator, skip, width):
        return None
    short: tuple[int, int] | None = None
    after = 0
    try:
        with text.lines() as file:
            for _ in islice(file, skip):
                pass
            reader = csv.reader(file, delimiter=separator)
            for row in reader:
                if not row:
                    continue
                if short and (len(row) > 1 or after == FOOTER_LINES):
                    return _ragged(*short, width, text.name)
                after += short is not None
                if len(row) != width and not short:
                    short = (len(row), skip + reader.line_num)
                    if len(row) > 1 or width < 3:
                        return _ragged(*short, width, text.name)
    except csv.Error as error:
        return unreadable_error(text.name, str(error))
    return None


def _ragged(cells: int, row: int, width: int, name: str) -> DataError:
    advice = "Quote cells that hold the separator, close every quote, or mend the row"
    expected = f"{width} as in the header"
    return DataError("Cells in a row", expected, name="cells", got=cells, row=row, file=name, advice=advice)


def _suspicious(text: RawText, separator: str, skip: int, width: int) -> bool:
    line = pl.col("line")
    other = (line.str.count_matches(separator, literal=True) != width - 1) & (line.str.strip_chars() != "")
    try:
        lines = pl.scan_lines(text.for_polars, name="line", glob=False).slice(skip)
        return bool(lines.select(other.any()).collect(engine="streaming").item())
    except pl.exceptions.PolarsError:
        return True


def unreadable_error(name: str, why: str) -> DataError:
    """For a fault that no row can be named for."""
    shown = f"{name} ({why.partition(chr(10))[0]})"
    return DataError("DATA", "a readable table", file=shown, advice="Mend the file, or save it as Parquet")
