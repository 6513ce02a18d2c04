"""The prediction that knows no patient: what every network has to beat."""

import numpy as np

from rounds.task import Task


def constant_prediction(task: Task, learned: np.ndarray) -> np.ndarray:
    """[outputs] float64: the mean of the outcomes learned from (multiclass: the share of each class)."""
    if task.kind == "multiclass":
        return np.bincount(learned[:, 0].astype(int), minlength=task.outputs) / len(learned)
    return np.asarray(learned.mean(0), np.float64)


def constant_predictions(task: Task, learned: np.ndarray, rows: int) -> np.ndarray:
    """[rows, outputs]: the same for every row."""
    return np.tile(constant_prediction(task, learned), (rows, 1))
