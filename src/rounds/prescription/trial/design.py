"""Where a trial happens: development rows, some of which choose among remedies and others confirm the winner."""

import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.task import Task
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData, Scaling, make_fold_data
from rounds.training.population.members import WHOLE_DEVELOPMENT, sweep

# Of the folds: confirmation decides, and its networks are the first of the population that follows, so most are its.
CHOOSING_SHARE = 0.4
# Members with and without in one look, at least: a single pair says nothing of the luck of its seed.
PAIRS_A_LOOK = 2
FRESH_SEED = 7919  # added to the seed where weights, orders and masks have to be others


def choosing_count(folds: int) -> int:
    """How many folds choose among remedies.

    >>> choosing_count(5), choosing_count(3), choosing_count(1)
    (2, 1, 1)
    """
    return max(1, round(CHOOSING_SHARE * folds))


def members_a_look(folds: int) -> int:
    """Members of one arm in one look: as many seeds on each fold that confirms as make PAIRS_A_LOOK.

    >>> members_a_look(5), members_a_look(3), members_a_look(1)
    (3, 2, 2)
    """
    confirming = max(folds - choosing_count(folds), 1)
    return confirming * -(-PAIRS_A_LOOK // confirming)


@dataclass(frozen=True)
class TrialDesign:
    """Development rows (never the judged ones), prepared as `scaling` says; ends: on the monotonic clock; trained: the
    population that is treated, whose networks are the control; model: the user's own Keras model, where that is what
    is trained; most: member-epochs that the round may take; alone: a single remedy is tried, of which nobody has to
    choose."""

    dataset: Dataset
    split: Split
    fold_data: FoldData
    scaling: Scaling
    round: int
    folder: Path | None = None
    ends: float = np.inf
    model: Any = None
    trained: Trained | None = None
    most: float = np.inf
    alone: bool = False

    @property
    def task(self) -> Task:
        return self.dataset.task

    @property
    def patients(self) -> np.ndarray:
        """Patient of each development row [N]."""
        return self.dataset.patients[self.split.development]

    @property
    def minutes(self) -> float | None:
        """Left for training; None: no limit."""
        return None if np.isinf(self.ends) else max((self.ends - time.monotonic()) / 60, 0.0)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.ends

    @property
    def choosing(self) -> dict[int, np.ndarray]:
        """Held-out rows by fold on which arms are compared: two fifths of the folds, or half of a single one; none
        where there is one arm."""
        folds = sorted(self.fold_data.folds)
        if self.alone:
            return {}
        if len(folds) == 1:
            return {folds[0]: self._halves(folds[0])[0]}
        return self.held(choosing_count(len(folds)))

    @property
    def confirming(self) -> dict[int, np.ndarray]:
        """Held-out rows by fold, of patients who chose nothing."""
        folds = sorted(self.fold_data.folds)
        if len(folds) == 1 and not self.alone:
            return {folds[0]: self._halves(folds[0])[1]}
        return {f: self.fold_data.folds[f].held for f in folds if f not in self.choosing}

    @property
    def networks_a_look(self) -> int:
        """Networks of the population's first plan, at all its settings, on each of the folds that confirm: control of
        a first look. 0 where there are too few, or the same fold has to choose."""
        if self.trained is None or set(self.confirming) & set(self.choosing):
            return 0
        own = Counter(m.fold for m in self.trained.population.members if (m.plan, m.outer) == (0, WHOLE_DEVELOPMENT))
        settings = len(sweep(self.trained.population.plans[0]))
        each = min(own[fold] for fold in self.confirming) // settings * settings
        return each if each >= self.seeds_a_look else 0

    @property
    def seeds_a_look(self) -> int:
        """Fresh seeds in each fold of one look at the remedy that is confirmed."""
        return -(-PAIRS_A_LOOK // len(self.confirming))

    def seed_of_look(self, seed: int, look: int) -> int:
        """Of the plans that are confirmed. Members of other folds have other weights and minibatches whatever their
        plan's seed; a first look at other folds keeps it, so that its networks serve in what follows."""
        same_folds = set(self.confirming) & set(self.choosing)
        return seed if look == 0 and not same_folds else seed + FRESH_SEED * (10 * self.round + look)

    def for_arms(self, count: int) -> "TrialDesign":
        """The bed of a trial of so many remedies."""
        return replace(self, alone=count == 1)

    def held(self, count: int) -> dict[int, np.ndarray]:
        """Held-out rows of the first folds."""
        return {f: self.fold_data.folds[f].held for f in sorted(self.fold_data.folds)[:count]}

    def _halves(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        held = self.fold_data.folds[fold].held
        people = np.random.default_rng(0).permutation(np.unique(self.patients[held]))
        chooses = np.isin(self.patients[held], people[: len(people) // 2])
        return held[chooses], held[~chooses]

    def fold_data_for(self, scaling: Scaling, folds: tuple[int, ...]) -> FoldData:
        """The material of some folds, prepared anew where a plan wants other scales."""
        whole = self.fold_data
        if scaling != self.scaling:
            nobody = np.array([], np.int64)
            whole = make_fold_data(self.dataset, self.split, nobody, (WHOLE_DEVELOPMENT, 0), scaling)
        return replace(whole, folds={f: whole.folds[f] for f in folds})
