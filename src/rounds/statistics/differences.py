"""How much better predictions are than others on the same patients: one difference, one interval, with few cases too.

Both metrics follow from the influence of each patient, and so does their difference. Its standard error leaves out what
the two share; limits are Student's, with as many degrees of freedom as patients (of classes: patients of the rarer
outcome) allow. A difference of shares (AUROC, AUPRC, accuracy) takes its limits from those of the two, by their
correlation (Zou 2007, Psychological Methods 12:399): with few cases the two may rank or flag them alike, and the
difference still be anywhere.
"""

from typing import Literal, NamedTuple

import numpy as np

from rounds.errors import DataError
from rounds.metrics import METRICS, weighted_scores
from rounds.metrics.influence import NUMBER_INFLUENCES, patient_sums
from rounds.run_folder.metrics import BaselineDifference, Estimate
from rounds.statistics.class_intervals import (
    MetricEstimate,
    OutcomePart,
    error_of,
    estimate_metric,
    least_limits,
    parts_of,
    student,
    variance_of,
)
from rounds.statistics.intervals import average_repeats, checked_patients
from rounds.task import Task

LOSSES = ("log_loss", "brier")


class GainEstimate(NamedTuple):
    """How much better, with its 95 % interval, its standard error over patients and degrees of freedom; positive where
    the first predictions are better. All are nan where the metric is not defined."""

    value: float
    low: float
    high: float
    error: float
    freedom: float


UNDEFINED = GainEstimate(*[float("nan")] * 5)


def paired_difference(
    task: Task, metric: str, observed: np.ndarray, a: np.ndarray, b: np.ndarray, patients: np.ndarray
) -> Estimate:
    """How much better predictions a are than b on the same patients; positive where a is better.

    In the metric's own unit; arguments as `score_with_interval`. Raises DataError where lengths differ, there is only
    one patient, or the metric is not defined on these rows (one of calibration's line never is).

    >>> task = Task(kind="regression", targets=("los",))
    >>> y = np.arange(40.0)[:, None]
    >>> paired_difference(task, "mae", y, y + 1.0, y + 3.0, np.arange(40)).value
    2.0
    """
    found = paired_differences(task, metric, observed, a, {"b": b}, patients)
    if not found:
        advice = "Choose a metric that is defined with one class or a constant target"
        raise DataError("Metric", "defined on these rows", name="metric", got=metric, advice=advice)
    return found["b"]


def paired_differences(
    task: Task,
    metric: str,
    observed: np.ndarray,
    ours: np.ndarray,
    others: dict[str, np.ndarray],
    patients: np.ndarray,
) -> dict[str, Estimate]:
    """`paired_difference` of predictions to each of several others; one that is not defined on these rows is left out.

    >>> task, y = Task(kind="regression", targets=("los",)), np.arange(40.0)[:, None]
    >>> found = paired_differences(task, "mae", y, y + 1.0, {"linear": y + 3.0, "trees": y}, np.arange(40))
    >>> found["linear"].value, found["trees"].low
    (2.0, -1.0)
    """
    patients = checked_patients(observed, patients)
    ours = average_repeats(observed, ours)
    found = {}
    for name, theirs in others.items():
        made = difference(task, metric, observed, ours, average_repeats(observed, theirs), patients)
        if np.isfinite(made.value):
            found[name] = Estimate(value=made.value, low=made.low, high=made.high)
    return found


def difference(
    task: Task, metric: str, observed: np.ndarray, a: np.ndarray, b: np.ndarray, patients: np.ndarray
) -> GainEstimate:
    """As `paired_difference`, with its standard error.

    observed [N, T] (multiclass [N, 1] class index), a and b [N, T] or [N, C], patients [N].

    >>> task, y = Task(kind="binary", targets=("death",), classes=("no", "yes")), np.array([[0.0], [1.0]] * 10)
    >>> made = difference(task, "brier", y, 0.5 + 0.4 * (y - 0.5), np.full((20, 1), 0.5), np.arange(20))
    >>> round(made.value, 2), made.low > 0
    (0.16, True)
    """
    if METRICS[metric].better == "ideal":
        return UNDEFINED
    if not task.is_classification:
        return _of_numbers(task, metric, observed, (a, b), patients)
    if metric in LOSSES:
        return _of_losses(task, metric, observed, (a, b), patients)
    made = [estimate_metric(task, metric, observed, p, patients) for p in (a, b)]
    first, second = made
    return UNDEFINED if first is None or second is None else _of_shares(first, second, patients)


