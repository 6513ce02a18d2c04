"""The rows that count: joined with a test table, kept by a condition, with an outcome; and where they came from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.cohort.condition import rows_meeting
from rounds.data.cohort.feature_columns import ROW, TEST_ROW
from rounds.data.cohort.outcomes import known_outcomes
from rounds.data.dataset import PART
from rounds.data.roles.decide import Said, matching
from rounds.data.signals import ARRAY_ROW
from rounds.data.tables.reading import blank_rows
from rounds.data.tables.values import as_levels
from rounds.errors import DataError, nearest

BLANK = "blank row"  # of no patient
NO_OUTCOME = "outcome not known"
Exclusions = list[tuple[str, int]]


def numbered(table: pl.DataFrame, test: bool = False) -> pl.DataFrame:
    """The table with two columns more: the place of each row in its file, and whether that is the test table (or the
    part that the data themselves call test)."""
    judges = pl.col(PART) == "test" if PART in table.columns and not test else pl.lit(test)
    return table.with_columns(pl.int_range(2, pl.len() + 2).alias(ROW), judges.alias(TEST_ROW))


def without_added_columns(table: pl.DataFrame) -> pl.DataFrame:
    """Without the columns of `numbered`, and without those that say where images and recordings lie."""
    return table.drop(ROW, TEST_ROW, ARRAY_ROW, PART, strict=False)


def with_test(table: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Both tables, numbered, one below the other. Raises DataError where `other` has other columns or types."""
    absent = [c for c in table.columns if c not in other.columns]
    if absent:
        advice = f"Give a table with the columns of DATA. {nearest(absent[0], other.columns)}"
        raise DataError(
            "Test table", "with the columns of DATA", name="missing", got=", ".join(absent[:10]), advice=advice
        )
    alike = other.select(_of_type(other[name], table[name]) for name in table.columns)
    return pl.concat([numbered(table), numbered(alike, test=True)], how="vertical_relaxed")


def _of_type(values: pl.Series, like: pl.Series) -> pl.Series:
    """Values of a column of the test table as the same kind of column as in DATA."""
    kinds = _kind(values.dtype), _kind(like.dtype)
    if pl.Null in (values.dtype, like.dtype) or kinds[0] == kinds[1] != "date":
        return values
    if kinds[1] == "text":
        return as_levels(values).alias(values.name)
    if values.dtype == like.dtype:
        return values
    advice = "Mend the cells that are none, or say what the column is with --as"
    shown = f"{kinds[0]} in column {values.name}"
    raise DataError("Test table", f"of the types of DATA ({kinds[1]})", name="found", got=shown, advice=advice)


def _kind(dtype: Any) -> str:
    if dtype.is_numeric() or dtype == pl.Boolean:
        return "numbers"
    return "date" if dtype.is_temporal() else "text"


def meeting(table: pl.DataFrame, choices: Choices) -> tuple[pl.DataFrame, Exclusions]:
    """Rows that are not blank and meet the condition, and what was left out. table: numbered.

    Raises DataError where the condition cannot be read or no row meets it.
    """
    blank = blank_rows(without_added_columns(table))
    exclusions = [(BLANK, int(blank.sum()))] if blank.any() else []
    table = table.filter(~blank) if blank.any() else table
    if choices.where is None:
        return table, exclusions
    held = rows_meeting(without_added_columns(table), choices.where)
    if not held.any():
        raise DataError("Where", "true of some rows", name="where", got=choices.where, advice="Loosen the condition")
    kept = table.filter(held)
    return kept, [*exclusions, (f"not {choices.where}", table.height - kept.height)]


def with_outcome(table: pl.DataFrame, choices: Choices, said: Said) -> tuple[pl.DataFrame, Exclusions]:
    """Rows whose outcomes are all known, after missing codes and words of the outcome columns. table: numbered."""
    names = matching(choices.targets, without_added_columns(table).columns, "Target")
    codes = {n: tuple(map(str, said.get(n, {}).get("missing", ()))) for n in names}
    table = table.with_columns(known_outcomes(table[n], codes[n]) for n in names)
    for name in names:
        if table[name].null_count() == table.height:
            advice = "Choose another target, or look at --where and the missing codes"
            raise DataError("Target", "known in some rows", name=name, got="missing in every row", advice=advice)
    known = table.drop_nulls(names)
    if known.height == 0:
        raise DataError("Targets", "known together in some rows", name="rows", got=0, advice="Choose fewer targets")
    lost = table.height - known.height
    return known, [(NO_OUTCOME, lost)] if lost else []


def said_of_rows(exclusions: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """What was left out, a sentence each.

    >>> said_of_rows([("outcome not known", 2)])
    ('2 rows left out: outcome not known.',)
    """
    return tuple(f"{rows:,} row{'s' * (rows != 1)} left out: {reason}." for reason, rows in exclusions)


def lost_patients(exclusions: Exclusions, before: pl.DataFrame, after: pl.DataFrame, group: str | None) -> list[int]:
    """Patients of whom no row is left, for each exclusion between two tables; without a patient column, rows.

    >>> two, one = pl.DataFrame({"mrn": [1, 1, 2]}), pl.DataFrame({"mrn": [1]})
    >>> lost_patients([("not age >= 18", 2)], two, one, "mrn")
    [1]
    """
    if group is None or group not in before.columns:
        return [rows for _, rows in exclusions]
    gone = before[group].drop_nulls().n_unique() - after[group].drop_nulls().n_unique()
    return [0 if reason == BLANK else gone for reason, _ in exclusions]


def given_test(table: pl.DataFrame) -> np.ndarray | None:
    """[N] which rows of a numbered table came from the test table; None where none did.

    Raises DataError where the conditions have left none on one of the sides.
    """
    return table[TEST_ROW].to_numpy() if table[TEST_ROW].any() else None
