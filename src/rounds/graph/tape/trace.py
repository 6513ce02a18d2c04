"""The forward pass of a function of arrays as a tape: named values, and the operations between them in order.

Made from the jaxpr. Compiled functions (`jit`) are opened, `scan` on request; a custom operation (`jax.custom_vjp`,
`jax.custom_jvp`), a `cond` and an unopened `scan` are one node each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rounds.graph.tape.function import FunctionError
from rounds.graph.tape.source import assigned_at, function_arrays, scope_of

Function = Callable[..., Any]
Apply = Callable[..., Sequence[Any]]

# Operations whose body is walked into, and the parameter that holds it.
OPENED = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr", "remat2": "jaxpr"}
CUSTOM = ("custom_vjp_call", "custom_jvp_call")


@dataclass(frozen=True)
class Value:
    """One array of the forward pass.

    kind: input (differentiated), constant, or intermediate. name: the user's where it has one. floating: it can have
    a gradient. data: a constant's array.
    """

    number: int
    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    floating: bool
    data: Any = None


@dataclass(frozen=True)
class Node:
    """One operation: the numbers of the values it takes and gives, and where it stands.

    scope: names of the layers around it, from the outside in. step: the variable that the user's statement assigns.
    line: that statement's place. apply: the operation itself, arrays -> arrays. kind: equal where apply does the same.
    """

    number: int
    operation: str
    scope: tuple[str, ...]
    step: str
    line: str
    takes: tuple[int, ...]
    gives: tuple[int, ...]
    apply: Apply = field(repr=False, compare=False)
    kind: Any = field(repr=False, compare=False)


@dataclass(frozen=True)
class Tape:
    """A forward pass, not yet computed: values, operations in the order of computing, the last value."""

    values: tuple[Value, ...]
    nodes: tuple[Node, ...]
    output: int

    @property
    def inputs(self) -> tuple[Value, ...]:
        return tuple(value for value in self.values if value.kind == "input")


@dataclass(frozen=True)
class Names:
    """Names that a function's own code does not give: steps of layers by the layers' names, and arrays by name."""

    steps: Mapping[str, str]
    arrays: Mapping[str, Any]


def trace(function: Function, inputs: Any, open_scans: bool = False, names: Names | None = None) -> Tape:
    """The tape of ``function(inputs)``, which must be one number; inputs: a tree of arrays, named by its paths.

    open_scans: every turn of a `scan` becomes operations of its own, in a scope ``scan[t]``. names: where there
    are none, the variables of the function's own code are.
    Raises FunctionError where the value is not one number; JAX's own errors pass through.

    >>> import jax.numpy as jnp
    >>> tape = trace(lambda p: jnp.sum(p["x"] * p["w"]), {"x": jnp.ones(2), "w": jnp.ones(2)})
    >>> [node.operation for node in tape.nodes], [value.name for value in tape.inputs]
    (['mul', 'reduce_sum'], ['w', 'x'])
    """
    import jax

    closed = jax.make_jaxpr(function)(inputs)
    if len(closed.jaxpr.outvars) != 1 or closed.out_avals[0].size != 1:
        shapes = ", ".join(str(a.shape) for a in closed.out_avals)
        advice = "Take the mean or the sum over the examples, so that it is one loss"
        raise FunctionError("value of the function", "one number", name="shape", got=shapes, advice=advice)
    tape = _Recorder(open_scans, names or Names({}, function_arrays(function)))
    paths = [leaf_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(inputs)]
    leaves = [tape.value(path, "input", var.aval) for path, var in zip(paths, closed.jaxpr.invars, strict=True)]
    output = tape.walk(closed.jaxpr, tape.constants(closed.jaxpr, closed.consts), leaves, ())
    return Tape(tuple(tape.values), tuple(tape.nodes), output[0])


def leaf_name(path: Sequence[Any]) -> str:
    """The name of a leaf of a tree of arrays: ``layer/kernel``."""
    parts = (getattr(part, "key", getattr(part, "idx", getattr(part, "name", part))) for part in path)
    return "/".join(str(part) for part in parts) or "x"


class _Recorder:
    """Gathers values and operations while a jaxpr and those within it are walked."""

    def __init__(self, open_scans: bool, names: Names) -> None:
        self.open_scans, self.named, self.steps = open_scans, names.arrays, names.steps
        self.values: list[Value] = []
        self.nodes: list[Node] = []

    def value(self, name: str, kind: str, aval: Any, data: Any = None) -> int:
        import jax

        floating = jax.numpy.issubdtype(aval.dtype, jax.numpy.inexact)
        self.values.append(Value(len(self.values), name, kind, tuple(aval.shape), str(aval.dtype), floating, data))
        return len(self.values) - 1

    def constant(self, data: Any, aval: Any) -> int:
        return self.value(self.name_of(data) if aval.shape else "", "constant", aval, data)

    def name_of(self, data: Any) -> str:
        """The user's name for an array, known by its content: JAX keeps the array and not the name."""
        same = [name for name, own in self.named.items() if own is data]
        return next(iter(same or [name for name, own in self.named.items() if _equal(own, data)]), "")

    def constants(self, jaxpr: Any, data: Sequence[Any]) -> list[int]:
        return [self.constant(array, var.aval) for array, var in zip(data, jaxpr.constvars, strict=True)]

    def node(self, operation: "_Operation", place: "_Place", takes: Sequence[int], avals: Sequence[Any]) -> list[int]:
        gives = [self.value("", "intermediate", aval) for aval in avals]
        number = len(self.nodes)
        self.nodes.append(
            Node(
                number,
                operation.name,
                place.scope,
                place.step,
                place.line,
                tuple(takes),
                tuple(gives),
                operation.apply,
                operation.kind,
            )
        )
        return gives

    def walk(self, jaxpr: Any, constants: Sequence[int], arguments: Sequence[int], scope: tuple[str, ...]) -> list[int]:
        known: dict[Any, int] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

        def number(atom: Any) -> int:
            return self.constant(atom.val, atom.aval) if hasattr(atom, "val") else known[atom]

        for equation in jaxpr.eqns:
            takes = [number(atom) for atom in equation.invars]
            known.update(zip(equation.outvars, self.equation(equation, takes, scope), strict=True))
        return [number(atom) for atom in jaxpr.outvars]

    def equation(self, equation: Any, takes: Sequence[int], outer: tuple[str, ...]) -> list[int]:
        name, source = equation.primitive.name, equation.source_info
        scope = (*outer, *scope_of(str(source.name_stack)))
        if name in OPENED and (body := equation.params.get(OPENED[name])) is not None:
            inner = getattr(body, "jaxpr", body)
            return self.walk(inner, self.constants(inner, getattr(body, "consts", ())), takes, scope)
        place = self.place(scope, source.traceback)
        if name == "scan" and self.open_scans:
            return self.scan(equation.params, takes, place)
        return self.node(_operation(equation), place, takes, [var.aval for var in equation.outvars])

    def place(self, scope: tuple[str, ...], traceback: Any) -> "_Place":
        if not self.steps:
            return _Place(scope, *assigned_at(traceback))
        return _Place(scope, next((self.steps[name] for name in scope if name in self.steps), ""), "")

    def scan(self, params: Mapping[str, Any], takes: Sequence[int], place: "_Place") -> list[int]:
        """Every turn's body in a scope of its own; taking a slice and stacking the results are operations too."""
        body, length = params["jaxpr"], params["length"]
        fixed, carried = params["num_consts"], params["num_carry"]
        constants, carry, sequences = takes[:fixed], list(takes[fixed : fixed + carried]), takes[fixed + carried :]
        inner = self.constants(body.jaxpr, body.consts)
        turns = range(length - 1, -1, -1) if params["reverse"] else range(length)
        stacks: dict[int, list[int]] = {}
        for turn in turns:
            here = _Place((*place.scope, f"scan[{turn}]"), place.step, place.line)
            slices = [self.slice(sequence, turn, here) for sequence in sequences]
            results = self.walk(body.jaxpr, inner, [*constants, *carry, *slices], here.scope)
            carry, stacks[turn] = results[:carried], results[carried:]
        columns = zip(*(stacks[turn] for turn in range(length)), strict=True)
        return [*carry, *(self.stack(column, place) for column in columns)]

    def slice(self, sequence: int, turn: int, place: "_Place") -> int:
        whole = self.values[sequence]
        aval = _Shaped(whole.shape[1:], np.dtype(whole.dtype) if whole.floating else whole.dtype)
        taken = _Operation("slice", lambda array: [array[turn]], ("slice", turn))
        return self.node(taken, place, [sequence], [aval])[0]

    def stack(self, parts: Sequence[int], place: "_Place") -> int:
        import jax

        one = self.values[parts[0]]
        aval = _Shaped((len(parts), *one.shape), one.dtype)
        stacked = _Operation("stack", lambda *arrays: [jax.numpy.stack(arrays)], "stack")
        return self.node(stacked, place, parts, [aval])[0]


