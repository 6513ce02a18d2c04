"""The gradient check: right gradients pass, each planted mistake is named, and bad input is one clear line."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.graph.gradient_check.check import check_gradient
from rounds.graph.tape.function import FunctionError

RANDOM = np.random.default_rng(0)
N, D, H = 50, 6, 4
X, Y = RANDOM.standard_normal((N, D)), RANDOM.standard_normal((N, 1))
Arrays = dict[str, Any]


def weights(width: int = H) -> Arrays:
    random = np.random.default_rng(1)
    return {
        "W1": random.standard_normal((D, width)),
        "b1": random.standard_normal(width),
        "W2": random.standard_normal((width, 1)),
        "b2": random.standard_normal(1),
    }


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def two_layers(p: Arrays) -> Any:
    """The lecture's two-layer network on one batch: mean squared error."""
    Z = X.dot(p["W1"]) + p["b1"]
    h = sigmoid(Z)
    y = h.dot(p["W2"]) + p["b2"]
    return np.mean((y - Y) ** 2)


def backward(p: Arrays) -> dict[str, Arrays]:
    """Every gradient on the way down, by its name."""
    h = sigmoid(X @ p["W1"] + p["b1"])
    d_Y = 2 / N * (h @ p["W2"] + p["b2"] - Y)
    d_h = d_Y @ p["W2"].T
    d_Z = d_h * h * (1 - h)
    return {"h": h, "d_Y": d_Y, "d_h": d_h, "d_Z": d_Z, "d_X": d_Z @ p["W1"].T}


def corrected(p: Arrays) -> Arrays:
    b = backward(p)
    return {"W1": X.T @ b["d_Z"], "b1": b["d_Z"].sum(0), "W2": b["h"].T @ b["d_Y"], "b2": b["d_Y"].sum(0)}


def as_printed(p: Arrays) -> Arrays:
    b = backward(p)
    return {"W1": X.T @ b["d_X"], "b1": b["d_Y"], "W2": b["h"].T @ b["d_Y"], "b2": b["d_Y"]}


def mistakes(check: Any) -> dict[str, str]:
    return {tensor.name: tensor.mistake for tensor in check.tensors if tensor.mistake}


@pytest.mark.parametrize("width", [H, D], ids=["other shape", "same shape"])
def test_the_printed_backward_pass_is_wrong_in_three_places(width: int) -> None:
    check = check_gradient(two_layers, as_printed, weights(width))
    assert check.wrong == ["W1", "b1", "b2"]
    assert mistakes(check) == {
        "W1": "wrong tensor: it is X.T @ d_X, and must be X.T @ d_Z",
        "b1": "wrong tensor: it is d_y, not summed over the batch, and must be d_Z summed over axis 0",
        "b2": "not summed over the batch: has 50 rows; summed over axis 0 it is right",
    }


def test_the_corrected_backward_pass_is_right() -> None:
    check = check_gradient(two_layers, corrected, weights())
    assert check.wrong == []
    assert all(tensor.relative_error is not None and tensor.relative_error < 1e-7 for tensor in check.tensors)
    assert all(tensor.autodiff_error is not None and tensor.autodiff_error < 1e-12 for tensor in check.tensors)
    assert "All 4 gradients agree" in str(check)


def in_place(p: Arrays) -> float:
    """What JAX cannot follow, however it is written: arrays filled in place."""
    out = np.empty(N)
    for row in range(N):
        out[row] = float((X[row] @ p["W1"])[0])
    return float((out**2).mean())


def test_plain_numpy_is_checked_by_differences_alone() -> None:
    def gradient(p: Arrays) -> Arrays:
        slope = np.zeros((D, H))
        slope[:, 0] = 2 / N * X.T @ (X @ p["W1"][:, 0])
        return {"W1": slope}

    inputs = {"W1": weights()["W1"]}
    check = check_gradient(in_place, gradient, inputs)
    assert check.wrong == []
    assert check.notes == ("JAX cannot follow the function: checked by central differences alone.",)
    assert check.tensors[0].autodiff_error is None
    wrong = check_gradient(in_place, lambda p: {"W1": gradient(p)["W1"] * 3}, inputs)
    assert mistakes(wrong) == {"W1": "it is 3 times the right gradient: a factor is missing"}


