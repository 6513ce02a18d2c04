"""The prediction that knows no patient: what every network has to beat."""

import numpy as np

from rounds.task import Task
from rounds.training.population.fold_data import FoldData


def constant_prediction(task: Task, fold_data: FoldData) -> np.ndarray:
    """[outputs] float64: the mean outcome of the rows learned from (multiclass: the share of each class)."""
    observed = fold_data.targets[fold_data.learned]
    if task.kind == "multiclass":
        return np.bincount(observed[:, 0].astype(int), minlength=task.outputs) / len(observed)
    return np.asarray(observed.mean(0), np.float64)


def constant_predictions(task: Task, fold_data: FoldData, rows: int) -> np.ndarray:
    """[rows, outputs]: the same for every row."""
    return np.tile(constant_prediction(task, fold_data), (rows, 1))
