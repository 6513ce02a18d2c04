"""Recurrent layers as ONNX's Scan over the steps; a step outside the recording leaves the state as it is."""

from collections.abc import Callable, Mapping
from sys import maxsize

import numpy as np

from rounds.export.onnx.graph import OnnxGraph
from rounds.networks.operations import Recur

Arrays = Mapping[str, np.ndarray]
States = tuple[str, ...]

_ENTERING, _INSIDE, _EVERY = "entering", "inside", "every"


def add_recurrence(graph: OnnxGraph, operation: Recur, own: Arrays, x: str, scaled: str) -> str:
    """x [N, T, C], scaled [N, T, channels] whose first channel says what lies inside -> [N, T, U] or [N, U]."""
    bias = own["bias"][0] if operation.cell == "gru" else own["bias"]
    entering = graph.add("MatMul", x, graph.constant(own["kernel"], "kernel"))
    entering = graph.add("Add", entering, graph.constant(bias, "bias"))
    first = graph.add("Slice", scaled, graph.whole(0), graph.whole(1), graph.whole(2))  # [N, T, 1]
    inside = graph.add("Greater", first, graph.number(0.5))
    steps = [_in_order(graph, operation, _steps_first(graph, tensor)) for tensor in (entering, inside)]
    rows = graph.add("Slice", graph.add("Shape", x), graph.whole(0), graph.whole(1))
    zeros = graph.add("ConstantOfShape", graph.add("Concat", rows, graph.whole(operation.shape[-1]), axis=0))
    states = _states(operation)
    body = _body(operation, own, f"step_{len(graph.nodes)}_")
    made = graph.add_all("Scan", [zeros] * len(states) + steps, len(states) + 1, body=body, num_scan_inputs=2)
    return _steps_first(graph, _in_order(graph, operation, made[-1])) if operation.every_step else made[0]


def _steps_first(graph: OnnxGraph, x: str) -> str:
    """[N, T, ...] <-> [T, N, ...]"""
    return graph.add("Transpose", x, perm=[1, 0, 2])


def _in_order(graph: OnnxGraph, operation: Recur, x: str) -> str:
    """[T, ...] in the order in which the layer passes over the steps, and back."""
    if not operation.backwards:
        return x
    return graph.add("Slice", x, graph.whole(-1), graph.whole(-maxsize), graph.whole(0), graph.whole(-1))


def _states(operation: Recur) -> States:
    return ("state", "carried") if operation.cell == "lstm" else ("state",)


def _body(operation: Recur, own: Arrays, label: str) -> object:
    """One step: states and what enters -> states, and the first of them once more for every step."""
    from onnx import TensorProto

    body, old, units = OnnxGraph(label=label), _states(operation), operation.shape[-1]
    new = _CELLS[operation.cell](body, own, old)
    for name, before in zip(new, old, strict=True):
        body.add("Where", _INSIDE, name, before, name=f"new_{before}")
    body.add("Identity", f"new_{old[0]}", name=_EVERY)
    wide = {**dict.fromkeys(old, units), _ENTERING: own["kernel"].shape[1]}
    given = [body.value(name, TensorProto.FLOAT, width) for name, width in wide.items()]
    given.append(body.value(_INSIDE, TensorProto.BOOL, 1))
    left = [body.value(name, TensorProto.FLOAT, units) for name in (*(f"new_{n}" for n in old), _EVERY)]
    return body.finished("step", given, left)


def _simple(body: OnnxGraph, own: Arrays, states: States) -> States:
    return (body.add("Tanh", body.add("Add", _ENTERING, _through_state(body, own, states))),)


def _gru(body: OnnxGraph, own: Arrays, states: States) -> States:
    inner = body.add("Add", _through_state(body, own, states), body.constant(own["bias"][1], "inner_bias"))
    (x_z, x_r, x_n), (h_z, h_r, h_n) = body.split(_ENTERING, 3), body.split(inner, 3)
    keep, reset = (body.add("Sigmoid", body.add("Add", x, h)) for x, h in ((x_z, h_z), (x_r, h_r)))
    proposed = body.add("Tanh", body.add("Add", x_n, body.add("Mul", reset, h_n)))
    taken = body.add("Mul", body.add("Sub", body.number(1.0), keep), proposed)
    return (body.add("Add", body.add("Mul", keep, states[0]), taken),)


def _lstm(body: OnnxGraph, own: Arrays, states: States) -> States:
    gates = body.split(body.add("Add", _ENTERING, _through_state(body, own, states)), 4)
    enter, forget, leave = (body.add("Sigmoid", gates[i]) for i in (0, 1, 3))
    taken = body.add("Mul", enter, body.add("Tanh", gates[2]))
    carried = body.add("Add", body.add("Mul", forget, states[1]), taken)
    return body.add("Mul", leave, body.add("Tanh", carried)), carried


def _through_state(body: OnnxGraph, own: Arrays, states: States) -> str:
    return body.add("MatMul", states[0], body.constant(own["recurrent_kernel"], "recurrent_kernel"))


_CELLS: dict[str, Callable[[OnnxGraph, Arrays, States], States]] = {"simple": _simple, "gru": _gru, "lstm": _lstm}
