"""What a remedy was worth: the paired difference to the control on the same patients, with an honest interval."""

from dataclasses import dataclass

import numpy as np

from rounds.metrics import METRICS, main_metric, weighted_scores
from rounds.task import Task

RESAMPLES = 1000
ALPHA = 0.05  # two-sided, shared among all remedies of a trial (Bonferroni)


@dataclass(frozen=True)
class Effect:
    """How much better treated members are than control, in the main metric's unit; positive helps."""

    value: float
    low: float
    high: float

    @property
    def helps(self) -> bool:
        return self.low > 0

    def record(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Patients:
    """Held-out rows on which two arms are compared: observed [N, T], patient [N] and fold [N] of each."""

    observed: np.ndarray
    patients: np.ndarray
    folds: np.ndarray


def paired_effect(
    task: Task, rows: Patients, treated: np.ndarray, control: np.ndarray, attempts: int = 1, seed: int = 0
) -> Effect:
    """Resampled over folds (each has its own members: seeds and training patients) and over patients within them.

    A bootstrap over the patients of one fixed set of members takes the luck of its seeds for an effect. treated,
    control: predictions [N, T] in the user's unit; attempts: remedies tried together, among which ALPHA is shared.
    """
    metric = METRICS[main_metric(task)]

    def gain(weights: np.ndarray | None) -> np.ndarray:
        a, b = (
            weighted_scores(task, rows.observed, p, weights, (metric.name,))[metric.name] for p in (treated, control)
        )
        return metric.gain(a, b)

    value = float(gain(None))
    drawn = gain(_weights(rows, np.random.default_rng(seed)))
    drawn = drawn[np.isfinite(drawn)]
    tail = 100 * ALPHA / 2 / attempts
    low, high = np.percentile(drawn, (tail, 100 - tail)) if len(drawn) else (value, value)
    return Effect(value, float(low), float(high))


def _weights(rows: Patients, random: np.random.Generator) -> np.ndarray:
    """How often each row counts in each resample, [RESAMPLES, N]."""
    _, owner = np.unique(rows.patients, return_inverse=True)
    names, fold = np.unique(rows.folds, return_inverse=True)
    patients, folds = owner.max() + 1, len(names)
    of_patient = random.multinomial(patients, np.full(patients, 1 / patients), size=RESAMPLES)
    of_fold = random.multinomial(folds, np.full(folds, 1 / folds), size=RESAMPLES)
    return (of_patient[:, owner] * of_fold[:, fold]).astype(np.float64)
