"""A graph as plain records: every value with its shape, numbers and gradient, every block with its chain rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from rounds.graph.tape.backward import Graph
from rounds.graph.tape.naming import value_names
from rounds.graph.view.blocks import Block, blocks_of
from rounds.graph.view.flow import Flows, GradientFlow
from rounds.run_folder.stored import Content

# Entries of an array that are shown one by one.
SHOWN = 6


@dataclass(frozen=True)
class View:
    """A graph and how to look at it: at which granularity, under which names, with single numbers or without.

    numbers: show single entries and extremes. Patients' data is looked at without.
    """

    graph: Graph
    blocks: tuple[Block, ...]
    names: Mapping[int, str]
    numbers: bool = True


def view_of(graph: Graph, granularity: str = "auto", numbers: bool = True) -> View:
    """The view of a graph; raises FunctionError for an unknown granularity."""
    blocks = blocks_of(graph.tape, granularity)
    return View(graph, blocks, _all_names(graph, blocks, granularity != "layers"), numbers)


def _all_names(graph: Graph, blocks: tuple[Block, ...], steps: bool) -> dict[int, str]:
    """The user's names, else the block's that gives the value, else the operation's with its number."""
    tape, flows = graph.tape, Flows(graph)
    names = {value.number: f"constant {value.number}" for value in tape.values}
    names |= {number: f"{node.operation} {node.number}" for node in tape.nodes for number in node.gives}
    for block in _nested(blocks):
        if block.blocks and len(given := flows.gives(block)) == 1:
            names[given[0]] = block.name
    return names | value_names(tape, steps)


def _nested(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Outer blocks last, so that their names win."""
    for block in blocks:
        yield from _nested(block.blocks)
        yield block


def record_of(view: View) -> Content:
    """The whole view for JSON: loss, inputs, blocks in the order of computing.

    >>> import jax.numpy as jnp
    >>> from rounds.graph.tape.backward import graph_of
    >>> record = record_of(view_of(graph_of(lambda p: jnp.sum(p["w"] ** 2), {"w": jnp.ones(2)}), "operations"))
    >>> [block["name"] for block in record["blocks"]], record["inputs"][0]["gradient"]["norm"]
    (['integer_pow', 'reduce_sum'], 2.8284271247461903)
    """
    flows = Flows(view.graph)
    values = [value.number for value in view.graph.tape.inputs]
    return {
        "loss": number_of(view.graph.loss),
        "operations": len(view.graph.tape.nodes),
        "gradient_norm": number_of(whole_gradient_norm(view.graph)),
        "inputs": [value_record(view, number) for number in values],
        "blocks": [block_record(view, flows, block) for block in view.blocks],
    }


def whole_gradient_norm(graph: Graph) -> float:
    """Norm of the whole gradient, over all inputs."""
    return float(np.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in graph.input_gradients.values())))


def value_record(view: View, number: int) -> Content:
    """One value: name, shape, what its numbers are like, and the same of the gradient at it (null where none flows)."""
    value, gradient = view.graph.tape.values[number], view.graph.gradients.get(number)
    return {
        "name": view.names[number],
        "kind": value.kind,
        "shape": list(value.shape),
        "dtype": value.dtype,
        "value": numbers_of(view.graph.arrays[number], view.numbers),
        "gradient": None if gradient is None else numbers_of(gradient, view.numbers),
    }


def block_record(view: View, flows: Flows, block: Block) -> Content:
    """One block: what it takes and gives, and the chain rule to every value it takes."""
    nodes = [view.graph.tape.nodes[number] for number in block.nodes]
    return {
        "name": block.name,
        "line": next((node.line for node in nodes if node.line), ""),
        "operations": [node.operation for node in nodes],
        "takes": [view.names[number] for number in flows.takes(block)],
        "gives": [value_record(view, number) for number in flows.gives(block)],
        "back": [_flow_record(view, flow) for flow in flows.back(block)],
    }


def _flow_record(view: View, flow: GradientFlow) -> Content:
    incoming = [view.graph.gradients[number] for number in flow.incoming]
    other = "" if flow.other is None else f", {view.names[flow.other]}"
    return {
        "to": view.names[flow.value],
        "incoming": [numbers_of(array, view.numbers) for array in incoming],
        "local": flow.words + other if flow.local is None else numbers_of(flow.local, view.numbers),
        "product": numbers_of(flow.product, view.numbers),
    }


def numbers_of(array: np.ndarray, numbers: bool) -> Content:
    """Norm, mean and standard deviation of an array; with `numbers` its extremes and first entries too."""
    if array.dtype.kind not in "fiub" and "float" not in array.dtype.name:
        return {"entries": array.size, "norm": None, "mean": None, "standard_deviation": None}
    exact = array.astype(np.float64)
    with np.errstate(all="ignore"):
        found = {"norm": np.linalg.norm(exact), "mean": exact.mean(), "standard_deviation": exact.std()}
        extremes = {"smallest": exact.min(), "largest": exact.max()} if numbers and array.size else {}
    plain: Content = {"entries": array.size}
    plain |= {name: number_of(float(value)) for name, value in {**found, **extremes}.items()}
    if numbers:
        plain["first"] = [number_of(float(value)) for value in exact.ravel()[:SHOWN]]
    return plain


def number_of(value: float) -> float | None:
    """JSON has neither nan nor infinity."""
    return value if isfinite(value) else None
