"""Concordance: how often, of two patients, the one with the earlier event had the higher predicted risk."""

from collections.abc import Callable

import numpy as np

from rounds.errors import DataError
from rounds.metrics.survival.curves import StepCurve
from rounds.metrics.survival.outcome import TimesToEvent

# Risks closer than this are a tie, as in scikit-survival.
TIED = 1e-8
# Pairs compared at a time, in cells of float64 (32 MB).
CELLS = 2**22


def harrell_concordance(known: TimesToEvent, risk: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Share of comparable pairs in the right order, ties half (Harrell et al. 1982, JAMA 247).

    A pair is comparable where one had the event while the other was still followed without it. Who had a competing
    event never has the predicted one, and counts as free of it for ever (Wolbers et al. 2014, Biostatistics 15).
    risk: [N], higher for an earlier event; weights: none, [N], or [..., N]. nan where no pair is comparable.

    >>> known = TimesToEvent(np.array([1.0, 2.0, 3.0]), np.array([1, 1, 0]))
    >>> float(harrell_concordance(known, np.array([0.9, 0.1, 0.5])))
    0.6666666666666666
    """
    return _concordance(known, risk, weights, np.flatnonzero(known.happened), lambda cases: np.ones((len(cases), 1)))


def uno_concordance(
    known: TimesToEvent,
    risk: np.ndarray,
    censoring: StepCurve,
    until: float = np.inf,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Harrell's, each pair weighted by the inverse chance that it could be seen, G(t)^-2 at the earlier event, so that
    the pattern of censoring does not move it (Uno et al. 2011, Stat Med 30).

    censoring: G, by `censoring_curve` of training patients; until: events from this day on are left out. A pair with a
    competing event at s is weighted 1 / (G(t) G(s)) where s came first (Wolbers et al. 2014).
    """
    chance = censoring.at(known.days)
    cases = np.flatnonzero(known.happened & (known.days < until) & (chance > 0))
    inverse = np.divide(1.0, chance, out=np.zeros(len(chance)), where=chance > 0)

    def seen(some: np.ndarray) -> np.ndarray:
        first = known.competed & (known.days <= known.days[some, None])
        return inverse[some, None] * np.where(first, inverse, inverse[some, None])

    return _concordance(known, risk, weights, cases, seen)


def _concordance(
    known: TimesToEvent,
    risk: np.ndarray,
    weights: np.ndarray | None,
    cases: np.ndarray,
    pair_weights: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """cases: rows whose event opens a pair; pair_weights: some of them [E] -> [E, N] or [E, 1]."""
    risk = np.asarray(risk, np.float64)
    if risk.shape != known.days.shape:
        advice = "Give one risk for each row"
        raise DataError("Risks", f"of shape {known.days.shape}", name="shape", got=risk.shape, advice=advice)
    weights = np.ones(len(risk)) if weights is None else np.asarray(weights, np.float64)
    right, pairs = np.zeros(weights.shape[:-1]), np.zeros(weights.shape[:-1])
    size = max(1, CELLS // len(risk))
    for some in (cases[start : start + size] for start in range(0, len(cases), size)):
        day = known.days[some, None]
        later = (known.days > day) | known.competed | ((known.days == day) & (known.causes == 0))
        difference = risk[some, None] - risk
        order = np.where(np.abs(difference) <= TIED, 0.5, difference > 0)
        counted = later * pair_weights(some)  # [E, N]
        of_cases = weights[..., some]
        right += np.sum(of_cases * (weights @ (counted * order).T), axis=-1)
        pairs += np.sum(of_cases * (weights @ counted.T), axis=-1)
    return np.asarray(right / np.where(pairs > 0, pairs, np.nan)) if np.isfinite(risk).all() else pairs * np.nan
