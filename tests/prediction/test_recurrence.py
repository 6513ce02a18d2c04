"""Recurrent layers: a padded recording ends where it ends, and arrays have the names of the record."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

from rounds.data.dataset import Inputs
from rounds.errors import PlanError
from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.functional import make_functional
from rounds.networks.network import Network
from rounds.plan import Plan
from rounds.prediction.numpy_layers.forward import forward
from rounds.task import Task

TASK = Task(kind="binary", targets=("death",), classes=("no", "yes"))
STEPS, CHANNELS = 7, 4


def network_of(**changes: object) -> Network:
    plan = Plan(network="recurrent", hidden=(5,), recurrent=(6,)).change(**changes)
    return describe_network(plan, TASK, InputShape(3, 0, array=(STEPS, CHANNELS)), False)


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


def test_what_stands_after_the_end_does_not_matter() -> None:
    network = network_of(bidirectional=True)
    functional = make_functional(network)
    trainable, state = functional.draw(0)
    names = (*functional.names, *functional.state_names)
    weights = {name: array[None] for name, array in zip(names, (*trainable, *state), strict=True)}
    inputs = recordings()
    assert inputs.array is not None
    other = inputs.array.copy()
    other[:, :, 1:][inputs.array[:, :, 0] < 0.5] = 99
    changed = Inputs(inputs.numbers, inputs.flags, inputs.codes, other)
    np.testing.assert_array_equal(forward(network, weights, inputs), forward(network, weights, changed))


def test_kernels_of_both_kinds_are_penalised_and_biases_are_not() -> None:
    functional = make_functional(network_of(cell="lstm"))
    found = dict(zip(functional.names, functional.kernels, strict=True))
    assert found["forward_0/kernel"]
    assert found["forward_0/recurrent_kernel"]
    assert not found["forward_0/bias"]


def test_recurrent_kernels_start_orthogonal_and_lstms_forget_nothing() -> None:
    functional = make_functional(network_of(cell="simple"))
    kernel = functional.draw(3)[0][functional.names.index("forward_0/recurrent_kernel")]
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(6), atol=1e-5)
    functional = make_functional(network_of(cell="lstm"))
    bias = functional.draw(3)[0][functional.names.index("forward_0/bias")]
    assert bias.reshape(4, 6).mean(1).tolist() == [0.0, 1.0, 0.0, 0.0]


def test_images_are_no_recordings() -> None:
    with pytest.raises(PlanError, match="network must be one that reads images, got network='recurrent'"):
        describe_network(Plan(network="recurrent"), TASK, InputShape(0, 0, array=(8, 8, 1)), False)
    with pytest.raises(PlanError, match="network must be linear or dense for a table, got network='recurrent'"):
        describe_network(Plan(network="recurrent"), TASK, InputShape(3, 0), False)
