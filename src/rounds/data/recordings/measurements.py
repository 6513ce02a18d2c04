"""A table of measurements as users have it (whose, when, what, how much), checked and brought into one shape."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.data.recordings.timeline import Timeline
from rounds.data.tables.reading import PARQUET, read_table
from rounds.data.tables.values import as_levels
from rounds.errors import DataError, must_be, nearest

_TIME = re.compile(
    r"^(time|t|seconds?|minutes?|hours?|days?|offset|charttime|timestamp|datetime|date|time_\w+|\w+_time|\w*offset)$",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"^(variable|parameter|code|item|itemid|item_id|name|label|concept|measure(ment)?)$", re.I)
_VALUE = re.compile(r"^(value|valuenum|numeric_value|value_as_number|result|reading)$", re.IGNORECASE)
HOURS = "hours since the subject's first measurement"
_MICROSECONDS_AN_HOUR = 3_600_000_000
_COLUMNS = {"subject": pl.Int64, "time": pl.Float64, "variable": pl.String, "value": pl.Float64}


@dataclass(frozen=True)
class Measurements:
    """frame: subject (row of the table of subjects), time (from 0 on, in `unit`), variable, value; one row a
    measurement. names: columns of the user's table, as a timeline keeps them. notes: what was left out, as counts."""

    frame: pl.DataFrame
    names: dict[str, str]
    unit: str
    notes: tuple[str, ...]


def open_measurements(source: Any) -> pl.DataFrame:
    """A table by path or frame; a folder of Parquet files is read as one table.

    Raises DataError where it cannot be read.
    """
    path = Path(source) if isinstance(source, str | Path) else None
    if path is None or not path.is_dir():
        return read_table(source)
    shards = sorted(p for p in path.rglob("*") if p.suffix.lower() in PARQUET)
    if not shards:
        advice = "Give a table of measurements, a folder of Parquet files, or a folder of WFDB records (.hea)"
        raise DataError(must_be("Sequences", "measurements", "folder", str(path), advice))
    return pl.concat([read_table(shard) for shard in shards], how="diagonal_relaxed")


def read_measurements(source: Any, subjects: pl.Series, timeline: Timeline | None = None) -> Measurements:
    """Measurements of these subjects. subjects: key of each row of their table, under the name of its column.

    timeline: of training, whose column names are looked for (None: they are recognised). Raises DataError where a
    column is missing, a time is negative or none, or a value is no number; the row of the file is named.
    """
    table = open_measurements(source)
    key = timeline.key if timeline else subjects.name
    if key not in table.columns:
        advice = f"Name the column that both tables share with --key. {nearest(key, table.columns)}"
        raise DataError(must_be("Key", "a column of the table of measurements", "key", key, advice))
    names = {"key": key, **(_names_of(timeline, table) if timeline else recognised(table, key))}
    time, without_time = _times(table, names["time"], key)
    unit = HOURS if table[names["time"]].dtype.is_temporal() else names["time"]
    values = _values(table, names)
    frame = values.with_columns(_subject_rows(table[key], subjects), time).drop_nulls(["time"])
    strangers = frame.filter(pl.col("subject").is_null())
    known = frame.drop_nulls(["subject"])
    melted = _long(known, names).drop_nulls(["value"])
    notes = _notes(strangers, without_time, melted, len(subjects))
    return Measurements(melted.select(pl.col(n).cast(t) for n, t in _COLUMNS.items()), names, unit, notes)


def recognised(table: pl.DataFrame, key: str) -> dict[str, str]:
    """Columns of a table of measurements by their names: time, and variable and value where it is long.

    >>> recognised(pl.DataFrame({"id": [1], "minute": [0], "parameter": ["HR"], "value": [70.0]}), "id")
    {'time': 'minute', 'variable': 'parameter', 'value': 'value'}
    """
    others = [n for n in table.columns if n != key]
    times = [n for n in others if _TIME.match(n)] or [n for n in others if table[n].dtype.is_temporal()]
    variables = [n for n in others if _VARIABLE.match(n) and n not in times]
    values = [n for n in others if _VALUE.match(n)]
    shown = ", ".join(table.columns[:20])
    if len(times) != 1 or len(variables) > 1 or len(values) > 1 or bool(variables) != bool(values):
        advice = "Name its columns time, variable and value (or time, and a column a variable)"
        raise DataError(must_be("Table of measurements", "one of known columns", "columns", shown, advice))
    if not variables and len(others) < 2:
        advice = "Add the measured values"
        raise DataError(must_be("Table of measurements", "one with values", "columns", shown, advice))
    return {"time": times[0], "variable": "".join(variables), "value": "".join(values)}


