"""Activations as ONNX operators, under the names that `prediction.numpy_layers.activations` computes in NumPy."""

from collections.abc import Callable
from typing import Any

from rounds.errors import PlanError
from rounds.export.onnx.graph import OnnxGraph
from rounds.prediction.numpy_layers.activations import (
    LEAKY_SLOPE,
    SELU_ALPHA,
    SELU_SCALE,
    SHRINK_THRESHOLD,
    SQUAREPLUS_SMOOTHNESS,
)


def add_activation(graph: OnnxGraph, name: str, x: str) -> str:
    """Adds the activation of tensor x over its last axis; returns the result's name.

    Raises PlanError where ONNX has no operators for it.
    """
    if name in _SINGLE:
        return graph.add(_SINGLE[name], x)
    if name in _WITH_OPTIONS:
        operator, options = _WITH_OPTIONS[name]
        return graph.add(operator, x, **options)
    if name in _COMPOSED:
        return _COMPOSED[name](graph, x)
    advice = "Export with --format keras, or predict with Rounds"
    raise PlanError("activation", "one that ONNX can say", got=name, advice=advice)


def _clip(low: float, high: float) -> Callable[[OnnxGraph, str], str]:
    return lambda graph, x: graph.add("Clip", x, graph.number(low), graph.number(high))


def _silu(graph: OnnxGraph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _hard_sigmoid(graph: OnnxGraph, x: str) -> str:
    return graph.add("Div", _clip(0.0, 6.0)(graph, graph.add("Add", x, graph.number(3.0))), graph.number(6.0))


def _gelu(graph: OnnxGraph, x: str) -> str:
    inside = graph.add("Erf", graph.add("Div", x, graph.number(2**0.5)))
    return graph.add("Mul", graph.add("Mul", x, graph.number(0.5)), graph.add("Add", inside, graph.number(1.0)))


def _log_sigmoid(graph: OnnxGraph, x: str) -> str:
    return graph.add("Neg", graph.add("Softplus", graph.add("Neg", x)))


def _mish(graph: OnnxGraph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Tanh", graph.add("Softplus", x)))


def _half_up(graph: OnnxGraph, x: str) -> str:
    """clip((x + 1) / 2, 0, 1)"""
    return _clip(0.0, 1.0)(graph, graph.add("Mul", graph.add("Add", x, graph.number(1.0)), graph.number(0.5)))


def _sparse_plus(graph: OnnxGraph, x: str) -> str:
    """x from 1 on, (x + 1)^2 / 4 between -1 and 1, 0 below: the half-up square, and what lies above 1."""
    half = _half_up(graph, x)
    above = graph.add("Relu", graph.add("Sub", x, graph.number(1.0)))
    return graph.add("Add", graph.add("Mul", half, half), above)


def _squareplus(graph: OnnxGraph, x: str) -> str:
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", x, x), graph.number(float(SQUAREPLUS_SMOOTHNESS))))
    return graph.add("Mul", graph.add("Add", x, root), graph.number(0.5))


def _tanh_shrink(graph: OnnxGraph, x: str) -> str:
    return graph.add("Sub", x, graph.add("Tanh", x))


_SINGLE = {
    "linear": "Identity",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "exponential": "Exp",
    "elu": "Elu",
    "celu": "Elu",
}
_WITH_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "leaky_relu": ("LeakyRelu", {"alpha": float(LEAKY_SLOPE)}),
    "selu": ("Selu", {"alpha": float(SELU_ALPHA), "gamma": float(SELU_SCALE)}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "soft_shrink": ("Shrink", {"lambd": float(SHRINK_THRESHOLD), "bias": float(SHRINK_THRESHOLD)}),
    "hard_shrink": ("Shrink", {"lambd": float(SHRINK_THRESHOLD), "bias": 0.0}),
}
_COMPOSED: dict[str, Callable[[OnnxGraph, str], str]] = {
    "silu": _silu,
    "swish": _silu,
    "gelu": _gelu,
    "hard_sigmoid": _hard_sigmoid,
    "mish": _mish,
    "hard_silu": lambda graph, x: graph.add("Mul", x, _hard_sigmoid(graph, x)),
    "hard_swish": lambda graph, x: graph.add("Mul", x, _hard_sigmoid(graph, x)),
    "relu6": _clip(0.0, 6.0),
    "hard_tanh": _clip(-1.0, 1.0),
    "log_sigmoid": _log_sigmoid,
    "sparse_sigmoid": _half_up,
    "sparse_plus": _sparse_plus,
    "squareplus": _squareplus,
    "tanh_shrink": _tanh_shrink,
}
