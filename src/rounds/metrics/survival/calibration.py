"""Calibration at a day: whether of patients at 20 % one in five has the event by then, for times that are censored."""

from dataclasses import dataclass

import numpy as np

from rounds.errors import DataError
from rounds.metrics.columns import RESOLUTION
from rounds.metrics.survival.outcome import TimesToEvent
from rounds.metrics.survival.proportional_hazards import fit_cox

# Knots of the restricted cubic spline at these quantiles (Harrell, Regression Modeling Strategies, table 2.3).
KNOTS = (0.05, 0.35, 0.65, 0.95)


@dataclass(frozen=True)
class CalibrationAt:
    """predicted, observed: [N] chance by the day as it was said, and as patients with that prediction had it; ici, e50,
    e90: mean, median and 90th percentile of the absolute difference (0: perfectly calibrated)."""

    predicted: np.ndarray
    observed: np.ndarray
    ici: float
    e50: float
    e90: float


def calibration_at(known: TimesToEvent, predicted: np.ndarray, day: float) -> CalibrationAt:
    """Observed chance as a smooth function of the predicted one: Cox's model on a restricted cubic spline of
    log(-log(1 - predicted)) (Austin, Harrell and van Klaveren 2020, Stat Med 39).

    predicted: [N] chance by that day. With competing events this would judge the hazard of a world without them, so
    these are refused. Raises DataError for competing events, other shapes, and fewer than two different predictions.

    >>> generator = np.random.default_rng(0)
    >>> chance = generator.uniform(0.05, 0.6, 4000)
    >>> days = generator.exponential(-1.0 / np.log(1.0 - chance))
    >>> known = TimesToEvent(np.minimum(days, 2.0), (days <= 2.0).astype(int))
    >>> bool(calibration_at(known, chance, 1.0).ici < 0.02), bool(calibration_at(known, chance / 2, 1.0).ici > 0.1)
    (True, True)
    """
    predicted = np.asarray(predicted, np.float64)
    if known.competed.any():
        advice = "Compare groups of patients with `aalen_johansen` instead"
        raise DataError("Events", "of one cause", name="causes", got=int(known.causes.max()), advice=advice)
    if predicted.shape != known.days.shape:
        advice = "Give one chance for each row"
        raise DataError("Predictions", f"of shape {known.days.shape}", name="shape", got=predicted.shape, advice=advice)
    scale = np.log(-np.log1p(-np.clip(predicted, RESOLUTION, 1.0 - RESOLUTION)))
    design = _spline(scale)
    observed = fit_cox(design, known).chance_by(design, np.array([day]))[:, 0]
    apart = np.abs(observed - predicted)
    return CalibrationAt(predicted, observed, float(apart.mean()), *np.quantile(apart, (0.5, 0.9)).tolist())


def _spline(x: np.ndarray) -> np.ndarray:
    """[N, k - 1]: x and its restricted cubic terms for k knots, as many as differ; linear beyond the outer ones."""
    if not np.ptp(x) > 0:
        advice = "Nothing can be compared along predictions that do not differ"
        raise DataError("Predictions", "not all the same", name="different predictions", got=1, advice=advice)
    x = (x - x.mean()) / x.std()
    knots = np.unique(np.quantile(x, KNOTS))
    if len(knots) < 3:
        return x[:, None]
    cubes = np.maximum(x[:, None] - knots, 0.0) ** 3
    last, before = cubes[:, -1:], cubes[:, -2:-1]
    ends = knots[-1] - knots[-2]
    inner = cubes[:, :-2] - before * (knots[-1] - knots[:-2]) / ends + last * (knots[-2] - knots[:-2]) / ends
    return np.concatenate([x[:, None], inner / (knots[-1] - knots[0]) ** 2], axis=1)
