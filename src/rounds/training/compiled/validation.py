"""Validation metrics inside the compiled program, so that early stopping never leaves it."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from rounds.errors import PlanError, nearest
from rounds.task import Kind
from rounds.training.compiled.objective import PROBABILITY_FLOOR
from rounds.user_code import import_named, is_import_path

NO_SPREAD = 1e-6  # a variance below this share of the mean square is rounding: ten times the resolution of float32


class JudgedOutputs(NamedTuple):
    """What a metric sees: loss of each row [V], observed and predicted [V, T] in the user's unit, weights [V] 0/1."""

    losses: jax.Array
    observed: jax.Array
    predicted: jax.Array
    weights: jax.Array


Metric = Callable[[JudgedOutputs], jax.Array]
Better = Literal["lower", "higher"]


def _mean(values: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.sum(values * weights) / jnp.maximum(jnp.sum(weights), 1.0)


def _loss(judged: JudgedOutputs) -> jax.Array:
    return _mean(judged.losses, judged.weights)


def _mae(judged: JudgedOutputs) -> jax.Array:
    return _mean(jnp.mean(jnp.abs(judged.observed - judged.predicted), axis=-1), judged.weights)


def _rmse(judged: JudgedOutputs) -> jax.Array:
    """Mean over targets of each one's own, as `rounds.metrics` has it."""
    squares = jnp.sum((judged.observed - judged.predicted) ** 2 * judged.weights[:, None], axis=0)
    return jnp.mean(jnp.sqrt(squares / jnp.maximum(jnp.sum(judged.weights), 1.0)))


def _r2(judged: JudgedOutputs) -> jax.Array:
    """Mean over the targets that vary, nan where none does, as `rounds.metrics` has it."""
    share = (judged.weights / jnp.maximum(jnp.sum(judged.weights), 1.0))[:, None]
    shifted = judged.observed - judged.observed[jnp.argmax(judged.weights)]  # exactly 0 where a target is constant
    squares = jnp.sum(share * shifted**2, axis=0)
    variance = squares - jnp.sum(share * shifted, axis=0) ** 2
    residual = jnp.sum(share * (judged.observed - judged.predicted) ** 2, axis=0)
    varies = variance > NO_SPREAD * squares
    explained = jnp.where(varies, 1 - residual / jnp.where(varies, variance, 1.0), 0.0)
    return jnp.sum(explained) / jnp.sum(varies)


def _accuracy(judged: JudgedOutputs) -> jax.Array:
    if judged.observed.shape[-1] == 1:
        right = (judged.predicted[:, 0] > 0.5) == (judged.observed[:, 0] > 0.5)
    else:
        right = jnp.argmax(judged.predicted, axis=-1) == jnp.argmax(judged.observed, axis=-1)
    return _mean(right.astype(jnp.float32), judged.weights)


def _label_accuracy(judged: JudgedOutputs) -> jax.Array:
    right = (judged.predicted > 0.5) == (judged.observed > 0.5)
    return _mean(jnp.mean(right.astype(jnp.float32), axis=-1), judged.weights)


def _brier(judged: JudgedOutputs) -> jax.Array:
    return _mean(jnp.sum((judged.observed - judged.predicted) ** 2, axis=-1), judged.weights)


def _auroc(judged: JudgedOutputs) -> jax.Array:
    """Share of (case, control) pairs in the right order, ties half, by mean ranks (Hanley and McNeil 1982)."""
    score = jnp.where(judged.weights > 0, judged.predicted[:, 0], -jnp.inf)
    ordered = jnp.sort(score)
    below = jnp.searchsorted(ordered, score, side="left") - jnp.sum(judged.weights == 0)
    upto = jnp.searchsorted(ordered, score, side="right") - jnp.sum(judged.weights == 0)
    rank = 0.5 * (below + upto + 1.0)
    case = judged.weights * (judged.observed[:, 0] > 0.5)
    cases, controls = jnp.sum(case), jnp.sum(judged.weights) - jnp.sum(case)
    return (jnp.sum(rank * case) - cases * (cases + 1) / 2) / jnp.maximum(cases * controls, 1.0)


def _auprc(judged: JudgedOutputs) -> jax.Array:
    """Average precision: precision at every case's score, tied scores taken together (as scikit-learn's)."""
    score = jnp.where(judged.weights > 0, judged.predicted[:, 0], -jnp.inf)
    case = judged.weights * (judged.observed[:, 0] > 0.5)
    place = jnp.argsort(-score)
    ordered, cases, rows = score[place], jnp.cumsum(case[place]), jnp.cumsum(judged.weights[place])
    last = jnp.searchsorted(-ordered, -ordered, side="right") - 1  # the last row of the same score
    precision = cases[last] / jnp.maximum(rows[last], 1.0)
    return jnp.sum(precision * case[place]) / jnp.maximum(jnp.sum(case), 1.0)


def _log_loss(judged: JudgedOutputs) -> jax.Array:
    """Negative log-probability of what happened, whatever loss was trained."""
    p = jnp.clip(judged.predicted, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    if p.shape[-1] == 1:
        p, y = jnp.concatenate([1 - p, p], -1), jnp.concatenate([1 - judged.observed, judged.observed], -1)
    else:
        y = judged.observed
    return _mean(-jnp.sum(y * jnp.log(p), axis=-1), judged.weights)


VALIDATION_METRICS: dict[str, tuple[Metric, Better, tuple[Kind, ...]]] = {
    "loss": (_loss, "lower", ("regression", "count", "binary", "multiclass", "multilabel")),
    "rmse": (_rmse, "lower", ("regression", "count")),
    "mae": (_mae, "lower", ("regression", "count")),
    "r2": (_r2, "higher", ("regression", "count")),
    "auroc": (_auroc, "higher", ("binary",)),
    "auprc": (_auprc, "higher", ("binary",)),
    "log_loss": (_log_loss, "lower", ("binary", "multiclass")),
    "brier": (_brier, "lower", ("binary", "multiclass")),
    "accuracy": (_accuracy, "higher", ("binary", "multiclass")),
    "label_accuracy": (_label_accuracy, "higher", ("multilabel",)),
}


def metric_names(kind: Kind, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Metrics that are computed each epoch for a task of this kind; the loss comes first, then the user's `own`.

    >>> metric_names("count", ("my_hospital.metrics:days_off",))
    ('loss', 'rmse', 'mae', 'r2', 'days_off')
    """
    known = tuple(name for name, (_, _, kinds) in VALIDATION_METRICS.items() if kind in kinds)
    return known + tuple(path.rpartition(":")[2] for path in own)


def user_metric(path: str) -> tuple[Metric, Better]:
    """A metric of the user's own: (observed, predicted) [V, T] in the user's unit -> [V], averaged over rows.

    Lower is better, unless the function has an attribute `better = "higher"`. Raises PlanError for other shapes.
    """
    function = import_named(path, "metrics")

    def metric(judged: JudgedOutputs) -> jax.Array:
        values = jnp.asarray(function(judged.observed, judged.predicted))
        if values.ndim == 0 or values.shape[0] != judged.weights.shape[0]:
            advice = f"{path}: let it take (observed, predicted) [V, T] and give [V]"
            raise PlanError("A metric", "one number a row", name="shape", got=values.shape, advice=advice)
        return _mean(values.reshape(values.shape[0], -1).mean(-1), judged.weights)

    return metric, "higher" if getattr(function, "better", "lower") == "higher" else "lower"


def is_higher_better(name: str, own: tuple[str, ...] = ()) -> bool:
    """Whether more of a metric is better."""
    if name in VALIDATION_METRICS:
        return VALIDATION_METRICS[name][1] == "higher"
    return user_metric(next(path for path in own if path.endswith(f":{name}")))[1] == "higher"


def check_keep_best(name: str, kind: Kind, own: tuple[str, ...] = ()) -> None:
    """Raises PlanError where `keep_best` is neither "none" nor a metric of this kind of task, or a metric is none."""
    for path in own:
        if not is_import_path(path):
            raise PlanError("metrics", "module:name", got=path, advice="Name a function that can be imported")
    known = [*metric_names(kind, own), "none"]
    if name not in known:
        raise PlanError("keep_best", f"one of {', '.join(known)}", got=name, advice=nearest(name, known))


def metric_values(judged: JudgedOutputs, kind: Kind, own: tuple[str, ...] = ()) -> jax.Array:
    """All metrics of this kind of task, [number of metrics] in the order of `metric_names`."""
    metrics = [VALIDATION_METRICS[name][0] for name in metric_names(kind)] + [user_metric(path)[0] for path in own]
    return jnp.stack([metric(judged) for metric in metrics])
