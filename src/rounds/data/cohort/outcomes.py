"""The outcome: which kind of task it makes, and its values as numbers."""

from typing import NamedTuple

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.cohort.feature_columns import without_missing_codes
from rounds.data.cohort.positive_class import positive_class
from rounds.data.tables.cells.missing_words import OF_AN_OUTCOME, folded, without_words
from rounds.data.tables.values import as_levels
from rounds.errors import DataError, nearest
from rounds.task import Kind, Task

LARGEST = 1e18  # its square is still a 32-bit number, as networks compute them
MOST_CLASSES = 200  # a text target with more different values is no set of classes
FEW_VALUES = 2


def decide_kind(columns: list[pl.Series], choices: Choices) -> Kind:
    """regression for numbers, binary for two values, multiclass for texts, multilabel for several 0/1 columns."""
    if choices.kind is not None:
        return choices.kind
    if len(columns) > 1:
        return "multilabel" if all(_is_yes_no(c) for c in columns) else "regression"
    column = columns[0]
    if choices.positive is not None or column.drop_nulls().n_unique() == FEW_VALUES:
        return "binary"
    return "regression" if column.dtype.is_numeric() else "multiclass"


def _is_yes_no(column: pl.Series) -> bool:
    return column.dtype == pl.Boolean or (column.dtype.is_numeric() and set(column.drop_nulls().unique()) <= {0, 1})


class Outcome(NamedTuple):
    """What is predicted; targets: of rows without missing outcomes [N, T] float32, multiclass [N, 1] int32;
    positive_reason: why the positive class of two is that."""

    task: Task
    targets: np.ndarray
    positive_reason: str = ""


def make_task(columns: list[pl.Series], choices: Choices, unit: str) -> Outcome:
    """The outcome of rows whose outcomes are all known.

    Raises DataError where the outcome cannot be what the task asks for.
    """
    for column in columns:
        _refuse_times(column)
    kind = decide_kind(columns, choices)
    names = tuple(c.name for c in columns)
    if kind in ("binary", "multiclass"):
        _refuse_several(names, kind)
        classes, values, why = (_binary if kind == "binary" else _multiclass)(columns[0], choices)
        return Outcome(Task(kind=kind, targets=names, classes=classes), values, why)
    numbers = np.stack([_numbers(c, kind) for c in columns], axis=1)
    return Outcome(Task(kind=kind, targets=names, unit=unit), numbers)


def _refuse_several(names: tuple[str, ...], kind: str) -> None:
    if len(names) > 1:
        advice = "Give one --target, or --task multilabel for several yes/no columns"
        raise DataError("Target", f"one column for a {kind} task", name="targets", got=", ".join(names), advice=advice)


def known_outcomes(values: pl.Series, codes: tuple[str, ...]) -> pl.Series:
    """Without the user's codes for missing, and words for an outcome that nobody knows.

    >>> known_outcomes(pl.Series(["died", "Unknown", "alive"]), ()).to_list()
    ['died', None, 'alive']
    """
    values = without_missing_codes(values, codes)
    if values.dtype != pl.String:
        return values
    known = without_words(values, OF_AN_OUTCOME)
    return known if known.n_unique() - known.has_nulls() > 1 else values


def class_labels(column: pl.Series) -> pl.Series:
    """Levels as text; those that differ in case alone, as they may between two files, are one."""
    levels = as_levels(column)
    lower = folded(levels)
    return lower.alias(levels.name) if lower.n_unique() < levels.n_unique() else levels


