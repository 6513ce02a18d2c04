"""What a device asks for, with the device told rather than there."""

import sys
from pathlib import Path

import numpy as np
import pytest

from rounds.networks.keras.backend import keras
from rounds.networks.user_model.model import own_values
from rounds.training.machine import device
from rounds.training.population.members import CACHE, CARD, slab_shape


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.jax, "default_backend", lambda: "gpu")


def test_a_processor_gets_a_slab_a_core_and_quick_compiling() -> None:
    assert device.workers_here() == device.cores_here()
    assert device.slab_budget_here() == CACHE
    assert device.compiler_options()["xla_backend_optimization_level"] == 0
    assert device.compiler_options(often=True)["xla_backend_optimization_level"] == 1


@pytest.mark.usefixtures("card")
def test_a_card_gets_few_large_slabs_and_programs_that_repeat() -> None:
    assert (device.workers_here(), device.slab_budget_here()) == (device.SLABS_ON_A_CARD, CARD)
    for often in (False, True):
        assert device.compiler_options(often) == {"xla_gpu_deterministic_ops": True}


def test_slabs_on_a_card_are_shared_out_but_not_cut_small() -> None:
    assert slab_shape([[64]], 100_000, 2, CARD) == (1, 32)
    assert slab_shape([[8]], 100_000, 4, CARD) == (1, 2)
    assert slab_shape([[8]] * 16, 100_000, 2, CARD) == (1, 8), "one slab costs as much as twenty members"
    assert slab_shape([[64]], 1_500_000_000, 2, CARD) == (1, 1), "memory bounds it"


def test_values_between_the_layers_of_an_own_model_are_counted() -> None:
    inputs = keras.Input((4, 4, 1))
    units = keras.layers.Conv2D(2, 3, padding="same")(inputs)  # 32 values
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(units)))
    assert own_values(model) == 16 + 32 + 32 + 3


def resident() -> int:
    """Pages of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="only the C library of Linux is asked")
def test_small_pieces_that_were_freed_leave_the_process() -> None:
    """Pieces below the size that goes back by itself, with one in use on top of them."""
    pieces = [np.ones(8_000) for _ in range(2_000)]  # 64 kB each
    last = np.ones(8_000)
    del pieces
    before = resident()
    device.hand_back_freed()
    assert resident() < before - 10_000, "of 31,000 pages of 4 kB"
    assert last.sum() == 8_000
