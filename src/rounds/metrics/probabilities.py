"""Metrics of probabilities: how far the chance that was given lies from what happened."""

import numpy as np

from rounds.metrics.columns import RESOLUTION, as_columns, target_mean, weighted_mean
from rounds.task import Task

# Float32 networks and sums in any order leave 1 by so much; probabilities of classes that do are none.
ROUNDING = 1e-5


def as_probabilities(values: np.ndarray, task: Task) -> np.ndarray:
    """Predictions [..., outputs] of Rounds's own within [0, 1], of classes that exclude each other with sum 1.

    Rounding leaves them a little outside, and a plan's last activation may give no probabilities at all: else nothing
    could be judged, and the user not warned. What is one already, and nan, stays as it is.

    >>> died = Task(kind="binary", targets=("died",), classes=("0", "1"))
    >>> as_probabilities(np.array([[-1.0], [0.25], [1.0000000000000002]]), died).tolist()
    [[0.0], [0.25], [1.0]]
    """
    if not task.is_classification:
        return values
    made = np.clip(values, 0, 1) if ((values < 0) | (values > 1)).any() else values
    if task.kind != "multiclass":
        return made
    total = made.sum(-1, keepdims=True)
    off = np.abs(total - 1) > ROUNDING
    if not off.any():
        return made
    shares = np.where(total > 0, made / np.where(total > 0, total, 1), 1 / task.outputs)
    return np.where(off, shares, made).astype(values.dtype)


def log_loss(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean of -log of the probability given to what happened, in nats; observed in {0, 1}, predicted in [0, 1].

    >>> round(float(log_loss(np.array([1, 0]), np.array([0.5, 0.5]))), 4)
    0.6931
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    happened = np.where(observed > 0.5, predicted, 1.0 - predicted)
    return target_mean(weighted_mean(-np.log(np.maximum(happened, RESOLUTION)), weights))


def brier(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean squared difference of probability and outcome (Brier 1950), 0 to 1.

    >>> float(brier(np.array([1, 0]), np.array([0.5, 0.5])))
    0.25
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    return target_mean(weighted_mean((observed - predicted) ** 2, weights))


def accuracy(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Share of outcomes on the right side of probability 0.5.

    >>> float(accuracy(np.array([1, 0]), np.array([0.9, 0.8])))
    0.5
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    right = np.where(np.isnan(predicted), np.nan, (observed > 0.5) == (predicted > 0.5))
    return target_mean(weighted_mean(right, weights))


def class_log_loss(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean of -log of the probability of the class that happened; observed one-hot [N, C], predicted [N, C].

    >>> round(float(class_log_loss(np.eye(2), np.full((2, 2), 0.5))), 4)
    0.6931
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    total = np.sum(observed * -np.log(np.clip(predicted, RESOLUTION, 1.0)), axis=1, keepdims=True)
    return target_mean(weighted_mean(total, weights))


def class_brier(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Brier's (1950) own score: squared differences summed over classes, 0 to 2; observed one-hot [N, C].

    >>> float(class_brier(np.eye(2), np.full((2, 2), 0.5)))
    0.5
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    return target_mean(weighted_mean(((observed - predicted) ** 2).sum(1, keepdims=True), weights))


def class_accuracy(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Share of rows whose likeliest class happened; observed one-hot [N, C], predicted [N, C].

    >>> float(class_accuracy(np.eye(2), np.array([[0.9, 0.1], [0.8, 0.2]])))
    0.5
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    right = np.where(np.isnan(predicted).any(1), np.nan, observed.argmax(1) == predicted.argmax(1))
    return target_mean(weighted_mean(right[:, None], weights))
