"""AUROC of a day: whether those with the event by then stand above those without it."""

import numpy as np

from rounds.metrics.ranking import auroc
from rounds.metrics.survival.brier import checked_chances, had_event_by, known_by
from rounds.metrics.survival.curves import StepCurve
from rounds.metrics.survival.outcome import TimesToEvent


def auroc_at(
    known: TimesToEvent,
    predicted: np.ndarray,
    days: np.ndarray,
    censoring: StepCurve,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Cumulative cases, dynamic controls (Uno et al. 2007, JASA 102): of one patient with the event by a day and one
    without it, the chance that the first has the higher prediction; a competing event by then is without it.

    predicted: [N, K] at days [K]; any number that is higher for an earlier event will do. Returns [..., K].

    >>> known = TimesToEvent(np.array([1.0, 3.0, 4.0]), np.array([1, 1, 0]))
    >>> never = StepCurve(np.zeros(0), np.zeros(0), 1.0)
    >>> auroc_at(known, np.array([[0.8], [0.4], [0.9]]), np.array([2.0]), never).tolist()
    [0.5]
    """
    predicted, weights = checked_chances(known, predicted, days, weights)
    cases, inverse = had_event_by(known, days), known_by(known, days, censoring)
    each = [auroc(cases[:, k], predicted[:, k], weights * inverse[:, k]) for k in range(len(days))]
    return np.stack(each, axis=-1)
