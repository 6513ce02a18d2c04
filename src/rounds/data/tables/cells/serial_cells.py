"""Days since 1899-12-30, as spreadsheets keep dates; read as dates where the user says so, since they are numbers."""

import re

import polars as pl

from rounds.data.tables.cells.reading import FileStyle, ReadColumn, Reading

FIRST_DAY, LAST_DAY = 20_000, 60_000  # 1954 to 2064
DATE_NAME = re.compile(
    r"(date|datum|dt$|_dt|^dt_|time|zeit|admi|disch|birth|born|dob|death|visit|excel|serial|day$|entry|start|end|onset|when)",
    re.IGNORECASE,
)
SECOND, MICROSECONDS = 1 / 86_400, 1_000_000


def looks_like_serials(values: pl.Series) -> bool:
    """Whether numbers may be a spreadsheet's dates: of recent decades, and named like a date or whole minutes.

    >>> [looks_like_serials(pl.Series(name, [44017, 43927])) for name in ("admitted", "platelets")]
    [True, False]
    """
    known = values.drop_nulls().cast(pl.Float64)
    if known.n_unique() < 2 or not ((known > FIRST_DAY) & (known < LAST_DAY)).all():
        return False
    if DATE_NAME.search(values.name):
        return True
    minutes = known.filter(known != known.round(0)) * 1440
    return len(minutes) == len(known) and bool(((minutes - minutes.round(0)).abs() < 1440 * SECOND).all())


def serial_again(numbers: pl.Series, reading: Reading) -> ReadColumn:
    """Dates of day numbers, to the second: a spreadsheet keeps no more of it."""
    seconds = (numbers.cast(pl.Float64, strict=False) / SECOND).round(0)
    start = pl.lit("1899-12-30").str.to_datetime("%Y-%m-%d", time_unit="us")
    moments = pl.select(
        (start + pl.lit(seconds * MICROSECONDS).cast(pl.Duration("us"))).alias(numbers.name)
    ).to_series()
    whole = (seconds.drop_nulls() % 86_400 == 0).all()
    return ReadColumn((moments.cast(pl.Date) if whole else moments,), reading)


def as_serial(text: pl.Series, style: FileStyle) -> ReadColumn:
    return serial_again(text, Reading(kind="serial"))
