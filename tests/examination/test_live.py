"""Populations that are given up while they train, and those that must not be."""

import numpy as np
import pytest

from rounds.examination.live import is_lost
from rounds.training.member import EpochRecord
from rounds.training.population import Member, Slab

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


def test_short_trainings_are_never_given_up() -> None:
    assert not is_lost(slab(), records(FLAT, FLAT)[:8], 8, constant=1.0)
