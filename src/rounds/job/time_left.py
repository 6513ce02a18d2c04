"""How long a run still takes: every part from what was measured of it so far, estimated again as it goes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rounds.training.machine.device import workers_here
from rounds.training.machine.estimate import slab_costs
from rounds.training.pool import Progress, SlabResult
from rounds.training.population.build import Population
from rounds.training.result.progress import Stage


@dataclass(frozen=True)
class Remaining:
    """Seconds: at least, most likely, and at most.

    >>> Remaining(1.0, 2.0, 3.0).plus(Remaining(0.5, 0.5, 0.5)).times(2.0)
    Remaining(low=3.0, likely=5.0, high=7.0)
    """

    low: float = 0.0
    likely: float = 0.0
    high: float = 0.0

    def plus(self, other: "Remaining") -> "Remaining":
        return Remaining(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> "Remaining":
        return Remaining(self.low * factor, self.likely * factor, self.high * factor)

    def after(self, elapsed: float) -> "Remaining":
        """What is left of a part that has gone on for so long; what is overdue goes on for a share of that."""
        least = OVERDUE * elapsed
        return Remaining(*(max(value - elapsed, min(least, value)) for value in (self.low, self.likely, self.high)))


# How parts compare with what is measured before them (benchmarks/time_left.py). They decide what is said, nothing else.
OVERDUE = 0.2  # of the time that a part has taken beyond its estimate
COMPILING = Remaining(0.3, 4.0, 12.0)  # seconds a structure
UNMEASURED = Remaining(0.3, 1.0, 3.0)  # of the time that arithmetic says, before the first epoch
ROUNDS = Remaining(0.0, 0.6, 2.5)  # of the first training's time; at most what `prescription.budget` allows
JUDGING = Remaining(0.7, 1.1, 2.0)  # of the time that all baselines take, estimated from those of one fold
WRITING = Remaining(0.8, 2.0, 6.0)  # of the time that examining the data took: both grow with columns and patients
# Share of the epochs beyond the soonest end that is likely where patience may end training and no slab has ended yet:
# proposed plans on diabetes trained 21 % of their epochs, with a patience of an eighth.
FINISHING = 0.1
BEGINNING, FITTING, TRAINING, JUDGING_STAGE, WRITING_STAGE = (
    "examining the data",
    "fitting baselines",
    "training",
    "judging",
    "writing",
)


class TimeLeft:
    """Follows the events of a job. rounds: how many of advice may come; side_by_side: fits of baselines at a time."""

    def __init__(self, rounds: int, side_by_side: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rounds, self._side_by_side, self._clock = rounds, side_by_side, clock
        self._began: dict[str, float] = {BEGINNING: clock()}  # of each stage
        self._phase = BEGINNING
        self._training: _Training | None = None
        self._trained = 0.0  # seconds that the first training took
        self._folds = 1

    def see(self, event: Any) -> None:
        """Takes an event of the job in."""
        if isinstance(event, Stage):
            self._begin(event)
        elif isinstance(event, Progress) and self._training is not None:
            self._training.see(event, self._clock())

    def _begin(self, stage: Stage) -> None:
        now = self._clock()
        known = (BEGINNING, FITTING, TRAINING, JUDGING_STAGE, WRITING_STAGE)
        phase = stage.name if stage.name in known else "rounds"
        if self._phase == TRAINING and phase != TRAINING:
            self._trained = now - self._began[TRAINING]
        if phase != self._phase:
            self._began[phase] = now
        self._phase = phase
        self._training = None if stage.population is None else _Training(stage.population, now)
        if stage.population is not None:
            self._folds = max(self._folds, len(stage.population.folds_data))

    def remaining(self) -> Remaining | None:
        """Of the whole run; None before there is a plan."""
        now = self._clock()
        elapsed = now - self._began[self._phase]
        training = Remaining() if self._training is None else self._training.remaining(now)
        if self._phase == TRAINING:
            whole = training.plus(Remaining(elapsed, elapsed, elapsed))
            rounds = Remaining(0.0, ROUNDS.likely * whole.likely, ROUNDS.high * whole.high) if self._rounds else None
            return training.plus(rounds or Remaining()).plus(self._judging()).plus(self._writing())
        if self._phase == "rounds":
            left = ROUNDS.times(self._trained).after(elapsed)
            ahead = Remaining(*map(max, _values(left), _values(training)))
            return ahead.plus(self._judging()).plus(self._writing())
        if self._phase == JUDGING_STAGE:
            return self._judging().after(elapsed).plus(self._writing())
        return self._writing().after(elapsed) if self._phase == WRITING_STAGE else None

    def _judging(self) -> Remaining:
        """Baselines of the predictor's own fold are fitted before training, and not again."""
        one = self._began.get(TRAINING, 0.0) - self._began.get(FITTING, 0.0)
        more = self._folds - 1
        shared = min(self._side_by_side, more) or 1
        return JUDGING.times(one * more / shared).plus(JUDGING.times(0.5 * self._examining()))

    def _writing(self) -> Remaining:
        return WRITING.times(self._examining())

    def _examining(self) -> float:
        return self._began.get(FITTING, self._clock()) - self._began[BEGINNING]


