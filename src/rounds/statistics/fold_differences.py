"""Differences between members of the same fold: their mean, and how sure it is although folds share training rows."""

import numpy as np


def paired(differences: np.ndarray) -> tuple[float, float, float]:
    """(mean, low, high) of differences [K] between members of the same fold: 95 % Student interval by `fold_error`.

    K folds share training rows, so the variance is widened by 1 / (K - 1) (Nadeau and Bengio 2003, Machine Learning
    52, for K-fold cross-validation). Infinite limits for a single pair.

    >>> paired(np.array([1.0, 1.0, 1.0]))
    (1.0, 1.0, 1.0)
    """
    from scipy.stats import t

    mean = float(differences.mean())
    count = len(differences)
    if count < 2:
        return mean, float("-inf"), float("inf")
    reach = float(t.ppf(0.975, count - 1)) * fold_error(differences)
    return mean, mean - reach, mean + reach


def fold_error(differences: np.ndarray) -> float:
    """Standard error of the mean of differences [K] between folds that share training rows; 0 for a single one.

    >>> fold_error(np.array([1.0, 1.0]))
    0.0
    """
    count = len(differences)
    if count < 2:
        return 0.0
    return float(differences.std(ddof=1) * np.sqrt(1 / count + 1 / (count - 1)))
