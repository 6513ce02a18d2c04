"""A table from a file or a frame, every column read as what a person means by it, with a record of how it was read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from rounds.data.tables.cells import CellNote, FileStyle, ReadColumn, Reading, read_again, read_column
from rounds.data.tables.cells.file_style import file_style
from rounds.data.tables.cells.number_cells import plain_columns
from rounds.data.tables.cells.reading import Kind, flag_name
from rounds.data.tables.cells.serial_cells import serial_again
from rounds.data.tables.cells.typed_numbers import dates_in_digits
from rounds.data.tables.delimited import Cells, read_delimited, refuse_repeated, unnamed_numbered
from rounds.data.tables.layout import SEPARATORS
from rounds.data.tables.office_files import OFFICE, read_office
from rounds.data.tables.parquet_structure import parquet_fault
from rounds.data.tables.raw_text import PACKED
from rounds.data.tables.typed_columns import from_pandas, plain_types
from rounds.errors import DataError
from rounds.foreign_files import damage_named, named_plainly, shown

PARQUET = (".parquet", ".pq")
TABLES = (*SEPARATORS, *PACKED, *PARQUET, *OFFICE)
AS_WRITTEN = Reading(kind="written")
AS_DATE = Reading(kind="serial")
Readings = Mapping[str, Reading]


@dataclass(frozen=True)
class HowRead:
    """How the columns of a table came to be. readings: of those read from text, by the name that they have in the file;
    made_from: the file's column of each that was made beside it; units: of columns whose cells or file give them;
    notes: what is to be said of columns; about: of the file."""

    readings: dict[str, Reading] = field(default_factory=dict)
    made_from: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    notes: tuple[CellNote, ...] = ()
    about: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that is to be said."""
        return (*(f"{line.rstrip('.')}." for line in self.about), *(note.sentence for note in self.notes))


@dataclass(frozen=True)
class Table:
    """frame: the columns; how: they were read."""

    frame: pl.DataFrame
    how: HowRead


def read_table(
    source: Any, said: Readings | None = None, style: FileStyle | None = None, without: Collection[Kind] = ()
) -> Table:
    """CSV and other text, Parquet, spreadsheets and files of statistics programs by path; a Polars or pandas frame.

    said: how columns are read, by name: those of another file, or what the user says; style: what the user says of the
    file; without: kinds of reading that are left to the caller. Raises DataError where the file is missing, a folder,
    empty, of another kind, damaged, ragged, or has two columns of one name.
    """
    cells = _cells(source)
    where = source.name if isinstance(source, Path) else Path(source).name if isinstance(source, str) else "frame"
    cells = replace(cells, frame=_named(cells.frame, where))
    frame, notes = plain_types(cells.frame, without)
    said = said or {}
    plain = plain_columns(frame.drop(*said, strict=False))
    points = any(made.values[0].dtype.is_float() for made in plain.values())
    style = replace(style or FileStyle(), separator=cells.separator)
    known = file_style(frame.drop(*plain, *said, strict=False), style, points)
    read = {
        values.name: plain.get(values.name) or _read(values, said.get(values.name), known, without) for values in frame
    }
    made = [values for one in read.values() for values in one.values]
    refuse_repeated([values.name for values in made], where)
    table = _without_blank_end(pl.DataFrame(made))
    if table.height == 0 or table.width == 0:
        raise DataError("DATA", "a table with rows", name="rows", got=table.height, advice=f"{where} has a header only")
    readings = {name: one.reading for name, one in read.items() if one.reading is not TYPED}
    units = cells.units | {name: reading.unit for name, reading in readings.items() if reading.unit}
    made_from = {v.name: name for name, one in read.items() for v in one.values if v.name != name}
    notes = (*notes, *(note for one in read.values() for note in one.notes))
    return Table(table, HowRead(readings, made_from, units, notes, cells.notes))


TYPED = Reading(kind="number")  # of columns that came as numbers, dates or booleans