def planted(change: Callable[[Arrays], Arrays]) -> dict[str, str]:
    return mistakes(check_gradient(two_layers, lambda p: {**corrected(p), **change(corrected(p))}, weights()))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda g: {"W1": -g["W1"]}, {"W1": "the sign is wrong"}),
        (lambda g: {"W1": g["W1"].T}, {"W1": "transposed"}),
        (lambda g: {"b1": g["b1"] * N}, {"b1": "it is 50 times too large: the factor 1/50 of the mean is missing"}),
        (lambda g: {"b1": g["b1"] / N}, {"b1": "it is 50 times too small: divided by 50 once too often"}),
        (lambda g: {"W2": g["W2"] / 2}, {"W2": "it is half of what it must be: the factor 2 is missing"}),
        (lambda g: {"W2": g["W2"][:, 0]}, {"W2": "right numbers in the shape (4,), which must be (4, 1)"}),
        (lambda g: {"b1": g["W2"][:, 0]}, {"b1": "wrong tensor: it is d_W2 summed over axis 1"}),
        (lambda g: {"W1": g["W1"] * np.nan}, {"W1": "24 entries are nan or infinite"}),
        (lambda g: {"W1": g["W1"] * 0}, {"W1": "is zero everywhere: the gradient does not flow back to it"}),
    ],
    ids=["sign", "transposed", "no mean", "mean twice", "no 2", "shape", "another", "nan", "zero"],
)
def test_a_planted_mistake_is_told(change: Callable[[Arrays], Arrays], told: dict[str, str]) -> None:
    found = planted(change)
    if "b1" in told and "wrong tensor" in told["b1"]:
        assert "wrong tensor" in found["b1"]
        assert "W2" in found["b1"]
    else:
        assert found == told


def test_one_wrong_entry_is_found_and_shown() -> None:
    def gradient(p: Arrays) -> Arrays:
        found = corrected(p)
        found["W1"][2, 1] += 1e-3
        return found

    check = check_gradient(two_layers, gradient, weights())
    assert check.wrong == ["W1"]
    assert [entry.place for entry in check.tensors[0].worst] == [(2, 1)]
    assert check.tensors[0].wrong_entries == 1


def test_kinks_are_recognised_and_not_counted() -> None:
    inputs = {"x": np.array([-1.0, 0.0, 2.0, 1e-5, 0.0])}
    check = check_gradient(lambda p: np.maximum(p["x"], 0).sum(), lambda p: {"x": (p["x"] > 0) * 1.0}, inputs)
    assert check.wrong == []
    assert check.tensors[0].kinks == 2
    beside = check_gradient(lambda p: np.maximum(p["x"], 0).sum(), lambda p: {"x": (p["x"] >= 2) * 1.0}, inputs)
    assert [entry.place for entry in beside.tensors[0].worst] == [(3,)]


def test_a_tensor_of_kinks_alone_is_not_called_right() -> None:
    check = check_gradient(lambda p: np.abs(p["x"]).sum(), lambda p: {"x": np.ones(3)}, {"x": np.zeros(3)})
    assert check.tensors[0].verdict == "not differentiable"
    assert check.wrong == []
    assert str(check).endswith("0 of 1 gradients agree with central differences to 1e-06 or better.")


def test_where_the_function_ends_beside_an_entry_the_step_is_its_own() -> None:
    inputs = {"x": np.array([1e-8, 1.0, 4.0])}
    for factor, wrong in ((1.0, []), (1.01, ["x"])):
        check = check_gradient(lambda p: np.log(p["x"]).sum(), lambda p, f=factor: {"x": f / p["x"]}, inputs)
        assert check.wrong == wrong
        assert check.tensors[0].kinks == 0


