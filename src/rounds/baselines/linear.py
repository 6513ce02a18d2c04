"""The linear baseline, well tuned: ridge, logistic or Poisson regression, its penalty chosen on patients left out."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from rounds.baselines.baseline import ABSENT, certain_outputs, in_unit
from rounds.data.dataset import Inputs
from rounds.input_shape import InputShape
from rounds.metrics import score
from rounds.target_scale import TargetScale
from rounds.task import Task

# Penalties tried: of the sum of squared coefficients beside the sum of losses over rows.
RIDGE_PENALTIES = tuple(np.logspace(-2, 5, 15).tolist())
# Strong first: the search ends once less penalty has made it worse, before the slow fits.
LOSS_PENALTIES = tuple(np.logspace(3, -2, 11).tolist())
# With more filled cells than this the inputs are an ordinary matrix, which multiplies faster than a sparse one.
DENSE_SHARE = 0.2
# Steps of the quasi-Newton method: a fit that has not settled by then is close enough to compare penalties.
STEPS = 300

Line = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class LinearFit:
    """coefficients [D, outputs], intercept [outputs], the penalty, and (rows, outputs) left out of the fit."""

    coefficients: np.ndarray
    intercept: np.ndarray
    penalty: float
    left_out: np.ndarray
    left_out_outputs: np.ndarray

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {"coefficients": self.coefficients, "intercept": self.intercept}


def design_matrix(inputs: Inputs, shape: InputShape) -> Any:
    """Numbers, flags and one column a level of each code, [N, D] float64: dense, or sparse where mostly empty."""
    rows, width = len(inputs.numbers), inputs.numbers.shape[1] + inputs.flags.shape[1] + sum(shape.levels)
    filled = np.count_nonzero(inputs.numbers) + np.count_nonzero(inputs.flags) + rows * len(shape.levels)
    dense = filled > DENSE_SHARE * rows * width
    return _dense_design(inputs, shape, width) if dense else _sparse_design(inputs, shape)


def _dense_design(inputs: Inputs, shape: InputShape, width: int) -> np.ndarray:
    """Filled in place: of a large table, nothing but the result takes memory."""
    rows, plain = np.arange(len(inputs.numbers)), inputs.numbers.shape[1] + inputs.flags.shape[1]
    design = np.zeros((len(rows), width))
    design[:, : inputs.numbers.shape[1]] = inputs.numbers
    design[:, inputs.numbers.shape[1] : plain] = inputs.flags
    starts = plain + np.cumsum([0, *shape.levels])[:-1]
    for codes, start in zip(inputs.codes.T, starts, strict=True):
        design[rows, start + codes] = 1.0
    return design


def _sparse_design(inputs: Inputs, shape: InputShape) -> Any:
    rows = len(inputs.numbers)
    blocks = [sparse.csr_array(inputs.numbers, dtype=np.float64), sparse.csr_array(inputs.flags, dtype=np.float64)]
    for codes, levels in zip(inputs.codes.T, shape.levels, strict=True):
        blocks.append(sparse.csr_array((np.ones(rows), codes, np.arange(rows + 1)), shape=(rows, levels)))
    return sparse.csr_array(sparse.hstack(blocks))


def fit_ridge(design: Any, targets: np.ndarray, folds: list[np.ndarray]) -> LinearFit:
    """Ridge regression of all targets [N, T] at once, one penalty: the best mean squared error on the folds' rows."""
    rotation = None
    if design.shape[1] > design.shape[0]:  # more columns than rows: the same ridge in the rows' own span
        left, strength, rotation = linalg.svd(_dense(design), full_matrices=False)
        design = left * strength
    totals = _moments(design, targets)
    errors = np.zeros(len(RIDGE_PENALTIES))
    predictions: list[list[np.ndarray]] = [[] for _ in RIDGE_PENALTIES]
    for fold in folds:
        held, seen = design[fold], targets[fold]
        rest = tuple(t - f for t, f in zip(totals, _moments(held, seen), strict=True))
        for place, (beta, intercept) in enumerate(_ridge_path(rest)):
            outputs = held @ beta + intercept
            errors[place] += ((seen - outputs) ** 2).sum()
            predictions[place].append(outputs)
    best = int(errors.argmin())
    beta, intercept = next(_ridge_path(totals, RIDGE_PENALTIES[best : best + 1]))
    beta = beta if rotation is None else rotation.T @ beta
    left_out = np.concatenate(folds)
    return LinearFit(beta, intercept, RIDGE_PENALTIES[best], left_out, np.concatenate(predictions[best]))


def _dense(design: Any) -> np.ndarray:
    return np.asarray(design.toarray() if sparse.issparse(design) else design)


