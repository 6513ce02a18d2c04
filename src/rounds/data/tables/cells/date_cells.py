"""Dates and times as people and programs write them: one pattern a spelling, mixed in a column where each is clear."""

import datetime

import polars as pl

from rounds.data.tables.cells.missing_words import AMONG_NUMBERS, folded
from rounds.data.tables.cells.number_cells import FEW_WORDS, SHARE_OF_WORDS, DistinctCells, missing_note
from rounds.data.tables.cells.reading import CellNote, FileStyle, ReadColumn, Reading
from rounds.data.tables.cells.serial_cells import DATE_NAME, serial_again

_CLOCK = (
    r"(?:[T :,]+(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?P<half>(?i)[ap]\.?m\.?)?(?: Uhr)? ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?$"
)
_WEEKDAY = r"(?:\pL{2,10}\.?,? )?"
_MONTH = r"(?P<month>\pL{3,10})\.?"
_YEAR = r"(?P<year>\d{4}|'?\d{2})"
# Name -> pattern; `first` and `second` are day and month in an order that only the column or the file can tell.
SPELLINGS = {
    "year first": rf"^(?P<year>\d{{4}})[-/. ](?P<number>\d{{1,2}})[-/. ](?P<day>\d{{1,2}}){_CLOCK}",
    "eight digits": r"^(?P<year>(?:19|20)\d{2})(?P<number>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:[T ]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?$",
    "two orders": rf"^(?P<first>\d{{1,2}})(?P<mark>[-/. ])(?P<second_number>\d{{1,2}})[-/. ]{_YEAR}{_CLOCK}",
    "day and month's name": rf"^{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.)?[-/ .]*(?:de )?{_MONTH}"
    rf"[-/ ,.:]*(?:de )?{_YEAR}{_CLOCK}",
    "month's name and day": rf"^{_WEEKDAY}{_MONTH}[-/ ]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-/, ]+{_YEAR}{_CLOCK}",
    "year and month's name": rf"^(?P<year>\d{{4}})[-/ ]{_MONTH}[-/ ](?P<day>\d{{1,2}}){_CLOCK}",
    "month's name before the clock": rf"^{_WEEKDAY}{_MONTH} +(?P<day>\d{{1,2}}) (?P<hour>\d{{2}}):(?P<minute>\d{{2}}):"
    r"(?P<second>\d{2}) (?:[A-Z]{2,4} )?(?P<year>\d{4})$",
    "month's name alone": rf"^{_MONTH}[-/ ,.]*(?P<year>\d{{4}}|'?\d{{2}})$",
    "year and month alone": r"^(?P<year>(?:19|20|21)\d{2})[-/](?P<number>0[1-9]|1[0-2])$",
    "month and year alone": r"^(?P<number>0?[1-9]|1[0-2])[-/.](?P<year>(?:19|20|21)\d{2})$",
}
_PLAIN_SPELLINGS = ("year first", "two orders")  # of which nothing more is said than the order
# First letters of months in English, German, French, Spanish, Italian, Portuguese and Dutch; longer ones first.
_MONTHS = {
    1: ("jan", "jän", "ene", "gen"),
    2: ("feb", "fév", "fev"),
    3: ("mar", "mär", "mrz", "maa"),
    4: ("apr", "avr", "abr"),
    5: ("may", "mai", "mag", "mei"),
    6: ("jun", "juin", "giu"),
    7: ("jul", "juil", "lug"),
    8: ("aug", "aoû", "aou", "ago"),
    9: ("sep", "set"),
    10: ("oct", "okt", "ott", "out"),
    11: ("nov",),
    12: ("dec", "dez", "déc", "dic"),
}
_MONTH_OF = {**{start: n for n, starts in _MONTHS.items() for start in starts}, "may": 5, "mai": 5}
# Dates that databases write for none: 0000-00-00, and 9999-12-31 for what has not ended.
NO_DATES = (
    r"^(?:0{1,4}[-/.]0{1,2}[-/.]0{1,4}|0{8}|9999[-/.]?\d{2}[-/.]?\d{2}|\d{1,2}[-/.]\d{1,2}[-/.]9999)"
    r"(?:[T ]\d{1,2}:.*)?$"
)
# Dates of which a part is not known: 2019 among whole ones, 2019-05-XX, UN-UNK-2019, 2019-05-00.
_NOT_KNOWN = r"(?:[xX?_]{1,4}|(?i)unk?)"
INCOMPLETE = (
    rf"^(?:(?:19|20)\d{{2}}|(?:\d{{4}}|{_NOT_KNOWN})[-/.](?:\d{{1,2}}|{_NOT_KNOWN})[-/.](?:00|{_NOT_KNOWN})"
    rf"|(?:00|{_NOT_KNOWN})[-/. ](?:\d{{1,2}}|\pL{{3}})[-/. ](?:\d{{4}}|{_NOT_KNOWN}))$"
)
DAY_FIRST_MARK = "."  # 05.07.2020 is written in day-first countries
SHARE_OF_FALSE_DATES = 0.05  # such as 31/02/2020, which are read as missing
BOTH_ORDERS, NO_DAY = "some dates are day first and some are month first", "no day is above 12"
LOOKS_LIKE_A_DATE = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?$"


