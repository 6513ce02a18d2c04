"""The first rows that a loop trains on, kept in memory to say how large inputs are and what a constant would reach."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rounds.examination.sources.watched import task_of
from rounds.model_facts import InputFacts, ModelFacts, TargetFacts
from rounds.watch.linear import linear_loss

MOST_ROWS, MOST_VALUES = 4096, 2_000_000
_FLOOR = 1e-7


class Sample:
    """Rows of the first epoch, until there are enough; nothing of them is ever written."""

    def __init__(self) -> None:
        self._inputs: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []
        self._rows = self._values = 0
        self.batch: int | None = None  # rows of a minibatch

    @property
    def full(self) -> bool:
        return self._rows >= MOST_ROWS or self._values >= MOST_VALUES

    def add(self, inputs: Any, targets: Any) -> None:
        """One minibatch; inputs that are several arrays, or no numbers, are left out."""
        if self.full:
            return
        y = _array(targets)
        if y is None or y.ndim == 0:
            return
        self.batch = max(self.batch or 0, len(y))
        self._targets.append(y.reshape(len(y), -1))
        self._rows += len(y)
        x = _array(inputs)
        if x is not None and x.ndim > 1 and x.dtype.kind == "f":
            self._inputs.append(x)
            self._values += x.size

    @property
    def rows(self) -> np.ndarray | None:
        """Inputs [N, ...] of the same rows as `targets`; None where there are none of all of them."""
        whole = len(self._inputs) == len(self._targets) > 0
        return np.concatenate(self._inputs) if whole else None

    def describe(self, facts: ModelFacts) -> tuple[ModelFacts, dict[str, float]]:
        """Facts with what inputs and targets are like; what a constant and a linear model reach, where known."""
        targets = self.targets
        if targets is None:
            return facts, {}
        update = {"inputs": self.inputs, "targets": TargetFacts.of(targets), "batch_size": self.batch}
        facts = facts.model_copy(update=update)
        task, rows = task_of(facts), self.rows
        found = {"constant_loss": loss_of_constant(facts.loss, targets)}
        if task is not None and rows is not None:
            found["linear_loss"] = linear_loss(facts.loss, task, rows, targets)
        return facts, {name: value for name, value in found.items() if value is not None}

    @property
    def inputs(self) -> InputFacts | None:
        return InputFacts.of(np.concatenate(self._inputs)) if self._inputs else None

    @property
    def targets(self) -> np.ndarray | None:
        """[N, T], or None where none were seen."""
        return np.concatenate(self._targets) if self._targets else None


def _array(value: Any) -> np.ndarray | None:
    if isinstance(value, list | tuple | dict):
        return None
    try:
        return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except (TypeError, ValueError):
        return None


def loss_of_constant(name: str, targets: np.ndarray) -> float | None:
    """Loss of the best constant prediction for targets [N, T] as the loss is given them; None for a loss not known.

    >>> round(loss_of_constant("binary_crossentropy", np.array([[0.0], [1.0]])), 4)
    0.6931
    """
    known = _CONSTANT.get(name)
    return None if known is None or not len(targets) else float(known(np.asarray(targets, np.float64)))


def _labels(y: np.ndarray) -> float:
    p = np.clip(y.mean(0), _FLOOR, 1 - _FLOOR)
    return float(-(p * np.log(p) + (1 - p) * np.log(1 - p)).mean())


def _classes(y: np.ndarray) -> float:
    shares = np.unique(y[:, 0], return_counts=True)[1] / len(y) if y.shape[1] == 1 else y.mean(0)
    return float(-(shares * np.log(np.clip(shares, _FLOOR, 1.0))).sum())


def _huber(y: np.ndarray) -> float:
    size = np.abs(y[:, None, :] - np.quantile(y, np.linspace(0.2, 0.8, 61), axis=0)[None])
    return float(np.where(size < 1, 0.5 * size**2, size - 0.5).mean(0).min(0).mean())


def _poisson(y: np.ndarray) -> float:
    mean = np.maximum(y.mean(0), _FLOOR)
    return float((mean - mean * np.log(mean)).mean())


def _hinge(y: np.ndarray) -> float:
    share = (y > 0).mean(0)
    return float((2 * np.minimum(share, 1 - share)).mean())


_CONSTANT: dict[str, Callable[[np.ndarray], float]] = {
    "mse": lambda y: float(y.var(0).mean()),
    "mae": lambda y: float(np.abs(y - np.median(y, axis=0)).mean()),
    "msle": lambda y: float(np.log1p(np.maximum(y, 0)).var(0).mean()),
    "huber": _huber,
    "binary_crossentropy": _labels,
    "categorical_crossentropy": _classes,
    "sparse_categorical_crossentropy": _classes,
    "poisson": _poisson,
    "hinge": _hinge,
}
