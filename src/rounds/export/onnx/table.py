"""ONNX's table of operations: tensors by name in, the result's name out; the arrays become constants of the graph."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from rounds.errors import PlanError
from rounds.export.onnx.activations import add_activation
from rounds.export.onnx.graph import OnnxGraph
from rounds.export.onnx.recurrence import add_recurrence
from rounds.networks import operations as ops

Arrays = Mapping[str, np.ndarray]


def onnx_table(graph: OnnxGraph) -> ops.Table:
    """The table that writes into this graph."""
    return {kind: partial(function, graph) for kind, function in _TABLE.items()}


def _scale(graph: OnnxGraph, one: ops.Scale, own: Arrays, x: str) -> str:
    apart = graph.add("Sub", x, graph.constant(own["mean"], "mean"))
    scaled = graph.add("Div", apart, graph.constant(own["spread"], "spread"))
    return graph.add("Where", graph.add("IsNaN", scaled), graph.number(0.0), scaled)


def _flatten(graph: OnnxGraph, one: ops.Flatten, own: Arrays, x: str) -> str:
    return graph.add("Reshape", x, graph.whole(-1, *one.shape))


def _pool(graph: OnnxGraph, one: ops.Pool, own: Arrays, x: str) -> str:
    places = graph.add("Reshape", x, graph.whole(0, -1, *one.shape))  # [N, places, channels]
    return graph.add("ReduceMean", places, graph.whole(1), keepdims=0)


def _affine(graph: OnnxGraph, one: ops.Affine, own: Arrays, x: str) -> str:
    return _with_bias(graph, own, graph.add("MatMul", x, graph.constant(own["kernel"], "kernel")))


def _convolve(graph: OnnxGraph, one: ops.Convolve, own: Arrays, x: str) -> str:
    """Channels last on both sides, as everywhere else; SAME_UPPER puts the odd zero behind."""
    space = own["kernel"].ndim - 2
    kernel = graph.constant(np.moveaxis(own["kernel"], (-1, -2), (0, 1)), "kernel")
    first = graph.add("Transpose", x, perm=[0, space + 1, *range(1, space + 1)])
    made = graph.add("Conv", first, kernel, auto_pad="SAME_UPPER", strides=[one.step] * space)
    return _with_bias(graph, own, graph.add("Transpose", made, perm=[0, *range(2, space + 2), 1]))


def _with_bias(graph: OnnxGraph, own: Arrays, units: str) -> str:
    return graph.add("Add", units, graph.constant(own["bias"], "bias")) if "bias" in own else units


def _batch_normalize(graph: OnnxGraph, one: ops.BatchNormalize, own: Arrays, x: str) -> str:
    apart = graph.add("Sub", x, graph.constant(own["moving_mean"], "moving_mean"))
    return _normalized(graph, own, apart, graph.constant(own["moving_variance"], "moving_variance"))


def _layer_normalize(graph: OnnxGraph, one: ops.LayerNormalize, own: Arrays, x: str) -> str:
    apart = graph.add("Sub", x, graph.add("ReduceMean", x, graph.whole(-1), keepdims=1))
    return _normalized(graph, own, apart, graph.add("ReduceMean", graph.add("Mul", apart, apart), graph.whole(-1)))


def _normalized(graph: OnnxGraph, own: Arrays, apart: str, variance: str) -> str:
    spread = graph.add("Sqrt", graph.add("Add", variance, graph.number(ops.EPSILON)))
    scaled = graph.add("Mul", graph.add("Div", apart, spread), graph.constant(own["gamma"], "gamma"))
    return graph.add("Add", scaled, graph.constant(own["beta"], "beta"))


def _activate(graph: OnnxGraph, one: ops.Activate, own: Arrays, x: str) -> str:
    return add_activation(graph, one.function, x)


def _as_it_is(graph: OnnxGraph, one: ops.Operation, own: Arrays, x: str) -> str:
    return x


def _concatenate(graph: OnnxGraph, one: ops.Concatenate, own: Arrays, *parts: str) -> str:
    return graph.add("Concat", *parts, axis=-1)


def _add(graph: OnnxGraph, one: ops.Add, own: Arrays, first: str, second: str) -> str:
    return graph.add("Add", first, second)


def _embed(graph: OnnxGraph, one: ops.Embed, own: Arrays, codes: str) -> str:
    code = graph.add("Gather", codes, graph.constant(np.array(one.column), "column"), axis=1)  # [N]
    return graph.add("Gather", graph.constant(own["embeddings"], "embeddings"), code, axis=0)


def _periodic(graph: OnnxGraph, one: ops.Periodic, own: Arrays, numbers: str) -> str:
    turned = graph.constant(own["frequencies"][:, None, :] * np.float32(2 * np.pi), "frequencies")  # [F, 1, P]
    angle = graph.add("Mul", _column(graph, numbers), turned)  # [F, N, P]
    place = graph.add("Concat", graph.add("Sin", angle), graph.add("Cos", angle), axis=2)
    return graph.add("Relu", _per_number(graph, one, own, place))


def _piecewise(graph: OnnxGraph, one: ops.Piecewise, own: Arrays, numbers: str) -> str:
    edges = own["edges"][:, None, :]
    past = graph.add("Sub", _column(graph, numbers), graph.constant(edges[..., :-1], "low"))
    share = graph.add("Div", past, graph.constant(np.diff(edges), "width"))
    return _per_number(graph, one, own, graph.add("Clip", share, graph.number(0.0), graph.number(1.0)))


def _column(graph: OnnxGraph, numbers: str) -> str:
    """[N, F] -> [F, N, 1]"""
    return graph.add("Unsqueeze", graph.add("Transpose", numbers, perm=[1, 0]), graph.whole(2))


def _per_number(graph: OnnxGraph, one: ops.Operation, own: Arrays, place: str) -> str:
    """[F, N, P] through each number's kernel [F, P, W]: [N, F * W]."""
    units = graph.add("MatMul", place, graph.constant(own["kernel"], "kernel"))
    units = graph.add("Add", units, graph.constant(own["bias"][:, None, :], "bias"))
    return graph.add("Reshape", graph.add("Transpose", units, perm=[1, 0, 2]), graph.whole(-1, *one.shape))


def _recur(graph: OnnxGraph, one: ops.Recur, own: Arrays, x: str, scaled: str) -> str:
    return add_recurrence(graph, one, own, x, scaled)


def _user_layer(graph: OnnxGraph, one: ops.UserLayer, own: Arrays, x: str) -> str:
    advice = "Predict with Rounds: rounds predict RUN DATA"
    raise PlanError("Export", "of layers that are not the user's own", name="layer", got=one.name, advice=advice)


_TABLE: dict[type[ops.Operation], Callable[..., Any]] = {
    ops.Scale: _scale,
    ops.Flatten: _flatten,
    ops.Pool: _pool,
    ops.Affine: _affine,
    ops.Convolve: _convolve,
    ops.BatchNormalize: _batch_normalize,
    ops.LayerNormalize: _layer_normalize,
    ops.Activate: _activate,
    ops.Dropout: _as_it_is,
    ops.Concatenate: _concatenate,
    ops.Add: _add,
    ops.Embed: _embed,
    ops.Periodic: _periodic,
    ops.Piecewise: _piecewise,
    ops.Recur: _recur,
    ops.UserLayer: _user_layer,
}
