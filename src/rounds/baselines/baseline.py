"""What a network has to beat, as plain arrays and a description: a constant, a linear model, trees, a score in use."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from rounds.baselines.trees import TreeColumn, forest_outputs, tree_inputs
from rounds.data.preparation.preparation import Preparation
from rounds.data.tables.values import as_numbers
from rounds.errors import DataError, nearest
from rounds.target_scale import TargetScale
from rounds.task import Task

# Log-odds (or log-rate) of a class that no training row had: a chance of 1e-7, the resolution of float32 near 1.
ABSENT = -16.0


class BaselineRecord(BaseModel):
    """What a baseline says about itself.

    note: how it was fitted, in words. preparation: of a linear model's inputs; tree_columns: of the trees'; column:
    where a score in use stands. target_scale: from the fitted scale to the user's unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    note: str
    kind: Literal["constant", "linear", "trees", "score"]
    task: Task
    target_scale: TargetScale
    preparation: Preparation | None = None
    tree_columns: tuple[TreeColumn, ...] = ()
    column: str = ""


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline; arrays: its numbers by name (see `linear_outputs`, `forest_outputs`)."""

    record: BaselineRecord
    arrays: dict[str, np.ndarray]

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def note(self) -> str:
        return self.record.note

    def predict(self, inputs: pl.DataFrame) -> np.ndarray:
        """[N] rows as read -> [N, T] or [N, C] float64 in the user's unit: means, rates or probabilities.

        A score in use needs its column in the table, or DataError is raised. Any other column that is absent counts
        as missing.
        """
        outputs = {"constant": _constant, "linear": _linear, "trees": _trees, "score": _score}[self.record.kind]
        return in_unit(self.record.task, self.record.target_scale, outputs(self, inputs))


def in_unit(task: Task, scale: TargetScale, outputs: np.ndarray) -> np.ndarray:
    """Outputs on the fitted scale (log-odds, log-rates, scaled targets) -> predictions in the user's unit.

    >>> task = Task(kind="binary", targets=("death",), classes=("0", "1"))
    >>> in_unit(task, TargetScale(kind="identity"), np.array([[0.0]]))
    array([[0.5]])
    """
    if task.kind == "regression":
        return scale.backward(outputs)
    if task.kind == "count":
        return np.asarray(np.exp(outputs))
    if task.kind == "multiclass":
        raised = np.exp(outputs - outputs.max(1, keepdims=True))
        return np.asarray(raised / raised.sum(1, keepdims=True))
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * outputs)))  # the logistic function, without overflow


def certain_outputs(task: Task, target: int, value: float) -> dict[int, float]:
    """Outputs {place: log-odds or log-rate} for a target (its place) that has the same value in all training rows.

    >>> certain_outputs(Task(kind="count", targets=("falls",)), 0, 1.0)
    {0: 0.0}
    """
    if task.kind == "multiclass":
        return {int(value): 0.0}
    if task.kind == "regression":
        return {target: value}
    if task.kind == "count":
        return {target: float(np.log(value)) if value > 0 else ABSENT}
    return {target: -ABSENT if value > 0.5 else ABSENT}


def linear_outputs(preparation: Preparation, arrays: dict[str, np.ndarray], inputs: pl.DataFrame) -> np.ndarray:
    """[N, outputs]: intercept + one coefficient for each number, flag, and level of each code.

    arrays: coefficients [numbers + flags + levels, outputs] in the order of `Preparation.shape`, intercept [outputs].
    """
    made, shape = preparation.apply(inputs), preparation.shape
    numbers, flags, levels = np.split(arrays["coefficients"], np.cumsum([shape.numbers, shape.flags]))
    found = made.numbers @ numbers + made.flags @ flags + arrays["intercept"]
    for codes, offset in zip(made.codes.T, np.cumsum([0, *shape.levels]), strict=False):
        found += levels[offset + codes]
    return np.asarray(found)


def _constant(baseline: Baseline, inputs: pl.DataFrame) -> np.ndarray:
    return np.tile(baseline.arrays["value"], (inputs.height, 1))


def _linear(baseline: Baseline, inputs: pl.DataFrame) -> np.ndarray:
    assert baseline.record.preparation is not None
    return linear_outputs(baseline.record.preparation, baseline.arrays, inputs)


def _trees(baseline: Baseline, inputs: pl.DataFrame) -> np.ndarray:
    return forest_outputs(baseline.arrays, tree_inputs(baseline.record.tree_columns, inputs))


def _score(baseline: Baseline, inputs: pl.DataFrame) -> np.ndarray:
    column = baseline.record.column
    if column not in inputs.columns:
        advice = f"Add the score in use today. {nearest(column, inputs.columns)}"
        raise DataError("Table", f"one with column {column}", name="columns", got=inputs.columns[:20], advice=advice)
    x = as_numbers(inputs.get_column(column))
    x = np.where(np.isnan(x), baseline.arrays["stand_in"], x)[:, None]
    return np.asarray(baseline.arrays["intercept"] + baseline.arrays["slope"] * x)
