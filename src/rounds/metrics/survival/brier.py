"""Brier's score of a chance by a day, with weights for those who were censored before it."""

import numpy as np

from rounds.errors import DataError
from rounds.metrics.survival.curves import StepCurve
from rounds.metrics.survival.outcome import TimesToEvent


def known_by(known: TimesToEvent, days: np.ndarray, censoring: StepCurve) -> np.ndarray:
    """Weights [N, K] of rows at each of some days: the inverse chance of being followed until what is known of the row.

    An event by the day weighs 1 / G(its time), a row still followed 1 / G(day); rows censored before weigh 0.
    """
    ended = (known.days[:, None] <= days) & (known.causes > 0)[:, None]
    followed = known.days[:, None] > days
    chance = np.where(ended, censoring.at(known.days)[:, None], censoring.at(days))
    return np.divide(1.0, chance, out=np.zeros(chance.shape), where=(chance > 0) & (ended | followed))


def had_event_by(known: TimesToEvent, days: np.ndarray) -> np.ndarray:
    """[N, K] bool: the predicted event was seen by each of some days."""
    return np.asarray((known.days[:, None] <= days) & known.happened[:, None])


def checked_chances(
    known: TimesToEvent, predicted: np.ndarray, days: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """predicted as [N, K] float64, and weights (None: all alike); raises DataError for any other shape."""
    predicted = np.asarray(predicted, np.float64)
    if predicted.shape != (len(known.days), len(days)):
        wanted = f"of shape {(len(known.days), len(days))}"
        advice = "Give the chance of each row at each day"
        raise DataError("Predictions", wanted, name="shape", got=predicted.shape, advice=advice)
    return predicted, np.ones(len(predicted)) if weights is None else np.asarray(weights, np.float64)


def brier_at(
    known: TimesToEvent,
    predicted: np.ndarray,
    days: np.ndarray,
    censoring: StepCurve,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Mean squared difference of outcome and chance at each day (Graf et al. 1999, Stat Med 18), lower is better.

    predicted: [N, K] chance that the event has happened by each of days [K]; censoring: G, by `censoring_curve` of
    training patients; weights: none, [N], or [..., N]. Returns [..., K].

    >>> known = TimesToEvent(np.array([1.0, 3.0]), np.array([1, 1]))
    >>> never = StepCurve(np.zeros(0), np.zeros(0), 1.0)
    >>> brier_at(known, np.array([[0.8], [0.4]]), np.array([2.0]), never).round(2).tolist()
    [0.1]
    """
    predicted, weights = checked_chances(known, predicted, days, weights)
    squares = known_by(known, days, censoring) * (had_event_by(known, days) - predicted) ** 2
    return np.asarray((weights @ squares) / weights.sum(axis=-1, keepdims=True))


def integrated_brier(
    known: TimesToEvent,
    predicted: np.ndarray,
    days: np.ndarray,
    censoring: StepCurve,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Mean of `brier_at` over the span of days [K], at least 2, by the trapezoidal rule; shape [...]."""
    each = brier_at(known, predicted, days, censoring, weights)
    if len(days) < 2:
        raise DataError("Days", "at least 2", name="days", got=len(days), advice="A mean over time needs a span of it")
    return np.asarray(np.trapezoid(each, days, axis=-1) / (days[-1] - days[0]))
