"""Losses and penalties against their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.errors import PlanError
from rounds.training.compiled.objective import example_loss, penalty, smooth_labels, takes_logits

RANDOM = np.random.default_rng(0)


def test_mse_is_the_mean_squared_error_of_each_example() -> None:
    outputs, targets = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(5, 3))
    assert np.allclose(example_loss("mse", False)(outputs, targets), ((outputs - targets) ** 2).mean(1))


def test_gradient_of_mse_equals_the_chain_rule_by_hand() -> None:
    """dL/dw_k = 1/M sum 2 (y^ - y) x_k for y^ = w.x + b."""
    x, y, w = RANDOM.normal(size=(7, 3)), RANDOM.normal(size=(7, 1)), RANDOM.normal(size=(3, 1))
    got = jax.grad(lambda w: example_loss("mse", False)(jnp.asarray(x) @ w, y).mean())(jnp.asarray(w))
    assert np.allclose(got, 2 / 7 * x.T @ (x @ w - y), atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "activation", "targets"),
    [
        ("binary_crossentropy", jax.nn.sigmoid, np.array([[0.0], [1.0], [1.0]])),
        ("categorical_crossentropy", jax.nn.softmax, np.eye(3)),
        ("poisson", jnp.exp, np.array([[0.0], [2.0], [5.0]])),
    ],
)
def test_losses_of_logits_equal_losses_of_outputs(loss: str, activation: object, targets: np.ndarray) -> None:
    logits = jnp.asarray(RANDOM.normal(size=targets.shape))
    of_outputs = example_loss(loss, False)(activation(logits), targets)
    assert np.allclose(example_loss(loss, True)(logits, targets), of_outputs, atol=1e-5)


def test_losses_of_logits_stay_finite_where_probabilities_round_to_0() -> None:
    far = jnp.array([[200.0]])
    assert float(example_loss("binary_crossentropy", True)(far, jnp.zeros((1, 1)))[0]) == pytest.approx(200.0)


def test_only_matching_pairs_take_logits() -> None:
    assert takes_logits("binary_crossentropy", "sigmoid")
    assert not takes_logits("mse", "sigmoid")
    assert not takes_logits("categorical_crossentropy", "sigmoid")


def test_penalty_gradients_are_those_of_the_formulas_and_spare_biases() -> None:
    w, b = jnp.array([[1.0, -2.0], [0.5, 3.0]]), jnp.array([4.0, 5.0])

    def gradients(**settings: float) -> list[jax.Array]:
        given = {name: jnp.float32(settings.get(name, 0.0)) for name in ("l2", "l1", "elastic_beta")}
        return jax.grad(lambda ws: penalty(ws, (True, False), given))([w, b])

    assert np.allclose(gradients(l2=0.1)[0], 2 * 0.1 * w)
    assert np.allclose(gradients(l2=0.1, l1=0.2)[1], 0.0)
    assert np.allclose(gradients(l1=0.2)[0], 0.2 * np.sign(w))
    elastic = gradients(l1=0.2, elastic_beta=0.5)
    assert np.allclose(elastic[0], 0.2 * (np.sign(w) + 2 * 0.5 * np.asarray(w)))


def test_smoothed_labels_spread_a_share_over_all_classes() -> None:
    assert np.allclose(smooth_labels(jnp.eye(4)[:1], jnp.float32(0.2), 4), [[0.85, 0.05, 0.05, 0.05]])
    assert np.allclose(smooth_labels(jnp.array([[1.0]]), jnp.float32(0.2), 2), [[0.9]])


def test_an_unknown_loss_is_refused_with_those_there_are() -> None:
    with pytest.raises(PlanError, match=r"loss must be one of mse, mae, .*, got loss='msle'\. Use auto"):
        example_loss("msle", False)


def test_penalty_is_the_sum_of_its_formula_and_nothing_without_kernels() -> None:
    settings = {"l2": jnp.float32(0.5), "l1": jnp.float32(0.1), "elastic_beta": jnp.float32(2.0)}
    weights = [jnp.array([[1.0, -2.0]]), jnp.array([7.0])]
    assert float(penalty(weights, (True, False), settings)) == pytest.approx(0.5 * 5 + 0.1 * (3 + 2 * 5))
    assert float(penalty(weights, (False, False), settings)) == 0.0
