"""Numbers as people write them: limits, units, currencies, thousands, decimal commas, and words among them."""

from dataclasses import dataclass

import polars as pl

from rounds.data.tables.cells.decimal_marks import OTHER, decimal_mark, fits_mark, plain_numbers, votes
from rounds.data.tables.cells.missing_words import AMONG_NUMBERS, folded
from rounds.data.tables.cells.reading import (
    LIMIT_SIDES,
    CellNote,
    FileStyle,
    Mark,
    ReadColumn,
    Reading,
    Side,
    flag_name,
)
from rounds.data.tables.cells.units import conversion, measured_quantity, unit_name

# Digits that a number would lose: zeros in front (patient 00123, ICD-9 008.45), or a whole part of more than 64 bits.
LOSSY = r"^[+-]?0\d|^[+-]?\d{20}|^[+-]?9[2-9]\d{17}$"
WHOLE = r"^[+-]?\d+$"
# Dates, it may be, with a time behind or without.
EIGHT_DIGITS = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?)?$"
_EITHER = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"  # 7.700 is 7.7 or 7700
_BELOW = (
    "<|≤|less than|lower than|smaller than|below|under|up to|at most|lt |unter|kleiner als|weniger als|bis zu|"
    "höchstens|inférieure? à|inf\\.? à|moins de|menos de|menor (?:a|que|de)|inferior a|meno di|minore di|minder dan"
)
_ABOVE = (
    ">|≥|more than|greater than|higher than|above|over|at least|gt |über|größer als|mehr als|mindestens|supérieure? à|"
    "sup\\.? à|plus de|más de|mayor (?:a|que|de)|superior a|più di|maggiore di|meer dan|mais de"
)
_ABOUT = r"~|≈|about|approx\.?|approximately|ca\.?|circa|="
_CURRENCY = r"(?:us|r|a|c|s|hk|nt)?\$|[€£¥₹₽₩₺₪฿]|usd|eur|gbp|chf|cad|aud|nzd|jpy|cny|inr|brl|zar|mxn|sek|nok|dkk|"
_CURRENCY += r"pln|rs\.?|kr\.?|zł"
_DIGITS = r"\d{1,3}(?:[ '][0-9]{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)*[.,]?|[.,]\d+"
_POWER_UNIT = r"(?:[x×*] ?)?10 ?(?:\^|\*\*?|e) ?\d+ ?/ ?\S+"
_MORE = (
    r"\+|(?:or|and|&) (?:more|older|above|over|greater|higher)|plus|(?:und|oder) (?:älter|mehr|darüber)|et plus|"
    "ou plus|(?:o|y) (?:más|mayor|mayores)|e oltre|o più|ou mais|en ouder"
)
_LESS = (
    "(?:or|and) (?:less|younger|below|under|fewer|lower)|(?:und|oder) (?:weniger|jünger|darunter)|et moins|ou moins|"
    "(?:o|y) menos|o meno|ou menos"
)
CELL = (
    rf"^(?i)(?P<limit>(?:(?:{_BELOW}|{_ABOVE})=?|=<|=>|{_ABOUT}))? ?(?P<sign>[+-])? ?(?P<currency>{_CURRENCY})? ?"
    rf"(?P<digits>{_DIGITS})(?P<exponent>e[+-]?\d{{1,3}})? ?(?P<more>{_MORE})?(?P<less>{_LESS})? ?"
    rf"(?P<unit>{_POWER_UNIT}|/ ?\pL[^<>=:]{{0,22}}|[^\d\s.,'+<>=:/-][^<>=:]{{0,23}})?$"
)
_SPACES = r"[\s\u00a0\u2007\u2009\u202f]+"
_SIGNS = (("&lt;|＜", "<"), ("&gt;|＞", ">"), ("[’`´]", "'"))
_SIGN_BEHIND = rf"(?i)^({_CURRENCY}) ?([+-])"  # USD -12.50
_NEGATIVE = rf"(?i)^({_CURRENCY})? ?\(([^()]*\d[^()]*)\)$|^([^-]*\d)-$"  # bookkeepers' (1,234.50), and 12- of SAP
_LABORATORY_FLAGS = ("h", "l", "hh", "ll", "*", "**", "!", "a", "high", "low", "abn", "(h)", "(l)", "(hh)", "(ll)")
# Words that are neither numbers nor known to mean missing are read as missing among many different numbers.
MANY_NUMBERS, FEW_WORDS, SHARE_OF_WORDS = 20, 10, 0.2
FEWEST_NUMBERS, SHARE_OF_NUMBERS = 5, 0.5  # "<30" and ">30" with fewer numbers beside them are classes
FEWEST_TO_NAME = 10  # cells that a word needs to be named: a rarer one may be a patient's


