"""What each column of a table is taken for, and why; and the file in which the user says otherwise."""

import math
import re
from dataclasses import dataclass

import polars as pl

from rounds.data.dataset import Column, Role
from rounds.data.roles.number_names import (
    ends_in_id,
    measures_by_name,
    names_codes_by_name,
    names_codes_by_shape,
    names_identifiers,
    names_stays,
)
from rounds.data.roles.row_numbers import numbers_rows
from rounds.data.roles.sentinels import proposed_missing
from rounds.data.tables.cells.date_cells import LOOKS_LIKE_A_DATE
from rounds.data.tables.cells.serial_cells import looks_like_serials

# A text column whose cells are this long on average is prose, not a code.
PROSE_LETTERS = 40.0
# Share of different values from which a text or whole-number column names rows rather than describes patients.
NAMING_SHARE = 0.95
# Share of different values from which a repeating column may name patients, or stays.
REPEATING_SHARE = 0.3
FEWEST_ROWS = 20  # below, shares of different values say nothing
_PATIENT_NAME = re.compile(
    r"(^|[_. -])(patient|subject|person|participant|pat|subj|mrn|nhs|pid|pt|patienten?|patientin|proband|probandin|"
    r"teilnehmer|patiente|participante?|sujet|paciente|sujeto|paziente|pati[ëe]nt|nip|ipp|nhc|cpr)"
    r"(?P<number>[_. -]?(id|ids|nbr|nr|no|num|number|nummer|numero|key|code))?$"
    r"|(^|[_. -])(child|infant|baby|newborn|mother|woman|donor|member|beneficiary|mutter|kind)"
    r"[_. -]?(?P<kin>id|no|nr|number)$"
    r"|^id$"
    r"|^(id|nr|no|num|numero|n|cod|code|codigo)[_. -](patient|patiente|paciente|paziente|sujet|sujeto)(?P<before>e?)$",
    re.IGNORECASE,
)
FEWEST_PATIENTS = 6  # "patient" with fewer different values may tell patients from controls
_LETTER_CODE = r"^[A-Za-z]\d"  # V57 beside 428: diagnosis codes, not numbers with words among them
# Share of a text column's cells that are numbers from which it is worth saying so.
MOSTLY_NUMBERS = 0.5
_NUMBER_IN_TEXT = r"^[^\pL\d]{0,3}\d+[.,]\d"
_UNDECIDED_NUMBER = r"^[+-]?\d{1,3}[.,]\d{3}$"  # 7.700
_YES_NO = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"})
_UNNAMED = re.compile(r"^(column_\d+|unnamed.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """role, and the reason for it; said: what a person should know of it beyond, "" where nothing would surprise."""

    role: Role
    reason: str
    said: str = ""


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
    if whole and len(known) >= FEWEST_ROWS and (found := _named_by_number(known, name, distinct)):
        return found
    if looks_like_serials(known):
        said = (
            f"may be days of a spreadsheet's calendar: --as {name}=date reads them so, --as {name}=numeric as numbers"
        )
        return Guess("date", f"numbers that {said}", f"its numbers {said}; no feature until then")
    return Guess("numeric", f"numbers, {distinct:,} different")


def _named_by_number(known: pl.Series, name: str, distinct: int) -> Guess | None:
    """Identifiers and codes among whole numbers; None where they count or measure something."""
    rows = len(known)
    if distinct == rows and (numbers_rows(name, known) or _UNNAMED.match(name)):
        what = f"row numbers: {distinct:,} whole numbers, a different one in every row"
        return Guess("identifier", what, "numbers the rows: no feature")
    if distinct == rows and _names_rows(known) and not measures_by_name(name):
        said = (
            f"whole numbers, a different one in every row, taken for names: no feature (--as {name}=numeric otherwise)"
        )
        return Guess(
            "identifier",
            f"{distinct:,} whole numbers, a different one in every row",
            "" if names_identifiers(name) else said,
        )
    if names_stays(known, distinct, rows, REPEATING_SHARE):
        said = (
            ""
            if distinct == rows
            else f"names stays, samples or rows ({distinct:,} different in {rows:,} rows): no feature"
        )
        return Guess("identifier", f"{distinct:,} whole numbers in a column named like an identifier", said)
    if names_codes_by_name(name) or ends_in_id(name):
        return Guess(
            "categorical",
            f"{distinct:,} whole numbers in a column named like a code",
            f"whole numbers read as a code of {distinct:,} levels: their size says nothing",
        )
    if names_codes_by_shape(known, distinct):
        return Guess(
            "categorical",
            f"{distinct:,} whole numbers of as many digits each, which repeat: a code",
            f"whole numbers of as many digits each, which repeat, read as a code of {distinct:,} levels "
            f"(--as {name}=numeric where their size means something)",
        )
    return None


def _names_rows(known: pl.Series) -> bool:
    """Whether different whole numbers run in steps, as row numbers do, or have six digits and more."""
    steps = known.diff().drop_nulls()
    return bool(((steps > 0).all() and steps.n_unique() <= 2) or known.abs().min() >= 100_000)  # type: ignore[operator]


def _guess_text(known: pl.Series, distinct: int) -> Guess:
    levels = {str(v).lower() for v in known.unique().head(3).to_list()}
    if distinct == 2 and levels in _YES_NO:
        return Guess("boolean", " or ".join(sorted(levels, reverse=True)))
    length = float(known.str.len_chars().mean() or 0.0)  # type: ignore[arg-type]
    if length > PROSE_LETTERS:
        return Guess("text", f"free text, {length:.0f} letters on average")
    numbers = _numbers_among(known)
    if len(known) >= FEWEST_ROWS and distinct >= NAMING_SHARE * len(known):
        return Guess(
            "identifier", f"{distinct:,} different texts in {len(known):,} rows{numbers}", _without_semicolon(numbers)
        )
    return Guess("categorical", f"{distinct:,} levels{numbers}", _without_semicolon(numbers))


def _without_semicolon(numbers: str) -> str:
    return numbers.removeprefix("; ") if numbers.startswith("; ") else ""


def _numbers_among(known: pl.Series) -> str:
    """Words for a text column that may have been meant as numbers."""
    if known.str.contains(r"^0\d").any():
        return ", zeros in front kept as written" if known.str.contains(r"^[\d.]+$").all() else ""
    numbers = known.cast(pl.Float64, strict=False).is_not_null()
    share = float(numbers.mean() or 0.0)  # type: ignore[arg-type]
    if share == 0 and known.str.contains(_NUMBER_IN_TEXT).mean() > MOSTLY_NUMBERS:  # type: ignore[operator]
        return "; most cells begin with a number that Rounds cannot read: write plain numbers to have it used"
    if not MOSTLY_NUMBERS <= share < 1 or known.filter(~numbers).str.contains(_LETTER_CODE).all():
        return ""
    return f"; {math.floor(100 * share)} % of the cells are numbers: list the others as missing to have them read so"


def _named_like_patients(name: str, distinct: int) -> bool:
    found = _PATIENT_NAME.search(name)
    if not found:
        return False
    numbered = found["number"] or found["kin"] or found["before"] is not None
    return bool(numbered or distinct >= FEWEST_PATIENTS)


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
    if names_codes_by_name(values.name):
        return False
    if _named_like_patients(values.name, distinct):
        return not known.dtype.is_float() or bool((known == known.round(0)).all())
    share = distinct / len(known)
    if known.dtype == pl.String:
        first = known.head(1000)
        quantities = first.str.contains(rf"{LOOKS_LIKE_A_DATE}|{_UNDECIDED_NUMBER}").all()
        return share >= REPEATING_SHARE and bool(first.str.contains(r"\d{3,}").all()) and not quantities
    return known.dtype.is_integer() and share >= REPEATING_SHARE and names_identifiers(values.name)


def examine_column(values: pl.Series) -> Column:
    """The column's record when the user says nothing about it."""
    guess = guess_role(values)
    levels = values.drop_nulls().n_unique() if guess.role in ("categorical", "boolean") else 0
    proposed = proposed_missing(values) if guess.role == "numeric" else ()
    share = values.null_count() / max(len(values), 1)
    return Column(
        name=values.name,
        role=guess.role,
        reason=guess.reason,
        levels=levels,
        missing_share=round(share, 6),
        proposed_missing=proposed,
        as_written=values.dtype == pl.String,
        said=(*([guess.said] if guess.said else []), *([looks_missing(proposed)] if proposed else [])),
    )


def looks_missing(proposed: tuple[str, ...]) -> str:
    codes = ", ".join(proposed)
    return f"{codes} may mean missing, and is read as a number: list it as missing in a roles file if it does"
