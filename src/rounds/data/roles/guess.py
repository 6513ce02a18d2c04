"""What each column of a table is taken for, and why; and the file in which the user says otherwise."""

import math
import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from rounds.data.dataset import Column, Role
from rounds.data.roles.row_numbers import ROW_NUMBERS, numbers_rows

# A text column whose cells are this long on average is prose, not a code.
PROSE_LETTERS = 40.0
# Share of different values from which a text or whole-number column names rows rather than describes patients.
NAMING_SHARE = 0.95
# Share of different values from which a repeating column may name patients.
REPEATING_SHARE = 0.3
# Numbers written as codes: whole numbers of at most so many different values, in a column named like a code.
CODE_LEVELS = 100
FEWEST_ROWS = 20  # below, shares of different values say nothing
_CODE_NAME = re.compile(r"(_id|_?code|_type|_class|_category|_group|_cd)$", re.IGNORECASE)
_ID_NAME = re.compile(r"(^id$|_id$|_nbr$|_no$|number$|identifier|^mrn$|uuid|recordid|seqn)", re.IGNORECASE)
_PATIENT_NAME = re.compile(
    r"(^|_)(patient|subject|person|participant|pat|subj|mrn|nhs)(?P<number>_?(id|nbr|nr|no|num|number|key|code))?$",
    re.IGNORECASE,
)
FEWEST_PATIENTS = 6  # "patient" with fewer different values may tell patients from controls
# Dates that may be read day or month first, which no program should decide.
_SLASH_DATE = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}$"
_LETTER_CODE = r"^[A-Za-z]\d"  # V57 beside 428: diagnosis codes, not numbers with words among them
# Share of a text column's cells that are numbers from which it is worth saying so.
MOSTLY_NUMBERS = 0.5
_DRESSED_NUMBER = r"^[+-]?\d+([.,' ]\d{3})*([.,]\d+)? ?%?$"  # 1,234.5 and 1.234,5 and 95 %
_YES_NO = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"})

# Codes that registries write for "missing" (-9, 999, ...); proposed where frequent and far from all other values.
SENTINELS = (-9.0, -99.0, -999.0, -9999.0, -1.0, -8.0, -7.0, 9.0, 99.0, 999.0, 9999.0, 88.0, 888.0, 8888.0, 77.0, 777.0)
SENTINEL_SHARE, SENTINEL_ROWS = 0.002, 3
# How far, in spreads (10 % to 90 %) of the other values, a sentinel must lie outside them; and how far the others must
# lie above 0, as a share of their median and in steps between them.
SENTINEL_DISTANCE, ZERO_SHARE_OF_MEDIAN, ZERO_STEPS = 0.5, 0.08, 3.0


@dataclass(frozen=True)
class Guess:
    role: Role
    reason: str


def guess_role(values: pl.Series) -> Guess:
    """The role of a column from its values and name alone."""
    known = values.drop_nulls()
    distinct = known.n_unique()
    if distinct <= 1:
        return Guess("constant", "the same value in every row" if distinct else "no value in any row")
    if values.dtype == pl.Boolean:
        return Guess("boolean", "true or false")
    if _named_like_patients(values.name, distinct) and not values.dtype.is_temporal():
        return Guess("identifier", f"named like a patient's number, {distinct:,} different in {len(known):,} rows")
    if values.dtype.is_temporal():
        return Guess("date", "a date: it becomes a feature only as days since a reference (--as COL=date:REFERENCE)")
    if values.dtype.is_numeric():
        return _guess_number(values.name, known, distinct)
    return _guess_text(known.cast(pl.String), distinct)


def _guess_number(name: str, known: pl.Series, distinct: int) -> Guess:
    whole = known.dtype.is_integer() or bool((known == known.round(0)).all())
    if whole and set(known.unique().to_list()) == {0, 1}:
        return Guess("boolean", "0 or 1")
    if whole and len(known) >= FEWEST_ROWS and distinct == len(known) and numbers_rows(name, known):
        return Guess("identifier", f"{ROW_NUMBERS}: {distinct:,} whole numbers, a different one in every row")
    if whole and len(known) >= FEWEST_ROWS and distinct == len(known) and (_names_rows(known) or _ID_NAME.search(name)):
        return Guess("identifier", f"{distinct:,} whole numbers, a different one in every row")
    if whole and distinct <= CODE_LEVELS and _CODE_NAME.search(name):
        return Guess("categorical", f"{distinct} whole numbers in a column named like a code")
    return Guess("numeric", f"numbers, {distinct:,} different")


def _names_rows(known: pl.Series) -> bool:
    """Whether different whole numbers run in steps, as row numbers do, or have six digits and more."""
    steps = known.diff().drop_nulls()
    return bool(((steps > 0).all() and steps.n_unique() <= 2) or known.abs().min() >= 100_000)  # type: ignore[operator]


