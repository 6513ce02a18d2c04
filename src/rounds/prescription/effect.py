"""What a remedy was worth: the paired difference to the control on the same patients, with an honest interval."""

from dataclasses import dataclass

import numpy as np

from rounds.metrics import METRICS, main_metric, weighted_scores
from rounds.metrics.resampling import patient_weights
from rounds.task import Task

RESAMPLES = 300  # of patients: their standard deviation is then known to 4 %
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

    @property
    def within_error(self) -> bool:
        """Whether it is at most about one standard error: half of an interval that stands alone is two of them."""
        return self.value <= (self.high - self.value) / 2

    def record(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Patients:
    """Held-out rows on which two arms are compared: observed [N, T], patient [N], and the pair of members that judged
    each (`pairs` [N]: one of every fold and seed; a row stands once for each seed that judged it)."""

    observed: np.ndarray
    patients: np.ndarray
    pairs: np.ndarray


def paired_effect(
    task: Task,
    rows: Patients,
    treated: np.ndarray,
    control: np.ndarray,
    attempts: float = 1,
    seed: int = 0,
    before: tuple[float, ...] = (),
) -> Effect:
    """The gain with an interval over patients and over pairs of members.

    A bootstrap over the patients of one fixed pair takes the luck of its seed for an effect; over two or three pairs
    it cannot say how much they vary. So the variance over patients (bootstrap) and that of a mean of U pairs
    (their sample variance / U) are added, with Student's limits at Satterthwaite's degrees of freedom (1946,
    Biometrics Bulletin 2:110). Patients vary between pairs too and are counted twice there: the interval errs wide.
    One pair alone says nothing about luck: its interval is of patients only, enough to sort remedies by.

    treated, control: predictions [N, T] in the user's unit; attempts: what ALPHA is divided by; the number of remedies
    tried together, among which it is shared; before: gains of earlier pairs, from which only the spread of pairs is
    told. Pairs that chose the arm may be among them: they stand too high, which makes the spread larger, not smaller.
    """
    metric = METRICS[main_metric(task)]

    def gain(some: np.ndarray | slice, weights: np.ndarray | None = None) -> np.ndarray:
        a, b = (
            weighted_scores(task, rows.observed[some], p[some], weights, (metric.name,))[metric.name]
            for p in (treated, control)
        )
        return metric.gain(a, b)

    every = slice(None)
    drawn = np.concatenate([gain(every, w) for w in patient_weights(rows.patients, RESAMPLES, seed)])
    reach = _reach(float(np.nanvar(drawn)), gains_of_pairs(task, rows, treated, control), before, attempts)
    value = float(gain(every))
    return Effect(value, value - reach, value + reach)


def gains_of_pairs(task: Task, rows: Patients, treated: np.ndarray, control: np.ndarray) -> tuple[float, ...]:
    """The gain in each pair of members, where it is defined."""
    metric = METRICS[main_metric(task)]
    gains = []
    for pair in np.unique(rows.pairs):
        some = np.flatnonzero(rows.pairs == pair)
        a, b = (weighted_scores(task, rows.observed[some], p[some], None, (metric.name,)) for p in (treated, control))
        gains.append(float(metric.gain(a[metric.name], b[metric.name])))
    return tuple(gain for gain in gains if np.isfinite(gain))


def _reach(of_patients: float, pairs: tuple[float, ...], before: tuple[float, ...], attempts: float) -> float:
    """Half of the interval, from the variance over patients and the gains of single pairs [U], and of pairs before."""
    from scipy.stats import t

    known = np.array([*pairs, *before]) if len(pairs) > 0 else np.zeros(0)
    count = len(known)
    of_pairs = float(known.var(ddof=1)) / len(pairs) if count > 1 else 0.0
    variance = of_patients + of_pairs
    freedom = (count - 1) * variance**2 / of_pairs**2 if of_pairs > 0 else np.inf
    return float(t.ppf(1 - ALPHA / 2 / attempts, freedom)) * float(np.sqrt(variance))