def test_where_there_is_no_slope_nothing_is_called_right() -> None:
    check = check_gradient(lambda p: np.sqrt(p["x"]).sum(), lambda p: {"x": np.ones(2)}, {"x": np.zeros(2)})
    assert check.tensors[0].verdict == "not differentiable"


def test_a_forgotten_penalty_is_told() -> None:
    def loss(p: Arrays) -> Any:
        return two_layers(p) + 0.1 * (p["W1"] ** 2).sum()

    told = mistakes(check_gradient(loss, corrected, weights()))
    assert told == {"W1": "a term of 0.2 times W1 is missing: the gradient of a penalty"}


def test_rounding_is_judged_against_the_whole_gradient() -> None:
    """The gradient of a bias before batch normalization is nothing but rounding."""

    def loss(p: Arrays) -> Any:
        units = X @ p["W1"] + p["b1"]
        units = (units - units.mean(0)) / jnp.sqrt(units.var(0) + 1e-3)
        return jnp.mean(jnp.tanh(units) ** 3)

    check = check_gradient(loss, jax.grad(loss), {name: weights()[name] for name in ("W1", "b1")})
    assert check.wrong == []


def test_a_function_that_computes_in_float32_is_judged_by_its_own_noise() -> None:
    def loss(p: Arrays) -> Any:
        return jnp.mean(jnp.tanh(jnp.asarray(X, jnp.float32) @ p["W1"].astype(jnp.float32)) ** 2)

    inputs = {"W1": weights()["W1"]}
    assert check_gradient(loss, jax.grad(loss), inputs).wrong == []
    assert check_gradient(loss, lambda p: {"W1": 1.1 * jax.grad(loss)(p)["W1"]}, inputs).wrong == ["W1"]


def test_a_loss_of_zero_hides_no_mistake() -> None:
    inputs = {"x": np.array([1.0, -1.0]), "y": np.zeros(2)}
    check = check_gradient(
        lambda p: p["x"].sum() + p["y"] @ p["y"], lambda p: {"x": np.ones(2) * 1.001, "y": p["y"]}, inputs
    )
    assert check.loss == 0
    assert check.wrong == ["x"]


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_scale_of_a_tensor_does_not_matter(scale: float) -> None:
    inputs = {"x": scale * np.array([0.3, 0.5, 0.0])}
    check = check_gradient(
        lambda p: np.sin(p["x"] / scale).sum(), lambda p: {"x": np.cos(p["x"] / scale) / scale}, inputs
    )
    assert check.wrong == []


def test_a_large_tensor_is_sampled_and_the_rest_compared_to_autodiff() -> None:
    inputs = {"w": RANDOM.standard_normal(5000)}

    def gradient(p: Arrays) -> Arrays:
        slope = 2 * np.asarray(p["w"])
        slope[4321] *= 1.01
        return {"w": slope}

    check = check_gradient(lambda p: (p["w"] ** 2).sum(), gradient, inputs)
    assert check.wrong == ["w"]
    assert [entry.place for entry in check.tensors[0].worst] == [(4321,)]
    assert (check.tensors[0].checked, check.tensors[0].entries) == (1000, 5000)


def make_square(factor: float) -> Callable[[Any], Any]:
    @jax.custom_vjp
    def square(x: Any) -> Any:
        return x**2

    square.defvjp(lambda x: (square(x), x), lambda x, incoming: (factor * x * incoming,))
    return square


def test_a_custom_rule_is_checked_without_a_gradient_of_its_own() -> None:
    inputs = {"x": np.array([1.0, 2.0, 3.0])}
    assert check_gradient(lambda p: make_square(2.0)(p["x"]).sum(), None, inputs).wrong == []
    check = check_gradient(lambda p: make_square(1.0)(p["x"]).sum(), None, inputs)
    assert mistakes(check) == {"x": "it is half of what it must be: the factor 2 is missing"}
    assert check.notes == (
        "JAX's own gradient of x is wrong: the function holds a custom rule that is not its derivative.",
    )


