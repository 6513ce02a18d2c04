"""What a device asks for, with the device told rather than there."""

import pytest

from rounds.networks.layers import keras
from rounds.networks.own_model import own_values
from rounds.training import device
from rounds.training.population import CACHE, CARD, slab_shape


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.jax, "default_backend", lambda: "gpu")


def test_a_processor_gets_a_slab_a_core_and_quick_compiling() -> None:
    assert device.workers_here() == device.cores_here()
    assert device.room_here() == CACHE
    assert device.compiler_options()["xla_backend_optimization_level"] == 0
    assert device.compiler_options(often=True)["xla_backend_optimization_level"] == 1


@pytest.mark.usefixtures("card")
def test_a_card_gets_few_large_slabs_and_programs_that_repeat() -> None:
    assert (device.workers_here(), device.room_here()) == (device.SLABS_ON_A_CARD, CARD)
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
