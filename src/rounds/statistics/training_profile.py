"""What training patients looked like, column by column: shares of bins and levels, no patient; to see drift against.

reference.json in a run folder; `rounds.statistics.drift` compares new patients with it.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from rounds.data.dataset import FEATURE_ROLES, Column, Dataset
from rounds.data.tables.values import as_booleans, as_levels, as_numbers
from rounds.errors import RunFolderError
from rounds.statistics.small_cells import FEWEST_PATIENTS

PROFILE = "reference.json"
# Bins of a number: tenths, as the population stability index is used (Siddiqi 2006, Credit Risk Scorecards).
MOST_BINS = 10
OTHER = "other"


class ProfileColumn(BaseModel):
    """One column among patients who were learned from, each patient counting once however many rows they have.

    edges: limits between bins of a number; levels: of a categorical or boolean column, the last is all others;
    shares: of patients with a value in each bin or level, sum 1; missing: share of patients without a value;
    median: of a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    kind: Literal["number", "levels", "flag"]
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    missing: float = 0.0
    median: float | None = None


class TrainingProfile(BaseModel):
    """All columns, and how many patients they stand for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patients: int
    rows: int
    columns: tuple[ProfileColumn, ...]


def make_training_profile(dataset: Dataset, rows: np.ndarray) -> TrainingProfile:
    """From rows [M] of the table that networks learned from.

    >>> from rounds.data.loading import load
    >>> dataset = load("diabetes")
    >>> made = make_training_profile(dataset, np.arange(442))
    >>> made.patients, made.columns[0].column, len(made.columns[0].shares)
    (442, 'age', 10)
    """
    index = pl.Series(rows, dtype=pl.UInt32)
    weights = patient_shares(dataset.cohort.patients[rows])
    people = len(np.unique(dataset.cohort.patients[rows]))
    columns = tuple(
        _column(c, dataset.inputs[c.name].gather(index), weights, people)
        for c in dataset.columns
        if c.role in FEATURE_ROLES
    )
    return TrainingProfile(patients=people, rows=len(rows), columns=columns)


def patient_shares(patients: np.ndarray) -> np.ndarray:
    """[N] weights, sum 1: every patient counts the same, spread over their rows.

    >>> patient_shares(np.array([4, 4, 9])).tolist()
    [0.25, 0.25, 0.5]
    """
    owner = np.unique(patients, return_inverse=True)[1]
    counts = np.bincount(owner)
    return np.asarray(1.0 / (counts[owner] * len(counts)))


def _column(column: Column, values: pl.Series, weights: np.ndarray, people: int) -> ProfileColumn:
    if column.role == "numeric":
        return _number(column.name, as_numbers(values), weights, people)
    texts = as_booleans(values).cast(pl.String) if column.role == "boolean" else as_levels(values)
    kind: Literal["flag", "levels"] = "flag" if column.role == "boolean" else "levels"
    known = texts.is_not_null().to_numpy()
    total = pl.DataFrame({"level": texts, "share": weights}).drop_nulls().group_by("level").sum()
    kept = total.filter(pl.col("share") * people >= FEWEST_PATIENTS).sort("share", "level", descending=[True, False])
    made = ProfileColumn(
        column=column.name, kind=kind, levels=(*kept["level"].to_list(), OTHER), missing=_rest(weights, known)
    )
    return made.model_copy(update={"shares": tuple(shares(made, values, weights).tolist())})


def _number(name: str, x: np.ndarray, weights: np.ndarray, people: int) -> ProfileColumn:
    known = ~np.isnan(x)
    missing = _rest(weights, known)
    if not known.any():
        return ProfileColumn(column=name, kind="number", shares=(1.0,), missing=missing)
    bins = int(np.clip(people // FEWEST_PATIENTS, 1, MOST_BINS))
    edges = np.unique(np.quantile(x[known], np.linspace(0, 1, bins + 1)[1:-1]))
    made = ProfileColumn(
        column=name, kind="number", edges=tuple(edges.tolist()), missing=missing, median=float(np.median(x[known]))
    )
    return made.model_copy(update={"shares": tuple(shares(made, pl.Series(x), weights).tolist())})


def _rest(weights: np.ndarray, known: np.ndarray) -> float:
    return float(min(1.0, max(0.0, weights[~known].sum())))


def shares(column: ProfileColumn, values: pl.Series, weights: np.ndarray) -> np.ndarray:
    """Share of each bin or level among the rows with a value, sum 1; all 0 where there is none.

    values: [N] as read; weights: [N] of the rows.
    """
    if column.kind == "number":
        x = as_numbers(values)
        place = np.where(np.isnan(x), -1, np.searchsorted(column.edges, x, side="left"))
        width = len(column.edges) + 1
    else:
        place, width = _level_places(column, values), len(column.levels)
    known = place >= 0
    total = np.bincount(place[known], weights[known], minlength=width)
    return np.asarray(total / total.sum() if total.sum() > 0 else total)


def _level_places(column: ProfileColumn, values: pl.Series) -> np.ndarray:
    texts = as_booleans(values).cast(pl.String) if column.kind == "flag" else as_levels(values)
    known = list(column.levels[:-1])
    places = texts.replace_strict(known, list(range(len(known))), default=len(known), return_dtype=pl.Int64)
    return np.where(texts.is_null().to_numpy(), -1, places.to_numpy())


def read_training_profile(run: Path) -> TrainingProfile | None:
    """A run's reference.json, or None where it keeps none; raises RunFolderError where it is damaged."""
    path = run / PROFILE
    if not path.is_file():
        return None
    try:
        return TrainingProfile.model_validate_json(path.read_bytes())
    except (ValidationError, OSError, ValueError):
        advice = "Copy the run folder again from where it was whole"
        raise RunFolderError("Run file", "whole", file=str(path), advice=advice) from None