def _read(values: pl.Series, said: Reading | None, style: FileStyle, without: Collection[Kind]) -> ReadColumn:
    if values.dtype != pl.String:
        return _typed(values, said)
    if said is None:
        return read_column(values, style, without)
    made = read_again(values, said)
    if made.values[0].null_count() < len(values) or values.null_count() == len(values):
        return made
    return ReadColumn((values, *made.values[1:]), said)  # of another kind altogether, which is said where it is used


def _typed(values: pl.Series, said: Reading | None) -> ReadColumn:
    """A column that has a type already: a spreadsheet's dates where they are said to be, and flags of limits, which
    numbers do not reach."""
    if said is None:
        return dates_in_digits(values) or ReadColumn((values,), TYPED)
    if said.kind == "serial" and values.dtype.is_numeric():
        return serial_again(values, said)
    flags = [pl.repeat(False, len(values), eager=True).alias(flag_name(values.name, side)) for side in said.limits]
    return ReadColumn((values, *flags), TYPED)


def _cells(source: Any) -> Cells:
    if isinstance(source, pl.DataFrame):
        return Cells(source)
    if hasattr(source, "to_dict") and hasattr(source, "columns") and not isinstance(source, str | Path):
        frame, notes = from_pandas(source)
        return Cells(frame, notes=notes)
    if not isinstance(source, str | Path):
        advice = "Collect a lazy frame, make a frame of a dictionary, or save the table to a file"
        raise DataError(
            "DATA", "a path or a frame of Polars or pandas", name="type", got=type(source).__name__, advice=advice
        )
    path = Path(source)
    _refuse_no_file(path)
    if shown(str(path)) != str(path):
        with named_plainly(path) as link:
            return _cells(link)
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return Cells(_read_parquet(path))
    if suffix in OFFICE:
        return read_office(path)
    if suffix in SEPARATORS or suffix in PACKED:
        return read_delimited(path)
    expected = f"one of {', '.join(TABLES)}"
    raise DataError("Kind of file", expected, file=path.name, advice="Save the table as CSV or Parquet")


def _refuse_no_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        advice = "Check the path, or give the name of a built-in set (rounds data lists them)"
        shown = f"{path} ({error.strerror})"
        raise DataError("DATA", "a file that exists", file=shown, advice=advice) from None
    if path.is_dir():
        raise DataError("DATA", "a file", file=str(path), advice="Give a CSV, TSV or Parquet file, not a folder")
    if not path.is_file():
        raise DataError("DATA", "a file on disk", file=str(path), advice="Save what it gives to a file first")
    if size == 0:
        raise DataError("DATA", "a table with a header and rows", file=path.name, advice="The file is empty")


def _read_parquet(path: Path) -> pl.DataFrame:
    advice = "Write it again, or give CSV"
    if why := parquet_fault(path):
        raise DataError("Parquet file", "whole and readable", file=f"{path.name} ({why})", advice=advice)
    with damage_named("Parquet file", path.name, advice):
        return pl.read_parquet(path, hive_partitioning=False, glob=False)


def _named(table: pl.DataFrame, where: str) -> pl.DataFrame:
    """Names without spaces around them, none without a name, none twice."""
    names = unnamed_numbered([n.strip() for n in table.columns])
    refuse_repeated(names, where)
    return table.rename(dict(zip(table.columns, names, strict=True)))


def _without_blank_end(table: pl.DataFrame) -> pl.DataFrame:
    filled = blank_rows(table).not_().arg_true()
    return table.head(int(filled[-1]) + 1 if len(filled) else 0)


def blank_rows(table: pl.DataFrame) -> pl.Series:
    """Rows without a value in any column, [N] booleans.

    >>> blank_rows(pl.DataFrame({"a": [1, None], "b": ["x", None]})).to_list()
    [False, True]
    """
    return table.select(pl.all_horizontal(pl.all().is_null()).alias("blank")).to_series()
