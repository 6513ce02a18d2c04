"""The NumPy forward pass: activations are Keras's, and neither chunks of rows nor threads change anything."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

from rounds.data.dataset import Inputs
from rounds.errors import PlanError
from rounds.networks.functional import make_functional
from rounds.networks.network import Network
from rounds.prediction.numpy_layers.activations import ACTIVATIONS, activate
from rounds.prediction.numpy_layers.forward import CHUNK_ROWS, forward

MEMBERS = 3
NO_ACTIVATION = {"get", "serialize", "deserialize", "threshold"}


def make_inputs(network: Network, rows: int, seed: int = 0) -> Inputs:
    random = np.random.default_rng(seed)
    codes = [random.integers(0, n, rows, dtype=np.int32) for n in network.levels]
    return Inputs(
        numbers=random.normal(size=(rows, network.numbers)).astype("f4"),
        flags=random.integers(0, 2, (rows, network.flags)).astype("f4"),
        codes=np.stack(codes, axis=1) if codes else np.zeros((rows, 0), "i4"),
    )


def drawn(network: Network) -> dict[str, np.ndarray]:
    """Weights of MEMBERS members, stacked."""
    functional = make_functional(network)
    members = [dict(zip(functional.names, functional.draw(seed)[0], strict=True)) for seed in range(MEMBERS)]
    return {name: np.stack([member[name] for member in members]) for name in functional.names}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation_equals_keras(name):
    import keras

    x = np.concatenate([np.linspace(-90, 90, 362), np.linspace(-3, 3, 362)]).astype("f4").reshape(181, 4)
    expected = np.asarray(getattr(keras.activations, name)(x))
    np.testing.assert_allclose(activate(name, x), expected, rtol=1e-5, atol=1e-5)
    assert activate(name, x).dtype == np.float32


def test_every_activation_of_keras_is_known():
    import keras

    names = {n for n in dir(keras.activations) if n.islower() and not n.startswith("_")}
    assert names - NO_ACTIVATION == set(ACTIVATIONS)


def test_unknown_activation_is_refused_by_name():
    with pytest.raises(PlanError, match=r"got activation='rellu'\. Did you mean relu\?$"):
        activate("rellu", np.zeros(1, "f4"))


def test_chunks_of_rows_change_nothing():
    network = Network(kind="dense", numbers=4, flags=2, hidden=(8,), number_embedding="periodic")
    weights = drawn(network)
    inputs = make_inputs(network, 2 * CHUNK_ROWS + 7)
    last = np.arange(2 * CHUNK_ROWS, 2 * CHUNK_ROWS + 7)
    np.testing.assert_allclose(
        forward(network, weights, inputs)[:, last], forward(network, weights, inputs.take(last)), 1e-6
    )


def test_no_rows_give_no_outputs():
    network = Network(kind="dense", numbers=4, flags=2, hidden=(8,))
    weights = drawn(network)
    assert forward(network, weights, make_inputs(network, 0)).shape == (MEMBERS, 0, 1)
