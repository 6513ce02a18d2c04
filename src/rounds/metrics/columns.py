"""What all metrics share: columns of outcomes and predictions, weightings of rows, means over targets."""

from collections.abc import Callable

import numpy as np

from rounds.errors import DataError

# Probabilities and rates are kept this far from 0 (and 1) before a logarithm: the resolution of float32 near 1,
# in which networks compute. 1.2e-7, no unit.
RESOLUTION = float(np.finfo(np.float32).eps)
# A variance below this share of the mean square is rounding: 1e4 times the resolution of float64.
NO_SPREAD = 1e-12

Function = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]


def as_columns(
    observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """observed and predicted [N, T], weights [..., N], all float64."""
    observed, predicted = (np.asarray(a, np.float64) for a in (observed, predicted))
    observed, predicted = (a[:, None] if a.ndim == 1 else a for a in (observed, predicted))
    if observed.shape != predicted.shape or not len(observed):
        advice = "Give one prediction for each observed value"
        wanted = f"of shape {observed.shape}, not empty"
        raise DataError("Predictions", wanted, name="shape", got=predicted.shape, advice=advice)
    weights = np.ones(len(observed)) if weights is None else np.asarray(weights, np.float64)
    if weights.shape[-1] != len(observed):
        advice = "Give one weight for each row"
        raise DataError("Weights", f"of shape [..., {len(observed)}]", name="shape", got=weights.shape, advice=advice)
    return observed, predicted, weights


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of each column: [N, T] and [..., N] -> [..., T]."""
    with np.errstate(invalid="ignore"):
        return np.asarray((weights @ values) / weights.sum(-1, keepdims=True))


def target_mean(values: np.ndarray) -> np.ndarray:
    """Mean over targets, [..., T] -> [...]; nan where one of them is."""
    return np.asarray(values.mean(-1))


def over_targets(values: np.ndarray) -> np.ndarray:
    """Mean over the targets that could be judged: [..., T] -> [...]; nan where none could.

    What nan predictions make nan must not be passed over: metrics that use this turn nan as a whole first.
    """
    judged = ~np.isnan(values)
    count = judged.sum(-1)
    total = np.where(judged, values, 0.0).sum(-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def each_target(
    function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    observed: np.ndarray,
    predicted: np.ndarray,
    weights: np.ndarray | None,
) -> np.ndarray:
    """function([N], [N], [..., N]) -> [...] for each column, stacked to [..., T]; all nan where a prediction is."""
    observed, predicted, weights = as_columns(observed, predicted, weights)
    columns = [function(y, p, weights) for y, p in zip(observed.T, predicted.T, strict=True)]
    return np.where(np.isnan(predicted).any(), np.nan, np.stack(columns, axis=-1))
