"""Patients of one run: those a user would hand over, split as Rounds splits them, and clean test rows kept apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.ward.tasks import take
from rounds.data.dataset import Dataset, Split
from rounds.data.splitting import split_dataset

FOLDS = 3  # of validation: the fewest in which a gap can be tested over folds
_CLEAN_SEED = 1_000  # apart from the seeds of the splits that a user sees


@dataclass(frozen=True)
class Ground:
    """dataset: what a user would hand over; split: of it; clean: rows that nothing but the harm is measured on; seed:
    of both divisions; unread: channels of recordings that networks do not see."""

    dataset: Dataset
    split: Split
    clean: Dataset
    seed: int
    unread: tuple[int, ...] = ()


def make_ground(dataset: Dataset, seed: int, clean: Dataset | None = None) -> Ground:
    """A fifth of the patients is kept apart (none, where `clean` are); of the others a fifth judges, and the rest is
    dealt into folds."""
    if clean is not None:
        return Ground(dataset, divide(dataset, seed), clean, seed)
    apart = split_dataset(dataset, 1, _CLEAN_SEED + seed, nested=False).test
    mine = take(dataset, np.setdiff1d(np.arange(dataset.rows), apart))
    return Ground(mine, divide(mine, seed), take(dataset, apart), seed)


def divide(dataset: Dataset, seed: int) -> Split:
    """As `rounds train` splits tables that are large enough for a test part."""
    return split_dataset(dataset, FOLDS, seed, nested=False)


def with_patients(ground: Ground, change: Callable[[Dataset], Dataset]) -> Ground:
    """The same with other patients, split anew."""
    dataset = change(ground.dataset)
    return replace(ground, dataset=dataset, split=divide(dataset, ground.seed))
