"""Metrics of probabilities: how far the chance that was given lies from what happened."""

import numpy as np

from rounds.metrics.columns import RESOLUTION, as_columns, target_mean, weighted_mean


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
