"""One row a metric: what it is for, which way is better, in which unit; a new metric is one function and one row."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rounds.metrics.calibration import calibration_intercept, calibration_slope
from rounds.metrics.columns import Function
from rounds.metrics.numbers import mae, poisson_deviance, r2, rmse
from rounds.metrics.probabilities import accuracy, brier, class_accuracy, class_brier, class_log_loss, log_loss
from rounds.metrics.ranking import auprc, auroc
from rounds.task import Kind, Task

Better = Literal["lower", "higher", "ideal"]


@dataclass(frozen=True)
class Metric:
    """One row of the table. ideal: the value of a perfect prediction; better: "lower", "higher", or "ideal" (the
    nearer to it); unit_like_target: whether it is in the target's unit; bounded: lowest and highest possible value;
    of_classes: the function for a multiclass task where it is another (observed one-hot [N, C], predicted [N, C]).
    """

    name: str
    function: Function
    better: Better
    kinds: tuple[Kind, ...]
    ideal: float
    bounded: tuple[float, float]
    unit_like_target: bool = False
    of_classes: Function | None = None

    def gain(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """How much better value a is than value b, in the metric's own unit; positive where a is better.

        >>> float(METRICS["rmse"].gain(np.array(2.0), np.array(3.0)))
        1.0
        """
        if self.better == "higher":
            return np.asarray(a - b)
        return np.asarray(np.abs(b - self.ideal) - np.abs(a - self.ideal))


_NUMBERS: tuple[Kind, ...] = ("regression", "count")
_CLASSES: tuple[Kind, ...] = ("binary", "multiclass", "multilabel")
_UP = (0.0, np.inf)
_ANY = (-np.inf, np.inf)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mae", mae, "lower", _NUMBERS, 0.0, _UP, unit_like_target=True),
        Metric("rmse", rmse, "lower", _NUMBERS, 0.0, _UP, unit_like_target=True),
        Metric("r2", r2, "higher", _NUMBERS, 1.0, (-np.inf, 1.0)),
        Metric("poisson_deviance", poisson_deviance, "lower", ("count",), 0.0, _UP),
        Metric("auroc", auroc, "higher", _CLASSES, 1.0, (0.0, 1.0)),
        Metric("auprc", auprc, "higher", ("binary", "multilabel"), 1.0, (0.0, 1.0)),
        Metric("log_loss", log_loss, "lower", _CLASSES, 0.0, _UP, of_classes=class_log_loss),
        Metric("brier", brier, "lower", _CLASSES, 0.0, (0.0, 2.0), of_classes=class_brier),
        Metric("accuracy", accuracy, "higher", _CLASSES, 1.0, (0.0, 1.0), of_classes=class_accuracy),
        Metric("calibration_slope", calibration_slope, "ideal", ("binary",), 1.0, _ANY),
        Metric("calibration_intercept", calibration_intercept, "ideal", ("binary",), 0.0, _ANY),
    )
}


def metrics_for(task: Task) -> tuple[str, ...]:
    """Names of the metrics that judge a task of this kind.

    >>> metrics_for(Task(kind="regression", targets=("los",)))
    ('mae', 'rmse', 'r2')
    """
    return tuple(name for name, metric in METRICS.items() if task.kind in metric.kinds)


def main_metric(task: Task) -> str:
    """The metric that answers "was it worth it".

    One number: rmse, because a smallest worthwhile difference can be said in its unit (days) and the mean minimises
    it. Several: r2, because a mean over targets needs one unit. Classes: log loss, which only honest probabilities
    minimise (a proper score; AUROC is blind to calibration).

    >>> main_metric(Task(kind="binary", targets=("death",), classes=("0", "1")))
    'log_loss'
    """
    if task.is_classification:
        return "log_loss"
    return "rmse" if len(task.targets) == 1 else "r2"


def score(
    task: Task, observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Every metric of the task: observed [N, T] (multiclass: class index [N, 1]), predicted [N, T] or [N, C].

    nan where a metric is not defined. Raises DataError where shapes do not agree.

    >>> score(Task(kind="regression", targets=("los",)), np.array([[1.0], [3.0]]), np.array([[1.0], [3.0]]))
    {'mae': 0.0, 'rmse': 0.0, 'r2': 1.0}
    """
    return {name: float(value) for name, value in weighted_scores(task, observed, predicted, weights).items()}


def weighted_scores(
    task: Task,
    observed: np.ndarray,
    predicted: np.ndarray,
    weights: np.ndarray | None,
    names: tuple[str, ...] | None = None,
) -> dict[str, np.ndarray]:
    """As `score`, for weights [..., N] -> each metric [...]; only the metrics in `names` where given."""
    if task.kind == "multiclass":
        observed = np.asarray(observed).reshape(-1, 1) == np.arange(len(task.classes))
    chosen = [METRICS[name] for name in (names or metrics_for(task))]
    functions = [m.of_classes if task.kind == "multiclass" and m.of_classes else m.function for m in chosen]
    return {m.name: f(observed, predicted, weights) for m, f in zip(chosen, functions, strict=True)}


def unjudged_targets(task: Task, observed: np.ndarray) -> tuple[str, ...]:
    """Targets (or classes) that auroc, auprc and r2 pass over, because all rows have the same outcome.

    >>> unjudged_targets(Task(kind="multilabel", targets=("mi", "stroke")), np.array([[0, 1], [1, 1]]))
    ('stroke',)
    """
    columns = np.asarray(observed)
    if task.kind == "multiclass":
        columns = columns.reshape(-1, 1) == np.arange(len(task.classes))
    same = (columns == columns[:1]).all(axis=0)
    return tuple(name for name, constant in zip(task.output_names, same, strict=True) if constant)
