"""Intervals over patients of the metrics of classes, which hold with five cases as with five thousand.

A bootstrap of few cases is too narrow: it draws no patient who was not there, and where all cases stand above all
others it has no width at all. These intervals follow from the influence of each patient on the metric, on a scale on
which the metric is nearly normal (log-odds of an area, logarithm of an error), with Student's t for as many patients as
the rarer outcome has. An AUROC is joined with Newcombe's interval, which has a width where all patients are in order.
"""

from typing import NamedTuple

import numpy as np

from rounds.metrics.calibration import logistic_fit
from rounds.metrics.columns import RESOLUTION
from rounds.metrics.influence import (
    Influence,
    accuracy_influence,
    auprc_influence,
    auroc_influence,
    brier_influence,
    log_loss_influence,
    mean_influence,
    patient_sums,
)
from rounds.task import Task

UPPER = 0.975  # quantile of the upper limit of a two-sided 95 % interval
FEWEST_EVENTS = 5  # patients of each outcome, below which a line of calibration is not said
INFLUENCES: dict[str, Influence] = {
    "auroc": auroc_influence,
    "auprc": auprc_influence,
    "log_loss": log_loss_influence,
    "brier": brier_influence,
    "accuracy": accuracy_influence,
}
_OF_ORDER = ("auroc", "auprc")  # need both outcomes
_LOSSES = ("log_loss", "brier")
_SHARES = ("auroc", "auprc", "accuracy")  # between 0 and 1
_LINE = ("calibration_intercept", "calibration_slope")
Limits = tuple[float, float]


class OutcomePart(NamedTuple):
    """One outcome's share in a metric: its value, the influence of each row [N], and who has the outcome.

    cases, controls: (rows, patients) with and without it; means: of a loss of cases and of controls, or of what they
    would lose where there are none.
    """

    value: float
    influence: np.ndarray
    cases: tuple[int, int]
    controls: tuple[int, int]
    means: tuple[float, float] | None = None

    @property
    def rarer(self) -> int:
        """Patients of the rarer outcome."""
        return min(self.cases[1], self.controls[1])


