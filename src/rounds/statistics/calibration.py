"""Whether predictions mean what they say: reliability curves, slope and intercept, and the parts of the Brier score."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rounds.metrics import brier, calibration_intercept, calibration_slope
from rounds.metrics.columns import NO_SPREAD
from rounds.statistics.intervals import RESAMPLES, Interval, resampled_intervals
from rounds.statistics.small_cells import FEWEST_PATIENTS
from rounds.task import Task

# Points of a reliability curve: tenths of the predictions, as TRIPOD's figures have them.
MOST_BINS = 10
# Patients in a bin, below which its share is mostly chance: the standard error of a share of one half is then 0.11.
BIN_PATIENTS = 20
# Resamples for the figures of one output, where there are several: their limits are read off a figure, not a table.
SEVERAL_RESAMPLES = 200
# Standard normal quantile of a two-sided 95 % interval.
NORMAL_95 = 1.959963984540054

Scores = Callable[[np.ndarray | None], dict[str, np.ndarray]]
OfRows = Callable[[np.ndarray, int], dict[str, float]]  # ([N] bool, patients) -> limits and what else is told


def calibration_record(
    task: Task,
    observed: np.ndarray,
    predicted: np.ndarray,
    patients: np.ndarray,
    scores: Mapping[str, Interval] | None = None,
) -> dict[str, dict[str, Any]]:
    """Calibration of each output by name: of probabilities, or of numbers (bias, slope, error by predicted size).

    observed [N, T] (multiclass [N, 1] class index), predicted [N, T] or [N, C], patients [N]. scores: what
    `score_with_interval` found on the same rows of a binary task, so that slope and intercept are not resampled twice.

    >>> task = Task(kind="regression", targets=("los",))
    >>> x = np.arange(100.0)[:, None]
    >>> made = calibration_record(task, x, 0.5 * x, np.arange(100))["los"]
    >>> made["slope"]["value"], len(made["curve"])
    (2.0, 5)
    """
    if task.kind == "binary":
        y, p = observed[:, 0].astype(np.float64), predicted[:, 0]
        return {task.targets[0]: probability_calibration(y, p, patients, scores=scores)}
    columns = np.eye(task.outputs)[observed[:, 0].astype(int)] if task.kind == "multiclass" else observed
    make = probability_calibration if task.is_classification else number_calibration
    resamples = RESAMPLES if task.outputs == 1 else SEVERAL_RESAMPLES
    return {
        name: make(columns[:, t].astype(np.float64), predicted[:, t], patients, resamples)
        for t, name in enumerate(task.output_names)
    }


def probability_calibration(
    observed: np.ndarray,
    predicted: np.ndarray,
    patients: np.ndarray,
    resamples: int = RESAMPLES,
    scores: Mapping[str, Interval] | None = None,
) -> dict[str, Any]:
    """Curve, slope, intercept, expected over observed, and the Brier score's parts for one outcome.

    observed [N] in {0, 1}, predicted [N] in [0, 1], patients [N] one code a row. What is not defined (one class only)
    is left out.
    """
    bins = curve_bins(predicted, patients)

    made = resampled_intervals(
        _ratio(observed, predicted), {"expected_over_observed": (0.0, np.inf)}, patients, resamples
    )
    line = _line_of_log_odds(observed, predicted, patients, resamples) if scores is None else scores
    for name in ("slope", "intercept"):
        if (found := line.get(f"calibration_{name}")) is not None:
            made[name] = found
    return {
        "curve": reliability_curve(observed, predicted, patients, bins),
        **made,
        "brier": brier_parts(observed, predicted, bins),
    }


def _ratio(observed: np.ndarray, predicted: np.ndarray) -> Scores:
    def scores(weights: np.ndarray | None) -> dict[str, np.ndarray]:
        w = np.ones(len(observed)) if weights is None else weights
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (w @ predicted) / (w @ observed)
        return {"expected_over_observed": np.where(np.isfinite(ratio), ratio, np.nan)}

    return scores


def _line_of_log_odds(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, resamples: int
) -> dict[str, Interval]:
    functions = {"calibration_slope": calibration_slope, "calibration_intercept": calibration_intercept}

    def scores(weights: np.ndarray | None) -> dict[str, np.ndarray]:
        return {name: function(observed, predicted, weights) for name, function in functions.items()}

    return resampled_intervals(scores, dict.fromkeys(functions, (-np.inf, np.inf)), patients, resamples)


def curve_bins(predicted: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Bin [N] of each row: up to tenths of the predictions, ties together, never fewer than 10 patients in one.

    >>> curve_bins(np.array([0.1, 0.9] * 20), np.arange(40)).tolist()[:4]
    [0, 1, 0, 1]
    """
    count = int(np.clip(len(np.unique(patients)) // BIN_PATIENTS, 1, MOST_BINS))
    edges = np.quantile(predicted, np.linspace(0, 1, count + 1)[1:-1])
    place = np.searchsorted(np.unique(edges), predicted)
    return _without_small(np.unique(place, return_inverse=True)[1], patients)


def _without_small(bins: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Bins of fewer than 10 patients join their neighbour."""
    while bins.max(initial=0) > 0:
        sizes = [len(np.unique(patients[bins == b])) for b in range(bins.max() + 1)]
        small = int(np.argmin(sizes))
        if sizes[small] >= FEWEST_PATIENTS:
            break
        bins = np.where(bins > max(small - 1, 0), bins - 1, bins)
    return bins


def reliability_curve(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, bins: np.ndarray
) -> list[dict[str, Any]]:
    """Each bin's mean prediction and share of cases with its 95 % interval; nothing where patients are under 10."""

    def limits(rows: np.ndarray, people: int) -> dict[str, float]:
        return dict(zip(("low", "high"), wilson_interval(float(observed[rows].mean()), people), strict=True))

    return _curve(observed, predicted, patients, bins, limits)


def _curve(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, bins: np.ndarray, told: OfRows
) -> list[dict[str, Any]]:
    """A point a bin of at least 10 patients: means of both, what is told of the bin, how many they are."""
    found = []
    for b in range(int(bins.max(initial=-1)) + 1):
        inside = bins == b
        people = len(np.unique(patients[inside]))
        if people < FEWEST_PATIENTS:
            continue
        means = {"predicted": float(predicted[inside].mean()), "observed": float(observed[inside].mean())}
        found.append({**means, **told(inside, people), "rows": int(inside.sum()), "patients": people})
    return found


def wilson_interval(share: float, patients: int) -> tuple[float, float]:
    """95 % limits of a share among so many patients (Wilson 1927, JASA 22); wider than needed where rows repeat.

    The number of patients stands for the number of independent observations, whatever the rows.

    >>> tuple(round(limit, 3) for limit in wilson_interval(0.0, 10))
    (0.0, 0.278)
    """
    z2 = NORMAL_95**2 / patients
    centre = (share + z2 / 2) / (1 + z2)
    half = NORMAL_95 * np.sqrt(share * (1 - share) / patients + z2 / (4 * patients)) / (1 + z2)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def brier_parts(observed: np.ndarray, predicted: np.ndarray, bins: np.ndarray) -> dict[str, Any]:
    """score = reliability - resolution + uncertainty + within_bins (Murphy 1973; Stephenson et al. 2008).

    reliability: squared distance of bin means to bin shares, 0 is ideal; resolution: how far bin shares lie from the
    share of all, higher is better; uncertainty: what a constant scores; within_bins: what binning leaves over.

    >>> p, y = np.array([0.2] * 5 + [0.8] * 5), np.array([1, 0, 0, 0, 0, 1, 1, 1, 1, 0])
    >>> {k: round(v, 4) for k, v in brier_parts(y, p, (p > 0.5).astype(int)).items()}
    {'score': 0.16, 'reliability': 0.0, 'resolution': 0.09, 'uncertainty': 0.25, 'within_bins': 0.0}
    """
    sizes = np.bincount(bins)
    kept = sizes > 0
    weight = sizes[kept] / len(bins)
    shares, means = (np.bincount(bins, v)[kept] / sizes[kept] for v in (observed, predicted))
    overall, score = float(observed.mean()), float(brier(observed, predicted))
    reliability = float(weight @ (means - shares) ** 2)
    resolution = float(weight @ (shares - overall) ** 2)
    uncertainty = overall * (1 - overall)
    left = score - reliability + resolution - uncertainty
    return {
        "score": score,
        "reliability": reliability,
        "resolution": resolution,
        "uncertainty": uncertainty,
        "within_bins": left,
    }


def number_calibration(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """bias (mean of prediction - observed), slope and intercept of observed on predicted, and the curve by size.

    All but the slope in the target's unit; ideal are 0, 1, 0. The slope is left out where predictions are constant.
    """

    def scores(weights: np.ndarray | None) -> dict[str, np.ndarray]:
        w = np.ones(len(observed)) if weights is None else weights
        return _line(observed, predicted, w)

    bounds = dict.fromkeys(("bias", "slope", "intercept"), (-np.inf, np.inf))
    bins = curve_bins(predicted, patients)
    return {
        "curve": error_by_size(observed, predicted, patients, bins),
        **resampled_intervals(scores, bounds, patients, resamples),
    }


def _line(observed: np.ndarray, predicted: np.ndarray, w: np.ndarray) -> dict[str, np.ndarray]:
    """Weighted least squares of observed on predicted, w [..., N]."""
    total = w.sum(-1)
    x, y = predicted - predicted.mean(), observed - observed.mean()  # centred, so that squares do not cancel
    mean_x, mean_y = (w @ x) / total, (w @ y) / total
    variance = (w @ x**2) / total - mean_x**2
    wide = np.where(variance > NO_SPREAD * float(np.mean(predicted**2)), variance, np.nan)
    slope = ((w @ (x * y)) / total - mean_x * mean_y) / wide
    intercept = (mean_y + observed.mean()) - slope * (mean_x + predicted.mean())
    bias = (mean_x + predicted.mean()) - (mean_y + observed.mean())
    return {"bias": np.asarray(bias), "slope": np.asarray(slope), "intercept": np.asarray(intercept)}


def error_by_size(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, bins: np.ndarray
) -> list[dict[str, Any]]:
    """Each bin's mean prediction, mean of the observed with its 95 % interval, and mean absolute error."""

    def limits(rows: np.ndarray, people: int) -> dict[str, float]:
        low, high = mean_interval(observed[rows], patients[rows])
        return {"low": low, "high": high, "mae": float(np.abs(observed - predicted)[rows].mean())}

    return _curve(observed, predicted, patients, bins, limits)


def mean_interval(values: np.ndarray, patients: np.ndarray) -> tuple[float, float]:
    """95 % limits of a mean of rows [N], with a standard error over patients (the sandwich of Liang and Zeger 1986).

    >>> low, high = mean_interval(np.array([0.0, 1.0] * 50), np.arange(100))
    >>> round(low, 3), round(high, 3)
    (0.402, 0.598)
    """
    owner = np.unique(patients, return_inverse=True)[1]
    count = int(owner.max()) + 1
    apart = np.bincount(owner, values - values.mean())
    error = np.sqrt(count / max(count - 1, 1) * float(apart @ apart)) / len(values)
    centre = float(values.mean())
    return centre - NORMAL_95 * float(error), centre + NORMAL_95 * float(error)
