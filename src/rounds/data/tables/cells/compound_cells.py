"""Cells of two numbers: a pressure, feet and inches, a titre."""

import re

import polars as pl

from rounds.data.tables.cells.missing_words import AMONG_NUMBERS, without_words
from rounds.data.tables.cells.reading import CellNote, FileStyle, ReadColumn, Reading

_PAIR = r"^(\d{1,4}(?:\.\d+)?) ?[/|] ?(\d{1,4}(?:\.\d+)?)(?: ?\pL[\pL ]*)?$"
_OF_A_YEAR = r"[/|] ?(?:19|20|21)\d{2}$"  # numbers of days, weeks or cases within a year
_FEET = r"""^(?i)(\d{1,2}) ?(?:'|’|′|ft\.?|feet|foot) ?(?:(\d{1,2}(?:\.\d+)?) ?(?:"|''|”|″|in\.?|inch|inches)?)?$"""
_TITRE = r"^([<>]=?)? ?1 ?: ?(\d{1,6})$"
_PRESSURE_NAME = re.compile(
    r"(^|_|\b)(bp|nbp|abp|blood.?pressure|pressure|rr|blutdruck|tension|ta|pa)(_|\b|$)", re.IGNORECASE
)
INCHES_IN_A_FOOT = 12


def recognise_pair(text: pl.Series, style: FileStyle) -> ReadColumn | None:
    """120/80 in every cell that is no word for missing: two columns; one where all are of one total."""
    known = without_words(text, AMONG_NUMBERS).drop_nulls()
    if not len(known) or not known.str.contains(_PAIR).all() or known.str.contains(_OF_A_YEAR).all():
        return None
    return pair_again(text, Reading(kind="pair", unit=_of_a_total(known)))


def _of_a_total(known: pl.Series) -> str:
    """ "/15" where every cell is a score of that total, "" otherwise."""
    first, second = (known.str.extract(_PAIR, n).cast(pl.Float64) for n in (1, 2))
    total = second.n_unique() == 1 and first.n_unique() > 1 and bool((first <= second).all())
    return f"/{second[0]:g}" if total else ""


def pair_names(column: str) -> tuple[str, str]:
    """Names of the two columns that a column of two numbers becomes.

    >>> pair_names("bp"), pair_names("strength")
    (('bp systolic', 'bp diastolic'), ('strength first', 'strength second'))
    """
    words = ("systolic", "diastolic") if _PRESSURE_NAME.search(column) else ("first", "second")
    return f"{column} {words[0]}", f"{column} {words[1]}"


def pair_again(text: pl.Series, reading: Reading) -> ReadColumn:
    names = pair_names(text.name)
    parts = text.str.extract_groups(_PAIR).struct.unnest()
    if reading.unit:
        scores = parts["1"].cast(pl.Float64).alias(text.name)
        rows = len(scores.drop_nulls())
        note = CellNote(text.name, f"{rows:,} scores of a total read as numbers (8{reading.unit} is 8)", rows)
        return ReadColumn((scores,), reading, (note,))
    made = [parts[str(n)].cast(pl.Float64).alias(name) for n, name in zip((1, 2), names, strict=True)]
    rows = len(made[0].drop_nulls())
    note = CellNote(text.name, f"{rows:,} cells of two numbers read as the columns {names[0]} and {names[1]}", rows)
    return ReadColumn((text, *made), reading, (note,))


def recognise_feet(text: pl.Series, style: FileStyle) -> ReadColumn | None:
    """5'11" or 5 ft 11 in, in every cell that is no word for missing: inches."""
    known = without_words(text, AMONG_NUMBERS).drop_nulls()
    if not len(known) or not known.str.contains(_FEET).all():
        return None
    return feet_again(text, Reading(kind="feet", unit="in"))


def feet_again(text: pl.Series, reading: Reading) -> ReadColumn:
    parts = text.str.extract_groups(_FEET).struct.unnest()
    feet, inches = parts["1"].cast(pl.Float64), parts["2"].cast(pl.Float64).fill_null(0)
    made = (INCHES_IN_A_FOOT * feet + inches).alias(text.name)
    rows = len(made.drop_nulls())
    return ReadColumn(
        (made,), reading, (CellNote(text.name, f"{rows:,} cells of feet and inches read as inches", rows),)
    )


def recognise_titre(text: pl.Series, style: FileStyle) -> ReadColumn | None:
    """1:80 in every cell that is no word for missing: the dilution."""
    known = without_words(text, AMONG_NUMBERS).drop_nulls()
    if not len(known) or not known.str.contains(_TITRE).all():
        return None
    return titre_again(text, Reading(kind="titre"))


def titre_again(text: pl.Series, reading: Reading) -> ReadColumn:
    made = text.str.extract_groups(_TITRE).struct.field("2").cast(pl.Float64).alias(text.name)
    rows = len(made.drop_nulls())
    return ReadColumn(
        (made,), reading, (CellNote(text.name, f"{rows:,} titres read as the dilution (1:80 is 80)", rows),)
    )