def class_interval(
    task: Task, metric: str, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> tuple[float, float, float] | None:
    """(value, low, high) of a metric of classes; None where it is not defined or too few patients have an outcome.

    observed [N, T] (multiclass [N, 1] class index), predicted [N, T] or [N, C], patients [N]; several outcomes count by
    their mean, those on which the metric is not defined are passed over.

    >>> task = Task(kind="binary", targets=("death",), classes=("no", "yes"))
    >>> y, p = np.array([[0.0]] * 60 + [[1.0]] * 4), np.arange(64.0)[:, None] / 64
    >>> [round(limit, 2) for limit in class_interval(task, "auroc", y, p, np.arange(64))]
    [1.0, 0.75, 1.0]
    """
    if metric in _LINE:
        return line_interval(metric, observed[:, 0], predicted[:, 0], patients)
    made = estimate_metric(task, metric, observed, predicted, patients)
    return None if made is None else (made.value, made.low, made.high)


class MetricEstimate(NamedTuple):
    """A metric with its interval, its standard error and degrees of freedom, and the outcomes whose mean it is."""

    value: float
    low: float
    high: float
    error: float
    freedom: float
    parts: tuple[OutcomePart, ...]


def estimate_metric(
    task: Task, metric: str, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> MetricEstimate | None:
    """As `class_interval`, of all metrics but calibration's."""
    parts = parts_of(task, metric, observed, predicted, patients)
    if not parts or not np.isfinite(predicted).all():
        return None
    value = float(np.mean([part.value for part in parts]))
    error, freedom = error_of(parts, patients)
    low, high = _on_scale(metric, value, error * student(freedom))
    floors = least_limits(metric, parts, patients)
    return MetricEstimate(value, min(low, floors[0]), max(high, floors[1]), error, freedom, tuple(parts))


def parts_of(
    task: Task, metric: str, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> list[OutcomePart]:
    """A metric of each outcome on which it is defined, with the influence of each row."""
    if task.kind == "multiclass":
        observed = (observed.reshape(-1, 1) == np.arange(len(task.classes))).astype(np.float64)
        if metric not in _OF_ORDER:
            return [_of_classes(metric, observed, predicted, patients)]
    made = []
    for y, p in zip(observed.T, predicted.T, strict=True):
        case = y > 0.5
        if metric in _OF_ORDER and (case.all() or not case.any()):
            continue
        value, influence = INFLUENCES[metric](y, p.astype(np.float64))
        means = _means(metric, case, p) if metric in _LOSSES else None
        made.append(OutcomePart(value, influence, *_counts(case, patients), means))
    return made


def _counts(case: np.ndarray, patients: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    """(rows, patients) of cases, and of controls."""
    cases, controls = ((int(rows.sum()), len(np.unique(patients[rows]))) for rows in (case, ~case))
    return cases, controls


def _means(metric: str, case: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    ones, rows = np.ones(len(case)), (case if case.any() else ~case, ~case if not case.all() else case)
    of_cases, of_controls = (
        INFLUENCES[metric](outcome[some], predicted[some])[0]
        for outcome, some in zip((ones, 0 * ones), rows, strict=True)
    )
    return of_cases, of_controls


def _of_classes(metric: str, happened: np.ndarray, predicted: np.ndarray, patients: np.ndarray) -> OutcomePart:
    """A mean over rows of what several classes say together; cases: rows outside the commonest class."""
    losses = {
        "log_loss": lambda: -np.log(np.clip((happened * predicted).sum(1), RESOLUTION, 1.0)),
        "brier": lambda: ((happened - predicted) ** 2).sum(1),
        "accuracy": lambda: (happened.argmax(1) == predicted.argmax(1)).astype(np.float64),
    }[metric]()
    common = happened[:, happened.sum(0).argmax()] > 0.5
    return OutcomePart(*mean_influence(losses), *_counts(~common, patients))


def error_of(parts: list[OutcomePart], patients: np.ndarray) -> tuple[float, float]:
    """(standard error, degrees of freedom) of a mean over outcomes."""
    sums = np.stack([_few(part) * patient_sums(part.influence, patients) for part in parts])  # [T, P]
    return float(np.sqrt(variance_of(sums.mean(axis=0)))), _freedom(sums, parts)


def variance_of(sums: np.ndarray) -> float:
    """Of a metric, from the influences of patients [P].

    >>> variance_of(np.array([0.5, -0.5]))
    1.0
    """
    return float(sums @ sums) * len(sums) / max(len(sums) - 1, 1)


def _few(part: OutcomePart) -> float:
    """What the spread among few patients of one outcome is too small by (its square: Bessel's correction)."""
    return float(np.sqrt(part.rarer / max(part.rarer - 1, 1))) if part.rarer else np.sqrt(2.0)


def _freedom(sums: np.ndarray, parts: list[OutcomePart]) -> float:
    """Degrees of freedom of a mean over outcomes (Satterthwaite 1946): of one, its rarer patients less one."""
    spread = np.array([variance_of(each) for each in sums])
    freedom = np.array([max(part.rarer - 1, 1) for part in parts], float)
    total = float((spread**2 / freedom).sum())
    return float(spread.sum() ** 2 / total) if total > 0 else float(freedom.min())


def student(freedom: float) -> float:
    """Student's quantile of a two-sided 95 % interval.

    >>> round(student(np.inf), 2), round(student(4.0), 2)
    (1.96, 2.78)
    """
    from scipy.special import stdtrit

    return float(stdtrit(freedom, UPPER))


def _on_scale(metric: str, value: float, half: float) -> Limits:
    """Limits value -+ half, symmetric in log-odds or in the logarithm."""
    if half == 0 or value <= 0 or (metric in _SHARES and value >= 1):
        return value, value
    if metric not in _SHARES:
        factor = np.exp(min(half / value, 500.0))
        return value / float(factor), value * float(factor)
    odds, apart = value / (1 - value), np.exp(min(half / (value * (1 - value)), 500.0))
    return float(1 / (1 + apart / odds)), float(1 / (1 + 1 / (odds * apart)))


def least_limits(metric: str, parts: list[OutcomePart], patients: np.ndarray) -> Limits:
    """Limits that an interval never falls short of, means over outcomes."""
    low, high = np.mean([_at_the_limit(metric, part, patients) for part in parts], axis=0).tolist()
    return low, high


def _at_the_limit(metric: str, part: OutcomePart, patients: np.ndarray) -> Limits:
    """Limits that have a width where all patients agree: Newcombe's of an AUROC, Wilson's of other shares; of a loss
    those that it would have with as few and as many cases as such a table may have.
    """
    if not part.influence.any() and metric in _OF_ORDER and part.value < 1:
        return part.value, part.value  # one prediction for everybody
    cases, controls = effective_rows(part, patients)
    if metric == "auroc":
        return newcombe_interval(part.value, cases, controls)
    if metric == "auprc":
        return wilson_interval(part.value, cases)
    if metric == "accuracy":
        return wilson_interval(part.value, cases + controls)
    if part.means is None:
        return part.value, part.value
    shares = wilson_interval(part.cases[0] / (part.cases[0] + part.controls[0]), cases + controls)
    low, high = sorted(share * part.means[0] + (1 - share) * part.means[1] for share in shares)
    return low, high


def effective_rows(part: OutcomePart, patients: np.ndarray) -> tuple[float, float]:
    """Independent cases and controls that the rows of patients are worth: rows by the design effect (Kish 1965), and
    never fewer than the patients."""
    alone, sums = float(part.influence @ part.influence), patient_sums(part.influence, patients)
    effect = max(float(sums @ sums) / alone, 1.0) if alone > 0 else np.inf
    cases, controls = (float(np.clip(rows / effect, people, rows)) for rows, people in (part.cases, part.controls))
    return cases, controls


def wilson_interval(share: float, count: int | float) -> Limits:
    """95 % limits of a share among so many patients (Wilson 1927, JASA 22); wider than needed where rows repeat.

    >>> tuple(round(limit, 3) for limit in wilson_interval(0.0, 10))
    (0.0, 0.278)
    """
    z2 = student(np.inf) ** 2 / count
    centre, half = share + z2 / 2, np.sqrt(z2 * share * (1 - share) + z2 * z2 / 4)
    return float(max(0.0, (centre - half) / (1 + z2))), float(min(1.0, (centre + half) / (1 + z2)))


def newcombe_interval(area: float, cases: int | float, controls: int | float) -> Limits:
    """95 % limits of an AUROC (Newcombe 2006, Statistics in Medicine 25:559, method 5).

    Those areas A for which |area - A| is within 1.96 standard errors at A, with the variance of Hanley and McNeil
    (1982, Radiology 143) for as many cases as controls as the two have on average.

    >>> [round(limit, 3) for limit in newcombe_interval(1.0, 4, 60)]
    [0.753, 1.0]
    """
    z = student(np.inf)

    def outside(limit: float) -> bool:
        return abs(area - limit) > z * auroc_error(limit, cases, controls)

    limits = []
    for inner, outer in ((area, 0.0), (area, 1.0)):
        for _ in range(40):
            centre = (inner + outer) / 2
            inner, outer = (inner, centre) if outside(centre) else (centre, outer)
        limits.append((inner + outer) / 2)
    return limits[0], limits[1]


def auroc_error(area: float, cases: int | float, controls: int | float) -> float:
    """Standard error of an AUROC that is `area` in truth (Hanley and McNeil 1982, with Newcombe's mean sample size)."""
    pairs = 1 + ((cases + controls) / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))
    return float(np.sqrt(area * (1 - area) * pairs / (cases * controls)))


def line_interval(
    metric: str, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> tuple[float, float, float] | None:
    """(value, low, high) of a calibration slope or intercept; None where it has no finite value, or fewer than 5
    patients have one of the outcomes.

    The standard error is the larger of the logistic model's own and that of the fit without each patient in turn (one
    Newton step, as Pregibon 1981, Annals of Statistics 9), which holds where the model does not, or rows repeat.
    """
    case = observed > 0.5
    rarer = min(len(np.unique(patients[rows])) for rows in (case, ~case)) if case.any() and not case.all() else 0
    slope = metric == "calibration_slope"
    fitted = logistic_fit(observed, predicted, slope) if rarer >= FEWEST_EVENTS else None
    if fitted is None:
        return None
    coefficients, design, chance = fitted
    owner = np.unique(patients, return_inverse=True)[1]
    weights = chance * (1 - chance)
    score = _summed(design * (observed - chance)[:, None], owner)  # [P, k]
    pairs = (design[:, :, None] * design[:, None, :]) * weights[:, None, None]
    information = pairs.sum(axis=0)
    of_patients = _summed(pairs.reshape(len(design), -1), owner).reshape(-1, *information.shape)
    moved = np.linalg.solve(information - of_patients, score[..., None])[..., -1, 0]  # [P]
    error = np.sqrt(max(variance_of(moved), float(np.linalg.inv(information)[-1, -1])))
    value, half = float(coefficients[-1]), float(error) * student(float(rarer - 1))
    return value, value - half, value + half


def _summed(values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Sum of rows [N, k] over each patient [P, k]."""
    return np.stack([np.bincount(owner, column) for column in values.T], axis=1)