def _of_numbers(
    task: Task, metric: str, observed: np.ndarray, sides: tuple[np.ndarray, np.ndarray], patients: np.ndarray
) -> GainEstimate:
    values = [weighted_scores(task, observed, p, None, (metric,))[metric] for p in sides]
    value = float(METRICS[metric].gain(*values))
    if not np.isfinite(value):
        return UNDEFINED
    first, second = (NUMBER_INFLUENCES[metric](np.asarray(observed, float), np.asarray(p, float)) for p in sides)
    sums = patient_sums(first - second, patients)
    return _student(value, float(np.sqrt(variance_of(sums))), float(len(sums) - 1))


def _of_losses(
    task: Task, metric: str, observed: np.ndarray, sides: tuple[np.ndarray, np.ndarray], patients: np.ndarray
) -> GainEstimate:
    """A difference of losses is a loss itself: one of cases, and one of controls."""
    ours, theirs = (parts_of(task, metric, observed, p, patients) for p in sides)
    parts = [_gain(mine, other) for mine, other in zip(ours, theirs, strict=True)]
    value = float(np.mean([part.value for part in parts]))
    if not np.isfinite(value):
        return UNDEFINED
    made, (low, high) = _student(value, *error_of(parts, patients)), least_limits(metric, parts, patients)
    return made._replace(low=min(made.low, low), high=max(made.high, high))


def _gain(ours: OutcomePart, theirs: OutcomePart) -> OutcomePart:
    means = None
    if ours.means is not None and theirs.means is not None:
        means = theirs.means[0] - ours.means[0], theirs.means[1] - ours.means[1]
    return OutcomePart(theirs.value - ours.value, theirs.influence - ours.influence, ours.cases, ours.controls, means)


def _of_shares(ours: MetricEstimate, theirs: MetricEstimate, patients: np.ndarray) -> GainEstimate:
    first, second = (np.mean([p.influence for p in e.parts], axis=0) for e in (ours, theirs))
    first, second = (patient_sums(influence, patients) for influence in (first, second))
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    alike = float(first @ second) / lengths if lengths > 0 else 0.0

    def apart(one: float, other: float) -> float:
        return float(np.sqrt(max(one**2 + other**2 - 2 * alike * one * other, 0.0)))

    value = ours.value - theirs.value
    below = apart(ours.value - ours.low, theirs.high - theirs.value)
    above = apart(ours.high - ours.value, theirs.value - theirs.low)
    error = apart(ours.error, theirs.error)
    return GainEstimate(value, value - below, value + above, error, min(ours.freedom, theirs.freedom))


def _student(value: float, error: float, freedom: float) -> GainEstimate:
    half = error * student(freedom)
    return GainEstimate(value, value - half, value + half, error, freedom)


class Worth(NamedTuple):
    """Whether it was worth it, and why."""

    answer: Literal["yes", "no", "unknown"]
    reason: str


def worth_it(difference: BaselineDifference) -> Worth:
    """Yes where the whole interval is above 0 and the effect worthwhile, no where even its upper end is not.

    >>> effect = {"value": 2.0, "low": 1.0, "high": 3.0, "smallest_worthwhile": 0.5}
    >>> worth_it(BaselineDifference(metric="rmse", baseline="trees", **effect)).answer
    'yes'
    >>> worse = {"value": -2.0, "low": -3.0, "high": -1.0, "smallest_worthwhile": 0.5}
    >>> worth_it(BaselineDifference(metric="rmse", baseline="trees", **worse)).reason.partition(": ")[2]
    'no gain reaches the smallest worthwhile difference 0.5'
    """
    shown = f"{difference.metric} {gain_in_words(difference, difference.baseline)}"
    least = f"smallest worthwhile difference {difference.smallest_worthwhile:.3g}"
    if difference.low > 0 and difference.value >= difference.smallest_worthwhile:
        return Worth("yes", f"{shown}; {least}")
    if difference.high < difference.smallest_worthwhile:
        return Worth("no", f"{shown}: no gain reaches the {least}")
    return Worth("unknown", f"{shown}: too few patients to tell it from the {least}")


def gain_in_words(gain: Estimate, other: str) -> str:
    """A gain on something, with its interval; a loss is said as such.

    >>> gain_in_words(Estimate(value=-2.0, low=-3.0, high=-1.0), "trees")
    'worse than trees by 2 (95 % interval of the gain -3 to -1)'
    """
    limits = f"{gain.low:.3g} to {gain.high:.3g}"
    if gain.value < 0:
        return f"worse than {other} by {-gain.value:.3g} (95 % interval of the gain {limits})"
    return f"better than {other} by {gain.value:.3g} (95 % interval {limits})"