def _moments(design: Any, targets: np.ndarray) -> tuple[Any, ...]:
    """Rows, sums and products that a ridge regression needs: they add up over folds."""
    products = _dense(design.T @ design)
    return float(len(targets)), np.asarray(design.sum(0)), targets.sum(0), products, np.asarray(design.T @ targets)


def _ridge_path(moments: tuple[Any, ...], penalties: tuple[float, ...] = RIDGE_PENALTIES) -> Iterator[Line]:
    """(coefficients [D, T], intercept [T]) for each penalty; the intercept is not penalised."""
    rows, sum_x, sum_y, products, crossed = moments
    mean_x, mean_y = sum_x / rows, sum_y / rows
    centred = products - rows * np.outer(mean_x, mean_x)
    crossed = crossed - rows * np.outer(mean_x, mean_y)
    for penalty in penalties:
        beta = linalg.solve(centred + penalty * np.eye(len(centred)), crossed, assume_a="pos")
        yield beta, mean_y - mean_x @ beta


def fit_by_loss(task: Task, design: Any, targets: np.ndarray, folds: list[np.ndarray]) -> LinearFit:
    """Logistic (each target), multinomial or Poisson regression, its penalty chosen by log loss or Poisson deviance.

    targets: [N, T] in {0, 1}, counts, or [N, 1] class index.
    """
    metric = "poisson_deviance" if task.kind == "count" else "log_loss"
    left_out = np.concatenate(folds)
    seen = [np.setdiff1d(np.arange(len(targets)), fold) for fold in folds]
    parts = [(design[s], targets[s], design[f], _models(task)) for s, f in zip(seen, folds, strict=True)]
    best, penalty, kept = np.inf, LOSS_PENALTIES[0], np.zeros((len(left_out), task.outputs))
    for tried in LOSS_PENALTIES:
        lines = [_line(task, models, x, y, tried) for x, y, _, models in parts]
        outputs = np.concatenate([held @ beta + a for (beta, a), (_, _, held, _) in zip(lines, parts, strict=True)])
        loss = score(task, targets[left_out], in_unit(task, TargetScale(kind="identity"), outputs))[metric]
        if loss >= best:
            break
        best, penalty, kept = loss, tried, outputs
    beta, intercept = _line(task, _models(task), design, targets, penalty)
    return LinearFit(beta, intercept, penalty, left_out, kept)


def fit_line(task: Task, design: Any, targets: np.ndarray, penalty: float) -> Line:
    """(coefficients [D, outputs], intercept [outputs]) of the task's linear model at one penalty, which is that of the
    sum of squared coefficients beside the sum of losses over rows.

    targets: numbers [N, T] on any scale, counts or {0, 1}; multiclass [N, 1] class index.

    >>> stays = Task(kind="regression", targets=("los",))
    >>> beta, intercept = fit_line(stays, np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]), 1e-9)
    >>> beta.round(3).tolist(), intercept.round(3).tolist()
    ([[2.0]], [1.0])
    """
    if task.kind == "regression":
        return next(_ridge_path(_moments(design, targets), (penalty,)))
    return _line(task, _models(task), design, targets, penalty)


def _models(task: Task) -> list[Any]:
    """One unfitted model a target; each fit of a model starts from where its last one ended."""
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

    if task.kind == "count":
        return [PoissonRegressor(max_iter=STEPS, warm_start=True) for _ in task.targets]
    return [LogisticRegression(max_iter=STEPS, warm_start=True) for _ in task.targets]


def _line(task: Task, models: list[Any], design: Any, targets: np.ndarray, penalty: float) -> Line:
    """Each target's (for a multiclass task each class's) coefficients [D, outputs] and intercept [outputs]."""
    beta, intercept = np.zeros((design.shape[1], task.outputs)), np.full(task.outputs, ABSENT)
    for target, model in enumerate(models):
        y, outputs = targets[:, target], np.array([target])
        if len(present := np.unique(y)) < 2:
            certain = certain_outputs(task, target, float(present[0]))
            intercept[list(certain)] = list(certain.values())
            continue
        model.set_params(**({"alpha": penalty / len(y)} if task.kind == "count" else {"C": 1.0 / penalty}))
        _settle(model, design, y)
        if task.kind == "multiclass":
            intercept[present.astype(int)] = 0.0
            outputs = present.astype(int)[-len(model.coef_) :]
        beta[:, outputs], intercept[outputs] = np.atleast_2d(model.coef_).T, model.intercept_
    return beta, intercept


def _settle(model: Any, design: Any, targets: np.ndarray) -> None:
    """Fits; that it ran out of steps is no news to a user, the penalty is judged by its score either way."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(design, targets)
