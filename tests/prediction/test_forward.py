"""The NumPy forward pass gives what Keras gives, for every activation and every kind of layer."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

from rounds.data.dataset import Inputs
from rounds.errors import PlanError
from rounds.networks.network import Network
from rounds.plan import Plan
from rounds.prediction.numpy_layers.activations import ACTIVATIONS, activate
from rounds.prediction.numpy_layers.network import CHUNK_ROWS, forward

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


def make_twins(network: Network) -> tuple[list, dict[str, np.ndarray]]:
    """K Keras models with random weights (no zeros, so that every array matters) and the same weights, stacked."""
    from rounds.networks.keras.builder import build_network

    random, models, members = np.random.default_rng(1), [], []
    for _ in range(MEMBERS):
        model = build_network(network, Plan())
        for variable in model.variables:
            if variable.dtype == "float32" and not variable.path.endswith(("rate", "edges")):
                draw = random.uniform(0.5, 1.5, variable.shape) if "variance" in variable.path else None
                variable.assign(random.normal(0, 0.4, variable.shape) if draw is None else draw)
        models.append(model)
        members.append({"/".join(v.path.split("/")[-2:]): np.asarray(v) for v in model.variables})
    return models, {name: np.stack([m[name] for m in members]) for name in members[0]}


def assert_equal_to_keras(network: Network, rows: int = 40) -> None:
    models, weights = make_twins(network)
    inputs = make_inputs(network, rows)
    parts = [x for x in (inputs.numbers, inputs.flags, inputs.codes) if x.shape[1]]
    expected = np.stack([np.asarray(model(parts, training=False)) for model in models])
    found = forward(network, weights, inputs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


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


def test_full_network_equals_keras():
    assert_equal_to_keras(
        Network(
            kind="dense",
            numbers=5,
            flags=3,
            levels=(20, 40),
            code_widths=(5, 7),
            number_embedding="periodic",
            frequencies=6,
            hidden=(16, 16, 8),
            activation="silu",
            normalization="batch",
            residual=True,
            skip_to_output=True,
            dropout=True,
            outputs=3,
            output_activation="softmax",
        )
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "linear"},
        {"hidden": (7,), "activation": "relu"},
        {"hidden": (7, 7), "normalization": "layer", "activation": "gelu"},
        {"hidden": (7,), "number_embedding": "piecewise", "output_activation": "exponential"},
        {"hidden": (6, 6, 7, 7), "activation": "tanh", "residual": True},
        {"numbers": 0, "flags": 4, "hidden": (5,), "output_activation": "sigmoid"},
        {"numbers": 0, "flags": 0, "levels": (30,), "code_widths": (4,), "hidden": (5,)},
    ],
)
def test_each_kind_of_layer_equals_keras(changes):
    assert_equal_to_keras(Network(**{"kind": "dense", "numbers": 4, "flags": 2, "outputs": 2, **changes}))


def test_chunks_of_rows_change_nothing():
    network = Network(kind="dense", numbers=4, flags=2, hidden=(8,), number_embedding="periodic")
    _, weights = make_twins(network)
    inputs = make_inputs(network, 2 * CHUNK_ROWS + 7)
    last = np.arange(2 * CHUNK_ROWS, 2 * CHUNK_ROWS + 7)
    np.testing.assert_allclose(
        forward(network, weights, inputs)[:, last], forward(network, weights, inputs.take(last)), 1e-6
    )


def test_no_rows_give_no_outputs():
    network = Network(kind="dense", numbers=4, flags=2, hidden=(8,))
    _, weights = make_twins(network)
    assert forward(network, weights, make_inputs(network, 0)).shape == (MEMBERS, 0, 1)
