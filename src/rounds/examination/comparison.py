"""Differences that count: between members on the same folds, and between predictions on the same patients."""

import numpy as np
import polars as pl

from rounds.examination.run import Advantage
from rounds.metrics import METRICS, main_metric, weighted_scores
from rounds.metrics.resampling import patient_weights
from rounds.task import Task

NETWORK = "network"
RESAMPLES = 300  # of patients: enough for a verdict that is given in halves of an interval
_NOT_BASELINES = {"row", "patient", "split", "target", "observed", NETWORK, "single network"}


def advantages_of(task: Task, predictions: pl.DataFrame) -> dict[str, Advantage]:
    """The network's gain over each baseline on judged rows, resampled over patients.

    predictions: the content of predictions.parquet.
    """
    judged = predictions.filter(pl.col("split") == "test")
    names = [c for c in judged.columns if c not in _NOT_BASELINES and judged[c].null_count() == 0]
    if NETWORK not in judged.columns or not judged.height:
        return {}
    table = {name: _outputs(task, judged, name) for name in ("observed", NETWORK, *names)}
    observed = table["observed"].argmax(1)[:, None] if task.kind == "multiclass" else table["observed"]
    patients = judged.filter(pl.col("target") == task.output_names[0])["patient"].to_numpy()
    scores = {n: _scores(task, observed, table[n], patients) for n in (NETWORK, *names)}
    return {n: _advantage(task, scores[NETWORK], scores[n]) for n in names}


def _outputs(task: Task, judged: pl.DataFrame, column: str) -> np.ndarray:
    return np.stack([judged.filter(pl.col("target") == n)[column].to_numpy() for n in task.output_names], axis=1)


def _scores(task: Task, observed: np.ndarray, predicted: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """[1 + RESAMPLES]: on all rows once, then on patients drawn with replacement."""
    metric = main_metric(task)
    weights = (np.ones((1, len(patients))), *patient_weights(patients, RESAMPLES, seed=0))
    return np.concatenate([weighted_scores(task, observed, predicted, w, (metric,))[metric] for w in weights])


def _advantage(task: Task, network: np.ndarray, other: np.ndarray) -> Advantage:
    gains = METRICS[main_metric(task)].gain(network, other)
    low, high = np.nanquantile(gains[1:], (0.025, 0.975))
    return Advantage(float(gains[0]), float(low), float(high))


def paired(differences: np.ndarray) -> tuple[float, float, float]:
    """(mean, low, high) of differences [K] between members of the same fold: 95 % Student interval by `fold_error`.

    K folds share training rows, so the variance is widened by 1 / (K - 1) (Nadeau and Bengio 2003, Machine Learning
    52, for K-fold cross-validation). Infinite limits for a single pair.

    >>> paired(np.array([1.0, 1.0, 1.0]))
    (1.0, 1.0, 1.0)
    """
    from scipy.stats import t

    mean = float(differences.mean())
    count = len(differences)
    if count < 2:
        return mean, float("-inf"), float("inf")
    reach = float(t.ppf(0.975, count - 1)) * fold_error(differences)
    return mean, mean - reach, mean + reach


def fold_error(differences: np.ndarray) -> float:
    """Standard error of the mean of differences [K] between folds that share training rows; 0 for a single one.

    >>> fold_error(np.array([1.0, 1.0]))
    0.0
    """
    count = len(differences)
    if count < 2:
        return 0.0
    return float(differences.std(ddof=1) * np.sqrt(1 / count + 1 / (count - 1)))
