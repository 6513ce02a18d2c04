"""What flows through a block: the values it takes and gives, and the chain rule at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rounds.graph.tape.backward import Edge, Graph
from rounds.graph.tape.trace import Value
from rounds.graph.view.blocks import Block

# What the local gradient of an operation is, where it is not one number an entry; empty where entries only move.
OTHER = "the other factor"
IN_WORDS = {
    "dot_general": OTHER,
    "conv_general_dilated": OTHER,
    "mul": OTHER,
    "reduce_sum": "1 for every entry",
    "broadcast_in_dim": "1 for every copy",
    "add": "1 for every copy",
    "reduce_max": "1 at the largest",
    "reduce_min": "1 at the smallest",
    "slice": "1 where it was taken",
    "dynamic_slice": "1 where it was taken",
    "gather": "1 where it was taken",
    "reshape": "",
    "transpose": "",
    "squeeze": "",
    "expand_dims": "",
    "convert_element_type": "",
    "concatenate": "",
    "stack": "",
    "rev": "",
    "copy": "",
}


@dataclass(frozen=True)
class GradientFlow:
    """The chain rule from what a block gives to one value it takes: product = incoming gradient x local gradient.

    incoming: numbers of the values given. local: entry by entry, where the whole block works so or gives one number.
    words: what it is otherwise, empty where that takes a Jacobian; other: the factor that the words speak of.
    """

    value: int
    incoming: tuple[int, ...]
    local: np.ndarray | None
    words: str
    other: int | None
    product: np.ndarray


@dataclass(frozen=True)
class Flows:
    """Looks up what flows through any block of one graph."""

    graph: Graph

    @cached_property
    def edges(self) -> dict[int, list[Edge]]:
        """Edges by their operation."""
        found: dict[int, list[Edge]] = {node.number: [] for node in self.graph.tape.nodes}
        for edge in self.graph.edges:
            found[edge.node].append(edge)
        return found

    @cached_property
    def last_use(self) -> dict[int, int]:
        """The last operation that takes a value; a value is given by a block when it is used after it."""
        found = {number: node.number for node in self.graph.tape.nodes for number in node.takes}
        return {**found, self.graph.tape.output: len(self.graph.tape.nodes)}

    def gives(self, block: Block) -> tuple[int, ...]:
        """Values that later operations need."""
        own = [number for node in block.nodes for number in self.graph.tape.nodes[node].gives]
        return tuple(number for number in own if self.last_use.get(number, -1) > block.nodes[-1])

    def takes(self, block: Block) -> tuple[int, ...]:
        """Values from before it; numbers written into operations and keys of random numbers are left out."""
        values, nodes = self.graph.tape.values, self.graph.tape.nodes
        own = {number for node in block.nodes for number in nodes[node].gives}
        taken = dict.fromkeys(number for node in block.nodes for number in nodes[node].takes if number not in own)
        return tuple(n for n in taken if values[n].kind != "constant" or _worth_saying(values[n]))

    def back(self, block: Block) -> tuple[GradientFlow, ...]:
        """The chain rule at a block, one flow for each value taken that a gradient flows to."""
        incoming = tuple(number for number in self.gives(block) if number in self.graph.gradients)
        return tuple(
            GradientFlow(
                value, incoming, self._local(block, incoming, value, product), *self._words(block, value), product
            )
            for value in self.takes(block)
            if (product := self._product(block, value)) is not None
        )

    def _within(self, block: Block) -> list[Edge]:
        return [edge for node in reversed(block.nodes) for edge in self.edges[node]]

    def _product(self, block: Block, value: int) -> np.ndarray | None:
        parts = [edge.product for edge in self._within(block) if edge.value == value]
        return None if not parts else np.sum(np.stack(parts), axis=0)

    def _local(self, block: Block, incoming: Sequence[int], value: int, product: np.ndarray) -> np.ndarray | None:
        """Local gradients multiplied along every way through the block, and added where ways meet."""
        if len(incoming) != 1:
            return None
        above_all, shape = self.graph.gradients[incoming[0]], self.graph.tape.values[incoming[0]].shape
        if above_all.size == 1 and above_all.any():
            return product / above_all.reshape(())
        found: dict[int, np.ndarray | None] = {incoming[0]: np.ones(shape)}
        for edge in self._within(block):
            above = found.get(self.graph.tape.nodes[edge.node].gives[0])
            if self.graph.tape.nodes[edge.node].gives[0] not in found:
                continue
            step = None if above is None or edge.local is None else above * edge.local
            before = found.get(edge.value, np.zeros(()))
            found[edge.value] = None if step is None or before is None else before + step
        return found.get(value)

    def _words(self, block: Block, value: int) -> tuple[str, int | None]:
        """The local gradient along the only way through the block, in words, and the other factor they speak of."""
        words, other = [], None
        ways = [edge for edge in self._within(block) if edge.value == value]
        while ways:
            if len(ways) != 1:
                return "", None
            node = self.graph.tape.nodes[ways[0].node]
            plain = ways[0].local is not None and bool(np.all(ways[0].local == 1))
            if not plain and node.operation not in IN_WORDS:
                return "", None
            word = "" if plain else IN_WORDS[node.operation]
            words += [word] if word else []
            other = next((n for n in node.takes if n != ways[0].value), None) if word == OTHER else other
            ways = [edge for edge in self._within(block) if edge.value == node.gives[0]]
        return ", ".join(dict.fromkeys(words)) or "1", other if words.count(OTHER) == 1 else None


def _worth_saying(constant: Value) -> bool:
    return bool(constant.shape) and (constant.floating or bool(constant.name))