def recognise_dates(text: pl.Series, style: FileStyle) -> ReadColumn | CellNote | None:
    """Dates; a note where day and month may change places and nothing in the file tells."""
    cells = _levels(text)
    dates = spelling_of(cells.text).is_not_null() & ~_no_date(cells.text) & ~_incomplete(cells.text)
    dates |= _serial(cells.text).is_not_null() & dates.any()
    dates |= cells.text.str.contains(_WEEK)
    of_years = _counts_days_of_years(text.name, cells.text)
    dates |= of_years
    if not dates.any() or not _words_are_missing(cells, dates):
        return None
    order = day_first(text, style.day_first)
    if order == BOTH_ORDERS:
        advice = f"left out: {BOTH_ORDERS}. Write dates as 2024-12-31"
        return CellNote(text.name, advice, cells.count(dates), role="date")
    if isinstance(order, str):
        return _order_unknown(text.name, cells.count(dates), order)
    this_year = datetime.date.today().year % 100
    reading = Reading(kind="date", day_first=order, pivot=this_year, day_of_year=bool(of_years.any()))
    made = read_dates_again(text, reading)
    known = len(made.values[0].drop_nulls())
    false = cells.count(dates) - known
    if not known or false > SHARE_OF_FALSE_DATES * cells.total:
        return None
    return made


def spelling_of(levels: pl.Series) -> pl.Series:
    """Name of the spelling that each cell has, null where it is no date.

    >>> spelling_of(pl.Series(["05-Jul-2020", "2020-07-05", "high"])).to_list()
    ["day and month's name", 'year first', None]
    """
    tidy = _tidy(levels)
    found = pl.Series([None] * len(levels), dtype=pl.String)
    for name, pattern in SPELLINGS.items():
        fits = tidy.str.contains(pattern)
        if "name" in name:
            fits &= _month(tidy.str.extract_groups(pattern).struct.field("month")).is_not_null()
        found = pl.select(pl.when(found.is_null() & fits).then(pl.lit(name)).otherwise(found)).to_series()
    return found


def _tidy(levels: pl.Series) -> pl.Series:
    spaced = levels.str.replace_all(r"[年月년월] ?", "-").str.replace_all("[日일]", "")
    return spaced.str.replace_all(r"[\s\u00a0\u202f]+", " ").str.strip_chars()


def _levels(text: pl.Series) -> DistinctCells:
    counted = text.drop_nulls().value_counts(name="rows")
    return DistinctCells(counted.to_series(0).alias("text"), counted["rows"], pl.DataFrame())


def _words_are_missing(cells: DistinctCells, dates: pl.Series) -> bool:
    incomplete = _incomplete(cells.text)
    if cells.count(incomplete) > cells.count(dates):
        return False
    unknown = ~dates & ~incomplete & ~_no_date(cells.text) & ~folded(cells.text).is_in(list(AMONG_NUMBERS))
    few = int(unknown.sum()) <= FEW_WORDS and cells.count(unknown) <= SHARE_OF_WORDS * cells.total
    return few and not cells.text.filter(unknown).str.contains(r"\d").any()


def _incomplete(levels: pl.Series) -> pl.Series:
    return levels.str.contains(INCOMPLETE)


def _no_date(levels: pl.Series) -> pl.Series:
    return levels.str.contains(NO_DATES)


def day_first(text: pl.Series, of_file: bool | None = None) -> bool | str | None:
    """Whether 05/07/2020 is the fifth of July in this column; None where no such date is there; why not where only the
    user can say.

    >>> day_first(pl.Series(["28/04/2019", "05/07/2020"])), day_first(pl.Series(["2020-04-28"]))
    (True, None)
    >>> day_first(pl.Series(["05/07/2020"]))
    'no day is above 12'
    """
    parts = _tidy(text.drop_nulls().unique()).str.extract_groups(SPELLINGS["two orders"]).struct.unnest()
    parts = parts.filter(pl.col("first").is_not_null())
    if not parts.height:
        return None
    day = bool((parts["first"].cast(pl.Int32) > 12).any())
    month = bool((parts["second_number"].cast(pl.Int32) > 12).any())
    if day and month:
        return BOTH_ORDERS
    if day or month:
        return day
    if (parts["mark"] == DAY_FIRST_MARK).all():
        return True
    return NO_DAY if of_file is None else of_file


