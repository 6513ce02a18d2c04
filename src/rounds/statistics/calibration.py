"""Whether predictions mean what they say: reliability curves, slope and intercept, and the parts of the Brier score."""

from collections.abc import Callable

import numpy as np

from rounds.metrics import brier
from rounds.metrics.columns import NO_SPREAD
from rounds.metrics.influence import patient_sums
from rounds.run_folder.evidence import BrierParts, Calibration, CurvePoint
from rounds.run_folder.metrics import Estimate
from rounds.statistics.class_intervals import line_interval, student, wilson_interval
from rounds.statistics.intervals import RESAMPLES, resampled_intervals
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

OfRows = Callable[[np.ndarray, int], dict[str, float]]  # ([N] bool, patients) -> limits and what else is shown


def calibration_record(
    task: Task,
    observed: np.ndarray,
    predicted: np.ndarray,
    patients: np.ndarray,
) -> dict[str, Calibration]:
    """Calibration of each output by name: of probabilities, or of numbers (bias, slope, error by predicted size).

    observed [N, T] (multiclass [N, 1] class index), predicted [N, T] or [N, C], patients [N].

    >>> task = Task(kind="regression", targets=("los",))
    >>> x = np.arange(100.0)[:, None]
    >>> made = calibration_record(task, x, 0.5 * x, np.arange(100))["los"]
    >>> made.slope.value, len(made.curve)
    (2.0, 5)
    """
    columns = np.eye(task.outputs)[observed[:, 0].astype(int)] if task.kind == "multiclass" else observed
    outputs = {name: (columns[:, t].astype(np.float64), predicted[:, t]) for t, name in enumerate(task.output_names)}
    if task.is_classification:
        return {name: probability_calibration(y, p, patients) for name, (y, p) in outputs.items()}
    resamples = RESAMPLES if task.outputs == 1 else SEVERAL_RESAMPLES
    return {name: number_calibration(y, p, patients, resamples) for name, (y, p) in outputs.items()}


def probability_calibration(observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray) -> Calibration:
    """Curve, slope, intercept, expected over observed, and the Brier score's parts for one outcome.

    observed [N] in {0, 1}, predicted [N] in [0, 1], patients [N] one code a row. What is not defined (one class only)
    is left out.
    """
    bins = curve_bins(predicted, patients)
    limits = {
        "expected_over_observed": _expected_over_observed(observed, predicted, patients),
        "slope": line_interval("calibration_slope", observed, predicted, patients),
        "intercept": line_interval("calibration_intercept", observed, predicted, patients),
    }
    return Calibration(
        curve=reliability_curve(observed, predicted, patients, bins),
        **{name: Estimate(value=f[0], low=f[1], high=f[2]) for name, f in limits.items() if f is not None},
        brier=brier_parts(observed, predicted, bins),
    )


def _expected_over_observed(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray
) -> tuple[float, float, float] | None:
    """(Sum of chances over cases, low, high), by the influence of each patient on its logarithm; None without cases."""
    cases, expected = float(observed.sum()), float(predicted.sum())
    if not cases or not expected:
        return None
    sums, people = (
        patient_sums(predicted / expected - observed / cases, patients),
        len(np.unique(patients[observed > 0.5])),
    )
    spread = float(sums @ sums) * people / max(people - 1, 1)
    ratio, factor = expected / cases, float(np.exp(student(float(max(people - 1, 1))) * np.sqrt(spread)))
    return ratio, ratio / factor, ratio * factor


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
) -> tuple[CurvePoint, ...]:
    """Each bin's mean prediction and share of cases with its 95 % interval; nothing where patients are under 10."""

    def limits(rows: np.ndarray, people: int) -> dict[str, float]:
        return dict(zip(("low", "high"), wilson_interval(float(observed[rows].mean()), people), strict=True))

    return _curve(observed, predicted, patients, bins, limits)


def _curve(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, bins: np.ndarray, limits: OfRows
) -> tuple[CurvePoint, ...]:
    """A point a bin of at least 10 patients: means of both, limits of the bin, how many they are."""
    found = []
    for b in range(int(bins.max(initial=-1)) + 1):
        inside = bins == b
        people = len(np.unique(patients[inside]))
        if people < FEWEST_PATIENTS:
            continue
        means = {"predicted": float(predicted[inside].mean()), "observed": float(observed[inside].mean())}
        found.append(CurvePoint(**means, **limits(inside, people), rows=int(inside.sum()), patients=people))
    return tuple(found)


def brier_parts(observed: np.ndarray, predicted: np.ndarray, bins: np.ndarray) -> BrierParts:
    """score = reliability - resolution + uncertainty + within_bins (Murphy 1973; Stephenson et al. 2008).

    reliability: squared distance of bin means to bin shares, 0 is ideal; resolution: how far bin shares lie from the
    share of all, higher is better; uncertainty: what a constant scores; within_bins: what binning leaves over.

    >>> p, y = np.array([0.2] * 5 + [0.8] * 5), np.array([1, 0, 0, 0, 0, 1, 1, 1, 1, 0])
    >>> {k: round(v, 4) for k, v in brier_parts(y, p, (p > 0.5).astype(int))}
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
    return BrierParts(
        score=score,
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within_bins=score - reliability + resolution - uncertainty,
    )


def number_calibration(
    observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray, resamples: int = RESAMPLES
) -> Calibration:
    """bias (mean of prediction - observed), slope and intercept of observed on predicted, and the curve by size.

    All but the slope in the target's unit; ideal are 0, 1, 0. The slope is left out where predictions are constant.
    """

    def scores(weights: np.ndarray | None) -> dict[str, np.ndarray]:
        w = np.ones(len(observed)) if weights is None else weights
        return _line(observed, predicted, w)

    bounds = dict.fromkeys(("bias", "slope", "intercept"), (-np.inf, np.inf))
    bins = curve_bins(predicted, patients)
    curve = error_by_size(observed, predicted, patients, bins)
    return Calibration(curve=curve).model_copy(update=resampled_intervals(scores, bounds, patients, resamples))


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
) -> tuple[CurvePoint, ...]:
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
