"""Whose the rows of a table are: patients, times, identifiers, the score in use, and a division that came with it."""

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.cohort.feature_columns import refuse_infinite
from rounds.data.cohort.rows import given_test
from rounds.data.dataset import PART, Cohort, Column
from rounds.data.roles.decide import NO_GROUP
from rounds.errors import DataError


def read_cohort(table: pl.DataFrame, columns: tuple[Column, ...], choices: Choices, *, divided: bool) -> Cohort:
    """The cohort of the rows that are kept; divided: whether a test table or a column of parts came with them.

    Raises DataError where a patient or a time is missing, or a test part is empty.
    """
    baseline = next((c.name for c in columns if c.role == "baseline"), "")
    validation = (table[PART] == "validation").to_numpy() if PART in table.columns else None
    return Cohort(
        patients=_patients(table, choices.group),
        group=None if choices.group == NO_GROUP else choices.group,
        times=_times(table, choices.time),
        time=choices.time,
        identifiers=table.select(c.name for c in columns if c.role in ("identifier", "group", "time")),
        baseline=_baseline(table, baseline),
        baseline_name=baseline,
        given_test=_test_rows(table, divided),
        given_validation=validation if validation is not None and validation.any() else None,
    )


def _test_rows(table: pl.DataFrame, given: bool) -> np.ndarray | None:
    if not given:
        return None
    flags = given_test(table)
    if flags is None or flags.all():
        side = "test table" if flags is None else "training table"
        advice = "Look at --where and at missing outcomes"
        raise DataError(f"Rows of the {side}", "some with a known outcome", name="rows", got=0, advice=advice)
    return flags


def _patients(table: pl.DataFrame, group: str | None) -> np.ndarray:
    if group is None or group == NO_GROUP:
        return np.arange(table.height, dtype=np.int64)
    values = table[group]
    missing = values.null_count()
    if missing:
        advice = f'Fill them in, or leave those rows out with --where "{group} IS NOT NULL"'
        raise DataError("Group", "known in every row", name=group, got=f"missing in {missing:,} rows", advice=advice)
    codes = values.rank("dense").cast(pl.Int64).to_numpy() - 1
    if codes.max() == 0:
        advice = "Choose the patient column, or --group none where every row is another patient"
        raise DataError("Group", "a column of at least two patients", name=group, got="one value", advice=advice)
    return codes


def _times(table: pl.DataFrame, time: str | None) -> np.ndarray | None:
    if time is None:
        return None
    values = table[time]
    if not (values.dtype.is_temporal() or values.dtype.is_numeric()):
        first = next(iter(values.drop_nulls()), None)
        raise DataError(
            "Time", "a column of dates or numbers", name=time, got=str(first), advice="Write dates as 2024-12-31"
        )
    if values.null_count():
        advice = f'Leave those rows out with --where "{time} IS NOT NULL"'
        raise DataError(
            "Time", "known in every row", name=time, got=f"missing in {values.null_count():,} rows", advice=advice
        )
    refuse_infinite(table, time)
    return values.to_physical().cast(pl.Float64).to_numpy()


def _baseline(table: pl.DataFrame, name: str) -> np.ndarray | None:
    if not name:
        return None
    if not table[name].dtype.is_numeric():
        first = next(iter(table[name].drop_nulls()), None)
        raise DataError("Baseline", "a column of numbers", name=name, got=str(first), advice="Choose a numeric score")
    refuse_infinite(table, name)
    return table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