def _order_unknown(column: str, rows: int, reason: str) -> CellNote:
    text = (
        f"{rows:,} dates can be read month first or day first ({reason}): say --dates month-first or --dates day-first"
    )
    return CellNote(column, text, rows, option="--dates", role="date")


def read_dates_again(text: pl.Series, reading: Reading) -> ReadColumn:
    """Dates by a reading that is known already, each by its own spelling; what is none becomes missing."""
    cells = _levels(text)
    tidy = _tidy(cells.text)
    moments = _day_of_year(tidy) if reading.day_of_year else pl.Series([None] * len(tidy), dtype=pl.Datetime("us"))
    timed = False
    for name, pattern in SPELLINGS.items():
        parts = tidy.str.extract_groups(pattern).struct.unnest()
        moments = moments.fill_null(_moments(_with_all(parts), reading)) if name else moments
        timed = timed or ("hour" in parts.columns and parts["hour"].is_not_null().any())
    serial = _serial(tidy)
    moments = moments.fill_null(serial).fill_null(_week(tidy)).alias("moment")
    made = text.replace_strict(cells.text, moments, default=None, return_dtype=pl.Datetime("us"))
    made = made if timed else made.cast(pl.Date)
    return ReadColumn((made.alias(text.name),), reading, tuple(_notes(text.name, cells, moments, reading)))


def _serial(levels: pl.Series) -> pl.Series:
    """Times of cells that a spreadsheet left as the number of days that it keeps."""
    days = levels.str.extract(r"^([2-5]\d{4}(?:\.\d+)?)$").cast(pl.Float64).alias("moment")
    return serial_again(days, Reading(kind="serial")).values[0].cast(pl.Datetime("us"))


_WEEK = r"^(\d{4})-?W([0-5]\d)(?:-?([1-7]))?$"


def _week(levels: pl.Series) -> pl.Series:
    """Mondays of weeks as ISO 8601 writes them, or the day of the week that is given."""
    parts = levels.str.extract_groups(_WEEK).struct.unnest()
    written = pl.concat_str("1", pl.lit("-W"), "2", pl.lit("-"), pl.col("3").fill_null("1"))
    return parts.select(
        written.str.to_date("%G-W%V-%u", strict=False).cast(pl.Datetime("us")).alias("moment")
    ).to_series()


_DAY_OF_YEAR = r"^(?:(?P<day>\d{1,3})/(?P<year>(?:19|20)\d{2})|(?P<before>(?:19|20)\d{2})[-/.]?(?P<behind>\d{3}))$"
LAST_DAY_OF_YEAR = 366
FEWEST_DAYS, LATE_IN_A_YEAR = 50, 340  # different cells, and the last day: numbers of cases would go on beyond 366


def _counts_days_of_years(name: str, levels: pl.Series) -> pl.Series:
    """Whether cells are days of years (123/2020, 2020-123), in a column that is named like a date or holds
    all of a year and nothing beyond."""
    parts = levels.str.extract_groups(_DAY_OF_YEAR).struct.unnest()
    day = parts["day"].fill_null(parts["behind"]).cast(pl.Int32)
    fits = day.is_between(1, LAST_DAY_OF_YEAR).fill_null(False)
    if not ((day > 31) & fits).any():
        return pl.repeat(False, len(levels), eager=True)
    whole_years = fits.all() and len(levels) >= FEWEST_DAYS and day.max() >= LATE_IN_A_YEAR  # type: ignore[operator]
    return fits & bool(DATE_NAME.search(name) or whole_years)


def _day_of_year(levels: pl.Series) -> pl.Series:
    """Times of days of years."""
    parts = levels.str.extract_groups(_DAY_OF_YEAR).struct.unnest()
    written = pl.coalesce("year", "before") + "-" + pl.coalesce("day", "behind").str.zfill(3)
    return parts.select(written.str.to_date("%Y-%j", strict=False).cast(pl.Datetime("us")).alias("moment")).to_series()


_PARTS = (
    "year",
    "number",
    "month",
    "day",
    "first",
    "second_number",
    "hour",
    "minute",
    "second",
    "fraction",
    "half",
    "zone",
)


def _with_all(parts: pl.DataFrame) -> pl.DataFrame:
    return parts.with_columns(pl.lit(None, dtype=pl.String).alias(n) for n in _PARTS if n not in parts.columns)