@dataclass(frozen=True)
class DistinctCells:
    """Different cells of a column, how many rows have each, and what each says: value (null: no number), side
    ("below", "above" or "" where the cell is no limit), unit as the field spells it, and digits as written."""

    text: pl.Series
    rows: pl.Series
    parts: pl.DataFrame

    def only(self, kept: pl.Series) -> "DistinctCells":
        return DistinctCells(self.text.filter(kept), self.rows.filter(kept), self.parts.filter(kept))

    def count(self, chosen: pl.Series) -> int:
        return int(self.rows.filter(chosen).sum())

    @property
    def total(self) -> int:
        return int(self.rows.sum())


def plain_columns(cells: pl.DataFrame) -> dict[str, ReadColumn]:
    """The text columns in which every cell is a number as programs write it, all looked at in one pass.

    >>> found = plain_columns(pl.DataFrame({"a": ["1", " 2"], "b": ["1", "x"]}))
    >>> {name: made.values[0].to_list() for name, made in found.items()}
    {'a': [1, 2]}
    """
    texts = [name for name, dtype in cells.schema.items() if dtype == pl.String]
    if not texts or not cells.height:
        return {}
    tidy = cells.select(pl.col(texts).str.strip_chars())
    numbers = tidy.select(pl.all().cast(pl.Float64, strict=False).fill_nan(None))
    nulls = zip(texts, numbers.null_count().row(0), tidy.null_count().row(0), strict=True)
    read = [name for name, unread, empty in nulls if unread == empty < cells.height]
    if not read:
        return {}
    tidy, either = tidy.select(read), pl.all().str.contains(_EITHER)
    checks = (
        tidy.select(pl.all().str.contains(LOSSY).any()),
        tidy.select(pl.all().str.contains(EIGHT_DIGITS).all()),
        tidy.select(either.any()),
        tidy.select((pl.all().str.contains(r"[.eE]") & ~either).any()),
        tidy.select(pl.all().str.contains(WHOLE).all()),
    )
    answers = list(zip(read, *(check.row(0) for check in checks), strict=True))
    plain = {
        name: whole for name, lossy, days, two, clear, whole in answers if not (lossy or days or (two and not clear))
    }
    whole = pl.col([name for name, only_whole in plain.items() if only_whole])
    made = numbers.select(list(plain)).with_columns(tidy.select(whole.str.strip_prefix("+").cast(pl.Int64)))
    return {values.name: ReadColumn((values,), Reading(kind="number")) for values in made}


def recognise_numbers(text: pl.Series, style: FileStyle) -> ReadColumn | CellNote | None:
    """Numbers, with all that people write around them; a note where they may be, and only the user can say."""
    cells = parse(text)
    numbers = cells.parts["digits"].is_not_null()
    if not numbers.any() or not _words_are_missing(cells, numbers):
        return None
    found = cells.only(numbers)
    if found.parts["digits"].str.contains(LOSSY).any() or not _more_than_classes(found):
        return None
    if found.parts["negative"].all():  # (1), (2): numbers of a list
        return None
    decimal = decimal_mark(found.parts["digits"], style.decimal, style.separator)
    if decimal is None:
        return _undecided(text.name, found)
    if not fits_mark(found.parts["digits"], decimal).all():
        return None
    unit = _common_unit(found, text.name)
    if unit is None:
        return _different_units(found, text.name)
    sides = tuple(side for side in LIMIT_SIDES if (found.parts["side"] == side).any())
    return read_numbers_again(text, Reading(kind="number", decimal=decimal, unit=unit, limits=sides))


def parse(text: pl.Series) -> DistinctCells:
    """The different cells of a column and their parts, before it is known which mark is the decimal one."""
    counted = text.drop_nulls().alias("text").to_frame().group_by("text", maintain_order=True).len("rows")
    levels = counted["text"]
    tidy, negative, ends_more, ends_less = _unwrapped(levels)
    groups = tidy.str.extract_groups(CELL).struct.unnest()
    start = groups["limit"].fill_null("").str.to_lowercase()
    above = start.str.contains(rf"^(?:{_ABOVE}|=>)") | groups["more"].is_not_null() | ends_more
    below = start.str.contains(rf"^(?:{_BELOW}|=<)") | groups["less"].is_not_null() | ends_less
    side = pl.select(
        pl.when(above).then(pl.lit("above")).when(below).then(pl.lit("below")).otherwise(pl.lit(""))
    ).to_series()
    written = groups["currency"].fill_null(groups["unit"].str.strip_chars()).fill_null("")
    names = {one: unit_name(one) for one in written.unique().to_list()}
    unit = written.replace_strict(names, return_dtype=pl.String)
    parts = groups.select("digits", "sign", "exponent").with_columns(side=side, unit=unit, negative=negative)
    return DistinctCells(levels, counted["rows"], parts)


