"""The simplest contestants: a constant, and the score in use today, as it is and recalibrated to these patients."""

import numpy as np

from rounds.baselines.baseline import Baseline, BaselineRecord
from rounds.baselines.linear import fit_line
from rounds.data.dataset import Dataset
from rounds.metrics.columns import RESOLUTION
from rounds.target_scale import TargetScale

# Beside the sum of losses over patients: none that is felt, only a finite slope where a score separates perfectly.
SLIGHT_PENALTY = 1e-6


def fit_constants(dataset: Dataset, rows: np.ndarray) -> list[Baseline]:
    """The mean (shares of classes, mean rate); for numbers also the median, the constant of least absolute error."""
    task, y = dataset.task, dataset.targets[rows].astype(np.float64)
    if task.kind == "regression":
        mean, median = (_constant(dataset, n, f(y, axis=0)) for n, f in (("mean", np.mean), ("median", np.median)))
        return [mean, median]
    if task.kind == "count":
        return [_constant(dataset, "mean rate", np.log(np.maximum(y.mean(0), RESOLUTION)))]
    if task.kind == "multiclass":
        shares = np.bincount(y[:, 0].astype(int), minlength=task.outputs) / len(y)
        return [_constant(dataset, "share of each class", np.log(np.maximum(shares, RESOLUTION)))]
    shares = np.clip(y.mean(0), RESOLUTION, 1 - RESOLUTION)
    return [_constant(dataset, "share of cases", np.log(shares / (1 - shares)))]


def _constant(dataset: Dataset, statistic: str, value: np.ndarray) -> Baseline:
    name = "constant median" if statistic == "median" else "constant"
    record = BaselineRecord(
        name=name,
        note=f"the training rows' {statistic}",
        kind="constant",
        task=dataset.task,
        target_scale=TargetScale(kind="identity"),
    )
    return Baseline(record, {"value": np.atleast_1d(value)})


def fit_scores(dataset: Dataset, rows: np.ndarray) -> list[Baseline]:
    """The score in use, where the table has one: [N] numbers that need be no predictions in the target's unit.

    Numbers: as it is, and on the straight line that fits best. Cases: its log-odds line (its order, and so its auroc,
    stay). Counts: its log-rate line. A missing score is taken as the median.
    """
    scores, task = dataset.cohort.baseline, dataset.task
    if scores is None or task.kind in ("multiclass", "multilabel") or len(task.targets) > 1:
        return []
    x = np.asarray(scores, np.float64)[rows]
    if np.isnan(x).all():
        return []
    stand_in = float(np.nanmedian(x))
    x, y = np.where(np.isnan(x), stand_in, x), dataset.targets[rows][:, 0].astype(np.float64)
    line = _score(dataset, f"{dataset.cohort.baseline_name}, recalibrated", _best_line(dataset, x, y), stand_in)
    as_it_is = [_score(dataset, dataset.cohort.baseline_name, (1.0, 0.0), stand_in)]
    return [*as_it_is, line] if task.kind == "regression" else [line]


def _score(dataset: Dataset, name: str, line: tuple[float, float], stand_in: float) -> Baseline:
    slope, intercept = line
    turned = "; a higher score goes with a lower outcome, so its order is turned round" if slope < 0 else ""
    fitted = (
        f"line fitted on the training rows: {intercept:.4g} + {slope:.4g} x score" if line != (1.0, 0.0) else "as it is"
    )
    record = BaselineRecord(
        name=name,
        note=f"the score in use today, {fitted}; missing scores taken as the median {stand_in:.4g}{turned}",
        kind="score",
        task=dataset.task,
        target_scale=TargetScale(kind="identity"),
        column=dataset.cohort.baseline_name,
    )
    numbers = {"slope": slope, "intercept": intercept, "stand_in": stand_in}
    return Baseline(record, {key: np.array([value]) for key, value in numbers.items()})


def _best_line(dataset: Dataset, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """(slope, intercept) on the fitted scale: the unit, log-odds, or log-rates."""
    centre, spread = float(x.mean()), float(x.std()) or 1.0
    beta, intercept = fit_line(dataset.task, ((x - centre) / spread)[:, None], y[:, None], SLIGHT_PENALTY)
    slope = float(beta[0, 0]) / spread
    return slope, float(intercept[0]) - slope * centre