def _equal(one: Any, other: Any) -> bool:
    return one.shape == other.shape and bool(np.array_equal(np.asarray(one), np.asarray(other)))


@dataclass(frozen=True)
class _Place:
    scope: tuple[str, ...]
    step: str
    line: str


@dataclass(frozen=True)
class _Shaped:
    shape: tuple[int, ...]
    dtype: Any


@dataclass(frozen=True)
class _Operation:
    name: str
    apply: Apply
    kind: Any


def _operation(equation: Any) -> _Operation:
    """One equation as a function of its arrays, custom rules kept."""
    primitive, params = equation.primitive, equation.primitive.get_bind_params(equation.params)

    def apply(*arrays: Any) -> Sequence[Any]:
        results = primitive.bind(*arrays, **params)
        return results if primitive.multiple_results else [results]

    kind: Any = (primitive, *sorted(equation.params.items()))
    try:
        hash(kind)
    except TypeError:
        kind = object()
    return _Operation(_operation_name(equation), apply, kind)


def _operation_name(equation: Any) -> str:
    """The primitive's name, or that of the user's function for a custom operation."""
    if equation.primitive.name not in CUSTOM:
        return str(equation.primitive.name)
    information = equation.params["call_jaxpr"].jaxpr.debug_info
    return str(getattr(information, "func_name", "") or "custom").rsplit(".", 1)[-1]
