"""Populations that are given up while they train, and those that must not be."""

import numpy as np
import pytest

from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.examination.while_training.lost import all_diverged, is_lost, saved_by_stopping
from rounds.plan import Plan
from rounds.training.compiled.state import EpochRecord
from rounds.training.population.build import make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data
from rounds.training.population.members import Member, Slab
from tests.generators import end_of

EPOCHS = 40


def slab(members: int = 2) -> Slab:
    made = tuple(Member(i, 0, {}, 0, 0, -1, 0) for i in range(members))
    return Slab(0, 0, -1, ((*made, None),))


def records(*curves: np.ndarray) -> tuple[EpochRecord, ...]:
    """One group; a member a curve [E], training and validation alike, and a dummy that is perfect."""
    table = np.stack([*curves, np.zeros(len(curves[0]))], axis=1)  # [E, M]
    return tuple(
        EpochRecord(row[None, :, None].repeat(3, 2), None, None, row[None, :, None], *[None] * 5) for row in table
    )


FLAT = np.full(EPOCHS, 1.0)
FALLING = np.linspace(3.0, 0.5, EPOCHS)
CREEPING = np.linspace(3.0, 2.9, EPOCHS)


def lost(*curves: np.ndarray, seen: int = 12) -> bool:
    return is_lost(slab(len(curves)), records(*curves)[:seen], EPOCHS, constant=1.0)


def test_flat_at_the_constant_or_creeping_far_above_it_is_lost() -> None:
    assert lost(FLAT, CREEPING)
    assert lost(FLAT, np.where(np.arange(EPOCHS) < 3, 1.0, np.nan))


@pytest.mark.parametrize("alive", [FALLING, np.linspace(1.0, 0.7, EPOCHS), np.linspace(1.5, 0.9, EPOCHS)])
def test_one_member_on_its_way_keeps_the_slab(alive: np.ndarray) -> None:
    assert not lost(FLAT, alive)


def test_nothing_is_said_before_its_time_and_always_the_same_after() -> None:
    assert not lost(FLAT, FLAT, seen=11)
    recovers = np.where(np.arange(EPOCHS) < 20, 1.0, 0.1)
    assert lost(FLAT, recovers, seen=12) == lost(FLAT, recovers, seen=EPOCHS) is True


def test_what_diverged_to_the_last_member_is_counted_as_given_up() -> None:
    """A member whose loss is lost ends at once, and time is saved; one that stopped early did not diverge."""

    def seen(losses: list[float], running: list[bool]) -> tuple[EpochRecord, ...]:
        table = [np.array([[loss, loss, 0.0]]) for loss in losses]
        flags = [np.array([[flag, flag, False]]) for flag in running]
        return tuple(
            EpochRecord(t[..., None].repeat(3, 2), None, None, t[..., None], None, None, f, None, None)
            for t, f in zip(table, flags, strict=True)
        )

    assert all_diverged(slab(), seen([1.0, np.nan], [True, False]))
    assert not all_diverged(slab(), seen([1.0, 0.9], [True, False]))
    assert not all_diverged(slab(), seen([1.0, 0.9, np.nan], [True, False, False])), "no longer trained"


def test_the_time_saved_is_that_of_the_epochs_left_out() -> None:
    data = load("diabetes")
    folds_data = make_folds_data(data, split_dataset(data, 3))
    plan = Plan(hidden=(4,), epochs=10, learning_rate=1e30, optimizer="sgd", number_embedding="none")
    lost, sound = (
        end_of(train_to_end(make_population([p], data.task, folds_data, 2)))
        for p in (plan, plan.change(epochs=2, learning_rate=0.01))
    )
    saved = saved_by_stopping(lost, seconds=2.0)
    assert saved is not None
    assert saved.slabs == saved.of_slabs
    assert saved.epochs_left_out == 9 * saved.epochs_done
    assert saved.seconds_saved == pytest.approx(18.0)
    assert saved_by_stopping(sound, seconds=2.0) is None


def test_short_trainings_are_never_given_up() -> None:
    assert not is_lost(slab(), records(FLAT, FLAT)[:8], 8, constant=1.0)
