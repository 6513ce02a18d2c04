"""From a source and the user's choices to a Dataset: cohort, roles, outcome, patients, features."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.data.builtin import BUILTIN, Builtin, load_builtin
from rounds.data.choices import Choices
from rounds.data.columns import NO_GROUP, decide_columns, given_roles, matching
from rounds.data.dataset import FEATURE_ROLES, Column, Dataset
from rounds.data.features import feature, refuse_infinite, without_missing_codes
from rounds.data.reading import read_table
from rounds.data.targets import make_task
from rounds.errors import DataError, must_be, nearest

_TEST_FLAG = "__rounds_given_test__"
_HASHED_ROWS = 100_000


def load(source: Any, choices: Choices | None = None, test: Any = None) -> Dataset:
    """A table of patients ready to be split.

    source: CSV, TSV or Parquet path, the name of a built-in set, or a Polars or pandas frame; test: a table of the
    same kind whose rows judge. Raises DataError or ForcedChoiceError (errors name file, column and row).

    >>> load("diabetes").rows
    442
    """
    built = open_source(source)
    choices = built.complete(choices or Choices())
    table, given = _with_test(built.table, test)
    table, exclusions = _cohort(table, choices)
    if not choices.targets:
        advice = f"Name the column to predict with --target. {nearest('target', table.columns)}"
        raise DataError(must_be("Target", "named", "target", None, advice))
    table, exclusions = _with_outcome(table, choices, exclusions)
    flags = table.drop_in_place(_TEST_FLAG).to_numpy() if given else None
    columns = decide_columns(table, choices, built.declared)
    return replace(_dataset(table, columns, choices, built), exclusions=tuple(exclusions), given_test=flags,
                   rows_read=built.table.height)  # fmt: skip


def examine(source: Any, choices: Choices) -> tuple[Column, ...]:
    """What each column is taken for, without an outcome being needed."""
    built = open_source(source)
    choices = built.complete(choices)
    return decide_columns(_cohort(built.table, choices)[0], choices, built.declared)


def open_source(source: Any) -> Builtin:
    """A built-in set by name, or a file or frame about which nothing is declared."""
    if isinstance(source, str) and source.split(":")[0] in BUILTIN and not Path(source).exists():
        return load_builtin(source)
    if isinstance(source, str) and not Path(source).suffix and not Path(source).exists():
        advice = f"{nearest(source, list(BUILTIN))}. rounds data lists the built-in sets"
        raise DataError(must_be("DATA", "a file that exists or a built-in set", "data", source, advice))
    table = read_table(source)
    name = Path(source).name if isinstance(source, str | Path) else "table"
    return Builtin(name=name, table=table)


def _with_test(table: pl.DataFrame, test: Any) -> tuple[pl.DataFrame, bool]:
    if test is None:
        return table, False
    other = open_source(test).table
    absent = [c for c in table.columns if c not in other.columns]
    if absent:
        advice = f"Hand over a table with the columns of DATA. {nearest(absent[0], other.columns)}"
        raise DataError(must_be("Test table", "with the columns of DATA", "missing", ", ".join(absent[:10]), advice))
    try:
        both = pl.concat([table, other.select(table.columns)], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        advice = "Give the columns the same types in both tables"
        raise DataError(
            must_be("Test table", "of the types of DATA", "error", str(error).splitlines()[0], advice)
        ) from None
    flag = np.arange(both.height) >= table.height
    return both.with_columns(pl.Series(_TEST_FLAG, flag)), True


def _cohort(table: pl.DataFrame, choices: Choices) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    if choices.where is None:
        return table, []
    try:
        kept = table.filter(pl.sql_expr(choices.where))
    except pl.exceptions.PolarsError as error:
        advice = "Write a condition on columns, such as \"age >= 18 AND sex = 'F'\""
        shown = f"{choices.where} ({str(error).splitlines()[0]})"
        raise DataError(must_be("Where", "a condition on columns", "where", shown, advice)) from None
    if kept.height == 0:
        raise DataError(must_be("Where", "true of some rows", "where", choices.where, "Loosen the condition"))
    return kept, [(f"not {choices.where}", table.height - kept.height)]


def _with_outcome(
    table: pl.DataFrame, choices: Choices, exclusions: list[tuple[str, int]]
) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    """Rows whose outcomes are all known, after missing codes of the outcome columns."""
    names = matching(choices.targets, table.columns, "Target")
    said = given_roles(choices, table.columns)
    codes = {n: tuple(map(str, said.get(n, {}).get("missing", ()))) for n in names}
    table = table.with_columns(without_missing_codes(table[n], codes[n]) for n in names if codes[n])
    for name in names:
        if table[name].null_count() == table.height:
            advice = "Choose another target, or look at --where and the missing codes"
            raise DataError(must_be("Target", "known in some rows", name, "missing in every row", advice))
    known = table.drop_nulls(names)
    if known.height == 0:
        raise DataError(must_be("Targets", "known together in some rows", "rows", 0, "Choose fewer targets"))
    lost = table.height - known.height
    return known, [*exclusions, ("outcome not known", lost)] if lost else exclusions


def _dataset(table: pl.DataFrame, columns: tuple[Column, ...], choices: Choices, built: Builtin) -> Dataset:
    targets = [table[c.name] for c in columns if c.role == "target"]
    unit = next((c.unit for c in columns if c.role == "target"), "")
    task, values = make_task(targets, choices, unit)
    features = [c for c in columns if c.role in FEATURE_ROLES]
    if not features:
        advice = "Say what the columns are with --as COL=ROLE"
        raise DataError(must_be("Table", "with at least one feature", "features", 0, advice))
    for column in features:
        refuse_infinite(table[column.name])
    references = date_references(choices, table.columns)
    inputs = pl.DataFrame([feature(table, c, references.get(c.name)) for c in features])
    passed = [c.name for c in columns if c.role in ("identifier", "group", "time")]
    patients = _patients(table, choices.group)
    baseline = next((c.name for c in columns if c.role == "baseline"), "")
    return Dataset(
        name=built.name, task=task, inputs=inputs, columns=columns, targets=values, patients=patients,
        times=_times(table, choices.time), identifiers=table.select(passed),
        baseline=_baseline(table, baseline), baseline_name=baseline,
        group=None if choices.group == NO_GROUP else choices.group, time=choices.time,
        content_hash=content_hash(table), simulated=built.simulated, notes=built.notes,
        extra={"references": references},
    )  # fmt: skip


def date_references(choices: Choices, names: list[str]) -> dict[str, str]:
    """Reference column of every date that is wanted as days since it."""
    said = {n: str(f.get("role", "")) for n, f in given_roles(choices, names).items()}
    return {n: role[5:] for n, role in said.items() if role.startswith("date:")}


def _patients(table: pl.DataFrame, group: str | None) -> np.ndarray:
    if group is None or group == NO_GROUP:
        return np.arange(table.height, dtype=np.int64)
    values = table[group]
    missing = values.null_count()
    if missing:
        advice = f'Fill them in, or leave those rows out with --where "{group} IS NOT NULL"'
        raise DataError(must_be("Group", "known in every row", group, f"missing in {missing:,} rows", advice))
    codes = values.rank("dense").cast(pl.Int64).to_numpy() - 1
    if codes.max() == 0:
        advice = "Choose the patient column, or --group none where every row is another patient"
        raise DataError(must_be("Group", "a column of at least two patients", group, "one value", advice))
    return codes


def _times(table: pl.DataFrame, time: str | None) -> np.ndarray | None:
    if time is None:
        return None
    values = table[time]
    if not (values.dtype.is_temporal() or values.dtype.is_numeric()):
        raise DataError(
            must_be("Time", "a column of dates or numbers", time, str(values[0]), "Write dates as 2024-12-31")
        )
    if values.null_count():
        advice = f'Leave those rows out with --where "{time} IS NOT NULL"'
        raise DataError(must_be("Time", "known in every row", time, f"missing in {values.null_count():,} rows", advice))
    return values.to_physical().cast(pl.Float64).to_numpy()


def _baseline(table: pl.DataFrame, name: str) -> np.ndarray | None:
    if not name:
        return None
    if not table[name].dtype.is_numeric():
        raise DataError(must_be("Baseline", "a column of numbers", name, str(table[name][0]), "Choose a numeric score"))
    return table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def content_hash(table: pl.DataFrame) -> str:
    """SHA-256 over names, types and cells, in order; a block of rows at a time."""
    digest = hashlib.sha256(repr(list(zip(table.columns, map(str, table.dtypes), strict=True))).encode())
    for start in range(0, table.height, _HASHED_ROWS):
        for series in table.slice(start, _HASHED_ROWS):
            digest.update(_cells(series))
    return digest.hexdigest()


def _cells(series: pl.Series) -> bytes:
    missing = np.packbits(series.is_null().to_numpy()).tobytes()
    if series.dtype.is_numeric() or series.dtype == pl.Boolean or series.dtype.is_temporal():
        numbers = series.to_physical()
        zero = False if numbers.dtype == pl.Boolean else 0
        return missing + np.ascontiguousarray(numbers.fill_null(zero).to_numpy()).tobytes()
    return missing + "\x1f".join(series.cast(pl.String).fill_null("").to_list()).encode()
