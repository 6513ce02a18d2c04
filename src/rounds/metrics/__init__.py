"""How good predictions are: one function a metric, and one table that says what each is for.

Every function takes observed and predicted values [N] or [N, T] (T targets, or C classes of a multiclass task) and
`weights`: none, [N], or [..., N] for many weightings at once (the resamples of a bootstrap). It returns float64 of
shape [...]: one number for each weighting, nan where the metric is not defined. Several targets count by their mean;
a target on which a metric is not defined (one class only, no spread) is passed over (`unjudged_targets` names it).
Shapes that do not agree raise DataError.

Read first: table.py.
"""

from rounds.metrics.calibration import calibration_intercept, calibration_slope
from rounds.metrics.numbers import mae, poisson_deviance, r2, rmse
from rounds.metrics.probabilities import (
    accuracy,
    as_probabilities,
    brier,
    class_accuracy,
    class_brier,
    class_log_loss,
    log_loss,
)
from rounds.metrics.ranking import auprc, auroc
from rounds.metrics.table import (
    METRICS,
    Better,
    Metric,
    main_metric,
    metrics_for,
    score,
    unjudged_targets,
    weighted_scores,
)

__all__ = [
    "METRICS",
    "Better",
    "Metric",
    "accuracy",
    "as_probabilities",
    "auprc",
    "auroc",
    "brier",
    "calibration_intercept",
    "calibration_slope",
    "class_accuracy",
    "class_brier",
    "class_log_loss",
    "log_loss",
    "mae",
    "main_metric",
    "metrics_for",
    "poisson_deviance",
    "r2",
    "rmse",
    "score",
    "unjudged_targets",
    "weighted_scores",
]
