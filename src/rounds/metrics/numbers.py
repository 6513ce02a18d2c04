"""Metrics of numbers and counts: how far predictions are off, in the target's unit or as a share of its variance."""

import numpy as np

from rounds.metrics.columns import NO_SPREAD, RESOLUTION, as_columns, over_targets, target_mean, weighted_mean


def mae(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean absolute error, in the unit of the target.

    >>> float(mae(np.array([1.0, 2.0]), np.array([1.0, 5.0])))
    1.5
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    return target_mean(weighted_mean(np.abs(observed - predicted), weights))


def rmse(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Root of the mean squared error, in the unit of the target.

    >>> float(rmse(np.array([0.0, 0.0]), np.array([3.0, 3.0])))
    3.0
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    return target_mean(np.sqrt(weighted_mean((observed - predicted) ** 2, weights)))


def r2(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Explained share of the variance, 1 - sum (y - p)^2 / sum (y - mean y)^2: 1 is perfect, the mean scores 0.

    >>> float(r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0])))
    0.5
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    shifted = observed - observed[:1]  # exactly 0 where the target is constant
    squares = weighted_mean(shifted**2, weights)
    variance = squares - weighted_mean(shifted, weights) ** 2
    residual = weighted_mean((observed - predicted) ** 2, weights)
    explained = 1.0 - residual / np.where(variance > NO_SPREAD * squares, variance, np.nan)
    return np.where(np.isnan(residual).any(-1), np.nan, over_targets(explained))


def poisson_deviance(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean of 2 (y log(y / p) - y + p) for counts y and predicted rates p > 0 (McCullagh and Nelder 1989, 2.3).

    >>> float(poisson_deviance(np.array([0.0, 2.0]), np.array([1.0, 2.0])))
    1.0
    """
    observed, predicted, weights = as_columns(observed, predicted, weights)
    rate = np.maximum(predicted, RESOLUTION)
    ratio = np.where(observed > 0, observed, 1.0) / np.where(observed > 0, rate, 1.0)
    return target_mean(weighted_mean(2 * (observed * np.log(ratio) - observed + rate), weights))
