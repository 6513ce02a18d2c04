"""Flow of patients from file to analysis, and Table 1: who they are in each part, with what is missing."""

from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from rounds.data.dataset import Column, Dataset, Split
from rounds.data.disclosure import FEWEST_PATIENTS, shared_levels
from rounds.data.tables.values import as_booleans, as_levels, as_numbers
from rounds.run_folder.evidence import CharacteristicRow, Characteristics, Counted, Excluded, Flow
from rounds.statistics.small_cells import shown_cells

# Levels of a column shown in Table 1, the most frequent first; the rest are shown together.
MOST_LEVELS = 10
QUARTILES = (0.25, 0.5, 0.75)

Cell = dict[str, int | float] | None


def flow_record(dataset: Dataset, split: Split) -> Flow:
    """Rows read, rows left out with the reason (and patients of whom nothing is left), rows and patients of each part.

    >>> from rounds.data.loading import load
    >>> from rounds.data.splitting import split_dataset
    >>> dataset = load("diabetes")
    >>> flow_record(dataset, split_dataset(dataset)).parts
    {'all': Counted(rows=442, patients=442)}
    """
    used = sum(len(rows) for rows in split_parts(dataset, split).values())
    origin = dataset.provenance
    lost = origin.lost_patients or (None,) * len(origin.exclusions)
    excluded = [
        Excluded(reason=reason, rows=rows, patients=people)
        for (reason, rows), people in zip(origin.exclusions, lost, strict=True)
    ]
    if dataset.rows > used:
        reason = "earlier rows of patients who judge (split by time)"
        excluded.append(Excluded(reason=reason, rows=dataset.rows - used, patients=0))
    parts = {
        name: Counted(rows=len(rows), patients=len(np.unique(dataset.cohort.patients[rows])))
        for name, rows in split_parts(dataset, split).items()
    }
    return Flow(rows_read=origin.rows_read, excluded=tuple(excluded), rows=used, parts=parts, how=split.how)


def split_parts(dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    """Rows of each part; small data, where every patient judges once, is one part."""
    if split.kind == "out-of-fold":
        return {"all": split.development}
    return {"development": split.development, "test": split.test}


def characteristics(dataset: Dataset, split: Split) -> Characteristics:
    """Table 1: each feature and outcome in each part; cells of under 10 patients are left out (None).

    Cells of numbers hold median and quartiles, of levels rows and share of rows with a value; "missing" rows hold rows
    and share of all.
    """
    parts = split_parts(dataset, split)
    made: list[CharacteristicRow] = []
    for column in dataset.features:
        made += _column(column, dataset.inputs[column.name], parts, dataset.cohort.patients)
    return Characteristics(parts=flow_record(dataset, split).parts, rows=(*_outcomes(dataset, parts), *made))


def _outcomes(dataset: Dataset, parts: dict[str, np.ndarray]) -> list[CharacteristicRow]:
    task = dataset.task
    made: list[CharacteristicRow] = []
    for t, name in enumerate(task.targets):
        column = Column(name=name, role="categorical" if task.is_classification else "numeric", unit=task.unit)
        values = dataset.targets[:, t]
        classes = task.classes or ("0", "1")
        series = pl.Series([classes[int(v)] for v in values]) if task.is_classification else pl.Series(values)
        made += _column(column, series, parts, dataset.cohort.patients)
    return made


def _column(
    column: Column, values: pl.Series, parts: dict[str, np.ndarray], patients: np.ndarray
) -> list[CharacteristicRow]:
    row = partial(CharacteristicRow, column=column.name, unit=column.unit)
    if column.role == "numeric":
        x = as_numbers(values)
        cells = {name: _quartiles(x[rows], patients[rows]) for name, rows in parts.items()}
        made = [row(kind="number", level=None, parts=cells)]
        absent = np.isnan(x)
    else:
        texts = as_booleans(values).cast(pl.String) if column.role == "boolean" else as_levels(values)
        absent = texts.is_null().to_numpy()
        made = _levels(row, texts, parts, patients)
    if absent.any():
        missing = {name: _counted(absent[rows], patients[rows]) for name, rows in parts.items()}
        made.append(row(kind="missing", level=None, parts=missing))
    return made


def _quartiles(x: np.ndarray, patients: np.ndarray) -> Cell:
    known = ~np.isnan(x)
    if len(np.unique(patients[known])) < FEWEST_PATIENTS:
        return None
    low, middle, high = np.quantile(x[known], QUARTILES).tolist()
    return {"median": middle, "low": low, "high": high}


def _levels(
    row: Callable[..., CharacteristicRow], texts: pl.Series, parts: dict[str, np.ndarray], patients: np.ndarray
) -> list[CharacteristicRow]:
    """The most frequent levels that ten patients have, and all others as one, which names none of them; small cells are
    left out, never just one of a part."""
    kept = shared_levels(texts, patients)[:MOST_LEVELS]
    rest = texts.drop_nulls().unique().to_list()
    rest = [name for name in rest if name not in kept]
    known = texts.is_not_null().to_numpy()
    inside = [(texts == name).fill_null(False).to_numpy() for name in kept]
    if rest:
        inside.append(texts.is_in(rest).fill_null(False).to_numpy())
    shown = [*kept, *(["other"] if rest else [])]
    cells = {name: _cells(inside, known, rows, patients) for name, rows in parts.items()}
    return [
        row(kind="level", level=level, parts={name: cells[name][i] for name in parts}) for i, level in enumerate(shown)
    ]


def _cells(inside: list[np.ndarray], known: np.ndarray, rows: np.ndarray, patients: np.ndarray) -> list[Cell]:
    """Rows and share of each level; a hidden count of missing values hides a level too, or the sum would tell it."""
    *people, absent = (len(np.unique(patients[rows][level[rows]])) for level in (*inside, ~known))
    total = int(known[rows].sum())
    shown = shown_cells(people)
    if 0 < absent < FEWEST_PATIENTS and all(shown):
        shown[int(np.argmin([n or np.inf for n in people]))] = False
    return [
        {"rows": int(level[rows].sum()), "share": float(level[rows].sum() / max(total, 1))} if is_shown else None
        for level, is_shown in zip(inside, shown, strict=True)
    ]


def _counted(hit: np.ndarray, patients: np.ndarray) -> Cell:
    people = len(np.unique(patients[hit]))
    if 0 < people < FEWEST_PATIENTS:
        return None
    return {"rows": int(hit.sum()), "share": float(hit.mean())}
