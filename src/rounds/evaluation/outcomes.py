"""Outcomes of new patients, read as training read them: the same classes, the same missing codes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from rounds.data.cohort.outcomes import known_outcomes, same_level
from rounds.data.dataset import Column
from rounds.data.tables.values import as_levels
from rounds.errors import DataError, nearest
from rounds.task import Task

NOT = "not "  # how a task names the other side of --positive where it has several values


@dataclass(frozen=True)
class Outcomes:
    """targets [M, T] (multiclass [M, 1] class index) of the rows whose outcomes are all known; known: [N] bool."""

    targets: np.ndarray
    known: np.ndarray


def read_outcomes(table: pl.DataFrame, task: Task, columns: tuple[Column, ...]) -> Outcomes:
    """The task's outcomes in a new table.

    Raises DataError where an outcome column is missing, known in no row, or holds another kind of value.

    >>> task = Task(kind="binary", targets=("death",), classes=("no", "yes"))
    >>> read_outcomes(pl.DataFrame({"death": ["yes", None, "no"]}), task, ()).targets.tolist()
    [[1.0], [0.0]]
    """
    absent = [name for name in task.targets if name not in table.columns]
    if absent:
        advice = f"Add the outcome, or use rounds predict for patients without one. {nearest(absent[0], table.columns)}"
        raise DataError("Table", "one with the outcome columns", name="missing", got=", ".join(absent), advice=advice)
    codes = {c.name: c.missing for c in columns}
    read = [known_outcomes(table[name], codes.get(name, ())) for name in task.targets]
    known = np.logical_and.reduce([_known(values) for values in read])
    if not known.any():
        advice = "Add the outcomes, or use rounds predict for patients without one"
        raise DataError(
            "Outcome", "known in some rows", name="outcome", got=", ".join(task.targets[:10]), advice=advice
        )
    index = np.flatnonzero(known)
    made = [_values(values, task, index) for values in read]
    return Outcomes(np.stack(made, axis=1), known)


def _known(values: pl.Series) -> np.ndarray:
    known = values.is_not_null()
    return (known & values.is_not_nan() if values.dtype.is_float() else known).to_numpy()


def _values(values: pl.Series, task: Task, index: np.ndarray) -> np.ndarray:
    chosen = values.gather(pl.Series(index, dtype=pl.UInt32))
    if task.kind in ("binary", "multiclass"):
        return _classes(chosen, task, index)
    return _numbers(chosen, task, index)


def _classes(values: pl.Series, task: Task, index: np.ndarray) -> np.ndarray:
    """[M] class index (binary: float, 1 is the positive class)."""
    labels = labels_of(values)
    meant = {label: same_level(label, list(task.classes)) for label in labels.unique().to_list()}
    labels = labels.replace_strict(meant, return_dtype=pl.String)
    rest = task.kind == "binary" and task.classes[0] == f"{NOT}{task.classes[1]}"
    place = {label: i for i, label in enumerate(task.classes)}
    unknown = ~labels.is_in(list(task.classes)).to_numpy()
    if unknown.any() and not rest:
        row = int(np.flatnonzero(unknown)[0])
        expected, place_of_row = f"one of {', '.join(task.classes)}", int(index[row]) + 2
        advice = "Write the classes as in training, or leave those rows out with --where"
        raise DataError("Outcome", expected, column=values.name, got=labels[row], row=place_of_row, advice=advice)
    found = np.array([place.get(label, 0) for label in labels.to_list()])
    return found.astype(np.float32 if task.kind == "binary" else np.int32)


def labels_of(values: pl.Series) -> pl.Series:
    """Classes as text, as training reads them: whole numbers without a decimal point.

    >>> labels_of(pl.Series([1.0, 0.0])).to_list()
    ['1', '0']
    """
    return as_levels(values)


def _numbers(values: pl.Series, task: Task, index: np.ndarray) -> np.ndarray:
    numbers = values.cast(pl.Float64, strict=False).to_numpy()
    wrong = ~np.isfinite(numbers)
    expected = "a finite number"
    if task.kind == "count":
        wrong, expected = wrong | (numbers < 0) | (numbers != np.round(numbers)), "a whole number >= 0"
    if task.kind == "multilabel":
        wrong, expected = wrong | ~np.isin(numbers, (0.0, 1.0)), "0 or 1"
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        advice, place = "Mend the cell, or leave the row out with --where", int(index[row]) + 2
        raise DataError("Outcome", expected, column=values.name, got=str(values[row]), row=place, advice=advice)
    return numbers.astype(np.float32)
