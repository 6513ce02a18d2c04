"""Where a trial happens: development rows, some of which choose among remedies and others confirm the winner."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.task import Task
from rounds.training.material import Material, Scaling, make_material
from rounds.training.population import WHOLE_DEVELOPMENT

CHOOSING_SHARE = 0.6  # of the folds
CONFIRMING_PAIRS = 4  # members with and without, at least: fewer cannot tell an effect from the luck of a seed


def choosing_count(folds: int) -> int:
    """How many folds choose among remedies.

    >>> choosing_count(5), choosing_count(1)
    (3, 1)
    """
    return max(1, round(CHOOSING_SHARE * folds))


@dataclass(frozen=True)
class Bed:
    """Development rows (never the judged ones), prepared as `scaling` says; ends: on the monotonic clock;
    model: the user's own Keras model, where that is what is trained."""

    dataset: Dataset
    split: Split
    material: Material
    scaling: Scaling
    round: int
    folder: Path | None = None
    ends: float = np.inf
    model: Any = None

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
        """Held-out rows by fold on which arms are compared: three fifths of the folds, or half of a single one."""
        folds = sorted(self.material.folds)
        if len(folds) == 1:
            return {folds[0]: self._halves(folds[0])[0]}
        return {f: self.material.folds[f].held for f in folds[: choosing_count(len(folds))]}

    @property
    def confirming(self) -> dict[int, np.ndarray]:
        """Held-out rows by fold, of patients who chose nothing."""
        folds = sorted(self.material.folds)
        if len(folds) == 1:
            return {folds[0]: self._halves(folds[0])[1]}
        return {f: self.material.folds[f].held for f in folds if f not in self.choosing}

    @property
    def confirming_seeds(self) -> int:
        """Seeds in each fold that confirms."""
        return -(-CONFIRMING_PAIRS // len(self.confirming))

    def _halves(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        held = self.material.folds[fold].held
        people = np.random.default_rng(0).permutation(np.unique(self.patients[held]))
        chooses = np.isin(self.patients[held], people[: len(people) // 2])
        return held[chooses], held[~chooses]

    def material_for(self, scaling: Scaling, folds: tuple[int, ...]) -> Material:
        """The material of some folds, prepared anew where a plan wants other scales."""
        whole = self.material
        if scaling != self.scaling:
            nobody = np.array([], np.int64)
            whole = make_material(self.dataset, self.split, nobody, (WHOLE_DEVELOPMENT, 0), scaling)
        return replace(whole, folds={f: whole.folds[f] for f in folds})
