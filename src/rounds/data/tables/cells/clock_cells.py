"""Times of day as hours, durations as days, and weeks of pregnancy."""

import polars as pl

from rounds.data.tables.cells.reading import CellNote, FileStyle, ReadColumn, Reading

_CLOCK = r"^(\d{1,3}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?\s*((?i)[ap]\.?m\.?)?$"
_DAYS = r"^(-?\d+) ?(?:d|days?),? ?(?:(\d{1,2}):([0-5]\d):([0-5]\d(?:\.\d+)?))?$"
_WEEKS = r"^(?i)(\d{2}) ?(?:\+|w(?:(?:ee)?ks?)?\.?|ssw|sa) ?\+? ?([0-6])(?: ?(?:d|days?|tage|j|/7))?$"
_SEVENTHS = r"^(\d{2}) ([0-6])/7$"
DAYS_A_WEEK = 7
_YEARS = (
    r"(?i)^(\d{1,3}) ?(?:y|yrs?|years?|jahre?|ans?|años?|anni)\.?,? ?"
    r"(?:(\d{1,2}) ?(?:m|mos?|months?|monate?|mois|meses|mesi)\.?)?$"
)
MONTHS_A_YEAR = 12
_ISO = r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$"


def recognise_clock(text: pl.Series, style: FileStyle) -> ReadColumn | None:
    """14:38, 2:38 PM or 00:07:30, in every cell: hours since midnight, or since a start."""
    if not text.drop_nulls().str.contains(_CLOCK).all():
        return None
    return clock_again(text, Reading(kind="clock", unit="h"))


def clock_again(text: pl.Series, reading: Reading) -> ReadColumn:
    parts = text.str.extract_groups(_CLOCK).struct.unnest()
    hour, minute, second = (pl.col(str(n)).cast(pl.Float64) for n in (1, 2, 3))
    half = pl.col("4").str.to_lowercase().str.slice(0, 1)
    turned = pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)
    hours = parts.select((turned + minute / 60 + second.fill_null(0) / 3600).alias(text.name)).to_series()
    known = len(hours.drop_nulls())
    return ReadColumn(
        (hours,), reading, (CellNote(text.name, f"{known:,} times read as hours (14:30 is 14.5)", known),)
    )


def recognise_duration(text: pl.Series, style: FileStyle) -> ReadColumn | None:
    """3 days 04:30:00 or P3DT4H30M, in every cell: days; 5 years 3 months: years."""
    if text.drop_nulls().str.contains(_YEARS).all():
        return duration_again(text, Reading(kind="duration", unit="years"))
    if not text.drop_nulls().str.contains(rf"{_DAYS}|{_ISO}").all():
        return None
    return duration_again(text, Reading(kind="duration", unit="days"))


def duration_again(text: pl.Series, reading: Reading) -> ReadColumn:
    if reading.unit == "years":
        years, months = (text.str.extract(_YEARS, n).cast(pl.Float64) for n in (1, 2))
        made = years + months.fill_null(0) / MONTHS_A_YEAR
    else:
        made = _days(text, _DAYS).fill_null(_days(text, _ISO))
    known = len(made.drop_nulls())
    note = CellNote(text.name, f"{known:,} durations read as {reading.unit or 'days'}", known)
    return ReadColumn((made.alias(text.name),), reading, (note,))


def _days(text: pl.Series, pattern: str) -> pl.Series:
    parts = text.str.extract_groups(pattern).struct.unnest()
    found = [pl.col(str(n)).cast(pl.Float64) for n in (1, 2, 3, 4)]
    whole = sum(part.fill_null(0) / share for part, share in zip(found, (1, 24, 1440, 86_400), strict=True))
    present = pl.any_horizontal(part.is_not_null() for part in found)
    return parts.select(pl.when(present).then(whole).alias("days")).to_series()


def recognise_weeks(text: pl.Series, style: FileStyle) -> ReadColumn | None:
    """28+3, 28w3d or 28 3/7 in every cell, as gestational age is written: weeks."""
    if not text.drop_nulls().str.contains(f"{_WEEKS}|{_SEVENTHS}").all():
        return None
    return weeks_again(text, Reading(kind="weeks", unit="weeks"))


def weeks_again(text: pl.Series, reading: Reading) -> ReadColumn:
    weeks, days = (
        text.str.extract(_WEEKS, n).fill_null(text.str.extract(_SEVENTHS, n)).cast(pl.Float64) for n in (1, 2)
    )
    made = (weeks + days / DAYS_A_WEEK).alias(text.name)
    known = len(made.drop_nulls())
    return ReadColumn((made,), reading, (CellNote(text.name, f"{known:,} weeks and days read as weeks", known),))
