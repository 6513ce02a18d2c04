"""What a remedy was worth: the paired difference to the control on the same patients, with an honest interval."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rounds.metrics import METRICS, main_metric, weighted_scores
from rounds.run_folder.metrics import Estimate
from rounds.statistics.differences import difference
from rounds.task import Task

ALPHA = 0.05  # two-sided, shared among all remedies of a trial (Bonferroni)
# Of the luck of a pair, what it has in common with one at another setting from the same weights and minibatches: the
# correlation of their gains was 0.4 on average of nine remedies, -0.4 to 0.9 (benchmarks/shared_luck.py).
SHARED_LUCK = 0.5


class Pair(NamedTuple):
    """Two networks that judge the same held-out patients, with and without a change: of a fold, from the same weights
    and on the same minibatches (start), at one of the settings that the control sweeps."""

    fold: int
    start: int = 0
    setting: int = 0


Gain = tuple[Pair, float]


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
    def error(self) -> float:
        """About its standard error: half of an interval that stands alone is two of them."""
        return (self.high - self.value) / 2

    @property
    def within_error(self) -> bool:
        """Whether it is at most about one standard error."""
        return self.value <= self.error

    def record(self) -> Estimate:
        """As prescriptions.json has it."""
        return Estimate(value=self.value, low=self.low, high=self.high)


@dataclass(frozen=True)
class Patients:
    """Held-out rows on which two arms are compared: observed [N, T], patient [N], and which of the pairs judged each
    (`judges` [N], places in `pairs`; a row stands once for each pair that judged it)."""

    observed: np.ndarray
    patients: np.ndarray
    judges: np.ndarray
    pairs: tuple[Pair, ...]


def paired_effect(
    task: Task,
    rows: Patients,
    treated: np.ndarray,
    control: np.ndarray,
    attempts: float = 1,
    before: tuple[Gain, ...] = (),
) -> Effect:
    """The gain with an interval over patients and over pairs of members.

    The spread over the patients of one fixed pair takes the luck of its seed for an effect; over two or three pairs
    it cannot say how much they vary. So the variance over patients and that of a mean of pairs are added, with
    Student's limits at Satterthwaite's degrees of freedom (1946, Biometrics Bulletin 2:110). The latter is their sample
    variance about the mean of their setting (settings are not drawn: how far they differ is no luck) by how many pairs
    these are worth, those that start alike sharing SHARED_LUCK. Patients vary between pairs too and are counted
    twice there: the interval errs wide. One pair alone says nothing about luck: its interval is of patients only,
    enough to sort remedies by.

    treated, control: predictions [N, T] in the user's unit; attempts: what ALPHA is divided by; the number of remedies
    tried together, among which it is shared; before: gains of earlier pairs, from which only the spread of pairs is
    told. Pairs that chose the arm may be among them: they stand too high, which makes the spread larger, not smaller.
    """
    made = difference(task, main_metric(task), rows.observed, treated, control, rows.patients)
    of_patients = made.error**2, made.freedom
    reach = _reach(of_patients, gains_of_pairs(task, rows, treated, control), before, attempts)
    return Effect(made.value, made.value - reach, made.value + reach)


def gains_of_pairs(task: Task, rows: Patients, treated: np.ndarray, control: np.ndarray) -> tuple[Gain, ...]:
    """The gain in each pair of members, where it is defined."""
    metric = METRICS[main_metric(task)]
    gains = []
    for place, pair in enumerate(rows.pairs):
        some = np.flatnonzero(rows.judges == place)
        a, b = (weighted_scores(task, rows.observed[some], p[some], None, (metric.name,)) for p in (treated, control))
        gains.append((pair, float(metric.gain(a[metric.name], b[metric.name]))))
    return tuple((pair, gain) for pair, gain in gains if np.isfinite(gain))


def _reach(
    of_patients: tuple[float, float], gains: tuple[Gain, ...], before: tuple[Gain, ...], attempts: float
) -> float:
    """Half of the interval, from the gains of single pairs, of pairs before, and of_patients: the variance over
    patients and its degrees of freedom."""
    from scipy.stats import t

    squares, count = _spread((*gains, *before)) if gains else (0.0, 0)
    of_pairs = squares / count / _worth([pair for pair, _ in gains]) if count else 0.0
    variance = of_patients[0] + of_pairs
    doubt = of_patients[0] ** 2 / of_patients[1] + (of_pairs**2 / count if count else 0.0)
    freedom = variance**2 / doubt if doubt > 0 else np.inf
    return float(t.ppf(1 - ALPHA / 2 / attempts, freedom)) * float(np.sqrt(variance))


def _spread(gains: tuple[Gain, ...]) -> tuple[float, int]:
    """(sum of squares about the mean of each setting, degrees of freedom); about the mean of all where no setting has
    two pairs."""
    settings = np.array([pair.setting for pair, _ in gains])
    values = np.array([gain for _, gain in gains])
    if len(np.unique(settings)) == len(settings):
        settings = np.zeros(len(settings), int)
    groups = [values[settings == setting] for setting in np.unique(settings)]
    return sum(float(((some - some.mean()) ** 2).sum()) for some in groups), len(values) - len(groups)


def _worth(pairs: Sequence[Pair]) -> float:
    """How many pairs of luck of their own these are worth: the variance of a mean of n that share a part."""
    alike = Counter((pair.fold, pair.start) for pair in pairs)
    return sum(n / (1 + (n - 1) * SHARED_LUCK) for n in alike.values())