def _guess_text(known: pl.Series, distinct: int) -> Guess:
    levels = {str(v).lower() for v in known.unique().head(3).to_list()}
    if distinct == 2 and levels in _YES_NO:
        return Guess("boolean", " or ".join(sorted(levels, reverse=True)))
    if known.str.contains(_SLASH_DATE).all():
        return Guess("date", "looks like dates whose day and month could change places: write 2024-12-31")
    length = float(known.str.len_chars().mean() or 0.0)  # type: ignore[arg-type]
    if length > PROSE_LETTERS:
        return Guess("text", f"free text, {length:.0f} letters on average")
    numbers = _numbers_among(known)
    if len(known) >= FEWEST_ROWS and distinct >= NAMING_SHARE * len(known):
        return Guess("identifier", f"{distinct:,} different texts in {len(known):,} rows{numbers}")
    return Guess("categorical", f"{distinct:,} levels{numbers}")


def _numbers_among(known: pl.Series) -> str:
    """Words for a text column that may have been meant as numbers."""
    if known.str.contains(r"^0\d").any():
        return ", zeros in front kept as written" if known.str.contains(r"^[\d.]+$").all() else ""
    if known.str.contains(_DRESSED_NUMBER).all() and known.str.contains("[,' %]").any():
        return "; numbers with a comma, a space or a sign: write them plainly (1234.5) to have them read so"
    numbers = known.cast(pl.Float64, strict=False).is_not_null()
    share = float(numbers.mean() or 0.0)  # type: ignore[arg-type]
    if not MOSTLY_NUMBERS <= share < 1 or known.filter(~numbers).str.contains(_LETTER_CODE).all():
        return ""
    return f"; {math.floor(100 * share)} % of the cells are numbers: list the others as missing to have them read so"


def _named_like_patients(name: str, distinct: int) -> bool:
    found = _PATIENT_NAME.search(name)
    return bool(found and (found["number"] or distinct >= FEWEST_PATIENTS))


def may_name_patients(values: pl.Series) -> bool:
    """Whether a column looks like an identifier that repeats: rows that belong together, such as stays of a patient.

    By name (patient_nbr, subject_id, ...), or as texts with digits most of which are rare. Diagnosis codes and ages
    repeat too often for that.

    >>> may_name_patients(pl.Series("patient_nbr", [number // 2 for number in range(40)]))
    True
    """
    known = values.drop_nulls()
    distinct = known.n_unique()
    if len(known) < FEWEST_ROWS or distinct == len(known) or distinct <= 1 or values.dtype.is_temporal():
        return False
    if _named_like_patients(values.name, distinct):
        return not known.dtype.is_float() or bool((known == known.round(0)).all())
    share = distinct / len(known)
    if known.dtype == pl.String:
        numbered = bool(known.head(1000).str.contains(r"\d{3,}").mean() == 1.0)
        return numbered and share >= REPEATING_SHARE
    return known.dtype.is_integer() and share >= REPEATING_SHARE and bool(_ID_NAME.search(values.name))


def propose_missing(values: pl.Series) -> tuple[str, ...]:
    """Sentinel codes in a numeric column: frequent values far outside all others, and zeros below a gap.

    >>> propose_missing(pl.Series([50.0 + i % 7 for i in range(60)] + [-9.0] * 6))
    ('-9',)
    >>> propose_missing(pl.Series([-2.0, -1.0, 0.0, 1.0, -1.0, 2.0] * 20))
    ()
    """
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    if len(numbers) < FEWEST_ROWS:
        return ()
    least = max(SENTINEL_ROWS, SENTINEL_SHARE * len(numbers))
    found = [s for s in SENTINELS if np.count_nonzero(numbers == s) >= least and _far_outside(numbers, s)]
    if np.count_nonzero(numbers == 0.0) >= least and _zero_is_missing(numbers):
        found.append(0.0)
    return tuple(f"{s:g}" for s in found)


def _far_outside(numbers: np.ndarray, code: float) -> bool:
    others = numbers[~np.isin(numbers, SENTINELS)]
    if len(np.unique(others)) < 5:
        return False
    low, high = np.quantile(others, (0.1, 0.9))
    gap = max(others.min() - code, code - others.max())
    return bool(gap > SENTINEL_DISTANCE * max(high - low, 1e-12))


def _zero_is_missing(numbers: np.ndarray) -> bool:
    others = numbers[numbers != 0.0]
    if len(np.unique(others)) < 10 or others.min() < 0:
        return False
    step = np.median(np.diff(np.unique(others)))  # counts 1, 2, 3, ... go on to 0 without a gap
    return bool(others.min() > max(ZERO_SHARE_OF_MEDIAN * np.median(others), ZERO_STEPS * step))


def examine_column(values: pl.Series) -> Column:
    """The column's record when the user says nothing about it."""
    guess = guess_role(values)
    levels = values.drop_nulls().n_unique() if guess.role in ("categorical", "boolean") else 0
    proposed = propose_missing(values) if guess.role == "numeric" else ()
    share = values.null_count() / max(len(values), 1)
    return Column(
        name=values.name,
        role=guess.role,
        reason=guess.reason,
        levels=levels,
        missing_share=round(share, 6),
        proposed_missing=proposed,
        as_written=values.dtype in (pl.String, pl.Categorical, pl.Enum),
    )
