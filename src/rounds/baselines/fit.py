"""The baselines of one training, fitted on the very rows that its networks learn from."""

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from rounds.baselines.baseline import Baseline, BaselineRecord
from rounds.baselines.folder import load_baselines, save_baselines
from rounds.baselines.linear import design_matrix, fit_by_loss, fit_ridge
from rounds.baselines.score_in_use import fit_constants, fit_scores
from rounds.baselines.trees import TreeColumn, tree_inputs
from rounds.baselines.trees_fit import fit_forest, tree_data
from rounds.data.dataset import Dataset
from rounds.data.preparation.preparation import Preparation
from rounds.target_scale import TargetScale

__all__ = ["Baseline", "fit_baselines", "judged_inputs", "load_baselines", "save_baselines", "skipped_baselines"]

# Parts of the patients that a penalty is chosen on, and, in a large table, rows from which one part is enough.
FOLDS, LARGE_ROWS = 5, 20_000
# Trees are grown one target at a time: beyond this many targets they would take longer than the networks.
MOST_TREE_TARGETS = 30
MOST_TO_GROW = 5_000  # of targets times columns, of several targets: 20 of 441 columns had not ended after 26 minutes


def fit_baselines(dataset: Dataset, rows: np.ndarray, target_scale: TargetScale, seed: int) -> list[Baseline]:
    """Constant, linear model, trees and (where the table has one) the score in use, fitted on `rows` [M] of the table.

    target_scale: the one that networks learn on. Penalties and numbers of trees are chosen on patients left out.
    `skipped_baselines` says which are not made, and why; the same ones are made whatever the rows.
    """
    plain = target_scale.model_copy(update={"knots": (), "table": ()})
    folds = patient_folds(dataset.cohort.patients[rows], dataset.targets[rows], seed)
    with threadpool_limits(1):  # networks train at the same time on every core, and waiting threads would spin
        skipped = skipped_baselines(dataset)
        found = [*fit_constants(dataset, rows)]
        found += [] if "linear" in skipped else [_linear(dataset, rows, plain, folds)]
        if "trees" not in skipped:
            found.append(_trees(dataset, rows, plain, folds, seed))
        return [*found, *fit_scores(dataset, rows)]


def skipped_baselines(dataset: Dataset) -> dict[str, str]:
    """Baselines that are not made for this table, with the reason."""
    skipped: dict[str, str] = {}
    task = dataset.task
    if not dataset.features:
        skipped |= dict.fromkeys(("linear", "trees"), "the table has no columns to fit them on")
    count = len(task.targets)
    much = count * len(dataset.features) > MOST_TO_GROW
    if count > MOST_TREE_TARGETS or (count > 1 and much):
        skipped["trees"] = f"grown one target at a time, and {count} targets would take hours"
    if dataset.cohort.baseline is not None and (task.kind in ("multiclass", "multilabel") or len(task.targets) > 1):
        skipped[dataset.cohort.baseline_name] = "one score cannot stand for several outputs"
    return skipped


def judged_inputs(dataset: Dataset, rows: np.ndarray) -> pl.DataFrame:
    """The inputs of `rows` with the score in use, where there is one: what every baseline can predict from."""
    frame = dataset.inputs[rows]
    if dataset.cohort.baseline is None:
        return frame
    return frame.with_columns(pl.Series(dataset.cohort.baseline_name, dataset.cohort.baseline[rows]))


def patient_folds(patients: np.ndarray, targets: np.ndarray, seed: int) -> list[np.ndarray]:
    """Places [.] of rows in up to FOLDS parts that share no patient and have alike outcomes (large tables: one part).

    patients: [N]; targets: [N, T].

    >>> [fold.tolist() for fold in patient_folds(np.array([5, 5, 7]), np.array([[0.0], [0.0], [1.0]]), 0)]
    [[0, 1], [2]]
    """
    codes, owner = np.unique(patients, return_inverse=True)
    outcome = np.bincount(owner, targets[:, 0]) / np.bincount(owner)
    order = np.lexsort((np.random.default_rng(seed).random(len(codes)), outcome))
    fold = np.empty(len(codes), np.int64)
    fold[order] = np.arange(len(codes)) % min(FOLDS, len(codes))
    parts = 1 if len(patients) > LARGE_ROWS else min(FOLDS, len(codes))
    return [np.flatnonzero(fold[owner] == part) for part in range(parts)]


def held_last(rows: np.ndarray, folds: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Rows [M] and the places in them of a single fold, moved to the end: what is not in it is then a slice of whatever
    is made from the rows, and need not be copied. Several folds stay as they are.

    >>> rows, folds = held_last(np.array([10, 20, 30]), [np.array([0, 1])])
    >>> rows.tolist(), folds[0].tolist()
    ([30, 10, 20], [1, 2])
    """
    if len(folds) != 1:
        return rows, folds
    seen = np.setdiff1d(np.arange(len(rows)), folds[0])
    return rows[np.concatenate([seen, folds[0]])], [np.arange(len(seen), len(rows))]


def _linear(dataset: Dataset, rows: np.ndarray, scale: TargetScale, folds: list[np.ndarray]) -> Baseline:
    task, targets = dataset.task, dataset.targets[rows]
    preparation = Preparation.fit(dataset.columns, dataset.inputs, rows, patients=dataset.cohort.patients)
    design = design_matrix(preparation.apply(dataset.inputs[rows]), preparation.shape)
    if task.kind == "regression":
        fit = fit_ridge(design, scale.forward(targets).astype(np.float64), folds)
        scale = scale.with_smearing(fit.left_out_outputs, targets[fit.left_out])
    else:
        fit = fit_by_loss(task, design, targets, folds)
    method = {"regression": "ridge regression", "count": "Poisson regression"}.get(task.kind, "logistic regression")
    record = BaselineRecord(
        name="linear",
        note=f"{method}, penalty {fit.penalty:.3g} chosen on patients left out",
        kind="linear",
        task=task,
        target_scale=scale,
        preparation=preparation,
    )
    return Baseline(record, {"coefficients": fit.coefficients, "intercept": fit.intercept})


def _tree_table(dataset: Dataset, rows: np.ndarray) -> tuple[tuple[TreeColumn, ...], np.ndarray]:
    """How trees read each column, and what they read."""
    inputs = dataset.inputs[rows]
    patients = dataset.cohort.patients[rows]
    columns = tuple(TreeColumn.fit(c, inputs.get_column(c.name), patients) for c in dataset.features)
    return columns, tree_inputs(columns, inputs)


def _trees(dataset: Dataset, rows: np.ndarray, scale: TargetScale, folds: list[np.ndarray], seed: int) -> Baseline:
    rows, folds = held_last(rows, folds)
    task, targets = dataset.task, dataset.targets[rows]
    columns, values = _tree_table(dataset, rows)
    fitted = scale.forward(targets) if task.kind == "regression" else targets
    data = tree_data(columns, values, folds, seed, small=len(rows) <= LARGE_ROWS)
    forest, outputs = fit_forest(task, data, fitted.astype(np.float64))
    if task.kind == "regression":
        scale = scale.with_smearing(outputs, targets[np.concatenate(folds)])
    record = BaselineRecord(
        name="trees",
        note=f"histogram gradient boosting, {len(forest['root'])} trees, their number chosen on patients left out",
        kind="trees",
        task=task,
        target_scale=scale,
        tree_columns=columns,
    )
    return Baseline(record, forest)
