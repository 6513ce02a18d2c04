"""Whether a metric differs between two groups of patients by more than chance, with few cases in one of them too."""

from typing import NamedTuple

import numpy as np

from rounds.metrics import METRICS
from rounds.metrics.influence import mean_influence, patient_sums
from rounds.statistics.class_intervals import (
    FEWEST_EVENTS,
    MetricEstimate,
    auroc_error,
    effective_rows,
    estimate_metric,
    student,
)
from rounds.task import Task


class Group(NamedTuple):
    """observed [N, T], predicted [N, T] or [N, C], patients [N] of a group's rows."""

    observed: np.ndarray
    predicted: np.ndarray
    patients: np.ndarray


class GroupDifference(NamedTuple):
    """How much better one group is judged than the other, with its 95 % interval, and the chance of such a difference
    (two-sided) where there is none."""

    value: float
    low: float
    high: float
    p_value: float


def group_difference(task: Task, metric: str, group: Group, others: Group) -> GroupDifference | None:
    """Of an AUROC, or of a mean absolute error; None where fewer than 5 patients of either group have an outcome."""
    if task.is_classification:
        return _of_areas(task, metric, group, others)
    one, other = (_mean_error(g) for g in (group, others))
    freedom = _freedom((one, other))
    error = float(np.hypot(one[1], other[1]))
    if error == 0:
        return None
    value = float(METRICS[metric].gain(np.array(one[0]), np.array(other[0])))
    half = student(freedom) * error
    return GroupDifference(value, value - half, value + half, _chance(value / error, freedom))


def _mean_error(group: Group) -> tuple[float, float, float]:
    """(mean absolute error, its standard error over patients, their number less one)."""
    value, influence = mean_influence(np.abs(group.observed - group.predicted).mean(axis=1).astype(np.float64))
    sums = patient_sums(influence, group.patients)
    people = len(sums)
    return value, float(np.sqrt(sums @ sums * people / max(people - 1, 1))), float(max(people - 1, 1))


def _of_areas(task: Task, metric: str, group: Group, others: Group) -> GroupDifference | None:
    one, other = (estimate_metric(task, metric, *g) for g in (group, others))
    if one is None or other is None or len(one.parts) != len(other.parts):
        return None
    if min(part.rarer for part in (*one.parts, *other.parts)) < FEWEST_EVENTS:
        return None
    value = one.value - other.value
    low = value - float(np.hypot(one.value - one.low, other.high - other.value))
    high = value + float(np.hypot(one.high - one.value, other.value - other.low))
    error, freedom = float(np.hypot(one.error, other.error)), np.inf
    if len(one.parts) == 1:
        error = max(error, _error_without_difference((one, group.patients), (other, others.patients)))
    else:
        freedom = _freedom(tuple((e.value, e.error, e.freedom) for e in (one, other)))
    return GroupDifference(value, low, high, _chance(value / error, freedom) if error else 1.0)


def _error_without_difference(*sides: tuple[MetricEstimate, np.ndarray]) -> float:
    """Standard error of a difference where both areas are one: a group in which all cases stand above all others has no
    spread of its own."""
    sizes = [effective_rows(side.parts[0], patients) for side, patients in sides]
    pairs = np.array([cases * controls for cases, controls in sizes])
    common = float(pairs @ [side.value for side, _ in sides] / pairs.sum())
    common = float(np.clip(common, 0.5 / pairs.sum(), 1 - 0.5 / pairs.sum()))
    return float(np.sqrt(sum(auroc_error(common, cases, controls) ** 2 for cases, controls in sizes)))


def _freedom(sides: tuple[tuple[float, float, float], ...]) -> float:
    """Degrees of freedom of a difference (Welch 1947); sides: (value, standard error, degrees of freedom)."""
    spread = np.array([error**2 for _, error, _ in sides])
    total = float((spread**2 / [freedom for _, _, freedom in sides]).sum())
    return float(spread.sum() ** 2 / total) if total > 0 else np.inf


def _chance(distance: float, freedom: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -abs(distance)))
