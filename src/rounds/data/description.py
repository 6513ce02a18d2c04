"""A dataset in words and numbers that outlive it, and new tables read the same way."""

from collections.abc import Iterable
from shlex import quote as quoted

import numpy as np
import polars as pl

from rounds.data.cohort.feature_columns import feature
from rounds.data.cohort.outcomes import Outcome
from rounds.data.cohort.positive_class import RARER
from rounds.data.dataset import FEATURE_ROLES, Column, Dataset
from rounds.data.roles.read_columns import column_notes
from rounds.data.tables.cells.reading import Reading
from rounds.data.tables.reading import AS_WRITTEN
from rounds.errors import DataError, nearest
from rounds.run_folder.dataset import ColumnRecord, DatasetFile, SplitRecord
from rounds.run_folder.stored import Content

MOST_CLASSES_AS_NUMBERS = 6  # different whole numbers of an outcome, up to which they may be classes
MONTH = len("2024-12")  # letters of a date that say no day: the first and last rows are single patients'


def describe(dataset: Dataset, split: SplitRecord) -> DatasetFile:
    """dataset.json: no cell of any patient."""
    origin = dataset.provenance
    moment, why = prediction_moment(dataset.features)
    return DatasetFile(
        name=dataset.name,
        simulated=origin.simulated,
        task=dataset.task,
        rows_read=origin.rows_read,
        rows=dataset.rows,
        patients=int(dataset.cohort.patients.max()) + 1,
        exclusions=origin.exclusions,
        columns=tuple(ColumnRecord(**c.model_dump(mode="json")) for c in dataset.columns),
        references=origin.references,
        group=dataset.cohort.group,
        time=dataset.cohort.time,
        time_range=_time_range(dataset),
        prediction_moment=moment,
        prediction_moment_reason=why,
        modality=dataset.signals.modality,
        content_hash=origin.content_hash,
        positive_reason=dataset.positive_reason,
        split=split,
        notes=(*origin.notes, *origin.read, *column_notes(dataset.columns)),
        grid=None if dataset.signals.array is None else dataset.signals.array.shape[1:],
    )


def target_record(outcome: Outcome) -> Content:
    """What is predicted: name (names of several), kind, classes, and which of two is the positive one, and why."""
    task = outcome.task
    return {
        "name": task.targets[0] if len(task.targets) == 1 else list(task.targets),
        "kind": task.kind,
        "classes": list(task.classes),
        "positive": task.classes[1] if task.kind == "binary" else None,
        "positive_reason": outcome.positive_reason,
        "unit": task.unit,
    }


def target_line(outcome: Outcome) -> str:
    """What is predicted, in a line.

    >>> import numpy as np
    >>> from rounds.task import Task
    >>> task = Task(kind="binary", targets=("death",), classes=("no", "yes"))
    >>> target_line(Outcome(task, np.array([[1.0], [0.0]]), "by its name"))
    'Target death: positive is yes (by its name), in 1 of 2 rows; negative is no.'
    """
    task, rows = outcome.task, len(outcome.targets)
    names = ", ".join(task.targets[:5]) + (", ..." if len(task.targets) > 5 else "")
    if task.kind != "binary":
        several = f" of {', '.join(task.classes[:10])}" if task.kind == "multiclass" else ""
        said = f"Target {names}: {task.kind}{several}{f' in {task.unit}' if task.unit else ''}, {rows:,} rows"
        return f"{said}{_may_be_classes(outcome)}."
    cases = int(outcome.targets.sum())
    turn = f" (--positive {quoted(task.classes[0])} turns it)" if outcome.positive_reason == RARER else ""
    return (
        f"Target {names}: positive is {task.classes[1]} ({outcome.positive_reason}), in {cases:,} of {rows:,} rows; "
        f"negative is {task.classes[0]}{turn}."
    )


def _may_be_classes(outcome: Outcome) -> str:
    """What to type where numbers that are predicted may be the names of classes."""
    values = np.unique(outcome.targets)
    few = len(outcome.task.targets) == 1 and len(values) <= MOST_CLASSES_AS_NUMBERS
    if outcome.task.kind != "regression" or not few or (values != np.round(values)).any():
        return ""
    return f"; if its {len(values)} different numbers are classes: --task multiclass, or --positive VALUE"


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


def _time_range(dataset: Dataset) -> tuple[str, str] | None:
    if dataset.cohort.time is None or dataset.cohort.time not in dataset.cohort.identifiers.columns:
        return None
    column = dataset.cohort.identifiers[dataset.cohort.time]
    first, last = str(column.min()), str(column.max())
    return (first[:MONTH], last[:MONTH]) if column.dtype.is_temporal() else (first, last)


def readings_of(columns: Iterable[Column]) -> dict[str, Reading]:
    """How the columns of a new file are read, so that they become what they were in training.

    >>> readings_of([Column(name="age", role="numeric"), Column(name="icd", role="categorical", as_written=True)])
    {'age': Reading(kind='number', ...), 'icd': Reading(kind='written', ...)}
    """
    found = {column.name: _reading_of(column) for column in columns if not column.made_from}
    return {name: reading for name, reading in found.items() if reading is not None}


def _reading_of(column: Column) -> Reading | None:
    """None where the new file's own cells tell: of names, and of codes that are whole numbers."""
    reading = column.reading
    if column.role in ("numeric", "baseline") and (reading is None or reading.kind == "text"):
        return Reading(kind="number")
    if reading is None or (column.as_written and reading.kind != "text" and reading.kind != "pair"):
        return AS_WRITTEN if column.as_written else None
    kept = column.role in ("numeric", "boolean", "target", "baseline", "date", "time") or reading.kind in (
        "pair",
        "text",
    )
    return reading if kept else None


def read_new(table: pl.DataFrame, columns: Iterable[Column], references: dict[str, str]) -> pl.DataFrame:
    """Feature columns of a new table as in training, and behind them the others as they are.

    columns, references: of the training table. Raises DataError where a feature column is missing or a
    value of another type; other and reordered columns do no harm.
    """
    features = [c for c in columns if c.role in FEATURE_ROLES]
    absent = [c.name for c in features if c.name not in table.columns]
    if absent:
        advice = f"Add {', '.join(absent[:10])} (empty cells are missing values). {nearest(absent[0], table.columns)}"
        raise DataError(
            "Table", "with the columns of training", name="missing", got=", ".join(absent[:10]), advice=advice
        )
    if not features:
        return table
    made = pl.DataFrame([feature(table, c, references.get(c.name), strict=False) for c in features])
    return made.hstack(table.select(pl.exclude(made.columns)))
