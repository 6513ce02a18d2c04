"""A table of measurements as users have it (whose, when, what, how much), checked and brought into one shape."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from rounds.data.recordings.measurement_columns import MeasurementColumns, measurement_times, recognised
from rounds.data.recordings.measurement_source import open_measurements
from rounds.data.recordings.timeline import Timeline
from rounds.data.recordings.times import READABLE_SHARE, read_times
from rounds.data.recordings.variable_units import in_one_unit
from rounds.data.tables.cells.reading import FileStyle, Reading
from rounds.data.tables.reading import HowRead
from rounds.data.tables.values import as_levels
from rounds.errors import DataError, nearest

_COLUMNS = {"subject": pl.Int64, "time": pl.Float64, "variable": pl.String, "value": pl.Float64}
_LIMIT = r"^[<>≤≥]=?\s*"  # before a number: below or above what can be measured, read as the limit


@dataclass(frozen=True)
class Measurements:
    """frame: subject (row of the table of subjects), time (in `unit`; below 0: before the start), variable, value; one
    row a measurement. columns: of the user's table, as a timeline keeps them. units: of the variables, where the table
    says them. notes: what was left out or is read in a certain way, as counts. readings: of columns, as a new table has
    to be read."""

    frame: pl.DataFrame
    columns: MeasurementColumns
    unit: str
    units: dict[str, str]
    notes: tuple[str, ...]
    readings: dict[str, Reading] = field(default_factory=dict)


def read_measurements(
    source: Any, subjects: pl.Series, timeline: Timeline | None = None, style: FileStyle | None = None
) -> Measurements:
    """Measurements of these subjects. subjects: key of each row of their table, under the name of its column.

    timeline: of training, whose column names and units are looked for (None: they are recognised); style: what the
    user says of how dates and decimals are written. Raises DataError where a column is missing, or most of its cells
    cannot be read (the row is named), and ForcedChoiceError where dates can be read in two ways, or one variable has
    units that cannot be distinguished from each other.
    """
    key = timeline.key if timeline else subjects.name
    opened = open_measurements(source, key, style, timeline.readings if timeline else None)
    table = opened.frame
    if key not in table.columns:
        advice = f"Name the column that both tables share with --key. {nearest(key, table.columns)}"
        raise DataError("Key", "a column of the table of measurements", name="key", got=key, advice=advice)
    columns = _columns_of(timeline, table) if timeline else recognised(table, key)
    used = [name for name in (columns.time, columns.day, columns.value) if name]
    opened.refuse_two_ways(used)
    if columns.variable:  # such as the RecordID among PhysioNet's parameters
        table = table.filter(pl.col(columns.variable).cast(pl.String).str.to_lowercase() != key.lower())
    times = read_times(measurement_times(table, columns), table[key])
    values, value_notes = _values(table, columns)
    frame = values.with_columns(_subject_rows(table[key], subjects), times.values).drop_nulls(["time"])
    strangers = frame.filter(pl.col("subject").is_null())
    melted = _long(frame.drop_nulls(["subject"]), columns).drop_nulls(["value"])
    melted, units, unit_notes = in_one_unit(melted, timeline.units if timeline else {})
    notes = (
        *opened.notes,
        *_column_notes(table, columns, opened.how),
        *opened.said(used),
        *times.notes,
        *value_notes,
        *unit_notes,
    )
    notes += _subject_notes(strangers.height, len(subjects) - melted["subject"].n_unique())
    frame = melted.select(pl.col(n).cast(t) for n, t in _COLUMNS.items())
    return Measurements(frame, columns, times.unit, units, notes, opened.readings(used))


def _columns_of(timeline: Timeline, table: pl.DataFrame) -> MeasurementColumns:
    columns = MeasurementColumns(
        timeline.key, timeline.time, timeline.day, timeline.variable, timeline.value, timeline.value_unit
    )
    absent = [n for n in columns if n and n not in table.columns and n != timeline.value_unit]
    if absent:
        advice = f"Name the columns as in training. {nearest(absent[0], table.columns)}"
        raise DataError("Table of measurements", "as in training", name="missing", got=", ".join(absent), advice=advice)
    return columns._replace(unit=columns.unit if columns.unit in table.columns else "")


def _values(table: pl.DataFrame, columns: MeasurementColumns) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Columns of values as numbers, beside those of variables and units; and what was left out."""
    wanted = [columns.value] if columns.value else columns.of_variables(table)
    made = [_numbers(table[n]) for n in wanted]
    if columns.value or all(numbers.null_count() == len(numbers) for numbers in made):
        _refuse_unreadable(table[wanted[0]], made[0])
    lost = {n: _lost(table[n], numbers) for n, numbers in zip(wanted, made, strict=True)}
    notes = tuple(f"{count:,} cells of {n} are no numbers: left out" for n, count in lost.items() if count)
    beside = []
    if columns.variable:
        beside.append(as_levels(table[columns.variable].cast(pl.String)).alias("variable"))
    if columns.unit:
        beside.append(table[columns.unit].cast(pl.String).alias("unit"))
    return pl.DataFrame([*beside, *made]), notes


