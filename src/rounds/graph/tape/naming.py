"""Names of the values of a tape: the user's own variables where there are any."""

import re
from collections.abc import Iterator
from itertools import groupby

from rounds.graph.tape.trace import Node, Tape

# What a value can be called: a variable, or the lecture's y^. A target such as `a, b` or `p["w"]` is no name.
_A_NAME = re.compile(r"\w+\^?")
_A_TURN = re.compile(r"scan\[\d+\]")


def value_names(tape: Tape, steps: bool = True) -> dict[int, str]:
    """Names by the values' numbers: inputs, named constants, and with `steps` the last value of every assignment.

    A name that is assigned again is counted: ``h``, ``h_2``. Other values have none.

    >>> import jax.numpy as jnp
    >>> from rounds.graph.tape.trace import trace
    >>> tape = trace(lambda p: jnp.sum(p["w"] * 2), {"w": jnp.ones(2)})
    >>> value_names(tape)
    {0: 'w'}
    """
    names = {value.number: value.name for value in tape.values if value.name}
    taken = set(names.values())
    for last in _ends(tape) if steps else ():
        if _A_NAME.fullmatch(last.step):
            names[last.gives[0]] = free_name(last.step, taken)
            taken.add(names[last.gives[0]])
    return names


def statement_of(node: Node) -> tuple[str, str, tuple[str, ...]]:
    """What neighbours of one run of a statement share: its variable, its place, and the turns of opened scans."""
    return node.step, node.line, tuple(name for name in node.scope if _A_TURN.fullmatch(name))


def _ends(tape: Tape) -> Iterator[Node]:
    """The last operation of every statement that was run."""
    for _, run in groupby(tape.nodes, key=statement_of):
        yield list(run)[-1]


def free_name(name: str, taken: set[str]) -> str:
    """`name`, counted where it is taken already.

    >>> free_name("h", {"h", "h_2"})
    'h_3'
    """
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    return free
