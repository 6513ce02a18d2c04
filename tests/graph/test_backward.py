"""Backpropagation over the jaxpr equals `jax.grad`, whatever the network is made of."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.graph.tape.backward import graph_of
from rounds.graph.tape.function import FunctionError

# Largest difference to `jax.grad`, as a part of the norm of the whole gradient, in float32.
AGREES = 2e-6
Function = Callable[[Any], Any]


def relative_difference(function: Function, inputs: dict[str, Any], open_scans: bool = False) -> float:
    """Norm of the difference between both gradients over the norm of the whole gradient."""
    graph = graph_of(function, inputs, open_scans)
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(inputs)]
    own = np.concatenate([gradient.ravel() for gradient in graph.input_gradients.values()])
    expected = np.concatenate([np.ravel(leaf) for leaf in jax.tree_util.tree_leaves(jax.grad(function)(inputs))])
    assert len(graph.input_gradients) == len(names)
    assert np.linalg.norm(expected) > 1e-3, "a gradient of nothing proves nothing"
    np.testing.assert_allclose(graph.loss, function(inputs), rtol=1e-5)
    return float(np.linalg.norm(own - expected) / np.linalg.norm(expected))


def keras_loss(layers: Callable[[Any], list[Any]], shape: tuple[int, ...]) -> tuple[Function, dict[str, Any]]:
    """Mean squared output of a Keras model in training mode, as a function of its trainable weights by path."""
    import keras

    keras.utils.set_random_seed(0)
    start = keras.Input(shape[1:])
    units = start
    for layer in layers(keras.layers):
        units = layer(units)
    model = keras.Model(start, units)
    batch = np.random.default_rng(0).standard_normal(shape).astype("float32")
    target = np.random.default_rng(1).standard_normal((shape[0], 1)).astype("float32")
    state = [variable.value for variable in model.non_trainable_variables]
    names = [variable.path for variable in model.trainable_variables]

    def loss(weights: dict[str, Any]) -> Any:
        output, _ = model.stateless_call([weights[name] for name in names], state, batch, training=True)
        return jnp.mean((output - target) ** 2)

    return loss, {variable.path: variable.value for variable in model.trainable_variables}


ZOO: dict[str, tuple[Callable[[Any], list[Any]], tuple[int, ...]]] = {
    "dense": (lambda k: [k.Dense(8, "relu"), k.Dense(8, "tanh"), k.Dense(1)], (16, 5)),
    "every activation": (lambda k: [k.Dense(4, a) for a in ("elu", "gelu", "silu", "softmax", "leaky_relu")], (16, 1)),
    "convolution": (
        lambda k: [k.Conv2D(4, 3, strides=2, activation="relu"), k.MaxPooling2D(), k.Flatten(), k.Dense(1)],
        (6, 12, 12, 2),
    ),
    "separable": (lambda k: [k.SeparableConv1D(4, 3), k.AveragePooling1D(2), k.GlobalMaxPooling1D()], (6, 12, 2)),
    "simple recurrent": (lambda k: [k.SimpleRNN(5), k.Dense(1)], (6, 7, 3)),
    "gru": (lambda k: [k.GRU(5), k.Dense(1)], (6, 7, 3)),
    "lstm": (lambda k: [k.Bidirectional(k.LSTM(5)), k.Dense(1)], (6, 7, 3)),
    "batch-norm": (
        lambda k: [k.Dense(8), k.BatchNormalization(), k.Activation("relu"), k.Dense(1)],
        (16, 5),
    ),
    "layer-norm": (lambda k: [k.Dense(8), k.LayerNormalization(), k.Activation("gelu"), k.Dense(1)], (16, 5)),
}


# One of each kind at every change; the others among the long checks.
LONG = {"every activation", "separable", "simple recurrent", "lstm", "layer-norm"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in ZOO])
def test_keras_zoo(name: str) -> None:
    layers, shape = ZOO[name]
    assert relative_difference(*keras_loss(layers, shape)) < AGREES


def attention(weights: dict[str, Any], batch: Any) -> Any:
    query, key, value = (batch @ weights[name] for name in ("query", "key", "value"))
    scores = jax.nn.softmax(query @ key.mT / jnp.sqrt(query.shape[-1]), where=jnp.tril(jnp.ones((7, 7), bool)))
    return jnp.mean((scores @ value) ** 2)


def weights_like(seed: int, **shapes: tuple[int, ...]) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {name: jnp.asarray(random.standard_normal(shape), jnp.float32) for name, shape in shapes.items()}


def test_attention() -> None:
    batch = weights_like(0, batch=(3, 7, 4))["batch"]
    weights = weights_like(1, query=(4, 5), key=(4, 5), value=(4, 5))
    assert relative_difference(lambda w: attention(w, batch), weights) < AGREES


def test_dropout_with_a_fixed_key() -> None:
    def loss(weights: dict[str, Any]) -> Any:
        units = jnp.tanh(jnp.ones((6, 3)) @ weights["w"])
        keep = jax.random.bernoulli(jax.random.key(3), 0.7, units.shape)
        return jnp.sum(jnp.where(keep, units / 0.7, 0.0) ** 2)

    assert relative_difference(loss, weights_like(0, w=(3, 8))) < AGREES


@jax.custom_vjp
def clipped(x: Any) -> Any:
    return x


clipped.defvjp(lambda x: (x, None), lambda _, gradient: (jnp.clip(gradient, -0.1, 0.1),))


def test_a_custom_operation_is_one_node_with_its_own_rule() -> None:
    def loss(weights: dict[str, Any]) -> Any:
        return jnp.sum(clipped(weights["w"]) ** 2)

    weights = weights_like(0, w=(9,))
    assert relative_difference(loss, weights) < AGREES
    operations = [node.operation for node in graph_of(loss, weights).tape.nodes]
    assert operations.count("clipped") == 1


def recurrence(weights: dict[str, Any]) -> Any:
    def turn(state: Any, row: Any) -> tuple[Any, Any]:
        with jax.named_scope("cell"):
            state = jnp.tanh(state @ weights["w"] + row)
        return state, state.sum()

    last, sums = jax.lax.scan(turn, jnp.zeros(4), weights["rows"], reverse=True)
    return jnp.sum(last**2) + jnp.sum(sums**2)


def test_a_scan_is_one_node_until_opened() -> None:
    weights = weights_like(0, w=(4, 4), rows=(5, 4))
    assert relative_difference(recurrence, weights) < AGREES
    assert relative_difference(recurrence, weights, open_scans=True) < AGREES
    closed = [node.operation for node in graph_of(recurrence, weights).tape.nodes]
    opened = graph_of(recurrence, weights, open_scans=True).tape.nodes
    assert closed.count("scan") == 1
    assert [node.scope for node in opened if node.operation == "tanh"] == [
        (f"scan[{t}]", "cell") for t in range(4, -1, -1)
    ]


def test_control_flow_and_checkpoints() -> None:
    @jax.checkpoint
    def block(x: Any) -> Any:
        return jnp.tanh(x) * x

    def loss(weights: dict[str, Any]) -> Any:
        units = block(weights["w"])
        units = jax.lax.cond(units.sum() > 0, lambda u: u * 2, lambda u: u * 3, units)
        return jnp.sum(jax.lax.fori_loop(0, 3, lambda _, u: u * 1.1, units) + jax.vmap(jax.jit(jnp.sin))(units))

    assert relative_difference(loss, weights_like(0, w=(3, 8))) < AGREES


def test_a_value_used_twice_gathers_both_gradients() -> None:
    graph = graph_of(lambda p: p["x"] * p["x"] + 3 * p["x"], {"x": jnp.asarray(5.0)})
    assert graph.input_gradients["x"] == 13


def test_gradient_of_an_input_that_does_not_matter_is_zero() -> None:
    graph = graph_of(lambda p: p["x"] * 2.0, {"x": jnp.asarray(5.0), "idle": jnp.ones(3)})
    assert graph.input_gradients["idle"].tolist() == [0, 0, 0]


def test_local_gradient_times_incoming_is_the_product() -> None:
    graph = graph_of(lambda p: jnp.sum(jnp.tanh(p["x"]) ** 2), {"x": jnp.asarray([0.3, -1.0, 2.0])})
    entrywise = [edge for edge in graph.edges if edge.local is not None]
    assert {graph.tape.nodes[edge.node].operation for edge in entrywise} >= {"tanh", "integer_pow"}
    for edge in entrywise:
        incoming = graph.gradients[graph.tape.nodes[edge.node].gives[0]]
        np.testing.assert_allclose(edge.product, incoming * edge.local, rtol=1e-5)
    tanh = next(edge for edge in entrywise if graph.tape.nodes[edge.node].operation == "tanh")
    np.testing.assert_allclose(tanh.local, 1 - np.tanh([0.3, -1.0, 2.0]) ** 2, rtol=1e-5)


def test_a_matrix_product_has_no_entrywise_local_gradient() -> None:
    graph = graph_of(lambda p: jnp.mean(p["x"] @ p["w"]), weights_like(0, x=(3, 3), w=(3, 3)))
    products = [edge for edge in graph.edges if graph.tape.nodes[edge.node].operation == "dot_general"]
    assert [edge.local for edge in products] == [None, None]


def test_many_values_are_refused() -> None:
    with pytest.raises(FunctionError, match=r"value of the function must be one number, got shape='\(3,\)'"):
        graph_of(lambda p: p["x"], {"x": jnp.ones(3)})


def test_an_open_ended_loop_is_refused() -> None:
    def loss(p: dict[str, Any]) -> Any:
        return jax.lax.while_loop(lambda x: x < 10, lambda x: x * 2, p["x"])

    with pytest.raises(FunctionError, match="function must be differentiable backwards"):
        graph_of(loss, {"x": jnp.asarray(1.0)})
