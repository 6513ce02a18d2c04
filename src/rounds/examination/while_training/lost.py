"""While a population trains: what is clearly lost is ended early, and how much time that saves is said."""

import math
from collections.abc import Iterator

import numpy as np

from rounds.examination.curve import smooth
from rounds.examination.finding import Threshold
from rounds.examination.run import constant_loss
from rounds.examination.training_rules.learning import SMALLEST_SHARE
from rounds.networks.network import OWN
from rounds.run_folder.metrics import StoppedEarly
from rounds.training.compiled.state import EpochRecord
from rounds.training.pool import Hopeless, Work
from rounds.training.population.build import Population, Trained
from rounds.training.population.fold_data import is_candidate
from rounds.training.population.members import Slab
from rounds.training.result.tables import is_diverged
from rounds.training.slab import SlabAt

JUDGED_AFTER = Threshold("judged after", 0.3, "share of the epochs")
FEWEST_EPOCHS = 8  # done before any judgement: warm-up takes a few
LEFT = Threshold("fall that is still hoped for", 1.0, "times the fall an epoch of late, over all epochs that are left")


def hopeless_in(population: Population) -> Hopeless:
    """Which slabs of this population have come to nothing: `is_lost`, once JUDGED_AFTER of their epochs are done."""
    constants = _constants(population)

    def hopeless(work: Work, at: SlabAt) -> bool:
        if work.program.plan.network == OWN:  # a model of the user's own trains as long as it was asked to
            return False
        return is_lost(work.slab, at.records, work.program.plan.epochs, constants[work.slab.plan])

    return hopeless


def _constants(population: Population) -> list[float]:
    """Loss of always predicting the same, for each plan; infinite where it is not known (a loss of the user's own)."""
    fold_data = next(m for m in population.folds_data if is_candidate(m))
    targets = fold_data.targets[fold_data.learned]
    known = [constant_loss(population.task, plan, targets) for plan in population.plans]
    return [math.inf if loss is None else loss for loss in known]


def is_lost(slab: Slab, records: tuple[EpochRecord, ...], epochs: int, constant: float) -> bool:
    """Whether every member of the slab is without hope. records: an epoch each, fields [G, M, ...]."""
    if len(records) < _point(epochs):
        return False
    train = np.stack([r.losses.mean(axis=-1) for r in records])  # [E, G, M]
    validation = np.stack([r.validation[..., 0] for r in records])
    return all(without_hope(train[:, g, i], validation[:, g, i], epochs, constant) for g, i in _places(slab))


def _places(slab: Slab) -> Iterator[tuple[int, int]]:
    """Of the members in the slab, without those that fill it up."""
    return ((g, i) for g, group in enumerate(slab.groups) for i, member in enumerate(group) if member is not None)


def _point(epochs: int) -> int:
    """Epochs after which a training of so many is judged."""
    return max(FEWEST_EPOCHS, math.ceil(JUDGED_AFTER.value * epochs))


def without_hope(train: np.ndarray, validation: np.ndarray, epochs: int, constant: float) -> bool:
    """Whether one member's losses [E] are lost, or stand where a constant prediction is and no longer fall.

    Only the first JUDGED_AFTER of `epochs` are looked at, so that the answer is the same at every later time; before
    that, and where so much is the whole training, it is no.

    >>> without_hope(np.ones(12), np.ones(12), epochs=40, constant=1.0)
    True
    """
    point = _point(epochs)
    if len(train) < point or point >= epochs:
        return False
    train, validation = train[:point], validation[:point]
    if not np.isfinite(train).all():
        return True
    aim = (1 - SMALLEST_SHARE.value) * constant
    window = max(2, point // 3)
    return all(_stays_above(smooth(values, window), window, epochs, aim) for values in (train, validation))


def _stays_above(values: np.ndarray, window: int, epochs: int, aim: float) -> bool:
    """Whether smoothed losses never came below `aim`, nor would if they went on falling as of late."""
    if not np.isfinite(values).all():
        return True
    fall = max(float(values[-window] - values[-1]), 0.0) / max(window - 1, 1)
    expected = float(values[-1]) - LEFT.value * fall * (epochs - len(values))
    return float(values.min()) > aim and expected > aim


def all_diverged(slab: Slab, records: tuple[EpochRecord, ...]) -> bool:
    """Whether the loss of every member was lost, which ends it at once. records: an epoch each, fields [G, M, ...]."""
    losses, running = (
        np.stack([getattr(r, name) for r in records]) for name in ("losses", "running")
    )  # [E, G, M, ...]
    return all(is_diverged(losses[:, g, i], running[:, g, i]) for g, i in _places(slab))


def saved_by_stopping(trained: Trained, seconds: float) -> StoppedEarly | None:
    """Slabs that were given up or lost, epochs that were left, and about how many seconds that saves; None where none.

    seconds: that the training took.
    """
    constants, plans = _constants(trained.population), trained.population.plans
    given_up, done, left = 0, 0, 0
    for result in trained.results:
        plan, count = result.slab.plan, len(result.records)
        done += count
        lost = all_diverged(result.slab, result.records) or is_lost(
            result.slab, result.records, plans[plan].epochs, constants[plan]
        )
        if count < plans[plan].epochs and lost:
            given_up, left = given_up + 1, left + plans[plan].epochs - count
    if not given_up:
        return None
    return StoppedEarly(
        slabs=given_up,
        of_slabs=len(trained.results),
        epochs_done=done,
        epochs_left_out=left,
        seconds_saved=round(seconds * left / max(done, 1), 1),
    )
