"""Whether a comma or a point stands before decimals or parts thousands."""

from collections.abc import Iterable

import polars as pl

from rounds.data.tables.cells.reading import Mark

# One mark and three digits behind it, at most three and no zero in front: 7.700 is 7.7 or 7700.
_EITHER = r"^[1-9]\d{0,2}[.,]\d{3}$"
_MARK = r"[.,]"
OTHER: dict[str, Mark] = {".": ",", ",": "."}


def votes(digits: pl.Series) -> set[Mark]:
    """Marks that must be decimal ones, by the numbers alone.

    >>> votes(pl.Series(["1.234,5", "656"])), votes(pl.Series(["7.700", "12"]))
    ({','}, set())
    """
    marked = digits.filter(digits.str.contains(_MARK) & ~digits.str.contains(_EITHER))
    marks = marked.str.extract_all(_MARK).list.join("").unique().to_list()
    repeated = {OTHER[m[0]] for m in marks if len(m) > 1 and len(set(m)) == 1}
    last = {m[-1] for m in marks if len(m) == 1 or len(set(m)) > 1}
    return {mark for mark in (".", ",") if mark in repeated | last}


def decimal_mark(digits: pl.Series, of_file: Mark | None, separator: str) -> Mark | None:
    """The mark before decimals in a column; None where only the user can say.

    digits: numbers as they are written, without sign, unit and exponent; of_file: as other columns have it;
    separator: between the file's cells. Whole numbers beside 7.700 mean thousands: with decimals they would have them.

    >>> decimal_mark(pl.Series(["7.700", "656"]), None, ";"), decimal_mark(pl.Series(["441,000"]), None, ",")
    (',', '.')
    >>> decimal_mark(pl.Series(["1,500", "2,250"]), None, ";") is None
    True
    """
    said = votes(digits)
    if said:
        return said.pop() if len(said) == 1 else None
    marks = {mark for mark in (".", ",") if digits.str.contains(mark, literal=True).any()}
    if not marks:
        return of_file or "."
    if len(marks) > 1:
        return of_file
    mark = marks.pop()
    if _beside_whole_numbers(digits, mark):
        return None if of_file == mark else OTHER[mark]
    if of_file is not None:
        return of_file
    return None if separator == ";" or (mark == "," and separator not in ("", ",")) else "."


def _beside_whole_numbers(digits: pl.Series, mark: str) -> bool:
    marked = digits.str.contains(mark, literal=True)
    trailing_zero = digits.filter(marked).str.contains("0$").any()
    return bool(trailing_zero and not marked.all())


def plain_numbers(digits: pl.Series, decimal: Mark) -> pl.Series:
    """Numbers as programs write them: a point before decimals, nothing between thousands.

    >>> plain_numbers(pl.Series(["1.234,5", "1 234"]), ",").to_list()
    ['1234.5', '1234']
    """
    whole = digits.str.replace_all(r"[' ]", "").str.replace_all(OTHER[decimal], "", literal=True)
    return whole.str.replace(decimal, ".", literal=True)


def fits_mark(digits: pl.Series, decimal: Mark) -> pl.Series:
    """[N] whether what is read as thousands stands in threes, and decimals have one mark.

    >>> fits_mark(pl.Series(["1,234.5", "12,34"]), ".").to_list()
    [True, False]
    """
    other = "\\" + OTHER[decimal]
    return digits.str.contains(rf"^(\d{{1,3}}([{other}' ]\d{{3}})+|\d*)(\{decimal}\d*)?$")


def file_mark(columns: Iterable[set[Mark]]) -> Mark | None:
    """The one mark that all columns with a vote agree on.

    >>> file_mark([{","}, set()]), file_mark([{","}, {"."}]) is None
    (',', True)
    """
    said = set().union(*columns)
    return said.pop() if len(said) == 1 else None
