"""Columns as other programs store them: the same few types, whatever they come in."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

import polars as pl

from rounds.data.tables.cells.reading import CellNote, Kind
from rounds.errors import DataError

_MICROSECONDS_A_DAY, _NANOSECONDS_AN_HOUR = 86_400_000_000, 3_600_000_000_000


def plain_types(frame: pl.DataFrame, without: Collection[Kind] = ()) -> tuple[pl.DataFrame, tuple[CellNote, ...]]:
    """Numbers, booleans, texts, dates and times without a zone; and what is to be said of columns that were another.

    without: times of day ("clock") and durations that stay as they are.

    Columns of lists, records or bytes that are no texts are left out, which a note says.

    >>> import datetime
    >>> plain_types(pl.DataFrame({"stay": [datetime.timedelta(hours=36)]}))[0]["stay"].to_list()
    [1.5]
    """
    kept = {pl.Time: "clock" in without, pl.Duration: "duration" in without}
    made = [(v, None) if kept.get(v.dtype.base_type()) else _plain(v) for v in frame]
    notes = tuple(note for _, note in made if note is not None)
    return pl.DataFrame([values for values, _ in made]), notes


def _plain(values: pl.Series) -> tuple[pl.Series, CellNote | None]:
    dtype, name, rows = values.dtype, values.name, len(values.drop_nulls())
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        return _text_or_nothing(values)
    if dtype == pl.Duration:
        days = values.dt.total_microseconds() / _MICROSECONDS_A_DAY
        return days.alias(name), CellNote(name, f"{rows:,} durations read as days", rows)
    if dtype == pl.Time:
        hours = values.cast(pl.Int64) / _NANOSECONDS_AN_HOUR
        return hours.alias(name), CellNote(name, f"{rows:,} times of day read as hours (14:30 is 14.5)", rows)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        utc = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return utc, CellNote(name, f"{rows:,} times of the zone {dtype.time_zone} read in UTC", rows)
    if dtype in (pl.Categorical, pl.Enum, pl.Int128, pl.UInt128):
        return values.cast(pl.String), None
    if dtype == pl.Decimal:
        return values.cast(pl.Float64), None
    if dtype.is_float():
        return values.fill_nan(None), None
    return values, None


def _text_or_nothing(values: pl.Series) -> tuple[pl.Series, CellNote | None]:
    """Bytes as the text that they are (other programs' Parquet does not say so); an empty column for all else."""
    if values.dtype == pl.Binary:
        with suppress(pl.exceptions.PolarsError):
            return values.cast(pl.String), None
    text = f"{values.dtype} in each cell: left out. Spread it over columns of plain values to have it used"
    empty = pl.Series(values.name, [None] * len(values), dtype=pl.String)
    return empty, CellNote(values.name, text, len(values.drop_nulls()), role="dropped")


def from_pandas(frame: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """A pandas frame as a Polars frame, with the index where it may hold the patient, and what is to be said of that.

    Raises DataError where columns repeat a name or are no plain ones.
    """
    from rounds.data.tables.delimited import refuse_repeated

    frame, notes = _with_index(frame)
    names = [" ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in frame.columns]
    refuse_repeated(names, "frame")
    try:
        columns = {n: _series(n, frame.iloc[:, i]) for i, n in enumerate(names)}
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        advice = "Give columns of numbers, texts, booleans or dates"
        raise DataError(
            "Frame", "of plain columns", name="error", got=str(error).partition("\n")[0], advice=advice
        ) from None
    return pl.DataFrame(columns), notes


def _with_index(frame: Any) -> tuple[Any, tuple[str, ...]]:
    """The index as columns, unless it only counts rows."""
    index = frame.index
    counts = index.nlevels == 1 and index.name is None and (str(index.dtype).startswith("int") and index.is_unique)
    if counts:
        return frame, ()
    names = [
        name if name is not None else f"index_{place}" if index.nlevels > 1 else "index"
        for place, name in enumerate(index.names, start=1)
    ]
    if any(name in frame.columns for name in names):
        return frame, ()
    shown = ", ".join(map(str, names))
    return frame.reset_index(names=names), (f"the frame's index is read as the column {shown}",)


def _series(name: str, column: Any) -> pl.Series:
    """A pandas column; its nan, NaT and NA are missing, and intervals and periods are texts."""
    kind = str(column.dtype)
    if kind.startswith(("interval", "period")) or (
        kind == "category" and str(column.cat.categories.dtype).startswith("interval")
    ):
        column = column.astype(object).where(column.notna(), None)
        return pl.Series(name, [None if value is None else str(value) for value in column], dtype=pl.String)
    values = [value if known else None for value, known in zip(column.tolist(), column.notna().tolist(), strict=True)]
    return pl.Series(name, values, strict=False)
