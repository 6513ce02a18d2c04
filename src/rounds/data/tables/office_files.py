"""Spreadsheets and files of SAS, SPSS and Stata, by packages that the extra `office` brings."""

from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from rounds.data.tables.delimited import Cells, refuse_repeated, unnamed_numbered
from rounds.data.tables.layout import holds_values
from rounds.data.tables.stray_rows import without_stray_rows
from rounds.errors import DataError

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
STATISTICS = {
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".dta": "read_dta",
}
OFFICE = (*SPREADSHEETS, *STATISTICS)


def read_office(path: Path) -> Cells:
    """The first sheet that holds a table, or the data of a statistics program with its value labels.

    Raises DataError where the extra is not installed or the file cannot be read.
    """
    package = "fastexcel" if path.suffix.lower() in SPREADSHEETS else "pyreadstat"
    try:
        reader = import_module(package)
    except ImportError:
        advice = 'Install it with pip install "rounds[office]", or save the table as CSV'
        raise DataError(
            f"Reader of {path.suffix} files", "installed", name="package", got=package, advice=advice
        ) from None
    try:
        return _spreadsheet(path, reader) if package == "fastexcel" else _statistics(path, reader)
    except DataError:
        raise
    except Exception as error:
        advice = "Open and save it again, or save the table as CSV"
        shown = f"{path.name} ({str(error).partition(chr(10))[0]})"
        raise DataError("DATA", f"a readable {path.suffix} file", file=shown, advice=advice) from None


def _spreadsheet(path: Path, fastexcel: Any) -> Cells:
    book = fastexcel.read_excel(path)
    notes: tuple[str, ...] = ()
    for sheet in book.sheet_names:
        cells = book.load_sheet(sheet, header_row=None, dtypes="string").to_polars()
        cells = cells.filter(~pl.all_horizontal(pl.all().is_null()))
        cells = cells.select(s.name for s in cells if s.null_count() < len(s))
        if cells.height > 1 and cells.width:
            others = len(book.sheet_names) - 1
            notes = (f"sheet {sheet} was read" + (f", {others} more left out" if others else ""),)
            return _sheet_with_header(cells, path.name, notes)
    raise DataError("Spreadsheet", "one with a table", file=path.name, advice="All its sheets are empty")


def _sheet_with_header(cells: pl.DataFrame, where: str, notes: tuple[str, ...]) -> Cells:
    filled = [sum(cell is not None and cell.strip() != "" for cell in row) for row in cells.head(50).rows()]
    wide = max(filled)
    place = next(i for i, count in enumerate(filled) if count > 1 or wide == 1)
    header = [(cell or "").strip() for cell in cells.row(place)]
    body = cells.slice(place + 1)
    if place:
        notes = (*notes, f"{place:,} line{'s' * (place != 1)} above the table left out")
    if holds_values(header, [[c or "" for c in row] for row in body.head(200).rows()]):
        said = "the first row holds values and no names: columns are called column_1, column_2, ... by their place"
        header, body, notes = [""] * cells.width, cells.slice(place), (*notes, said)
    names = unnamed_numbered(header)
    refuse_repeated(names, where)
    clean = without_stray_rows(body.rename(dict(zip(body.columns, names, strict=True))), tuple(header))
    return Cells(clean.cells, clean.units, "", (*notes, *clean.notes))


def _labels(path: Path) -> dict[str, Any]:
    """What a reader takes to put value labels in place of numbers: SPSS and Stata keep them in the file, SAS in a
    catalog beside it, and its transport files have none."""
    if path.suffix.lower() in (".sav", ".zsav", ".dta"):
        return {"apply_value_formats": True}
    catalog = path.with_suffix(".sas7bcat")
    return {"catalog_file": str(catalog)} if path.suffix.lower() == ".sas7bdat" and catalog.is_file() else {}


def _statistics(path: Path, pyreadstat: Any) -> Cells:
    read = getattr(pyreadstat, STATISTICS[path.suffix.lower()])
    frame, about = read(str(path), output_format="polars", **_labels(path))
    labelled = [n for n in frame.columns if n in about.variable_value_labels]
    notes = (f"value labels of {', '.join(labelled[:10])} were read in place of their numbers",) if labelled else ()
    return Cells(frame, {}, "", notes)
