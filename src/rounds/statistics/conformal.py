"""Intervals for single predictions that hold for a share of new patients, whatever the network (split conformal).

Patients, not rows, are exchangeable: every validation patient weighs the same, spread over their rows, and one more
patient stands for the new one with an error of infinity (Lee, Barber and Willett 2023, arXiv:2306.06342; for one row
a patient this is Vovk et al. 2005). Each side has its own quantile (Romano et al. 2019), so that skewed errors give
skewed intervals. It holds for patients like those of validation; drift breaks it.
"""

from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from rounds.errors import RunFolderError
from rounds.run_folder.evidence import Coverage, TargetCoverage
from rounds.run_folder.metrics import Estimate
from rounds.statistics.class_intervals import wilson_interval
from rounds.statistics.training_profile import patient_shares
from rounds.target_scale import TargetScale
from rounds.task import Task

INTERVALS = "intervals.json"
# Share of new patients whose outcome lies inside.
LEVEL = 0.9


class ConformalIntervals(BaseModel):
    """level: share covered; scale: "unit" (prediction + error) or "log1p" (error on log(1 + value), never below 0);
    below, above: per target how far the interval reaches on that scale; patients: who were calibrated on; least: per
    target the value that it never reaches below (0 where no outcome was negative, else None).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float
    scale: Literal["unit", "log1p"]
    below: tuple[float, ...]
    above: tuple[float, ...]
    patients: int
    least: tuple[float | None, ...] = ()

    @classmethod
    def fit(
        cls,
        scale: Literal["unit", "log1p"],
        observed: np.ndarray,
        predicted: np.ndarray,
        patients: np.ndarray,
        level: float = LEVEL,
    ) -> Self | None:
        """From validation rows [N, T] that no averaged member learned from; None where patients are too few to promise
        the level (fewer than 2 / (1 - level) - 1, 19 for 90 %).
        """
        weights, people = patient_shares(patients), len(np.unique(patients))
        errors = _moved(scale, observed) - _moved(scale, predicted)  # [N, T]
        share = (1 - level) / 2
        above = [_upper_quantile(e, weights, people, 1 - share) for e in errors.T]
        below = [_upper_quantile(-e, weights, people, 1 - share) for e in errors.T]
        if not np.isfinite([*above, *below]).all():
            return None
        least = tuple(0.0 if values.min() >= 0 else None for values in observed.T)
        return cls(level=level, scale=scale, below=tuple(below), above=tuple(above), patients=people, least=least)

    def limits(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) [N, T] each, in the target's unit.

        >>> made = ConformalIntervals(level=0.9, scale="unit", below=(1.0,), above=(2.0,), patients=99)
        >>> [limit.tolist() for limit in made.limits(np.array([[5.0]]))]
        [[[4.0]], [[7.0]]]
        """
        centre = _moved(self.scale, predicted)
        low, high = centre - np.array(self.below), centre + np.array(self.above)
        if self.scale == "log1p":
            return np.maximum(np.expm1(low), 0.0), np.expm1(high)
        floor = np.array([-np.inf if value is None else value for value in self.least or (None,) * len(self.below)])
        return np.maximum(low, floor), np.maximum(high, floor)


def interval_scale(task: Task, target_scale: TargetScale) -> Literal["unit", "log1p"] | None:
    """On which scale errors are alike: that of the target's network; None for probabilities, which are no outcome.

    >>> interval_scale(Task(kind="count", targets=("falls",)), TargetScale(kind="identity"))
    'log1p'
    """
    if task.is_classification:
        return None
    return "log1p" if task.kind == "count" or target_scale.kind == "log1p" else "unit"


def _moved(scale: str, values: np.ndarray) -> np.ndarray:
    if scale == "unit":
        return np.asarray(values, np.float64)
    return np.asarray(np.log1p(np.maximum(values, 0.0)))


def _upper_quantile(errors: np.ndarray, weights: np.ndarray, patients: int, share: float) -> float:
    """Smallest error that patients' weight reaches `share` at, among one patient more whose error is infinite."""
    order = np.argsort(errors, kind="stable")
    ranked: np.ndarray = errors[order]
    reached = np.cumsum(weights[order]) * patients / (patients + 1)
    place = int(np.searchsorted(reached, share - 1e-12))
    return float(ranked[place]) if place < len(ranked) else float("inf")


def coverage_record(
    made: ConformalIntervals, task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> Coverage:
    """Share of judged patients inside and width, for each target; each patient counts once, spread over their rows."""
    low, high = made.limits(predicted)
    return measured_coverage(made.level, task, observed, (low, high), patients)


def measured_coverage(
    level: float,
    task: Task,
    observed: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    patients: np.ndarray,
) -> Coverage:
    """Share of judged patients inside their limits ([N, T] each) with its 95 % interval, and width in the unit."""
    low, high = limits
    inside = (observed >= low) & (observed <= high)
    weights, people = patient_shares(patients), len(np.unique(patients))
    found = {}
    for t, name in enumerate(task.targets):
        share = min(1.0, float(weights @ inside[:, t]))
        least, most = wilson_interval(share, people)
        width = high[:, t] - low[:, t]
        found[name] = TargetCoverage(
            coverage=Estimate(value=share, low=least, high=most),
            mean_width=float(weights @ width),
            median_width=float(np.median(width)),
        )
    return Coverage(level=level, patients=people, targets=found)


def read_intervals(run: Path) -> ConformalIntervals | None:
    """A run's intervals.json, or None where it keeps none; raises RunFolderError where it is damaged."""
    path = run / INTERVALS
    if not path.is_file():
        return None
    try:
        return ConformalIntervals.model_validate_json(path.read_bytes())
    except (ValidationError, OSError, ValueError):
        advice = "Copy the run folder again from where it was whole"
        raise RunFolderError("Run file", "whole", file=str(path), advice=advice) from None
