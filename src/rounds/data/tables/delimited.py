"""The cells of a text file as they are written: encoding, separator, header and stray rows are found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from rounds.data.tables.cells.missing_words import USUAL
from rounds.data.tables.delimited_faults import ragged_error, unreadable_error
from rounds.data.tables.layout import WHITESPACE, Layout, find_layout
from rounds.data.tables.raw_text import RawText, raw_text
from rounds.data.tables.stray_rows import without_stray_rows
from rounds.errors import DataError


@dataclass(frozen=True)
class Cells:
    """A table before its columns are read: text columns as written, others as a program stored them.

    units: of columns, where the file gives them; separator: between cells, "" where the source is no text; notes: what
    is to be said of the file.
    """

    frame: pl.DataFrame
    units: dict[str, str] = field(default_factory=dict)
    separator: str = ""
    notes: tuple[str, ...] = ()


def read_delimited(path: Path) -> Cells:
    """Raises DataError where the file holds no text, is ragged, has rows of no values alone, or repeats a name."""
    text = raw_text(path)
    layout = find_layout(text, Path(text.name).suffix.lower())
    if layout.separator == WHITESPACE:
        text, layout = _with_tabs(text, layout)
    header = [name.strip() for name in layout.names]
    names = unnamed_numbered(header)
    refuse_repeated(names, path.name)
    cells = _without_nameless(_read(text, layout, names), header)
    left = set(cells.columns)
    kept = tuple(name for name, full in zip(header, names, strict=True) if full in left)
    clean = without_stray_rows(cells, kept)
    return Cells(clean.cells, clean.units, layout.separator, (*text.notes, *layout.notes, *clean.notes))


def unnamed_numbered(header: Sequence[str]) -> list[str]:
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
            "Column names",
            "all different",
            name="repeated",
            got=", ".join(twice[:10]),
            advice=f"Rename them in {where}",
        )


def _with_tabs(text: RawText, layout: Layout) -> tuple[RawText, Layout]:
    """Runs of spaces as one tab each, line by line."""
    with text.lines() as file:
        lines = ["\t".join(line.split()) for line in file]
    content = "\n".join(lines).encode()
    return RawText(content, text.name, text.notes), Layout("\t", layout.names, layout.skip, layout.notes)


def _without_nameless(cells: pl.DataFrame, header: Sequence[str]) -> pl.DataFrame:
    """Without columns that have neither name nor value, as spreadsheets leave them at the right."""
    nameless = [name for name, given in zip(cells.columns, header, strict=True) if not given]
    empty = [name for name in nameless if cells[name].null_count() == cells.height]
    return cells.drop(empty) if 0 < len(empty) < cells.width else cells


def _read(text: RawText, layout: Layout, names: list[str]) -> pl.DataFrame:
    """[N rows] text columns; empty cells are missing, blank lines in between are rows without a value."""
    if not names:
        raise DataError("DATA", "a table with rows", file=text.name, advice="It has no lines")
    try:
        table = pl.read_csv(
            text.for_polars,
            separator=layout.separator,
            has_header=False,
            skip_lines=layout.skip,
            glob=False,
            schema=dict.fromkeys(names, pl.String),
            null_values=list(USUAL),
        )
    except pl.exceptions.NoDataError:
        raise DataError("DATA", "a table with rows", file=text.name, advice="It has a header only") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ragged_error(text, layout.separator, layout.skip, len(names)) or unreadable_error(
            text.name, str(error)
        ) from None
    if (
        table.height
        and table.to_series(-1).has_nulls()
        and (fault := ragged_error(text, layout.separator, layout.skip, len(names)))
    ):
        raise fault
    return table
