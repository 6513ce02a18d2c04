"""Where measurements come from: a table, a folder of Parquet files, or a folder of text files, one a subject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from rounds.data.tables.cells.reading import CellNote, FileStyle, Reading
from rounds.data.tables.delimited import read_delimited
from rounds.data.tables.layout import SEPARATORS, WHITESPACE
from rounds.data.tables.reading import PARQUET, HowRead, Table, read_table
from rounds.errors import DataError, ForcedChoiceError
from rounds.foreign_files import refusal

MOST_NAMED = 3  # files that one note names
_KEPT = ("date", "number")  # kinds of reading that a later file has to share


@dataclass(frozen=True)
class MeasurementSource:
    """frame: measurements as columns; how: they were read; notes: what is to be said of the files."""

    frame: pl.DataFrame
    how: HowRead = field(default_factory=HowRead)
    notes: tuple[str, ...] = ()

    def refuse_two_ways(self, used: Sequence[str]) -> None:
        """Raises ForcedChoiceError where a column that counts can be read in two ways, and only the user can say."""
        asked: list[CellNote] = [note for note in self.how.notes if note.option and note.column in used]
        if asked:
            note = asked[0]
            advice = f"{note.text[:1].upper()}{note.text[1:]}"
            raise ForcedChoiceError("Cells", "readable in one way", name="column", got=note.column, advice=advice)

    def said(self, used: Sequence[str]) -> tuple[str, ...]:
        """What is to be said of the cells of columns that count."""
        return tuple(note.sentence.rstrip(".") for note in self.how.notes if not note.option and note.column in used)

    def readings(self, used: Sequence[str]) -> dict[str, Reading]:
        """How the columns that count were read."""
        return {n: r for n, r in self.how.readings.items() if n in used and r.kind in _KEPT}


def open_measurements(
    source: Any, key: str, style: FileStyle | None = None, said: Mapping[str, Reading] | None = None
) -> MeasurementSource:
    """A table by path or frame; a folder of Parquet files, or of text files whose names (without their ending) are
    the key where no column is, is read as one table.

    style: what the user says of dates and decimals; said: how a training read its columns. Raises DataError where
    nothing can be read.
    """
    path = Path(source) if isinstance(source, str | Path) else None
    if path is None or not path.is_dir():
        return _of(_read(source, style, said))
    files = sorted(p for p in path.rglob("*") if not p.name.startswith("."))
    if shards := [p for p in files if p.suffix.lower() in PARQUET]:
        tables = [_read(shard, style, said) for shard in shards]
        return MeasurementSource(pl.concat([table.frame for table in tables], how="diagonal_relaxed"), tables[0].how)
    texts = [p for p in files if p.suffix.lower() in SEPARATORS and p.is_file()]
    if not texts:
        advice = "Give a table of measurements, or a folder of Parquet files, of text files, or of WFDB or EDF records"
        raise DataError("Sequences", "measurements", name="folder", got=str(path), advice=advice)
    frame, notes = _of_texts(texts, path, key)
    return _of(_read(frame, style, said), notes)


def _of(table: Table, notes: tuple[str, ...] = ()) -> MeasurementSource:
    return MeasurementSource(table.frame, table.how, notes)


def _read(source: Any, style: FileStyle | None, said: Mapping[str, Reading] | None) -> Table:
    """Clock times and durations stay as they are written: `times` reads them as times of a recording."""
    return read_table(source, said, style, without=("clock", "duration", "titre"))


def _of_texts(paths: Sequence[Path], folder: Path, key: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Cells of all files as texts, with the key; files without a row are named."""
    parts, empty = [], []
    separator = ""
    for path in paths:
        if why := refusal(path, folder):
            raise DataError("Text file", "inside its folder", file=f"{path.name} ({why})", advice="Leave it out")
        if not path.stat().st_size:
            empty.append(path.name)
            continue
        part = _quickly(path, separator)
        if part is None:
            cells = read_delimited(path)
            part, separator = cells.frame.cast(pl.String), cells.separator
        if not part.height:
            empty.append(path.name)
            continue
        parts.append(part if key in part.columns else part.with_columns(pl.lit(path.stem).alias(key)))
    if not parts:
        raise DataError("Sequences", "files with rows", name="folder", got=str(folder), advice="All of them are empty")
    named = ", ".join(empty[:MOST_NAMED]) + (", ..." if len(empty) > MOST_NAMED else "")
    notes = (f"{len(empty):,} files without a row ({named}): left out",) if empty else ()
    return pl.concat(parts, how="diagonal"), (f"{len(parts):,} files of measurements, one a subject, were read", *notes)


def _quickly(path: Path, separator: str) -> pl.DataFrame | None:
    """A file that is laid out as the one before; None where that is not known, or it cannot be read so."""
    if separator in ("", WHITESPACE):
        return None
    try:
        table = pl.read_csv(path, separator=separator, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, OSError):
        return None
    names = table.columns
    plain = len(names) > 1 and all(name.strip() == name and name for name in names)
    return table if plain and not any(name.replace(".", "").isdigit() for name in names) else None
