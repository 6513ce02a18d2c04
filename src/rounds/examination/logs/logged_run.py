"""One training as another tool logged it: losses and scores of both splits, each at its own epochs or steps."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Unit = Literal["epoch", "step"]


@dataclass(frozen=True)
class Series:
    """One column: `at` rises [K], values [K] at these epochs or steps."""

    column: str
    at: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def finite(self) -> "Series":
        """Without values that are no number."""
        known = np.isfinite(self.values)
        return Series(self.column, self.at[known], self.values[known])


@dataclass(frozen=True)
class Measured:
    """One quantity on both splits. higher: whether more is better; comparable: whether training and validation are
    the same quantity, so that their difference means something; bounded: whether it lies between 0 and 1."""

    name: str
    train: Series | None = None
    validation: Series | None = None
    higher: bool = False
    comparable: bool = True
    bounded: bool = False

    @property
    def judged(self) -> Series:
        """Validation where there is one, else training."""
        found = self.validation or self.train
        assert found is not None
        return found


@dataclass(frozen=True)
class LoggedRun:
    """loss: what was minimised; parts: losses that it is the sum of; scores: accuracy and its kin; rate: the learning
    rate; read, ignored: what was taken from the file and what was not, a sentence each; varies: the column that tells
    this run from others of its file (fold, seed, run); adversarial: whether two networks play against each other, so
    that neither loss has to fall."""

    name: str
    unit: Unit
    loss: Measured
    parts: tuple[Measured, ...] = ()
    scores: tuple[Measured, ...] = ()
    rate: Series | None = None
    settings: dict[str, float] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    varies: str = ""
    adversarial: bool = False

    @property
    def points(self) -> int:
        """Points of the series that is judged."""
        return len(self.loss.judged)