def _binary(column: pl.Series, choices: Choices) -> tuple[tuple[str, ...], np.ndarray, str]:
    labels = class_labels(column)
    levels = sorted(labels.unique().to_list(), key=_natural)
    if len(levels) == 1:
        raise _one_class(column.name, levels)
    positive = as_levels(pl.Series([choices.positive], dtype=pl.String))[0]
    positive = same_level(positive, levels)
    if positive is not None and positive not in levels:
        raise DataError(
            "Positive", f"a value of {column.name}", name="positive", got=positive, advice=nearest(positive, levels)
        )
    why = "chosen with --positive"
    if positive is None:
        if len(levels) > FEW_VALUES:
            advice = f"Name the positive class with --positive (one of {', '.join(levels[:10])}), or --task multiclass"
            raise DataError("Binary target", "a column of two values", name="values", got=len(levels), advice=advice)
        positive, why = positive_class(dict(labels.value_counts().iter_rows()))
    others = [v for v in levels if v != positive]
    negative = others[0] if len(others) == 1 else f"not {positive}"
    return (negative, positive), (labels == positive).to_numpy().astype(np.float32)[:, None], why


def same_level(label: str | None, levels: list[str]) -> str | None:
    """The one of the levels that a label means: itself, or the only one that differs in case and spaces alone.

    >>> same_level("YES", ["no", "yes"]), same_level("maybe", ["no", "yes"])
    ('yes', 'maybe')
    """
    if label is None or label in levels:
        return label
    alike = [level for level in levels if level.strip().lower() == label.strip().lower()]
    return alike[0] if len(alike) == 1 else label


def _multiclass(column: pl.Series, choices: Choices) -> tuple[tuple[str, ...], np.ndarray, str]:
    labels = class_labels(column)
    levels = sorted(labels.unique().to_list(), key=_natural)
    if len(levels) == 1:
        raise _one_class(column.name, levels)
    most = min(MOST_CLASSES, len(labels) // 2)
    if len(levels) > most:
        advice = "Say --task regression for numbers, or put classes together: most are of one row"
        raise DataError("Target", f"a column of at most {most} classes", name="classes", got=len(levels), advice=advice)
    place = {level: i for i, level in enumerate(levels)}
    return tuple(levels), np.array([place[v] for v in labels.to_list()], np.int32)[:, None], ""


def _natural(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _one_class(name: str, levels: list[str]) -> DataError:
    advice = "Choose another target, or look whether --where removed a class"
    return DataError("Target", "of at least two classes", name=name, got=levels[0], advice=advice)


def _refuse_times(column: pl.Series) -> None:
    if column.dtype.is_temporal():
        advice = "Add a column of numbers, such as the days since another date"
        first = str(next(iter(column.drop_nulls()), None))
        raise DataError("Target", "numbers or classes, not times", name=column.name, got=first, advice=advice)


def _numbers(column: pl.Series, kind: str) -> np.ndarray:
    if not column.dtype.is_numeric() and column.dtype != pl.Boolean:
        first = column.drop_nulls()[0]
        advice = "Say --task multiclass or --positive VALUE, or choose a numeric column"
        raise DataError(f"Target of {kind}", "numbers", name=column.name, got=str(first), advice=advice)
    values = column.cast(pl.Float64).to_numpy()
    if np.abs(values).max() > LARGEST:
        advice = "Choose a larger unit"
        raise DataError(
            "Target", f"at most {LARGEST:.0e}", name=column.name, got=f"{np.abs(values).max():g}", advice=advice
        )
    if np.ptp(values.astype(np.float32)) == 0:
        little = "Its values differ too little for 32-bit numbers: subtract their mean"
        advice = little if np.ptp(values) else "Nothing can be learned from it: choose another target"
        raise DataError(
            "Target", "of more than one value", name=column.name, got=f"{values[0]:g} in every row", advice=advice
        )
    if kind == "count" and ((values < 0).any() or (values != np.round(values)).any()):
        wrong = values[(values < 0) | (values != np.round(values))][0]
        raise DataError(
            "Count", "a whole number >= 0", name=column.name, got=f"{wrong:g}", advice="Say --task regression"
        )
    if kind == "multilabel" and not set(np.unique(values)) <= {0.0, 1.0}:
        raise DataError("Label", "0 or 1", name=column.name, got=f"{values.max():g}", advice="Say --task regression")
    return values.astype(np.float32)
