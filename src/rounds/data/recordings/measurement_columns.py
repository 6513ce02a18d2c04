"""Which columns of a table of measurements say when, what, how much and in which unit: by their names and types."""

import re
from typing import NamedTuple

import polars as pl

from rounds.errors import DataError

# Names in any case, the surest first; a later pattern counts only where no column has an earlier one. They cover MIMIC,
# eICU, AmsterdamUMCdb, HiRID, SICdb, OMOP, MEDS and PhysioNet's challenges.
TIME = (
    r"time|t|timestamp|datetime|date_?time|chart_?time|measured_?at|observation_?(date_?)?time|offset|relative_?time",
    r"\w*(chart|result|observation|measure\w*|event|start|sample|collect\w*|specimen|draw\w*)_?(date_?)?(time|offset|at)",
    r"seconds?|minutes?|hours?|days?|iculos|icu_?hours?|\w+_?(seconds|minutes|hours|days)",
    r"\w*(time|timestamp|offset)|time_\w+|\w*date|date",
)
# Times of something else than the measurement: looked at only where there is no other.
OTHER_TIME = (
    r"\w*(stor\w*|entry|enter\w*|revis\w*|regist\w*|updat\w*|issu\w*|creat\w*|modif\w*|verif\w*|end|stop|admi\w*|disch\w*|"
    r"birth|intime|outtime|death)_?(date|time|offset|at|date_?time)?"
)
VARIABLE = (
    r"variable(_?name)?|parameter(_?name)?|label|concept(_?name)?|measure(ment)?(_?name)?|analyte|item_?name|lab_?name|"
    r"test(_?name)?|vital(_?name)?|\w+typevalname",
    r"code|item|item_?id|variable_?id|parameter_?id|data_?id|loinc(_?code)?|\w*concept_id|name",
    r"\w+_?(name|label|code)",
)
VALUE = (
    r"value_?num(eric|ber)?|num(eric)?_?value|value_?as_?number|result_?num(eric|ber)?|\w*_num(eric)?_?value",
    r"value|val|result|reading|lab_?result|measured_?value|observation_?value|\w+_?(value|result)",
    r"amount|dose",
)
UNIT = (r"value_?uom|units?|uom|unit_?name|\w+_?(unit|uom)s?|unit_?(of_?measure\w*|source_value)|\w*measurenamesystem",)
_IDENTIFIER = re.compile(
    r"id|\w*_id|\w*periodic_?id|\w*identifier|\w*_?by|mrn|\w*(stay|admission|subject|patient|visit)_?(id|key|no)", re.I
)
_DAY, _CLOCK = re.compile(r"(\w+_)?(date|day)", re.I), re.compile(r"(\w+_)?time(_of_day)?", re.I)


class MeasurementColumns(NamedTuple):
    """Names of columns, "" where there is none. day: the date where `time` holds times of day; variable and value:
    of a long table ("" in one with a column a variable); unit: of the values of a long table."""

    key: str
    time: str
    day: str = ""
    variable: str = ""
    value: str = ""
    unit: str = ""

    def of_variables(self, table: pl.DataFrame) -> list[str]:
        """Columns of a table with a column a variable: numbers that are neither names nor other times.

        >>> table = pl.DataFrame({"id": [1], "hour": [0], "HR": [70.0], "site_id": [3]})
        >>> MeasurementColumns("id", "hour").of_variables(table)
        ['HR']
        """
        taken = {name for name in self if name}
        times = (*TIME[:3], OTHER_TIME)
        return [
            n
            for n in table.columns
            if n not in taken
            and not _IDENTIFIER.fullmatch(n)
            and not table[n].dtype.is_temporal()
            and not any(re.fullmatch(pattern, n, re.I) for pattern in times)
        ]


def recognised(table: pl.DataFrame, key: str) -> MeasurementColumns:
    """Columns of a table of measurements by their names.

    Raises DataError where none says when, or nothing is left that was measured.

    >>> recognised(pl.DataFrame({"id": [1], "minute": [0], "parameter": ["HR"], "value": [70.0]}), "id")
    MeasurementColumns(key='id', time='minute', day='', variable='parameter', value='value', unit='')
    """
    others = [n for n in table.columns if n != key]
    time, day = _when(table, others)
    rest = [n for n in others if n not in (time, day) and not table[n].dtype.is_temporal()]
    numbers = [n for n in rest if table[n].dtype.is_numeric()]
    value = _first(VALUE, numbers) or _first(VALUE, rest)
    named = [n for n in rest if n != value]
    variable = _first(VARIABLE, named)
    shown = ", ".join(table.columns[:20])
    advice = "Name its columns time, variable and value (or time, and a column a variable)"
    if not time:
        raise DataError("Table of measurements", "one of known columns", name="columns", got=shown, advice=advice)
    if variable and value:
        return MeasurementColumns(key, time, day, variable, value, _first(UNIT, [n for n in named if n != variable]))
    made = MeasurementColumns(key, time, day)
    if not made.of_variables(table):
        advice = "Add the measured values"
        raise DataError("Table of measurements", "one with values", name="columns", got=shown, advice=advice)
    return made


def _first(patterns: tuple[str, ...], names: list[str]) -> str:
    """The first name that the surest pattern fits, "" where none does."""
    fits = (name for pattern in patterns for name in names if re.fullmatch(pattern, name, re.I))
    return next(fits, "")


def _when(table: pl.DataFrame, names: list[str]) -> tuple[str, str]:
    """The column of times, and beside times of day the column of dates."""
    own = [n for n in names if not re.fullmatch(OTHER_TIME, n, re.I)]
    temporal = [n for n in names if table[n].dtype.is_temporal()]
    time = _first(TIME, own) or next((n for n in temporal if n in own), "") or _first(TIME, names)
    time = time or next(iter(temporal), "")
    dated = [n for n in own if table[n].dtype == pl.Date and _DAY.fullmatch(n)]
    if time and table[time].dtype == pl.Time and _CLOCK.fullmatch(time) and dated:
        return time, dated[0]
    return time, ""


def measurement_times(table: pl.DataFrame, columns: MeasurementColumns) -> pl.Series:
    """The column of times; joined with the date where it holds times of day."""
    if not columns.day:
        return table[columns.time]
    joined = pl.col(columns.day).cast(pl.Date).dt.combine(pl.col(columns.time).cast(pl.Time))
    return table.select(joined.alias(columns.time)).to_series()