def _names_of(timeline: Timeline, table: pl.DataFrame) -> dict[str, str]:
    wanted = [n for n in (timeline.time, timeline.variable, timeline.value) if n]
    absent = [n for n in wanted if n not in table.columns]
    if absent:
        advice = f"Name the columns as in training. {nearest(absent[0], table.columns)}"
        raise DataError(must_be("Table of measurements", "as in training", "missing", ", ".join(absent), advice))
    return {"time": timeline.time, "variable": timeline.variable, "value": timeline.value}


def _times(table: pl.DataFrame, name: str, key: str) -> tuple[pl.Series, int]:
    """(times from 0 on, how many are missing); dates are counted in hours from each subject's first."""
    values = table[name]
    if values.dtype.is_temporal():
        since = pl.col(name).cast(pl.Datetime("us"))
        hours = (since - since.min().over(key)).dt.total_microseconds() / _MICROSECONDS_AN_HOUR
        return table.select(hours.alias("time")).to_series(), values.null_count()
    numbers = values.cast(pl.Float64, strict=False)
    unreadable = (numbers.is_null() | numbers.is_infinite()) & values.is_not_null()
    _refuse(values, unreadable, "Time", "a number or a date", "Mend the cell, or leave the row out")
    _refuse(values, numbers < 0, "Time", "0 or later, counted from the start of the recording", _NEGATIVE)
    return numbers.alias("time"), values.null_count()


_NEGATIVE = "Count times from the start of each recording, or leave out what was measured before it"


def _values(table: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    """Columns of values as numbers, beside the column of variables."""
    left = {names["key"], names["time"], names["variable"]}
    wanted = [names["value"]] if names["value"] else [n for n in table.columns if n not in left]
    made = [_numbers(table[n]) for n in wanted]
    variable = [as_levels(table[names["variable"]].cast(pl.String)).alias("variable")] if names["variable"] else []
    return pl.DataFrame([*variable, *made])


def _numbers(values: pl.Series) -> pl.Series:
    numbers = values.cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & values.is_not_null()) | numbers.is_infinite()
    _refuse(values, wrong, "Measured value", "a number", "Mend the cell, or leave it empty where nothing was measured")
    return numbers


def _refuse(values: pl.Series, wrong: pl.Series, what: str, expected: str, advice: str) -> None:
    wrong = wrong.fill_null(False)
    if wrong.any():
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        shown = f"{values[row]} in row {row + 2} of the measurements"
        raise DataError(must_be(what, expected, values.name, shown, advice))


def _subject_rows(keys: pl.Series, subjects: pl.Series) -> pl.Series:
    """Row of each measurement's subject, null where the table of subjects has none of that key."""
    plain = keys.dtype.is_integer() and subjects.dtype.is_integer()
    found, known = (s.cast(pl.Int64) if plain else as_levels(s) for s in (keys, subjects))
    rows = pl.DataFrame({"key": known, "subject": pl.int_range(len(known), eager=True)})
    return pl.DataFrame({"key": found}).join(rows, on="key", how="left", maintain_order="left")["subject"]


def _long(frame: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    if names["variable"]:
        return frame.rename({names["value"]: "value"})
    return frame.unpivot(index=["subject", "time"], variable_name="variable", value_name="value")


def _notes(strangers: pl.DataFrame, without_time: int, kept: pl.DataFrame, subjects: int) -> tuple[str, ...]:
    silent = subjects - kept["subject"].n_unique()
    texts = (
        (strangers.height, f"{strangers.height:,} measurements of subjects that the table does not have: left out"),
        (without_time, f"{without_time:,} measurements without a time: left out"),
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
        raise DataError(must_be("Key", "known and different in every row", keys.name, shown, advice))