def test_a_rule_that_passes_straight_through_is_not_taken_for_a_wrong_tensor() -> None:
    @jax.custom_vjp
    def straight(x: Any) -> Any:
        return jax.numpy.round(x)

    straight.defvjp(lambda x: (straight(x), None), lambda _, incoming: (incoming,))
    check = check_gradient(lambda p: (straight(p["x"]) ** 2).sum(), None, {"x": np.array([0.4, 1.7, -2.2])})
    assert check.wrong == ["x"]
    assert "wrong tensor: it is d_x" not in check.tensors[0].mistake


def test_a_wrong_custom_rule_does_not_excuse_a_wrong_gradient() -> None:
    inputs = {"x": np.array([1.0, 2.0, 3.0])}
    loss = make_square(1.0)
    check = check_gradient(lambda p: loss(p["x"]).sum(), lambda p: {"x": p["x"]}, inputs)
    assert check.wrong == ["x"]
    assert "the function holds a custom rule that is not right" in check.notes[0]
    assert check_gradient(lambda p: loss(p["x"]).sum(), lambda p: {"x": 2 * p["x"]}, inputs).wrong == []


def square_sum(p: Arrays) -> Any:
    return (p["x"] ** 2).sum()


def slope(p: Arrays) -> Arrays:
    return {"x": 2 * p["x"]}


def fails(p: Arrays) -> Any:
    raise KeyError("weights")


def drawn(p: Arrays) -> Any:
    return square_sum(p) * RANDOM.random()


@pytest.mark.parametrize(
    ("function", "gradient", "inputs", "text"),
    [
        (square_sum, slope, {"x": np.arange(3)}, "input x must be real floating numbers, got dtype='int64'"),
        (
            square_sum,
            slope,
            {"x": np.ones(2, complex)},
            "input x must be real floating numbers, got dtype='complex128'",
        ),
        (square_sum, slope, {"x": ["a"]}, "input x must be real floating numbers, got dtype='<U1'"),
        (square_sum, slope, {"x": [1.0, np.nan]}, "input x must be finite everywhere, got values='nan at [1]'"),
        (square_sum, slope, {"x": np.ones(0)}, "input x must be an array with entries"),
        (square_sum, slope, np.ones(3), "inputs must be a dictionary of arrays by name, got inputs='ndarray'"),
        (square_sum, slope, {}, "inputs must be a dictionary of arrays by name, got inputs='dict'"),
        (square_sum, lambda p: {}, {"x": np.ones(2)}, "gradient must be one array for each of x, got missing='x'"),
        (square_sum, lambda p: {**p, "y": 1.0}, {"x": np.ones(2)}, "got unknown='y'"),
        (square_sum, lambda p: p["x"], {"x": np.ones(2)}, "gradient must be a dictionary of arrays by name"),
        (
            square_sum,
            lambda p: {"x": 1j},
            {"x": np.ones(2)},
            "gradient of x must be real numbers, got dtype='complex128'",
        ),
        (lambda p: p["x"], slope, {"x": np.ones(2)}, "value of the function must be one number, got shape=(2,)"),
        (lambda p: np.inf, slope, {"x": np.ones(2)}, "value of the function must be finite, got value=inf"),
        (drawn, slope, {"x": np.ones(2)}, "function must be the same for the same inputs"),
        (
            fails,
            slope,
            {"x": np.ones(2)},
            "function must be callable on the inputs, got function=\"KeyError: 'weights'",
        ),
        (
            in_place,
            None,
            {"W1": np.ones((D, H))},
            "gradient must be given for a function that JAX cannot differentiate",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_line(function: Any, gradient: Any, inputs: Any, text: str) -> None:
    with pytest.raises(FunctionError, match=re.escape(text)) as refused:
        check_gradient(function, gradient, inputs)
    assert "\n" not in str(refused.value)


def test_inputs_are_left_as_they_are() -> None:
    def loss(p: Arrays) -> Any:
        p["x"] *= 2
        return float((p["x"] ** 2).sum())

    inputs = {"x": np.ones(3)}
    assert check_gradient(loss, lambda p: {"x": 8 * p["x"]}, inputs).wrong == []
    assert inputs["x"].tolist() == [1, 1, 1]
