"""What a linear model reaches on the rows that a watched loop began with: a level that training should reach."""

from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from rounds.baselines.baseline import in_unit
from rounds.baselines.linear import fit_line
from rounds.target_scale import TargetScale
from rounds.task import Task

HELD_OUT = 0.25  # share of the rows that judge
FEWEST_ROWS, MOST_ROWS, MOST_COLUMNS, MOST_OUTPUTS = 40, 2_000, 1_000, 12
PENALTY = {"regression": 10.0, "binary": 1 / 0.3, "multilabel": 1 / 0.3, "multiclass": 1 / 0.3}
FURTHEST = 5.0  # standardized values are clipped here
_FLOOR = 1e-7


def linear_loss(loss: str, task: Task, inputs: np.ndarray, targets: np.ndarray) -> float | None:
    """Loss of a linear model on a quarter of the rows, fitted to the others; None where that would not compare.

    inputs [N, D]; targets [N, T] as the loss is given them.

    >>> x = np.linspace(-1, 1, 80)[:, None]
    >>> linear_loss("mse", Task(kind="regression", targets=("y",)), x, 3 * x) < 0.1
    True
    """
    judge = _LOSSES.get(loss)
    rows = min(len(inputs), MOST_ROWS)
    if judge is None or inputs.ndim != 2 or task.kind not in PENALTY:
        return None
    if rows < FEWEST_ROWS or inputs.shape[1] > MOST_COLUMNS or task.outputs > MOST_OUTPUTS:
        return None
    order = np.random.default_rng(0).permutation(len(inputs))[:rows]
    cut = round((1 - HELD_OUT) * rows)
    x, y = _standardized(inputs[order].astype(np.float64), cut), _one_column_a_class(targets[order], task)
    learned = y.argmax(1)[:, None] if task.kind == "multiclass" else y
    if any(len(np.unique(column)) < 2 for column in learned[:cut].T):
        return None
    with threadpool_limits(1):
        beta, intercept = fit_line(task, x[:cut], learned[:cut], PENALTY[task.kind])
    predicted = in_unit(task, TargetScale(kind="identity"), x[cut:] @ beta + intercept)
    return judge(predicted, y[cut:]) if predicted.shape == y[cut:].shape else None


def _standardized(inputs: np.ndarray, cut: int) -> np.ndarray:
    mean, spread = inputs[:cut].mean(0), inputs[:cut].std(0)
    return np.clip((inputs - mean) / np.where(spread > 0, spread, np.inf), -FURTHEST, FURTHEST)


def _one_column_a_class(targets: np.ndarray, task: Task) -> np.ndarray:
    if task.kind == "multiclass" and targets.shape[1] == 1:
        return np.eye(task.outputs)[targets[:, 0].astype(int)]
    return targets.astype(np.float64)


def _labels(p: np.ndarray, y: np.ndarray) -> float:
    p = np.clip(p, _FLOOR, 1 - _FLOOR)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def _classes(p: np.ndarray, y: np.ndarray) -> float:
    return -float((y * np.log(np.clip(p, _FLOOR, 1.0))).sum(axis=1).mean())


_LOSSES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mse": lambda p, y: float(((p - y) ** 2).mean()),
    "mae": lambda p, y: float(np.abs(p - y).mean()),
    "binary_crossentropy": _labels,
    "categorical_crossentropy": _classes,
    "sparse_categorical_crossentropy": _classes,
}
