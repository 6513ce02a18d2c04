"""Which columns of a table of measurements say when, what, how much and in which unit: by their names and types."""

import re
from typing import NamedTuple

import polars as pl

from rounds.data.tables.cells.clock_cells import clock_again
from rounds.data.tables.cells.date_cells import LOOKS_LIKE_A_DATE
from rounds.data.tables.cells.reading import Reading
from rounds.errors import DataError

_MICROSECONDS_AN_HOUR = 3_600_000_000

# Names in any case, the surest first; a later pattern counts only where no column has an earlier one. They cover MIMIC,
# eICU, AmsterdamUMCdb, HiRID, SICdb, OMOP, MEDS and PhysioNet's challenges.
TIME = (
    r"time|t|timestamp|datetime|date_?time|chart_?time|measured_?at|observation_?(date_?)?time|offset|relative_?time|"
    r"elapsed(_?time)?|zeit(punkt|stempel)?|uhrzeit|messzeit(punkt)?|heure|horodatage|instant|hora|fecha_?hora|ora|tijd(stip)?",
    r"\w*(chart|result|observation|measure\w*|event|start|sample|collect\w*|specimen|draw\w*)_?(date_?)?(time|offset|at)",
    r"seconds?|minutes?|hours?|days?|iculos|icu_?hours?|\w+_?(seconds|minutes|hours|days)|sekunden?|minuten?|stunden?|tage?|"
    r"heures|jours|horas?|minutos?|segundos?|d[íi]as?",
    r"\w*(time|timestamp|offset)(_?(min|minutes|h|hours|sec|seconds|s|ms))?|time_\w+|\w*date|date|datum|fecha|data",
)
# Times of something else than the measurement: looked at only where there is no other.
OTHER_TIME = (
    r"\w*(stor\w*|entry|enter\w*|revis\w*|regist\w*|updat\w*|issu\w*|creat\w*|modif\w*|verif\w*|end|stop|admi\w*|disch\w*|"
    r"birth|intime|outtime|death)_?(date|time|offset|at|date_?time)?"
)
VARIABLE = (
    r"variable(_?name)?|parameter(_?name)?|label|concept(_?name)?|measure(ment)?(_?name)?|analyte|item_?name|lab_?name|"
    r"test(_?name)?|vital(_?name)?|vital_?sign|signal|channel|\w+typevalname|messgr[öo](ß|ss)e|messung|laborwert|"
    r"bezeichnung|merkmal|param[èe]tre|mesure|examen|par[áa]metro|variable_?nombre|prueba|an[áa]lisis|parametro",
    r"code|item|item_?id|variable_?id|parameter_?id|data_?id|loinc(_?code)?|\w*concept_id|name",
    r"\w+_?(name|label|code)",
)
VALUE = (
    r"value_?num(eric|ber)?|num(eric)?_?value|value_?as_?number|result_?num(eric|ber)?|\w*_num(eric)?_?value",
    r"value|val|result|reading|lab_?result|measured_?value|observation_?value|\w+_?(value|result)|wert|messwert|ergebnis|"
    r"valeur|r[ée]sultat|valor|resultado|valore|risultato|waarde|uitslag",
    r"amount|dose",
)
UNIT = (
    r"einheit|unit[ée]|unidad(es)?|unit[àa]|eenheid|value_?uom|units?|uom|"
    r"unit_?name|\w+_?(unit|uom)s?|unit_?(of_?measure\w*|source_value)|\w*measurenamesystem",
)
_IDENTIFIER = re.compile(
    r"id|\w*_id|\w*periodic_?id|\w*identifier|\w*_?by|mrn|\w*(stay|admission|subject|patient|visit)_?(id|key|no)", re.I
)
_DAY = re.compile(r"(\w+_)?(date|day|datum|tag|jour|fecha|data)", re.I)
_CLOCK = re.compile(r"(\w+_)?(time|zeit|uhrzeit|heure|hora|ora|tijd)(_of_day)?", re.I)


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
    dated = [n for n in own if _DAY.fullmatch(n) and _holds_days(table[n])]
    if time and table[time].dtype in (pl.Time, pl.String) and _CLOCK.fullmatch(time) and dated:
        return time, dated[0]
    return time, ""


def _holds_days(values: pl.Series) -> bool:
    """Dates, or texts of which only the user can say which."""
    written = values.dtype == pl.String and values.str.contains(LOOKS_LIKE_A_DATE).all()
    return bool(values.dtype == pl.Date or written)


def _duration(hours: pl.Series) -> pl.Expr:
    return pl.lit((hours * _MICROSECONDS_AN_HOUR).cast(pl.Int64).cast(pl.Duration("us")))


def measurement_times(table: pl.DataFrame, columns: MeasurementColumns) -> pl.Series:
    """The column of times; joined with the date where it holds times of day, as times or as they are written."""
    if not columns.day:
        return table[columns.time]
    clock, day = table[columns.time], pl.col(columns.day).cast(pl.Date)
    if clock.dtype == pl.String:
        hours = clock_again(clock.str.strip_chars(), Reading(kind="clock")).values[0]
        joined = day.cast(pl.Datetime("us")) + pl.lit(hours * _MICROSECONDS_AN_HOUR).cast(pl.Int64).cast(
            pl.Duration("us")
        )
    else:
        joined = day.dt.combine(pl.col(columns.time).cast(pl.Time))
    return table.select(joined.alias(columns.time)).to_series()
