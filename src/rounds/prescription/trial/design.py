"""Where a trial happens: development rows, some of which choose among remedies and others confirm the winner."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.plan.plan import LARGEST_SEED
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


def confirming_networks(folds: int, settings: int, arms: int) -> int:
    """Networks with a change that confirm it in a first look, and as many without: of a remedy that stands alone on all
    folds, of the best of several on those that did not choose it (a single fold is halved, and looked at at one
    setting).

    >>> confirming_networks(5, 2, 1), confirming_networks(5, 2, 3), confirming_networks(1, 2, 3)
    (10, 6, 2)
    """
    if folds == 1 and arms > 1:
        return PAIRS_A_LOOK
    confirming = folds if arms == 1 else folds - choosing_count(folds)
    return settings * confirming * -(-PAIRS_A_LOOK // confirming)


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
        return self.dataset.cohort.patients[self.split.development]

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
        """Networks with and without a change on each of the folds that confirm, in a first look at all settings of the
        population's first plan. 0 where the same fold has to choose: then both are tried at the best setting alone."""
        if self.trained is None or set(self.confirming) & set(self.choosing):
            return 0
        return len(sweep(self.trained.population.plans[0])) * self.seeds_a_look

    @property
    def seeds_a_look(self) -> int:
        """Fresh seeds in each fold of one look at the remedy that is confirmed."""
        return -(-PAIRS_A_LOOK // len(self.confirming))

    def seed_of_look(self, seed: int, look: int) -> int:
        """Of the plans that are confirmed, with the change and without. The population's own networks are no control:
        their bad luck may have raised the finding, and any others would seem better."""
        return (seed + FRESH_SEED * (10 * self.round + look)) % (LARGEST_SEED + 1)

    def for_arms(self, count: int) -> "TrialDesign":
        """The design of a trial of so many remedies."""
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
        """The data of some folds, prepared again where a plan wants other scales."""
        whole = self.fold_data
        if scaling != self.scaling:
            nobody = np.array([], np.int64)
            whole = make_fold_data(self.dataset, self.split, nobody, (WHOLE_DEVELOPMENT, 0), scaling)
        return replace(whole, folds={f: whole.folds[f] for f in folds})
