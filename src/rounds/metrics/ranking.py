"""Metrics of order: whether cases stand above non-cases, whatever the numbers say."""

import numpy as np

from rounds.metrics.columns import each_target, over_targets


def auroc(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Chance that a case (1) gets a higher prediction than a non-case (0), ties half (Hanley and McNeil 1982).

    Predictions need not be probabilities. Several columns: their mean, one against the rest.

    >>> float(auroc(np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.3, 0.9])))
    0.875
    """
    return over_targets(each_target(_area_under_roc, observed, predicted, weights))


def auprc(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Average precision, sum (recall_k - recall_k-1) precision_k: the share of cases is what chance reaches.

    >>> round(float(auprc(np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.4, 0.9]))), 4)
    0.8333
    """
    return over_targets(each_target(_average_precision, observed, predicted, weights))


def _area_under_roc(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    hits, alarms = _hits_and_alarms(observed, predicted, weights)
    pairs = hits[..., -1] * alarms[..., -1]
    area = np.sum((hits[..., 1:] + hits[..., :-1]) * np.diff(alarms, axis=-1), axis=-1) / 2
    return np.asarray(area / np.where(pairs > 0, pairs, np.nan))


def _average_precision(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    hits, alarms = _hits_and_alarms(observed, predicted, weights)
    cases = np.where((hits[..., -1] > 0) & (alarms[..., -1] > 0), hits[..., -1], np.nan)
    flagged = hits[..., 1:] + alarms[..., 1:]
    precision = hits[..., 1:] / np.where(flagged > 0, flagged, 1.0)
    return np.asarray(np.sum(np.diff(hits, axis=-1) * precision, axis=-1) / cases)


def _hits_and_alarms(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of cases and of non-cases at or above each distinct prediction, highest first: two [..., G + 1]."""
    order = np.argsort(-predicted, kind="stable")
    ranked = predicted[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # tied predictions enter together
    weights = np.take(weights, order, axis=-1)
    case = (observed[order] > 0.5).astype(np.float64)
    sums = (np.cumsum(weights * is_in, axis=-1) for is_in in (case, 1.0 - case))
    counted = (s if len(ends) == len(order) else np.take(s, ends, axis=-1) for s in sums)
    hits, alarms = (np.concatenate([np.zeros((*s.shape[:-1], 1)), s], axis=-1) for s in counted)
    return hits, alarms
