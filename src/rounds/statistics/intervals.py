"""How far a score would move with other patients: the bootstrap over patients, who are drawn with all their rows."""

from collections.abc import Callable

import numpy as np

from rounds.errors import DataError
from rounds.metrics import METRICS, metrics_for, weighted_scores
from rounds.run_folder.metrics import Estimate
from rounds.statistics.class_intervals import class_interval
from rounds.statistics.resampling import patient_weights
from rounds.task import Task

# Resamples of the percentile bootstrap. Efron and Tibshirani (1993), section 13: 1,000 for 95 % percentiles.
RESAMPLES = 1000
# Limits of the interval, in percent of the resamples.
PERCENTILES = (2.5, 97.5)
# A metric that fewer resamples than this share can judge is not said at all: it hangs on one or two patients.
FEWEST_JUDGED = 0.1


Scores = Callable[[np.ndarray | None], dict[str, np.ndarray]]  # weights [B, N] (None: all 1) -> statistics [B] by name


def score_with_interval(
    task: Task,
    observed: np.ndarray,
    predicted: np.ndarray,
    patients: np.ndarray,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every metric of the task with its interval: of classes as `class_interval` has it, of numbers by the bootstrap.

    Metrics that are not defined on these rows, or on hardly any resample of them, are left out.

    observed: [N, T], multiclass [N, 1] class index; predicted: [N, T] or [N, C] in the user's unit, or [R, N, ...]
    from R repeats, which are averaged first; patients: [N] one code a row.
    Raises DataError where lengths differ or there is only one patient.

    >>> task = Task(kind="regression", targets=("los",))
    >>> found = score_with_interval(task, np.arange(40.0)[:, None], np.arange(40.0)[:, None] + 1.0, np.arange(40))
    >>> found["mae"]
    Estimate(value=1.0, low=1.0, high=1.0, resamples=1000)
    """
    predicted, patients = average_repeats(observed, predicted), checked_patients(observed, patients)
    if task.is_classification:
        return _of_classes(task, observed, predicted, patients)

    def scores(weights: np.ndarray | None) -> dict[str, np.ndarray]:
        return weighted_scores(task, observed, predicted, weights)

    bounds = {name: METRICS[name].bounded for name in metrics_for(task)}
    return _intervals(scores, bounds, patients, resamples, seed)


def _of_classes(task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray) -> dict[str, Estimate]:
    each = {name: class_interval(task, name, observed, predicted, patients) for name in metrics_for(task)}
    return {name: Estimate(value=f[0], low=f[1], high=f[2]) for name, f in each.items() if f is not None}


def resampled_intervals(
    scores: Scores,
    bounds: dict[str, tuple[float, float]],
    patients: np.ndarray,
    resamples: int = RESAMPLES,
) -> dict[str, Estimate]:
    """Any statistics of rows with their intervals over patients.

    scores: nan where a statistic is not defined; bounds: lowest and highest possible value of each. What is not defined
    on these rows is left out.
    Raises DataError where there is only one patient.

    >>> stays = np.arange(40.0)
    >>> mean = lambda w: {"mean": stays.mean() if w is None else w @ stays / w.sum(-1)}
    >>> resampled_intervals(mean, {"mean": (0.0, np.inf)}, np.arange(40))["mean"].value
    19.5
    """
    return _intervals(scores, bounds, checked_patients(patients, patients), resamples, seed=0)


def average_repeats(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[R, N, T] predictions of R repeats -> their mean [N, T]; [N, T] as it is.

    >>> average_repeats(np.zeros((1, 1)), np.array([[[1.0]], [[3.0]]]))
    array([[2.]])
    """
    return np.asarray(predicted.mean(axis=0) if predicted.ndim == observed.ndim + 1 else predicted)


def _intervals(
    scores: Scores,
    bounds: dict[str, tuple[float, float]],
    patients: np.ndarray,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    judged = {name: float(value) for name, value in scores(None).items() if np.isfinite(value)}
    blocks = [scores(weights) for weights in patient_weights(patients, resamples, seed)]
    resampled = {name: np.concatenate([block[name] for block in blocks]) for name in judged}
    found = {name: _interval(value, resampled[name], bounds[name]) for name, value in judged.items()}
    return {
        name: interval for name, interval in found.items() if (interval.resamples or 0) >= FEWEST_JUDGED * resamples
    }


def _interval(value: float, resampled: np.ndarray, bounds: tuple[float, float]) -> Estimate:
    """resampled: [R], nan where a resample could not be judged.

    The percentiles are moved so that the resamples' median falls on the value. A resample holds patients twice and so
    has less variance, which shifts r2; over thousands of targets the shift is wider than the interval.
    """
    judged = resampled[np.isfinite(resampled)]
    if not len(judged):
        return Estimate(value=value, low=value, high=value, resamples=0)
    low, middle, high = np.percentile(judged, (PERCENTILES[0], 50.0, PERCENTILES[1])).tolist()
    low, high = (min(max(value + limit - middle, bounds[0]), bounds[1]) for limit in (low, high))
    return Estimate(value=value, low=low, high=high, resamples=len(judged))


def checked_patients(observed: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """The patient of each row; raises DataError where lengths differ or there is only one patient."""
    if len(patients) != len(observed) or not len(observed):
        advice = "Give the patient of each row"
        raise DataError(
            "Patients", f"{len(observed)} codes, not none", name="patients", got=len(patients), advice=advice
        )
    if len(np.unique(patients)) < 2:
        advice = "An interval over patients needs several: check the group column"
        raise DataError("Patients", "at least 2", name="patients", got=1, advice=advice)
    return np.asarray(patients)
