"""The prediction that knows no patient: what every network has to beat."""

import numpy as np

from rounds.task import Task
from rounds.training.population.fold_data import Material


def constant_prediction(task: Task, material: Material) -> np.ndarray:
    """[outputs] float64: the mean outcome of the rows learned from (multiclass: the share of each class)."""
    observed = material.targets[material.learned]
    if task.kind == "multiclass":
        return np.bincount(observed[:, 0].astype(int), minlength=task.outputs) / len(observed)
    return np.asarray(observed.mean(0), np.float64)


def constant_predictions(task: Task, material: Material, rows: int) -> np.ndarray:
    """[rows, outputs]: the same for every row."""
    return np.tile(constant_prediction(task, material), (rows, 1))
