"""A table from comma, semicolon or tab separated text, with every column of the type that its cells have."""

import csv
import mmap
from collections.abc import Collection
from math import isfinite
from pathlib import Path

import polars as pl

from rounds.data.tables.delimited_faults import binary_error, encoding_error, ragged_error, unreadable_error
from rounds.errors import DataError, must_be

MISSING_WORDS = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "?"]  # the text None can be a level: not measured
SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
OTHER_SEPARATORS = (";", "\t", "|")
_SNIFFED = 65_536  # bytes looked at to tell text from junk
# Digits that a number would lose: zeros in front (patient 00123, ICD-9 008.45), and in codes zeros at the end (250.10).
_ZERO_IN_FRONT = r"^0\d"
_ZERO_AT_END = r"\.\d+0$"
_LONG = r"\d{19}"  # more than a 64-bit whole number holds
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_THOUSANDS = r"^[+-]?[1-9]\d{0,2},\d{3}$"


def read_delimited(path: Path, separator: str, codes: Collection[str] = ()) -> pl.DataFrame:
    """The table of a text file; a header of one cell that holds semicolons, tabs or bars makes them the separator.

    codes: columns whose numbers stay text where a number would lose digits.
    Raises DataError where the file is no UTF-8 text, is ragged, has no names, or repeats one.
    """
    _refuse_binary(path)
    header = _header(path, separator)
    for other in OTHER_SEPARATORS:
        if len(header) == 1 and other in header[0]:
            separator, header = other, _header(path, other)
    _refuse_values(header, path.name)
    names = unnamed_numbered(header)
    refuse_repeated([n.strip() for n in names], path.name)
    table = _read(path, separator, names, [])
    as_text = _lossy(path, separator, table, codes)
    if as_text:
        table = _read(path, separator, names, as_text)
    texts = [n for n, dtype in table.schema.items() if dtype == pl.String]
    return table.with_columns(_settled(table[n], separator != ",", n in codes) for n in texts)


def unnamed_numbered(header: list[str]) -> list[str]:
    """Columns without a name are called by their place.

    >>> unnamed_numbered(["", "age", " "])
    ['column_1', 'age', 'column_3']
    """
    return [name if name.strip() else f"column_{place}" for place, name in enumerate(header, start=1)]


def refuse_repeated(names: list[str], where: str) -> None:
    """Raises DataError where two columns have one name."""
    if len(set(names)) < len(names):
        seen: set[str] = set()
        twice = sorted({n for n in names if n in seen or seen.add(n)})  # type: ignore[func-returns-value]
        raise DataError(
            must_be("Column names", "all different", "repeated", ", ".join(twice[:10]), f"Rename them in {where}")
        )


def _refuse_values(header: list[str], where: str) -> None:
    """Raises DataError where the first row holds numbers alone, some with a point: a patient, and no names."""
    try:
        numbers = [float(name.replace(",", ".")) for name in header]
    except ValueError:
        return
    if any(isfinite(number) and not number.is_integer() for number in numbers):
        shown = ", ".join(header[:5])
        raise DataError(must_be("Header", "names of columns", "first row", shown, f"Add a row of names to {where}"))


def _refuse_binary(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            binary = content.find(b"\0") >= 0
    if binary:
        raise binary_error(path, start)
    if b"\r" in start and b"\n" not in start:
        raise unreadable_error(path, "line ends must be those of Unix or Windows")


def _header(path: Path, separator: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next((row for row in csv.reader(file, delimiter=separator) if row), [])
    except UnicodeDecodeError:
        raise encoding_error(path) from None
    except csv.Error as error:
        raise unreadable_error(path, str(error)) from None


def _read(path: Path, separator: str, names: list[str], as_text: list[str]) -> pl.DataFrame:
    overrides = dict.fromkeys(as_text, pl.String)
    try:
        table = pl.read_csv(
            path,
            separator=separator,
            infer_schema_length=None,
            null_values=MISSING_WORDS,
            try_parse_dates=True,
            new_columns=names,
            schema_overrides=overrides,
            glob=False,
        )
    except pl.exceptions.NoDataError:
        raise DataError(must_be("DATA", "a table with rows", "file", path.name, "It has a header only")) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ragged_error(path, separator, len(names)) or unreadable_error(path, str(error)) from None
    if table.height and table.to_series(-1).has_nulls() and (fault := ragged_error(path, separator, len(names))):
        raise fault
    return table


def _lossy(path: Path, separator: str, table: pl.DataFrame, codes: Collection[str]) -> list[str]:
    """Columns read as numbers that are not: digits would be lost, or there are more than a number holds."""
    numbers = [n for n, t in table.schema.items() if t.is_numeric()]
    long = [n for n, t in table.schema.items() if t in (pl.Int128, pl.UInt128)]
    looked_at = [n for n in numbers if n not in long]
    if not looked_at:
        return long
    cells = pl.scan_csv(path, separator=separator, infer_schema=False, glob=False)
    front, end = _found(cells, _ZERO_IN_FRONT, table.columns), set[str]()
    if set(codes) & set(looked_at):
        end = _found(cells, _ZERO_AT_END, table.columns) & set(codes)
    return long + [n for n in looked_at if n in front or n in end]


def _found(cells: pl.LazyFrame, pattern: str, names: list[str]) -> set[str]:
    """Columns with a cell that the pattern fits. All are asked, by place, which is quicker than naming some."""
    found = cells.select(pl.all().str.contains(pattern).any()).collect(engine="streaming")
    return {name for name, hit in zip(names, found.row(0), strict=True) if hit}


def _settled(values: pl.Series, comma: bool, code: bool) -> pl.Series:
    """Text without spaces around it; numbers that only a space, a plus or a decimal `comma` kept from being read."""
    text = values.str.strip_chars()
    text = text.to_frame().select(pl.when(~text.is_in(MISSING_WORDS)).then(pl.col(text.name))).to_series()
    known = text.drop_nulls()
    lossy = f"{_ZERO_IN_FRONT}|{_LONG}|{_ZERO_AT_END}" if code else f"{_ZERO_IN_FRONT}|{_LONG}"
    if not len(known) or known.str.contains(lossy).any():
        return text
    if comma and not code and _is_decimal_comma(known):
        return text.str.replace(",", ".", literal=True).cast(pl.Float64)
    if known.str.contains(_NUMBER).all():
        return text.str.strip_prefix("+").cast(pl.Float64)
    return text


def _is_decimal_comma(known: pl.Series) -> bool:
    """Whether every cell is a whole number or has a decimal comma, and the commas cannot part thousands."""
    commas = known.filter(known.str.contains(_DECIMAL_COMMA))
    if not len(commas) or commas.str.contains(_THOUSANDS).all():
        return False
    return bool((known.str.contains(rf"{_DECIMAL_COMMA}|^[+-]?\d+$")).all())
