"""The target on the scale a network learns, and predictions back in the unit of the user."""

from typing import Literal, Self

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rounds.errors import PlanError
from rounds.metrics.columns import RESOLUTION
from rounds.task import Task

# A target this skewed, and never negative, is learned on a power scale: the limit beyond which Curran, West and Finch
# (1996, Psychological Methods 1:16) found methods that rest on squares to suffer.
HIGH_SKEWNESS = 2.0


class TargetScale(BaseModel):
    """Per output: z = (g(y) - mean) / spread, with g(y) = y, or log(1 + y) where the target is skewed.

    statistic: what predictions are: "mean" ("median" on a power scale before smearing, which averages g^-1 over the
    residuals, Duan 1983), "probability" or "rate". smearing: what `with_smearing` adds on the power scale, per output.
    knots, table: per output [G] points z -> prediction, for probabilities that were recalibrated (and for the means of
    older runs).
    temperature: what log probabilities of classes that exclude each other are divided by (see `softened`).
    smears: whether predictions become means; networks that descend on absolute errors predict medians, which stay so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["identity", "standard", "log1p"]
    mean: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    statistic: Literal["mean", "median", "probability", "rate"] = "mean"
    knots: tuple[tuple[float, ...], ...] = Field(default=(), validation_alias=AliasChoices("knots", "grid"))
    table: tuple[tuple[float, ...], ...] = ()
    smearing: tuple[float, ...] = ()
    temperature: float = Field(default=1.0, gt=0)
    smears: bool = True

    @classmethod
    def fit(cls, task: Task, targets: np.ndarray, transform: str = "auto", medians: bool = False) -> Self:
        """From the training rows' targets [N, T]; transform: as the plan's field; medians: whether that is what the
        plan's loss makes of numbers.

        Raises PlanError where log(1 + y) is asked for and a target is not above -1.
        """
        if task.kind in ("binary", "multiclass", "multilabel"):
            return cls(kind="identity", statistic="probability")
        if task.kind == "count":
            return cls(kind="identity", statistic="rate")
        if transform == "given":
            return cls(kind="identity", statistic="median" if medians else "mean", smears=False)
        y = np.asarray(targets, np.float64)
        kind = _kind(y, transform)
        g = np.log1p(y) if kind == "log1p" else y
        spread = np.where(g.std(0) > 0, g.std(0), 1.0)
        said: Literal["mean", "median"] = "median" if kind == "log1p" or medians else "mean"
        mean, width = tuple(g.mean(0).tolist()), tuple(spread.tolist())
        return cls(kind=kind, mean=mean, spread=width, statistic=said, smears=not medians)

    def forward(self, targets: np.ndarray) -> np.ndarray:
        """[N, T] in the user's unit -> [N, T] float32 for the network."""
        if self.kind == "identity":
            return np.asarray(targets)
        g = np.log1p(targets) if self.kind == "log1p" else targets
        return ((g - np.array(self.mean)) / np.array(self.spread)).astype(np.float32)

    @property
    def offset(self) -> np.ndarray:
        """What is added to z * spread on the way back [T]: the mean, and the smearing."""
        return np.array(self.mean) + np.array(self.smearing or (0.0,) * len(self.mean))

    def backward(self, outputs: np.ndarray) -> np.ndarray:
        """Network outputs [N, T] -> predictions [N, T] float64 in the user's unit; probabilities within [0, 1]."""
        made = self._backward(np.asarray(outputs, np.float64))
        return np.clip(made, 0.0, 1.0) if self.statistic == "probability" else made

    def _backward(self, outputs: np.ndarray) -> np.ndarray:
        if self.table:
            columns = [np.interp(outputs[:, t], self.knots[t], self.table[t]) for t in range(outputs.shape[1])]
            return np.stack(columns, axis=1)
        if self.temperature != 1.0:
            return softened(outputs, self.temperature)
        if self.kind == "identity":
            return outputs
        g = outputs * np.array(self.spread) + self.offset
        return np.expm1(g) if self.kind == "log1p" else g

    def with_smearing(self, outputs: np.ndarray, targets: np.ndarray) -> "TargetScale":
        """Predictions become means: E[y | z] = mean over residuals r of g^-1(z + r) (Duan 1983, JASA 78:605).

        Of g = log(1 + y) that is exp(spread z + mean) mean exp(spread r) - 1: the logarithm of that mean is added on
        the way back, beyond the largest output as well. outputs, targets: [N, T] of rows the networks did not learn
        from.
        """
        if self.kind != "log1p" or not self.smears:
            return self
        residuals = (self.forward(targets) - np.asarray(outputs, np.float64)) * np.array(self.spread)
        largest = residuals.max(0)
        smearing = largest + np.log(np.exp(residuals - largest).mean(0))
        return self.model_copy(update={"smearing": tuple(smearing.tolist()), "statistic": "mean"})


def _kind(y: np.ndarray, transform: str) -> Literal["standard", "log1p"]:
    if transform == "log1p" and y.min() <= -1:
        advice = "Use none, or a target that is never negative"
        raise PlanError("target_transform", "none or auto where y <= -1", got=transform, advice=advice)
    return "log1p" if transform == "log1p" or (transform == "auto" and is_skewed(y)) else "standard"


def is_skewed(targets: np.ndarray) -> bool:
    """Whether one target [N, 1] is non-negative and highly skewed.

    >>> is_skewed(np.exp(np.linspace(-5, 5, 200))[:, None]), is_skewed(np.linspace(0, 1, 50)[:, None])
    (True, False)
    """
    if targets.shape[1] != 1 or targets.min() < 0 or targets.std() == 0:
        return False
    centred = (targets - targets.mean()) / targets.std()
    return bool((centred**3).mean() > HIGH_SKEWNESS)


def softened(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of log p / T over classes [N, C], float64: closer to each other for T > 1 (Guo et al. 2017).

    >>> softened(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    z = np.log(np.maximum(np.asarray(probabilities, np.float64), RESOLUTION)) / temperature
    power = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(power / power.sum(axis=1, keepdims=True))
