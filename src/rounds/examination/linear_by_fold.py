"""A linear model on the very folds that networks train on: what any training that works should reach.

It is fitted to the arrays that the networks read (of images and recordings to engineered features), standardized, and
judged by the networks' own loss, so that a network behind it on its own validation patients was not trained well,
whatever the data allow.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from rounds.baselines.baseline import in_unit
from rounds.baselines.linear import fit_line
from rounds.data.dataset import Inputs
from rounds.examination.numpy_loss import EACH, numpy_loss
from rounds.plan import Plan
from rounds.target_scale import TargetScale
from rounds.task import Task
from rounds.training.compiled.objective import loss_name
from rounds.training.population.fold_data import FoldData, network_targets

MOST_ROWS, MOST_LEVELS, MOST_OUTPUTS = 5_000, 400, 8  # beyond, the model is fitted to fewer and takes no longer
# Penalty on standardized columns, as `fit_line` has it: next to nothing for hundreds of rows.
PENALTY = {"regression": 10.0, "count": 1.0, "binary": 1 / 0.3, "multilabel": 1 / 0.3, "multiclass": 1 / 0.3}
UNSCALED = TargetScale(kind="identity")
# Times the penalty: engineered features are often half as many as the rows, and which is best depends on the data.
PENALTIES_ENGINEERED = (1.0, 3.0, 10.0, 30.0)
FEWEST_TO_CHOOSE, UNCHOSEN = 3, 10.0  # folds, below which it is so many times the usual penalty
FURTHEST = 5.0  # standardized values are clipped here: one wild value must not decide a linear model


def linear_losses(fold_data: FoldData, task: Task, plan: Plan) -> dict[int, float]:
    """Validation loss of the linear model for each fold.

    Where its penalty is chosen, a fold's outcomes have no part in choosing that of the model which is judged on them:
    the best of several on the patients who judge networks would be a little better than it is on any others.

    Empty where it would not compare: too many outputs to fit quickly, networks that weigh classes, images or recordings
    without engineered features, a loss of the user's own.
    """
    if loss_name(plan, task) not in EACH:
        return {}
    if task.outputs > MOST_OUTPUTS or plan.class_weights != "none" or not _has_columns(fold_data.inputs):
        return {}
    rows = _Rows(fold_data, network_targets(task, fold_data.target_scale, fold_data.targets), task, plan)
    chosen = dict.fromkeys(fold_data.folds, 1.0) if fold_data.inputs.array is None else _penalties(rows)
    return {
        fold: float(_loss(rows, fold, parts.train, (parts.held,), chosen[fold])[0])
        for fold, parts in fold_data.folds.items()
    }


class _Rows(NamedTuple):
    """What the linear model is fitted to and judged by; targets: on the networks' scale."""

    fold_data: FoldData
    targets: np.ndarray
    task: Task
    plan: Plan


def _penalties(rows: _Rows) -> dict[int, float]:
    """For each fold, the times the usual penalty that suit its training rows best: of models that leave another fold
    out as well, judged on that one. With fewer than three folds nothing is left to fit these to: the middle one."""
    folds = rows.fold_data.folds
    if len(folds) < FEWEST_TO_CHOOSE:
        return dict.fromkeys(folds, UNCHOSEN)
    sums = {fold: np.zeros(len(PENALTIES_ENGINEERED)) for fold in folds}
    for one, other in combinations(folds, 2):
        held = folds[one].held, folds[other].held
        train = np.intersect1d(folds[one].train, folds[other].train, assume_unique=True)
        losses = np.array([_loss(rows, one, train, held, factor) for factor in PENALTIES_ENGINEERED])  # [penalties, 2]
        sums[one] += losses[:, 1]
        sums[other] += losses[:, 0]
    return {fold: PENALTIES_ENGINEERED[int(each.argmin())] for fold, each in sums.items()}


def _loss(rows: _Rows, seed: int, train: np.ndarray, held: tuple[np.ndarray, ...], factor: float) -> tuple[float, ...]:
    """On each of these parts, of the model with so many times the usual penalty that was fitted to `train`."""
    some = _some(train, seed)
    fitted, apart = standardized(rows.fold_data.inputs, some, np.concatenate(held))
    learned = rows.targets[some].astype(np.float64)
    learned = learned.argmax(axis=1)[:, None] if rows.task.kind == "multiclass" else learned
    with threadpool_limits(1):  # networks train at the same time on every core
        beta, intercept = fit_line(rows.task, fitted, learned, factor * PENALTY[rows.task.kind])
    predicted = in_unit(rows.task, UNSCALED, apart @ beta + intercept)
    loss, ends = loss_name(rows.plan, rows.task), np.cumsum([len(part) for part in held])[:-1]
    parts = zip(np.split(predicted, ends), held, strict=True)
    return tuple(numpy_loss(loss, said, rows.targets[part].astype(np.float64)) for said, part in parts)


def _has_columns(inputs: Inputs) -> bool:
    return any(part.shape[1] for part in (inputs.numbers, inputs.flags, inputs.codes))


def _some(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))


def standardized(inputs: Inputs, train: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standardized columns for training [n, D] and held-out rows [v, D]: numbers, flags, and the frequent codes."""
    parts = [np.concatenate([inputs.numbers[rows], inputs.flags[rows]], axis=1) for rows in (train, held)]
    columns = [_one_hot(inputs.codes[train, c], inputs.codes[held, c]) for c in range(inputs.codes.shape[1])]
    whole = [np.concatenate([part, *(c[side] for c in columns)], axis=1) for side, part in enumerate(parts)]
    mean, spread = whole[0].mean(axis=0), whole[0].std(axis=0)
    made = [np.clip((x - mean) / np.where(spread > 0, spread, np.inf), -FURTHEST, FURTHEST) for x in whole]
    return made[0].astype(np.float64), made[1].astype(np.float64)


def _one_hot(train: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts = np.bincount(train)
    kept = np.argsort(-counts, kind="stable")[: min(MOST_LEVELS, int((counts >= 5).sum()))]
    return (train[:, None] == kept).astype(np.float32), (held[:, None] == kept).astype(np.float32)
