"""Which tensor was taken by mistake: a gradient that is a product of the wrong two, found among those of the graph."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rounds.graph.tape.backward import Graph
from rounds.graph.tape.naming import value_names

# Two tensors are the same when they differ by less than this part of their norm.
SAME = 1e-6
SUMMED = "summed over axis 0"


@dataclass(frozen=True)
class Named:
    """A tensor of the graph under the name that the user's code gives it; `d_h` is the gradient at `h`."""

    name: str
    array: np.ndarray


def wrong_tensor(name: str, given: np.ndarray, right: np.ndarray, graph: Graph) -> str:
    """How `given` was made where `right`, the gradient of `name`, was wanted; empty where it is not found.

    Tried: the gradient at a value, and the product of a value and a gradient, as the gradient of a matrix product is.
    """
    values, gradients = list(_values(graph)), list(_gradients(graph))
    found = _made_of(given, values, gradients)
    if not found:
        return ""
    others = [gradient for gradient in gradients if gradient.name != f"d_{name}"]
    wanted = _made_of(right, values, others)
    spread = given.ndim > right.ndim or (given.ndim == right.ndim and given.shape[:1] != right.shape[:1])
    missing = ", not summed over the batch" if spread and SUMMED in wanted else ""
    return f"wrong tensor: it is {found}{missing}" + (f", and must be {wanted}" if wanted else "")


def _made_of(array: np.ndarray, values: list[Named], gradients: list[Named]) -> str:
    for gradient in gradients:
        for text, made in _alone(gradient):
            if _same(made, array):
                return text
    if array.ndim != 2:
        return ""
    for gradient in gradients:
        for value in values:
            for left, right in ((value, gradient), (gradient, value)):
                if _fits(left.array, right.array, array.shape) and _same(left.array.T @ right.array, array):
                    return f"{left.name}.T @ {right.name}"
    return ""


def _alone(gradient: Named) -> Iterator[tuple[str, np.ndarray]]:
    yield gradient.name, gradient.array
    if gradient.array.ndim > 1:
        yield f"{gradient.name} {SUMMED}", gradient.array.sum(0)
        yield f"{gradient.name} {SUMMED}", gradient.array.sum(0, keepdims=True)


def _fits(left: np.ndarray, right: np.ndarray, shape: tuple[int, ...]) -> bool:
    if left.ndim != 2 or right.ndim != 2:
        return False
    return left.shape[0] == right.shape[0] and (left.shape[1], right.shape[1]) == shape


def _same(made: np.ndarray, array: np.ndarray) -> bool:
    size = np.linalg.norm(array)
    return made.shape == array.shape and bool(size > 0) and bool(np.linalg.norm(made - array) <= SAME * size)


def _values(graph: Graph) -> Iterator[Named]:
    for number, name in value_names(graph.tape).items():
        if graph.arrays[number].ndim:
            yield Named(name, graph.arrays[number])


def _gradients(graph: Graph) -> Iterator[Named]:
    known: Mapping[int, str] = value_names(graph.tape)
    for number, name in known.items():
        if number in graph.gradients and number != graph.tape.output:
            yield Named(f"d_{name}", graph.gradients[number])