def _unwrapped(levels: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    """Cells with one spelling of spaces and signs, with a minus in front where it stands behind or brackets say so, and
    without words for "or more" and "or less" at their end; and whether a cell had each of the three."""
    tidy = levels.str.replace_all(_SPACES, " ").str.strip_chars()
    for written, plain_sign in _SIGNS:
        tidy = tidy.str.replace_all(written, plain_sign)
    tidy = tidy.str.replace("^[−–]", "-").str.replace("^([<>≤≥]=?) ?[−–]", "${1}-")
    tidy = tidy.str.replace(_SIGN_BEHIND, "${2}${1}")
    negative = tidy.str.contains(_NEGATIVE)
    tidy = tidy.str.replace(_NEGATIVE, "-${1}${2}${3}")
    more, less = (tidy.str.contains(rf"(?i)\d.*?(?:{words})$") for words in (_MORE, _LESS))
    return tidy.str.replace(rf"(?i)(\d.*?) ?(?:{_MORE}|{_LESS})$", "${1}"), negative, more, less


def _words_are_missing(cells: DistinctCells, numbers: pl.Series) -> bool:
    """Whether what is no number among the cells is a word for missing, or one of few words among many numbers."""
    words = cells.only(~numbers)
    unknown = words.only(~folded(words.text).is_in(list(AMONG_NUMBERS)))
    if not len(unknown.text):
        return True
    found = cells.only(numbers).parts["digits"]
    many = found.n_unique() >= MANY_NUMBERS or bool(
        found.str.contains("[.,]").any() and found.n_unique() >= FEWEST_NUMBERS
    )
    few = len(unknown.text) <= FEW_WORDS and unknown.total <= SHARE_OF_WORDS * cells.total
    return many and few and not unknown.text.str.contains(r"\d").any()


def _more_than_classes(found: DistinctCells) -> bool:
    """Numbers of which enough are none of the limits, which alone are names of classes."""
    exact = found.parts["side"] == ""
    different = int(found.parts["digits"].filter(exact).n_unique())
    return (
        bool(exact.all())
        or different >= FEWEST_NUMBERS
        or (different > 1 and found.count(exact) > SHARE_OF_NUMBERS * found.total)
    )


def _common_unit(found: DistinctCells, column: str) -> str | None:
    """The most frequent unit, "" where there is none; None where not all others can be converted into it."""
    units = _rows_of_units(found)
    if all(unit.lower() in _LABORATORY_FLAGS for unit in units):
        return ""
    common = max(units, key=lambda unit: units[unit])
    if not _is_a_unit(common) and sum(units.values()) < SHARE_OF_NUMBERS * found.total:
        return None  # 1OT beside 1, and 34k beside 1200, are other numbers
    return common if all(conversion(unit, common, column) for unit in units) else None


def _is_a_unit(text: str) -> bool:
    """Whether letters behind a number are a unit: one that is known, or a share; 34k are thousands and no kelvins."""
    return text.lower() != "k" and (bool(measured_quantity(text)) or "/" in text)


def _rows_of_units(found: DistinctCells) -> dict[str, int]:
    table = pl.DataFrame({"unit": found.parts["unit"], "rows": found.rows}).filter(pl.col("unit") != "")
    return dict(table.group_by("unit", maintain_order=True).sum().iter_rows())


def _different_units(found: DistinctCells, column: str) -> CellNote | None:
    units = _rows_of_units(found)
    if not all(map(_is_a_unit, units)):
        return None  # letters of codes, such as 3A and 3B
    shown = ", ".join(sorted(units))
    text = f"numbers in {shown}, which Rounds cannot convert: left out. Write one unit, or a column a unit"
    return CellNote(column, text, found.total, role="dropped")


def _undecided(column: str, found: DistinctCells) -> CellNote:
    cell = found.parts["digits"].filter(found.parts["digits"].str.contains("[.,]"))
    mark = "a comma" if cell.str.contains(",").any() else "a point"
    text = f"{mark} before three digits may part thousands or stand before decimals: say --decimal point or comma"
    return CellNote(column, text, found.total, option="--decimal", role="dropped")


def read_numbers_again(text: pl.Series, reading: Reading) -> ReadColumn:
    """Numbers by a reading that is known already; what is none becomes missing."""
    cells = parse(text)
    value, side = _values(cells, reading, text.name), cells.parts["side"]
    known = value.is_not_null()
    whole = cells.parts["digits"].filter(known).str.contains(WHOLE).all() and (value.drop_nulls() % 1 == 0).all()
    made = text.replace_strict(cells.text, value, default=None, return_dtype=pl.Float64)
    made = made.cast(pl.Int64) if whole and not reading.limits else made
    flags = [
        (one, text.is_in(cells.text.filter((side == one) & known).to_list()).fill_null(False)) for one in reading.limits
    ]
    notes = _notes(cells, value, reading, text.name)
    return ReadColumn((made, *_flag_columns(text.name, flags)), reading, tuple(notes))


def _flag_columns(column: str, flags: list[tuple[Side, pl.Series]]) -> list[pl.Series]:
    return [values.alias(flag_name(column, side)) for side, values in flags]


def _values(cells: DistinctCells, reading: Reading, column: str) -> pl.Series:
    """[levels] float64 in the unit of the reading; null where a cell is no number, or in another kind of unit.

    A file that marks decimals otherwise than the one of the reading is read as it is clear to mean.
    """
    units, said = cells.parts["unit"], votes(cells.parts["digits"].drop_nulls())
    first = said.pop() if len(said) == 1 else reading.decimal
    value = _marked(cells, first).fill_null(_marked(cells, OTHER[first]))
    for unit in units.unique().to_list():
        factor, offset = _into(unit, reading.unit, column)
        if (factor, offset) != (1.0, 0.0):
            value = pl.select(pl.when(units == unit).then(value * factor + offset).otherwise(value)).to_series()
    return value.fill_nan(None).alias("value")


def _marked(cells: DistinctCells, decimal: Mark) -> pl.Series:
    """[levels] numbers with this mark before decimals, null where they are none."""
    digits = cells.parts["digits"]
    text = cells.parts["sign"].fill_null("") + plain_numbers(digits, decimal) + cells.parts["exponent"].fill_null("")
    return pl.select(pl.when(fits_mark(digits, decimal)).then(text)).to_series().cast(pl.Float64, strict=False)


def _into(unit: str, into: str, column: str) -> tuple[float, float]:
    """Numbers without a unit are in that of the column; a unit that is not its kind is none (nan)."""
    if unit in ("", into) or unit.lower() in _LABORATORY_FLAGS or not into:
        return 1.0, 0.0
    found = conversion(unit, into, column)
    return (float("nan"), 0.0) if found is None else (round(found.factor, 12), round(found.offset, 12))


def _notes(cells: DistinctCells, value: pl.Series, reading: Reading, column: str) -> list[CellNote]:
    """What was not read as it stands, and how often."""
    known = value.is_not_null()
    side, unit, digits = cells.parts["side"], cells.parts["unit"], cells.parts["digits"]
    found = []
    for one in LIMIT_SIDES:
        if rows := cells.count((side == one) & known):
            flag = f", with the column {flag_name(column, one)}" if one in reading.limits else ""
            found.append(CellNote(column, f"{_cells(rows)} {one} a limit read as the limit{flag}", rows))
    if reading.unit and (rows := cells.count((unit != "") & known)):
        found.append(CellNote(column, f"{_cells(rows)} with a unit read as numbers in {reading.unit}", rows))
    if rows := cells.count(unit.is_in(_converted(unit, reading.unit, column)) & known):
        found.append(CellNote(column, f"{_cells(rows)} converted from another unit", rows))
    if not reading.unit and (rows := cells.count((unit != "") & known)):
        found.append(CellNote(column, f"{_cells(rows)} with a laboratory's mark read without it", rows))
    if rows := cells.count(_parted(digits, reading.decimal) & known):
        found.append(CellNote(column, f"{_cells(rows)} with marks between thousands read as whole numbers", rows))
    if reading.decimal == "," and (rows := cells.count(digits.str.contains(",") & known)):
        found.append(CellNote(column, f"{_cells(rows)} with a decimal comma read as numbers", rows))
    if rows := cells.count(cells.parts["negative"] & known):
        found.append(CellNote(column, f"{_cells(rows)} in brackets, or with a minus behind, read as below zero", rows))
    if rows := cells.count(~known):
        found.append(missing_note(column, cells.only(~known), rows))
    return found


def _converted(units: pl.Series, into: str, column: str) -> list[str]:
    """Units whose numbers become others."""
    return [unit for unit in units.unique().to_list() if _into(unit, into, column) != (1.0, 0.0)]


def _parted(digits: pl.Series, decimal: Mark) -> pl.Series:
    return digits.str.contains(r"\d[., ']\d{3}([., ']|$)") & digits.str.contains("[,' ]" if decimal == "." else "[.' ]")


def missing_note(column: str, words: DistinctCells, rows: int) -> CellNote:
    """What was read as missing; a rare word that is not in the list of words is not shown: it may be a patient's."""
    tidy = folded(words.text)
    shown = [
        w
        for w, n in zip(tidy.to_list(), words.rows.to_list(), strict=True)
        if w in AMONG_NUMBERS or n >= FEWEST_TO_NAME
    ]
    names = f" ({', '.join(sorted(set(shown))[:5])})" if shown else ""
    return CellNote(column, f"{_cells(rows)} without a number{names} read as missing", rows)


def _cells(rows: int) -> str:
    return f"{rows:,} cell{'s' * (rows != 1)}"