def _values(span: Remaining) -> tuple[float, float, float]:
    return span.low, span.likely, span.high


class _Training:
    """One population in training: what its epochs cost beside each other, and how fast they go."""

    def __init__(self, population: Population, now: float) -> None:
        self._costs = {slab.number: cost for slab, cost in zip(population.slabs, slab_costs(population), strict=True)}
        self._plans = {slab.number: population.plans[slab.plan] for slab in population.slabs}
        self._structures = len({id(population.programs[slab.plan]) for slab in population.slabs})
        self._side_by_side = min(workers_here(), len(population.slabs))
        self._began = now
        self._done: dict[int, int] = {}
        self._at: dict[int, float] = {}  # when each slab was last heard of
        self._ends: dict[int, int] = {}  # earliest epoch at which a slab that goes on may end
        self._ended: dict[int, int] = {}
        # Of each slab from the end of its first epoch on, which compiling makes longer: seconds, and what they should
        # have cost.
        self._seconds, self._cost = 0.0, 0.0

    def see(self, progress: Progress, now: float) -> None:
        if progress.slab in self._done:
            self._seconds += now - self._at[progress.slab]
            self._cost += (progress.epoch - self._done[progress.slab]) * self._costs.get(progress.slab, 0.0)
        self._done[progress.slab], self._at[progress.slab] = progress.epoch, now
        if progress.result is not None:
            self._ended[progress.slab] = progress.epoch
        elif progress.so_far is not None and progress.slab in self._plans:
            self._ends[progress.slab] = earliest_end(progress.so_far, self._plans[progress.slab].patience)

    def remaining(self, now: float) -> Remaining:
        left = Remaining()
        for slab, cost in self._costs.items():
            if slab not in self._ended:
                left = left.plus(self._epochs_left(slab).times(cost))
        if not self._cost:
            spent = now - self._began
            compiled = COMPILING.times(self._structures).after(spent)
            return Remaining(*(a * b for a, b in zip(_values(left), _values(UNMEASURED), strict=True))).plus(compiled)
        return left.times(self._seconds / self._cost / self._side_by_side)

    def _epochs_left(self, slab: int) -> Remaining:
        plan, done = self._plans[slab], self._done.get(slab, 0)
        soonest = min(max(self._ends.get(slab, plan.patience), done), plan.epochs) if plan.patience else plan.epochs
        alike = [epochs / self._plans[s].epochs for s, epochs in self._ended.items() if self._plans[s].patience]
        share = float(np.mean(alike)) if alike else FINISHING
        likely = plan.epochs * share if alike else soonest + share * (plan.epochs - soonest)
        return Remaining(soonest - done, min(max(likely, soonest), plan.epochs) - done, plan.epochs - done)


def earliest_end(so_far: SlabResult, patience: int) -> int:
    """Epoch at which every network of a slab has waited long enough, if none gets better from now on."""
    last = so_far.records[-1]
    waits = np.asarray(last.best_epoch)[np.asarray(last.running, bool)]
    return int(waits.max()) + 1 + patience if len(waits) else len(so_far.records)
