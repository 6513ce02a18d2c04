"""Backpropagation over a tape: one operation's vector-Jacobian product at a time, from the loss down to every input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rounds.graph.tape.function import FunctionError
from rounds.graph.tape.trace import Apply, Function, Names, Node, Tape, trace

# Two arrays agree when they differ by less than this part of the larger: rounding of one product in float32.
SAME = 1e-5


@dataclass(frozen=True)
class Edge:
    """What flows back from one operation to one value it takes.

    product [shape of the value]: incoming gradient times local gradient. local: the local gradient entry by entry
    where the operation works entry by entry, else None (its Jacobian is applied without being formed).
    """

    node: int
    value: int
    product: np.ndarray
    local: np.ndarray | None


@dataclass(frozen=True)
class Graph:
    """A computed forward and backward pass: arrays and gradients by the values' numbers, and what flowed back."""

    tape: Tape
    arrays: Mapping[int, np.ndarray]
    gradients: Mapping[int, np.ndarray]
    edges: tuple[Edge, ...]

    @property
    def loss(self) -> float:
        return float(self.arrays[self.tape.output].reshape(()))

    @property
    def input_gradients(self) -> dict[str, np.ndarray]:
        """The gradient of every input that can have one, by name; zeros where none flows back."""
        return {
            value.name: self.gradients.get(value.number, np.zeros(value.shape, value.dtype))
            for value in self.tape.inputs
            if value.floating
        }


def graph_of(function: Function, inputs: Any, open_scans: bool = False, names: Names | None = None) -> Graph:
    """The graph of ``function(inputs)``: every intermediate value and, at each, the gradient of the one number.

    inputs: a tree of arrays; the rest as for `trace`. Raises FunctionError as `trace`.

    >>> import jax.numpy as jnp
    >>> graph = graph_of(lambda p: jnp.sum(p["x"] * p["w"]), {"x": jnp.ones(2), "w": jnp.full(2, 3.0)})
    >>> graph.loss, graph.input_gradients["x"].tolist()
    (6.0, [3.0, 3.0])
    """
    import jax

    tape = trace(function, inputs, open_scans, names)
    leaves = jax.tree_util.tree_leaves(inputs)
    given = {value.number: jax.numpy.asarray(leaf) for value, leaf in zip(tape.inputs, leaves, strict=True)}
    given |= {value.number: value.data for value in tape.values if value.kind == "constant" and value.shape}
    try:
        arrays, gradients, products, probes = _both_passes(tape, given)
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        advice = "Replace a `while` loop by `scan` or `fori_loop` with a fixed number of turns"
        raise FunctionError(
            "function", "differentiable backwards", name="problem", got=reason, advice=advice
        ) from error
    whole = {number: _host(array) for number, array in arrays.items()}
    slopes = {number: np.asarray(array) for number, array in gradients.items()}
    edges = tuple(
        Edge(
            node,
            tape.nodes[node].takes[place],
            np.asarray(product),
            _local(tape.nodes[node], probes, place, products, slopes),
        )
        for node, parts in reversed(products.items())
        for place, product in parts.items()
    )
    return Graph(tape, whole, slopes, edges)


def _both_passes(tape: Tape, given: Mapping[int, Any]) -> tuple[Any, ...]:
    """Arrays and gradients by value, products and probes by node and place."""
    literals = {value.number: value.data for value in tape.values if value.kind == "constant"}
    arrays, kinds = {**literals, **given}, _Kinds()
    for node in tape.nodes:
        results = kinds.forward(node)(*(arrays[number] for number in node.takes))
        arrays |= zip(node.gives, results, strict=True)
    gradients = {tape.output: arrays[tape.output] * 0 + 1}
    products: dict[int, dict[int, Any]] = {}
    probes: dict[int, dict[int, Any]] = {}
    for node in reversed(tape.nodes):
        places = tuple(place for place, number in enumerate(node.takes) if _wanted(tape, number))
        incoming = {place: gradients[number] for place, number in enumerate(node.gives) if number in gradients}
        if not places or not incoming:
            continue
        back = kinds.backward(node, places)
        products[node.number], probes[node.number] = back([arrays[number] for number in node.takes], incoming)
        for place, product in products[node.number].items():
            number = node.takes[place]
            gradients[number] = gradients[number] + product if number in gradients else product
    return arrays, gradients, products, probes


class _Kinds:
    """Operations of one kind are traced and compiled once: long tapes are the same few operations again and again."""

    def __init__(self) -> None:
        self.made: dict[Any, Any] = {}

    def forward(self, node: Node) -> Any:
        return self._once((node.kind, "forward"), node.apply)

    def backward(self, node: Node, places: tuple[int, ...]) -> Any:
        return self._once((node.kind, places), partial(_step, node.apply, places))

    def _once(self, key: Any, function: Any) -> Any:
        import jax

        if key not in self.made:
            self.made[key] = jax.jit(function)
        return self.made[key]


def _wanted(tape: Tape, number: int) -> bool:
    """A number written into an operation has a gradient that nobody asks for."""
    value = tape.values[number]
    return value.floating and (value.kind != "constant" or bool(value.shape))


def _step(
    apply: Apply, places: Sequence[int], fixed: Sequence[Any], incoming: Mapping[int, Any]
) -> tuple[dict[int, Any], dict[int, Any]]:
    """One vector-Jacobian product: of the incoming gradient, and of a probe that shows an entrywise local gradient."""
    import jax

    def of_wanted(*moving: Any) -> list[Any]:
        full = dict(enumerate(fixed)) | dict(zip(places, moving, strict=True))
        return list(apply(*(full[place] for place in range(len(fixed)))))

    results, back = jax.vjp(of_wanted, *(fixed[place] for place in places))
    from_above = [incoming[place] if place in incoming else _nothing(result) for place, result in enumerate(results)]
    products = dict(zip(places, back(from_above), strict=True))
    alike = [place for place in places if len(results) == 1 and fixed[place].shape == results[0].shape]
    if not alike:
        return products, {}
    probed = dict(zip(places, back([_probe(results[0])]), strict=True))
    return products, {place: probed[place] / _probe(results[0]) for place in alike}


def _nothing(result: Any) -> Any:
    import jax

    if jax.numpy.issubdtype(result.dtype, jax.numpy.inexact):
        return jax.numpy.zeros_like(result)
    return np.zeros(result.shape, jax.dtypes.float0)


def _probe(result: Any) -> Any:
    """Numbers in [1, 2) without a pattern: only an entrywise operation multiplies them entry by entry."""
    import jax

    count = jax.numpy.arange(1, result.size + 1, dtype=result.dtype).reshape(result.shape)
    return 1 + (count * 0.6180339887498949) % 1


def _host(array: Any) -> np.ndarray:
    import jax

    is_key = jax.numpy.issubdtype(array.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(array) if is_key else array)


def _local(
    node: Node, probes: Mapping[int, Any], place: int, products: Mapping[int, Any], gradients: Mapping[int, np.ndarray]
) -> np.ndarray | None:
    local = probes.get(node.number, {}).get(place)
    if local is None or not np.any(incoming := gradients[node.gives[0]]):
        return None
    product = np.asarray(products[node.number][place])
    apart = np.abs(product - incoming * np.asarray(local))
    return np.asarray(local) if np.all(apart <= SAME * np.abs(product).max()) else None
