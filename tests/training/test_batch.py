"""What a step reads: its rows, disturbed as the settings say, and never a row of another fold."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.functional import make_functional
from rounds.plan import Plan, setting_names
from rounds.task import Task
from rounds.training.batches.orders import full_batch
from rounds.training.compiled.state import SlabData, StaticConfig
from rounds.training.compiled.step import Batch, draw_batch

TASK = Task(kind="binary", targets=("y",), classes=("0", "1"))
ROWS, NUMBERS, FLAGS = 4000, 3, 2


def data() -> SlabData:
    random = np.random.default_rng(0)
    numbers, flags = random.normal(size=(ROWS, NUMBERS)), random.integers(0, 2, (ROWS, FLAGS))
    outcome = random.integers(0, 2, (ROWS, 1))
    arrays = [jnp.asarray(a, jnp.float32) for a in (numbers, flags, outcome)]
    return SlabData(arrays[:2], arrays[2], jnp.ones(ROWS), jnp.zeros(ROWS), jnp.zeros(1), jnp.ones(1))


def batches(plan: Plan, **settings: float) -> Callable[[Any, float], Batch]:
    """(rows, position) -> the batch, compiled."""
    network = describe_network(plan, TASK, InputShape(NUMBERS, FLAGS), False)
    functional = make_functional(network)
    config = StaticConfig(plan, TASK, functional, "binary_crossentropy", True, False, frozenset(settings))
    chosen = {name: jnp.float32(settings.get(name, 0.0)) for name in setting_names()} | {"key": jnp.float32(7)}
    return jax.jit(lambda rows, position: draw_batch(config, chosen, data(), rows, position))


def drawn(position: float = 0.5, **settings: float) -> Batch:
    return batches(Plan(), **settings)(jnp.arange(ROWS), position)


def test_a_batch_is_its_rows_and_weights_sum_to_one() -> None:
    batch = batches(Plan())(jnp.array([5, 3, 5]), 0.5)
    assert all(np.array_equal(a, b[np.array([5, 3, 5])]) for a, b in zip(batch.inputs, data().inputs, strict=True))
    assert np.allclose(batch.weights, 1 / 3)


def test_noise_has_its_spread_on_numbers_alone_and_is_new_each_step() -> None:
    noise = np.asarray(drawn(input_noise=0.25).inputs[0] - data().inputs[0])
    assert noise.std() == pytest.approx(0.25, rel=0.03)
    assert abs(noise.mean()) < 4 * 0.25 / np.sqrt(noise.size)
    assert np.array_equal(drawn(input_noise=0.25).inputs[1], data().inputs[1])
    other = np.asarray(drawn(position=1.5, input_noise=0.25).inputs[0] - data().inputs[0])
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(noise.size)


def test_mixup_equals_its_twin_with_a_share_of_the_beta_distribution() -> None:
    """x <- s x + (1 - s) x', y likewise, s = max(b, 1 - b), b ~ Beta(alpha, alpha); x' is the batch in reverse."""
    alpha, shares = 0.4, []
    step = batches(Plan(), mixup=alpha)
    numbers, flags = (np.asarray(x) for x in data().inputs)
    outcome = np.asarray(data().targets)
    for position in range(300):
        batch = step(jnp.arange(ROWS), position + 0.5)
        apart = numbers - numbers[::-1]
        share = float((apart * (np.asarray(batch.inputs[0]) - numbers[::-1])).sum() / (apart**2).sum())
        for mixed, plain in ((batch.inputs[0], numbers), (batch.inputs[1], flags), (batch.targets, outcome)):
            assert np.allclose(mixed, share * plain + (1 - share) * plain[::-1], atol=1e-5)
        shares.append(share)
    expected = np.random.default_rng(0).beta(alpha, alpha, 20_000)
    expected = np.maximum(expected, 1 - expected)
    assert min(shares) >= 0.5
    assert np.mean(shares) == pytest.approx(expected.mean(), abs=4 * expected.std() / np.sqrt(len(shares)))


def test_smoothed_labels_move_by_half_the_share() -> None:
    assert np.allclose(drawn(label_smoothing=0.1).targets, 0.9 * np.asarray(data().targets) + 0.05)


def test_what_fills_up_a_full_batch_is_of_its_own_fold() -> None:
    """The last row of the table is another fold's: neither mixup nor batch statistics may see it."""
    rows = np.array([8, 2, 6])
    batch = batches(Plan(batch_size="all"))(jnp.asarray(full_batch(rows, 5)[0]), 0.5)
    assert np.array_equal(batch.inputs[0], data().inputs[0][np.array([8, 2, 6, 8, 8])])
    assert np.allclose(batch.weights, [1 / 3, 1 / 3, 1 / 3, 0, 0])