def _numbers(values: pl.Series) -> pl.Series:
    text = values.str.replace(_LIMIT, "").str.strip_chars() if values.dtype == pl.String else values
    numbers = text.cast(pl.Float64, strict=False)
    return pl.select(pl.when(numbers.is_finite()).then(numbers).alias(values.name)).to_series()


def _lost(values: pl.Series, numbers: pl.Series) -> int:
    return int((numbers.is_null() & values.is_not_null()).sum())


def _refuse_unreadable(values: pl.Series, numbers: pl.Series) -> None:
    """Raises DataError where too few cells are numbers."""
    lost = (numbers.is_null() & values.is_not_null()).to_numpy()
    if lost.sum() > (1 - READABLE_SHARE) * max(1, len(values) - values.null_count()):
        row = int(np.flatnonzero(lost)[0])
        advice = "Mend the cell, or leave it empty where nothing was measured"
        raise DataError("Measured value", "a number", column=values.name, got=values[row], row=row + 2, advice=advice)


def _subject_rows(keys: pl.Series, subjects: pl.Series) -> pl.Series:
    """Row of each measurement's subject, null where the table of subjects has none of that key."""
    plain = keys.dtype.is_integer() and subjects.dtype.is_integer()
    found, known = (s.cast(pl.Int64) if plain else as_levels(s) for s in (keys, subjects))
    rows = pl.DataFrame({"key": known, "subject": pl.int_range(len(known), eager=True)})
    return pl.DataFrame({"key": found}).join(rows, on="key", how="left", maintain_order="left")["subject"]


def _long(frame: pl.DataFrame, columns: MeasurementColumns) -> pl.DataFrame:
    if columns.variable:
        return frame.rename({columns.value: "value"})
    return frame.unpivot(index=["subject", "time"], variable_name="variable", value_name="value")


def _column_notes(table: pl.DataFrame, columns: MeasurementColumns, how: HowRead) -> tuple[str, ...]:
    """What each column is taken for, where the names leave a choice."""
    used = {name for name in columns if name}
    if columns.value:
        parts = f"{columns.variable} names the variable, {columns.value} is the value, {columns.time} the time"
    else:
        used |= set(columns.of_variables(table))
        parts = f"{columns.time} is the time, and every other column a variable"
    unread = [n for n in table.columns if n not in used and how.made_from.get(n) not in used]
    return (f"Measurements: {parts}; not read: {', '.join(unread)}",) if unread else ()


def _subject_notes(strangers: int, silent: int) -> tuple[str, ...]:
    texts = (
        (strangers, f"{strangers:,} measurements of subjects that the table does not have: left out"),
        (silent, f"{silent:,} subjects without a measurement: kept, everything missing"),
    )
    return tuple(text for count, text in texts if count)


def refuse_repeated_keys(keys: pl.Series) -> None:
    """Raises DataError where a subject has several rows, or none names it."""
    missing = keys.null_count()
    repeated = keys.len() - keys.n_unique()
    if missing or repeated:
        shown = f"missing in {missing:,} rows" if missing else f"{repeated:,} rows of a key that an earlier row has"
        advice = "Give each recording a row and a key of its own"
        raise DataError("Key", "known and different in every row", name=keys.name, got=shown, advice=advice)
