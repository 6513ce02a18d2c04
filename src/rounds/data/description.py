"""A dataset in words and numbers that outlive it, and new tables read the same way."""

from typing import Any

import polars as pl

from rounds.data.cohort.feature_columns import feature
from rounds.data.dataset import FEATURE_ROLES, Column, Dataset
from rounds.errors import DataError, must_be, nearest

MONTH = len("2024-12")  # letters of a date that say no day: the first and last rows are single patients'


def describe(dataset: Dataset) -> dict[str, Any]:
    """What dataset.json keeps: no cell of any patient."""
    moment, why = prediction_moment(dataset.features)
    return {
        "name": dataset.name,
        "simulated": dataset.simulated,
        "task": dataset.task.model_dump(mode="json"),
        "rows_read": dataset.rows_read,
        "rows": dataset.rows,
        "patients": int(dataset.patients.max()) + 1,
        "exclusions": [list(e) for e in dataset.exclusions],
        "columns": [c.model_dump(mode="json") for c in dataset.columns],
        "references": dataset.extra.get("references", {}),
        "group": dataset.group,
        "time": dataset.time,
        "time_range": _time_range(dataset),
        "prediction_moment": moment,
        "prediction_moment_reason": why,
        "modality": dataset.modality,
        "grid": None if dataset.array is None else list(dataset.array.shape[1:]),
        "content_hash": dataset.content_hash,
        "notes": list(dataset.notes),
    }


def prediction_moment(features: tuple[Column, ...]) -> tuple[str | None, str]:
    """The first moment at which every feature is known, None where some do not say; and why it is that.

    >>> prediction_moment((Column(name="age", role="numeric", known="admission"),))
    ('admission', 'all features are known at admission')
    """
    undeclared = [c.name for c in features if c.known == "unknown"]
    late = [c.name for c in features if c.known == "stay"]
    if undeclared:
        return None, f"{len(undeclared)} of {len(features)} features do not say when their value is known"
    if not late:
        return "admission", "all features are known at admission"
    shown = ", ".join(late[:10]) + (", ..." if len(late) > 10 else "")
    return "stay", f"known only during the stay: {shown}; leave them out with --drop to predict at admission"


def _time_range(dataset: Dataset) -> list[str] | None:
    if dataset.time is None or dataset.time not in dataset.identifiers.columns:
        return None
    column = dataset.identifiers[dataset.time]
    first, last = str(column.min()), str(column.max())
    return [first[:MONTH], last[:MONTH]] if column.dtype.is_temporal() else [first, last]


def read_new(table: pl.DataFrame, description: dict[str, Any]) -> pl.DataFrame:
    """Feature columns of a new table as in training, and behind them the others as they are.

    description: `describe`'s record of the training table. Raises DataError where a feature column is missing or a
    value of another type; other and reordered columns do no harm.
    """
    columns = [Column.model_validate(c) for c in description["columns"]]
    features = [c for c in columns if c.role in FEATURE_ROLES]
    absent = [c.name for c in features if c.name not in table.columns]
    if absent:
        advice = f"Add {', '.join(absent[:10])} (empty cells are missing values). {nearest(absent[0], table.columns)}"
        raise DataError(must_be("Table", "with the columns of training", "missing", ", ".join(absent[:10]), advice))
    if not features:
        return table
    references = description.get("references", {})
    made = pl.DataFrame([feature(table, c, references.get(c.name)) for c in features])
    return made.hstack(table.select(pl.exclude(made.columns)))
