"""Shares with intervals over clusters: runs of one task resemble each other, so tasks are what is resampled. Of one or
two tasks nothing is known of others: there, faults are resampled."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.ward.outcome import Said
from benchmarks.ward.verdicts import Verdict
from benchmarks.ward.wings import BY_NAME

RESAMPLES = 2_000
FEWEST_TASKS = 3  # that can be resampled


@dataclass(frozen=True)
class Rate:
    """hits of runs; low and high: 95 % interval, clusters resampled (percentiles)."""

    hits: int
    runs: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.hits / self.runs if self.runs else float("nan")

    def __str__(self) -> str:
        if not self.runs:
            return "-"
        return f"{100 * self.share:.1f} % ({100 * self.low:.0f} to {100 * self.high:.0f}; {self.hits} of {self.runs})"


def rate(verdicts: list[Verdict], hit: Callable[[Verdict], bool]) -> Rate:
    """The share of verdicts that are hits.

    >>> rate([], lambda verdict: True).runs
    0
    """
    by_task = len({v.task for v in verdicts}) >= FEWEST_TASKS
    clusters: dict[object, list[bool]] = defaultdict(list)
    for v in verdicts:
        clusters[v.task if by_task else (v.task, v.name, v.severity, v.number)].append(hit(v))
    if not clusters:
        return Rate(0, 0, float("nan"), float("nan"))
    counts = np.array([(sum(hits), len(hits)) for hits in clusters.values()], float)
    drawn = np.random.default_rng(0).integers(len(counts), size=(RESAMPLES, len(counts)))
    sums = counts[drawn].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], (0.025, 0.975))
    total = counts.sum(axis=0)
    return Rate(int(total[0]), int(total[1]), float(low), float(high))


def detected(watcher: str) -> Callable[[Verdict], bool]:
    """Whether it said that something is wrong."""
    return lambda verdict: bool(verdict.said[watcher].alarms)


def named(watcher: str) -> Callable[[Verdict], bool]:
    """Whether its first alarm is an acceptable diagnosis of the planted fault."""
    return lambda verdict: first(verdict.said[watcher]) in BY_NAME[verdict.name].acceptable


def first(said: Said) -> str:
    return said.alarms[0] if said.alarms else "nothing"
