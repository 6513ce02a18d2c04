"""When something was measured, as numbers: clock times, durations, dates and numbers from the start of a recording."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from rounds.errors import DataError

HOURS = "hours since the subject's first measurement"
HOURS_SINCE_START = "hours since the start of the recording"
_HOUR = 3_600_000_000  # microseconds
# A time that lies this many times farther from the others of its subject than most times do (FAR_QUANTILE of all), and
# at least FAR_HOURS, is a slip of the pen, such as a wrong year; counted only where they are few.
FAR, FAR_QUANTILE, FAR_HOURS, FAR_SHARE = 50.0, 0.95, 180 * 24.0, 0.02
# Share of the cells that must be times for the others to be left out instead of the table being refused.
READABLE_SHARE = 0.5
FIRST_SECOND, LAST_SECOND = 600_000_000, 4_200_000_000  # since 1970: of 1989, and of 2103
MOST_ROWS_NAMED = 5
_CLOCK = r"^([+-]?)(\d{1,6}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$"
_DAYS = r"^([+-]?\d+) days?,? ?(?:([+-]?)(\d{1,2}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?)?$"
_PART = r"(?:(\d+(?:\.\d+)?){})?"
_ISO = rf"^([+-]?)P{_PART.format('W')}{_PART.format('D')}(?:T{''.join(map(_PART.format, 'HMS'))})?$"
# Units of time that a column's name may tell, in hours.
_NAMED_UNITS = (("second", 1 / 3600), ("minute", 1 / 60), ("hour", 1.0), ("day", 24.0))


@dataclass(frozen=True)
class Times:
    """values: [N] float64 in `unit`, null where unknown or left out; 0 is the start of a recording, what is below was
    before it. notes: what was left out or is read in a certain way, as counts."""

    values: pl.Series
    unit: str
    notes: tuple[str, ...]


def read_times(column: pl.Series, keys: pl.Series) -> Times:
    """The times of measurements, whose subjects `keys` name. Dates and times of day count from each subject's first.

    Raises DataError where most cells are no times; the row is named.

    >>> clock = read_times(pl.Series("Time", ["00:07", "47:30", None]), pl.Series([1, 1, 1]))
    >>> clock.values.round(3).to_list(), clock.unit
    ([0.117, 47.5, None], 'hours since the start of the recording')
    """
    notes: list[str] = []
    if without := column.null_count() + (int((column == "").sum()) if column.dtype == pl.String else 0):
        notes.append(f"{without:,} measurements without a time: left out")
    if column.dtype == pl.String:
        column, said = _from_text(column)
        notes += said
    column, said = _since_1970(column)
    notes += said
    known = column.is_not_null()
    if column.dtype.is_temporal() and column.dtype not in (pl.Time, pl.Duration):
        return _dates(column, keys, notes)
    if column.dtype.is_temporal():
        notes.append(f"{column.name} is read as hours and minutes since the start of the recording")
        hours = column.cast(pl.Duration("us")) if column.dtype == pl.Duration else column.cast(pl.Int64) / 1000
        return _since_start((hours.cast(pl.Int64) / _HOUR).alias(column.name), HOURS_SINCE_START, 1.0, notes)
    numbers = column.cast(pl.Float64, strict=False)
    numbers = pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series().alias(column.name)
    _refuse_unreadable(column, numbers)
    if lost := int((numbers.is_null() & known).sum()):
        notes.append(f"{lost:,} measurements whose {column.name} is no number: left out")
    unit = next((hours for word, hours in _NAMED_UNITS if word in column.name.lower()), None)
    return _since_start(numbers, column.name, unit, notes)


def _since_1970(column: pl.Series) -> tuple[pl.Series, list[str]]:
    """Numbers too large to count from the start of a recording, as computers count from 1970: as dates."""
    if not column.dtype.is_numeric() or column.dtype.is_decimal():
        return column, []
    for unit, size in (("seconds", 1), ("milliseconds", 1000)):
        numbers = column.cast(pl.Float64)
        if numbers.is_between(FIRST_SECOND * size, LAST_SECOND * size).all() and column.null_count() < len(column):
            moments = (numbers * (1_000_000 / size)).round(0).cast(pl.Int64).cast(pl.Datetime("us"))
            return moments.alias(column.name), [f"{column.name} is read as {unit} since 1970"]
    return column, []


def _from_text(column: pl.Series) -> tuple[pl.Series, list[str]]:
    """Clock times and durations as durations, numbers as numbers, dates as dates; what is none of the kind that most
    cells are is null, and said."""
    text = column.str.strip_chars()
    known = text.is_not_null() & (text != "")
    readings = [text.cast(pl.Float64, strict=False), _durations(text), *_datetimes(text)]
    best = max(readings, key=lambda read: len(read) - read.null_count())
    _refuse_unreadable(column, best)
    lost = int((best.is_null() & known).sum())
    said = [f"{lost:,} measurements whose {column.name} is no time: left out"] if lost else []
    return best.alias(column.name), said


def _datetimes(text: pl.Series) -> list[pl.Series]:
    try:
        return [text.str.to_datetime(time_unit="us", strict=False)]
    except pl.exceptions.PolarsError:  # no cell tells a format
        return []


def _durations(text: pl.Series) -> pl.Series:
    """Durations of 07:30, 47:30:15, -2:00, 1 days 02:00:00, P1DT2H30M; null where a cell is none."""
    clock, days, iso = (text.to_frame("t").select(_parts(p, n)) for p, n in ((_CLOCK, 4), (_DAYS, 5), (_ISO, 6)))
    of_clock = _sign(clock["1"]) * _seconds(clock["2"], clock["3"], clock["4"])
    part = _sign(days["2"]) * _seconds(days["3"], days["4"], days["5"])
    of_days = days["1"].cast(pl.Float64, strict=False) * 86400 + part.fill_null(0.0)
    numbers = [iso[str(n)].cast(pl.Float64, strict=False).fill_null(0.0) for n in range(2, 7)]
    total = sum(n * size for n, size in zip(numbers, (604800, 86400, 3600, 60, 1), strict=True))
    is_iso = text.str.contains(_ISO) & text.str.contains(r"\d")
    of_iso = pl.select(pl.when(is_iso).then(_sign(iso["1"]) * total)).to_series()
    seconds = pl.select(pl.coalesce(of_clock, of_days, of_iso)).to_series()
    return (seconds * 1e6).round(0).cast(pl.Int64, strict=False).cast(pl.Duration("us"))


def _parts(pattern: str, groups: int) -> list[pl.Expr]:
    return [pl.col("t").str.extract(pattern, n).alias(str(n)) for n in range(1, groups + 1)]


def _sign(text: pl.Series) -> pl.Series:
    return pl.select(pl.when(text == "-").then(-1.0).otherwise(1.0)).to_series()


def _seconds(hours: pl.Series, minutes: pl.Series, seconds: pl.Series) -> pl.Series:
    h, m, s = (part.cast(pl.Float64, strict=False) for part in (hours, minutes, seconds))
    return h * 3600 + m * 60 + s.fill_null(0.0)


def _refuse_unreadable(column: pl.Series, read: pl.Series) -> None:
    """Raises DataError where too few cells are times."""
    known = column.is_not_null()
    readable = int((read.is_not_null() & known).sum())
    if readable < READABLE_SHARE * max(1, int(known.sum())):
        row = int(np.flatnonzero((read.is_null() & known).to_numpy())[0])
        advice = "Write 2024-12-31 08:30, hours and minutes (08:30), or a number from the start of the recording"
        raise DataError("Time", "a number or a date", column=column.name, got=column[row], row=row + 2, advice=advice)


def _dates(column: pl.Series, keys: pl.Series, notes: list[str]) -> Times:
    """Hours since each subject's first, once the times that lie far from all others of their subject are left out."""
    moments = column.dt.replace_time_zone(None) if getattr(column.dtype, "time_zone", None) else column
    hours = moments.cast(pl.Datetime("us")).cast(pl.Int64) / _HOUR
    from_others = pl.DataFrame({"t": hours, "key": keys}).select((pl.col("t") - pl.col("t").median().over("key")).abs())
    kept, said = _without_far(hours, from_others.to_series(), FAR_HOURS, column.name, 24 * 365.25)
    since_first = pl.DataFrame({"t": kept, "key": keys}).select(pl.col("t") - pl.col("t").min().over("key"))
    return Times(since_first.to_series().alias("time"), HOURS, (*notes, *said))


