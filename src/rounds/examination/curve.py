"""One member's training as arrays, and members of the same choices side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

Series = tuple[np.ndarray, np.ndarray]  # epochs [K] and values [K]

# Epochs that are averaged where one epoch alone would be noise: a tenth of the training, at least one.
WINDOW_SHARE = 0.1


@dataclass(frozen=True)
class Curve:
    """One member: losses by epoch [E] (nan where not recorded), and what was measured inside it.

    train is the mean loss of the epoch's steps, with dropout and noise on; validation is taken after the epoch with
    all units on. metrics: validation metrics by name [E]; measures: by (layer, measure), epochs 0 = before the first
    step; steps: (epoch as a fraction [K], loss [K]) of single minibatches.
    """

    member: int
    epochs: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    plan: int = 0
    fold: int = 0
    outer: int = -1
    settings: dict[str, float] = field(default_factory=dict)
    rate: np.ndarray | None = None
    penalty: np.ndarray | None = None
    metrics: dict[str, np.ndarray] = field(default_factory=dict)
    measures: dict[tuple[str, str], Series] = field(default_factory=dict)
    steps: Series | None = None
    outcome: str = "finished"

    @property
    def window(self) -> int:
        """Epochs averaged for one point."""
        return max(1, round(WINDOW_SHARE * len(self.epochs)))

    @property
    def diverged(self) -> bool:
        """Whether a loss was lost; a training loss that was never recorded is not."""
        lost = self.has_train and not np.isfinite(self.train[~np.isnan(self.validation)]).all()
        return self.outcome == "diverged" or lost

    @cached_property
    def has_train(self) -> bool:
        return bool(np.isfinite(self.train).any())

    @cached_property
    def has_validation(self) -> bool:
        return bool(np.isfinite(self.validation).any())

    @property
    def best_validation(self) -> float:
        """Lowest validation loss; infinite where none is finite."""
        finite = self.validation[np.isfinite(self.validation)]
        return float(finite.min()) if len(finite) else float("inf")

    def measure(self, name: str) -> dict[str, Series]:
        """(epochs, values) of one measure by layer, in the order of the layers."""
        return {layer: series for (layer, measure), series in self.measures.items() if measure == name}


@dataclass(frozen=True)
class Configuration:
    """Members that differ in fold and seed alone: what one choice of plan and settings does."""

    plan: int
    settings: dict[str, float]
    curves: tuple[Curve, ...]

    @property
    def learning_rate(self) -> float:
        return self.settings.get("learning_rate", float("nan"))

    @property
    def members(self) -> tuple[int, ...]:
        return tuple(c.member for c in self.curves)

    @property
    def best_validation(self) -> float:
        """Median over members of the lowest validation loss; members that diverged at once count as infinite."""
        return float(np.median([c.best_validation for c in self.curves]))


def side_by_side(some: Sequence[Curve], others: Sequence[Curve]) -> list[tuple[Curve, Curve]]:
    """Curves of one fold in pairs, the first with the first and so on: networks of a fold start alike seed by seed.

    >>> nothing = np.zeros(1)
    >>> curves = [Curve(member, nothing, nothing, nothing, fold=member % 2) for member in range(4)]
    >>> [(a.member, b.member) for a, b in side_by_side(curves[:2], curves)], len(side_by_side(curves, curves))
    ([(0, 0), (1, 1)], 4)
    """
    left: dict[int, list[Curve]] = {}
    for curve in others:
        left.setdefault(curve.fold, []).append(curve)
    return [(curve, left[curve.fold].pop(0)) for curve in some if left.get(curve.fold)]


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Moving mean over the `window` epochs that end at each epoch (fewer at the start).

    >>> smooth(np.array([4.0, 2.0, 0.0]), 2)
    array([4., 3., 1.])
    """
    total = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (total[ends] - total[starts]) / (ends - starts)


def last(values: np.ndarray, window: int) -> float:
    """Mean of the last `window` finite values; nan where there are none.

    >>> last(np.array([9.0, 1.0, 3.0]), 2)
    2.0
    """
    finite = values[np.isfinite(values)]
    return float(finite[-window:].mean()) if len(finite) else float("nan")
