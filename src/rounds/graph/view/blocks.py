"""A tape at a chosen granularity: single operations, layers, or the steps of the user's own statements."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from rounds.errors import nearest
from rounds.graph.tape.function import FunctionError
from rounds.graph.tape.naming import free_name, statement_of
from rounds.graph.tape.trace import Node, Tape

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Block:
    """Neighbouring operations seen as one: `nodes` are their numbers in order, `blocks` what it opens into.

    A single operation has no blocks.
    """

    name: str
    nodes: tuple[int, ...]
    blocks: tuple["Block", ...] = ()


Within = Callable[[Sequence[Node]], Iterator[Block]]


def blocks_of(tape: Tape, granularity: str = "auto") -> tuple[Block, ...]:
    """The tape as blocks in the order of computing, so that none waits for a later one.

    granularity: operations, layers (the name stack's scopes, each opening into those within), steps (statements that
    assign a variable), or auto: steps where the user's code has any, else layers. Raises FunctionError for others.

    >>> import jax, jax.numpy as jnp
    >>> from rounds.graph.tape.trace import trace
    >>> def loss(p):
    ...     with jax.named_scope("dense"):
    ...         h = jnp.tanh(p["w"] * 2)
    ...     return jnp.sum(h)
    >>> [block.name for block in blocks_of(trace(loss, {"w": jnp.ones(2)}), "layers")]
    ['dense', 'L']
    """
    if granularity not in GRANULARITIES:
        advice = nearest(granularity, list(GRANULARITIES))
        raise FunctionError("granularity", "a way to look at a graph", got=granularity, advice=advice)
    return _discriminated(tuple(GRANULARITIES[granularity](tape.nodes)))


def _auto(nodes: Sequence[Node]) -> Iterator[Block]:
    return _by_step(nodes) if any(node.step for node in nodes) else _by_layer(nodes)


def _single(nodes: Sequence[Node]) -> Iterator[Block]:
    return (Block(node.operation, (node.number,)) for node in nodes)


def _by_layer(nodes: Sequence[Node]) -> Iterator[Block]:
    """One block for each scope that is entered; what stands in no scope goes by its statement."""
    return _by_scope(nodes, 0, lambda run: _by_statement(run, _single))


def _by_scope(nodes: Sequence[Node], depth: int, outside: Within) -> Iterator[Block]:
    for inside, run in _runs(nodes, lambda node: len(node.scope) > depth):
        if inside:
            yield from _grouped(run, lambda node: node.scope[depth], lambda run: _by_scope(run, depth + 1, outside))
        else:
            yield from outside(run)


def _by_step(nodes: Sequence[Node]) -> Iterator[Block]:
    """One block for each statement; layers without a statement of the user's stay layers."""
    for has_step, run in _runs(nodes, lambda node: bool(node.step)):
        yield from _by_statement(run, lambda run: _by_scope(run, 0, _single)) if has_step else _by_layer(run)


def _by_statement(nodes: Sequence[Node], within: Within) -> Iterator[Block]:
    for (step, _, _), run in _runs(nodes, statement_of):
        if step:
            yield Block(step, _numbers(run), tuple(within(run)))
        else:
            yield from _single(run)


def _grouped(nodes: Sequence[Node], name: Callable[[Node], str], within: Within) -> Iterator[Block]:
    for key, run in _runs(nodes, name):
        yield Block(key, _numbers(run), tuple(within(run)))


def _discriminated(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Blocks of one name, such as a layer that is used again, are counted; single operations keep their names."""
    taken: set[str] = set()
    named = []
    for block in blocks:
        name = free_name(block.name, taken) if block.blocks else block.name
        taken |= {name} if block.blocks else set()
        named.append(Block(name, block.nodes, _discriminated(block.blocks)))
    return tuple(named)


def _runs(nodes: Sequence[Node], key: Callable[[Node], Key]) -> Iterator[tuple[Key, list[Node]]]:
    """Neighbours of one key: blocks made of neighbours can never wait for each other."""
    return ((found, list(run)) for found, run in groupby(nodes, key=key))


def _numbers(nodes: Sequence[Node]) -> tuple[int, ...]:
    return tuple(node.number for node in nodes)


GRANULARITIES: dict[str, Callable[[Sequence[Node]], Iterator[Block]]] = {
    "auto": _auto,
    "operations": _single,
    "layers": _by_layer,
    "steps": _by_step,
}
