"""Recurrent layers in NumPy equal Keras's own; a padded recording ends where it ends."""

import os
from itertools import product

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

from rounds.data.dataset import Inputs
from rounds.errors import PlanError
from rounds.networks.keras.builder import build_network, describe_network
from rounds.networks.keras.functional import make_functional
from rounds.networks.network import Network
from rounds.plan import Plan
from rounds.prediction.numpy_layers.network import forward
from rounds.task import Task

TASK = Task(kind="binary", targets=("death",), classes=("no", "yes"))
STEPS, CHANNELS = 7, 4


def network_of(**changes: object) -> tuple[Network, Plan]:
    plan = Plan(network="recurrent", hidden=(5,), recurrent=(6,)).change(**changes)
    return describe_network(plan, TASK, 3, 0, (), False, (STEPS, CHANNELS)), plan


def recordings(rows: int = 9, seed: int = 0) -> Inputs:
    """Recordings of different lengths: the first channel says what lies inside, nan is a missing value."""
    random = np.random.default_rng(seed)
    array = random.normal(size=(rows, STEPS, CHANNELS)).astype("f4")
    array[:, :, 0] = np.arange(STEPS) < np.linspace(0, STEPS, rows).astype(int)[:, None]
    array[random.random(array.shape) < 0.1] = np.nan
    array[:, :, 0] = np.nan_to_num(array[:, :, 0])
    return Inputs(
        random.normal(size=(rows, 3)).astype("f4"), np.zeros((rows, 0), "f4"), np.zeros((rows, 0), "i4"), array
    )


def drawn(network: Network, plan: Plan, seed: int = 0) -> tuple[dict[str, np.ndarray], object, list[np.ndarray]]:
    """Weights by name [1, ...], the functional, and its arrays, none of them zero."""
    functional = make_functional(lambda: build_network(network, plan))
    random = np.random.default_rng(seed)
    trainable = [random.normal(0, 0.5, a.shape).astype("f4") for a in functional.draw(seed)[0]]
    state = functional.draw(seed)[1]
    names = dict(zip(functional.names, trainable, strict=True)) | dict(zip(functional.state_names, state, strict=True))
    return {n: np.asarray(a)[None] for n, a in names.items()}, functional, [trainable, state]


@pytest.mark.parametrize(
    ("cell", "bidirectional", "widths"), list(product(("simple", "lstm", "gru"), (False, True), ((6,), (4, 3))))
)
def test_numpy_equals_keras(cell: str, bidirectional: bool, widths: tuple[int, ...]) -> None:
    network, plan = network_of(cell=cell, bidirectional=bidirectional, recurrent=widths)
    weights, functional, (trainable, state) = drawn(network, plan)
    inputs = recordings()
    expected, _ = functional.apply(trainable, state, list(inputs.arrays.values()), False)
    np.testing.assert_allclose(forward(network, weights, inputs)[0], np.asarray(expected), rtol=1e-5, atol=1e-5)
    assert network.encoder == widths[-1] * (1 + bidirectional)


def test_what_stands_after_the_end_does_not_matter() -> None:
    network, plan = network_of(bidirectional=True)
    weights, _, _ = drawn(network, plan)
    inputs = recordings()
    assert inputs.array is not None
    other = inputs.array.copy()
    other[:, :, 1:][inputs.array[:, :, 0] < 0.5] = 99
    changed = Inputs(inputs.numbers, inputs.flags, inputs.codes, other)
    np.testing.assert_array_equal(forward(network, weights, inputs), forward(network, weights, changed))


def test_names_of_arrays_are_those_of_the_record() -> None:
    network, plan = network_of(cell="lstm")
    weights, functional, _ = drawn(network, plan)
    assert {"forward_0/kernel", "forward_0/recurrent_kernel", "forward_0/bias"} <= set(weights)
    recurrent = functional.names.index("forward_0/recurrent_kernel")
    assert functional.kernels[recurrent]
    assert not functional.kernels[functional.names.index("forward_0/bias")]


def test_recurrent_kernels_start_orthogonal() -> None:
    network, plan = network_of(cell="simple")
    functional = make_functional(lambda: build_network(network, plan))
    kernel = functional.draw(3)[0][functional.names.index("forward_0/recurrent_kernel")]
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(6), atol=1e-5)


def test_images_are_no_recordings() -> None:
    with pytest.raises(PlanError, match="network must be one that reads images, got network='recurrent'"):
        describe_network(Plan(network="recurrent"), TASK, 0, 0, (), False, (8, 8, 1))
    with pytest.raises(PlanError, match="network must be linear or dense for a table, got network='recurrent'"):
        describe_network(Plan(network="recurrent"), TASK, 3, 0, (), False)