def _since_start(values: pl.Series, unit: str, hours: float | None, notes: list[str]) -> Times:
    """Times that count from the start of a recording. hours: of one unit, None where the name does not tell."""
    least = 0.0 if hours is None else FAR_HOURS / hours
    year = None if hours is None else 24 * 365.25 / hours
    kept, said = _without_far(values.cast(pl.Float64), values.abs(), least, values.name, year)
    before = int((kept < 0).sum())
    if before:
        said = [*said, f"{before:,} measurements before the start ({values.name} below 0): kept as before it"]
    return Times(kept.alias("time"), unit, (*notes, *said))


def _without_far(
    values: pl.Series, away: pl.Series, least: float, name: str, year: float | None
) -> tuple[pl.Series, list[str]]:
    """Values, null where they lie far `away` from their like, and what is said of those."""
    usual = float(away.quantile(FAR_QUANTILE, "lower") or 0.0)
    far = (away > max(FAR * usual, least)).fill_null(False)
    count, known = int(far.sum()), len(away) - away.null_count()
    if not count or usual + least <= 0 or count > max(1.0, FAR_SHARE * known):
        return values, []
    rows = np.flatnonzero(far.to_numpy())
    named = ", ".join(str(row + 2) for row in rows[:MOST_ROWS_NAMED]) + (", ..." if count > MOST_ROWS_NAMED else "")
    largest = float(away.filter(far).max())  # type: ignore[arg-type]
    how = f"{largest:,.0f}" if year is None else f"{largest / year:,.0f} years"
    said = f"{count:,} of {known:,} measurements lie up to {how} from the others ({name}, rows {named}): left out"
    return pl.select(pl.when(~far).then(values)).to_series(), [said]