def _month(names: pl.Series) -> pl.Series:
    """Number of the month that a name begins with, null where it is none."""
    lower = names.str.to_lowercase()
    four, three = (lower.str.slice(0, n).replace_strict(_MONTH_OF, default=None, return_dtype=pl.Int32) for n in (4, 3))
    return four.fill_null(three)


def _moments(parts: pl.DataFrame, reading: Reading) -> pl.Series:
    """[levels] times of one spelling; null where the day does not exist."""
    orders = ("first", "second_number") if reading.day_first else ("second_number", "first")
    parts = parts.with_columns(_month(parts["month"]).cast(pl.String).alias("name"))
    digits = [pl.col("day").fill_null(pl.col(orders[0])), pl.coalesce("number", "name", orders[1])]
    day, month = (one.fill_null("1").str.zfill(2) for one in digits)
    year = _full_year(parts["year"], reading.pivot)
    hour = _hour(parts)
    clock = [hour, pl.col("minute").fill_null("00"), pl.col("second").fill_null("00")]
    written = pl.concat_str(
        [
            year,
            pl.lit("-"),
            month,
            pl.lit("-"),
            day,
            pl.lit(" "),
            clock[0],
            pl.lit(":"),
            clock[1],
            pl.lit(":"),
            clock[2],
            pl.lit("."),
            pl.col("fraction").fill_null("0"),
        ]
    )
    written = pl.when(year != "9999").then(written)
    moment = written.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    return parts.select((moment - _ahead_of_utc()).alias("moment")).to_series()


def _full_year(years: pl.Series, pivot: int) -> pl.Series:
    short = years.str.strip_prefix("'").cast(pl.Int32)
    full = pl.when(short >= 100).then(short).when(short <= pivot).then(short + 2000).otherwise(short + 1900)
    return pl.select(full.cast(pl.String).str.zfill(4)).to_series()


def _hour(parts: pl.DataFrame) -> pl.Expr:
    hour, half = pl.col("hour").cast(pl.Int32), pl.col("half").str.to_lowercase().str.slice(0, 1)
    turned = pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)
    return turned.cast(pl.String).str.zfill(2).fill_null("00")


def _ahead_of_utc() -> pl.Expr:
    """How far a zone such as +02:00 is ahead."""
    hours = pl.col("zone").str.extract(r"^([+-]\d{2})").cast(pl.Int32)
    minutes = pl.col("zone").str.extract(r"(\d{2})$").cast(pl.Int32)
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    return pl.duration(hours=hours.fill_null(0), minutes=(sign * minutes).fill_null(0))


def _notes(column: str, cells: DistinctCells, moments: pl.Series, reading: Reading) -> list[CellNote]:
    spelled = pl.select(pl.when(moments.is_not_null()).then(spelling_of(cells.text))).to_series()
    found = []
    if reading.day_first is not None and (rows := cells.count(spelled == "two orders")):
        found.append(CellNote(column, f"{_dates(rows)} read {'day' if reading.day_first else 'month'} first", rows))
    if rows := cells.count(_week(cells.text).is_not_null()):
        found.append(CellNote(column, f"{_dates(rows)} of a week (2020-W05) read as its Monday", rows))
    of_years = _day_of_year(cells.text).is_not_null() & reading.day_of_year
    spelled = pl.select(pl.when(~of_years).then(spelled)).to_series()
    if rows := cells.count(of_years):
        found.append(
            CellNote(column, f"{_dates(rows)} read as days of a year (32/2020 is the first of February)", rows)
        )
    if rows := cells.count(spelled.is_null() & moments.is_not_null() & _week(cells.text).is_null() & ~of_years):
        found.append(CellNote(column, f"{_dates(rows)} kept as days of a spreadsheet's calendar read as dates", rows))
    without_day = spelled.str.contains("alone").fill_null(False)
    if rows := cells.count(without_day):
        found.append(CellNote(column, f"{_dates(rows)} without a day read as the first of the month", rows))
    if rows := cells.count(~spelled.is_in(_PLAIN_SPELLINGS).fill_null(True) & ~without_day):
        found.append(CellNote(column, f"{_dates(rows)} with a month's name, or in digits alone, read as dates", rows))
    if rows := cells.count(moments.is_null()):
        note = missing_note(
            column,
            DistinctCells(cells.text.filter(moments.is_null()), cells.rows.filter(moments.is_null()), pl.DataFrame()),
            rows,
        )
        found.append(CellNote(column, note.text.replace("without a number", "without a date"), rows))
    return found


def _dates(rows: int) -> str:
    return f"{rows:,} date{'s' * (rows != 1)}"
