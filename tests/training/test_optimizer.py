"""Optimizers against naive NumPy twins on the parabola and on Rosenbrock's function."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.plan import Plan, setting_names
from rounds.training.compiled.optimizer import clip_gradients, make_optimizer

RATE, MOMENTUM, B1, B2, EPSILON, DECAY = 0.01, 0.8, 0.9, 0.99, 1e-8, 0.1
CHOSEN = {"momentum": MOMENTUM, "beta_1": B1, "beta_2": B2, "epsilon": EPSILON, "weight_decay": DECAY}
Twin = Callable[[np.ndarray, dict, np.ndarray], np.ndarray]


def parabola(w: np.ndarray) -> np.ndarray:
    """Gradient of 3 w0^2 + w1^2."""
    return np.array([6 * w[0], 2 * w[1]])


def rosenbrock(w: np.ndarray) -> np.ndarray:
    """Gradient of (1 - a)^2 + 100 (b - a^2)^2."""
    a, b = w
    return np.array([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)])


def sgd(g: np.ndarray, memory: dict, w: np.ndarray) -> np.ndarray:
    return g


def momentum(g: np.ndarray, memory: dict, w: np.ndarray) -> np.ndarray:
    memory["v"] = MOMENTUM * memory.get("v", 0) + g
    return memory["v"]


def nesterov(g: np.ndarray, memory: dict, w: np.ndarray) -> np.ndarray:
    memory["v"] = MOMENTUM * memory.get("v", 0) + g
    return MOMENTUM * memory["v"] + g


def adagrad(g: np.ndarray, memory: dict, w: np.ndarray) -> np.ndarray:
    memory["s"] = memory.get("s", 0) + g**2
    return g / np.sqrt(memory["s"] + EPSILON)


def rmsprop(g: np.ndarray, memory: dict, w: np.ndarray) -> np.ndarray:
    memory["s"] = B2 * memory.get("s", 0) + (1 - B2) * g**2
    return g / np.sqrt(memory["s"] + EPSILON)


def adam(g: np.ndarray, memory: dict, w: np.ndarray) -> np.ndarray:
    memory["t"] = memory.get("t", 0) + 1
    memory["m"] = B1 * memory.get("m", 0) + (1 - B1) * g
    memory["s"] = B2 * memory.get("s", 0) + (1 - B2) * g**2
    m, s = memory["m"] / (1 - B1 ** memory["t"]), memory["s"] / (1 - B2 ** memory["t"])
    return m / (np.sqrt(s) + EPSILON)


def adamw(g: np.ndarray, memory: dict, w: np.ndarray) -> np.ndarray:
    return adam(g, memory, w) + DECAY * w


TWINS: dict[str, Twin] = {f.__name__: f for f in (sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw)}


def settings() -> dict[str, jax.Array]:
    return {name: jnp.float32(CHOSEN.get(name, 0.0)) for name in setting_names()}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize(("gradient", "start", "rate"), [(parabola, (1.0, 1.0), RATE), (rosenbrock, (-0.5, 0.5), 1e-4)])
def test_trajectory_equals_the_naive_twin(name: str, gradient: Twin, start: tuple, rate: float) -> None:
    optimizer = make_optimizer(Plan(optimizer=name), settings(), (True,))
    ours, twin, memory = [jnp.array(start, jnp.float32)], np.array(start), {}
    state = optimizer.init(ours)
    for _ in range(40):
        directions, state = optimizer.update([jnp.asarray(gradient(np.asarray(ours[0])), jnp.float32)], state, ours)
        ours = [ours[0] - rate * directions[0]]
        twin = twin - rate * TWINS[name](gradient(twin), memory, twin)
        assert np.allclose(ours[0], twin, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", sorted(TWINS))
def test_the_minimum_of_the_parabola_is_reached(name: str) -> None:
    rate = {"sgd": 0.05, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.5}.get(name, 0.05)
    plain = {**settings(), "weight_decay": jnp.float32(0.0)}
    optimizer = make_optimizer(Plan(optimizer=name), plain, (True,))
    w = [jnp.array([1.0, -1.0])]
    state = optimizer.init(w)
    for step in range(600):
        directions, state = optimizer.update([jnp.asarray(parabola(np.asarray(w[0])))], state, w)
        w = [w[0] - rate * (1 - step / 600) * directions[0]]
    assert np.abs(w[0]).max() < 1e-3


def test_decoupled_decay_touches_kernels_only() -> None:
    optimizer = make_optimizer(Plan(optimizer="adamw"), settings(), (True, False))
    w = [jnp.ones(2), jnp.ones(2)]
    directions, _ = optimizer.update([jnp.zeros(2), jnp.zeros(2)], optimizer.init(w), w)
    assert np.allclose(directions[0], DECAY)
    assert np.allclose(directions[1], 0.0)


def test_clipping_shortens_all_gradients_together_and_0_means_no_limit() -> None:
    gradients = [jnp.array([3.0]), jnp.array([4.0])]
    assert np.allclose(clip_gradients(gradients, jnp.float32(1.0)), [[0.6], [0.8]])
    assert np.allclose(clip_gradients(gradients, jnp.float32(9.0)), [[3.0], [4.0]])
    assert np.allclose(clip_gradients(gradients, jnp.float32(0.0)), [[3.0], [4.0]])


def test_short_gradients_are_clipped_as_long_ones() -> None:
    (clipped,) = clip_gradients([jnp.array([0.3, 0.4])], jnp.float32(0.1))
    np.testing.assert_allclose(clipped, [0.06, 0.08], rtol=1e-6)
