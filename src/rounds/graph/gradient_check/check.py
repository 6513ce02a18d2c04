"""The gradient check: a hand-written or custom gradient against central differences and automatic differentiation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rounds.errors import RoundsError
from rounds.graph.gradient_check.differences import Differences, central_differences, rounding_noise
from rounds.graph.gradient_check.mistake import likely_mistake
from rounds.graph.gradient_check.verdict import Entry, GradientCheck, TensorCheck
from rounds.graph.tape.autodiff import autodiff, compiled, in_float64, traceable
from rounds.graph.tape.backward import Graph, graph_of
from rounds.graph.tape.function import FunctionError, call_gradient, checked_inputs, make_loss

Function = Callable[..., Any]
Gradients = Mapping[str, np.ndarray]

# Relative error up to which an entry is right; hand-written mistakes are a thousand times larger, differences in
# float64 a thousand times more exact. A gradient computed in float32 cannot be better than the root of its rounding.
TOLERANCE = 1e-6
# An entry smaller than this part of its tensor's typical one is compared to that part: it may be all rounding.
TYPICAL_PART = 1e-3
# The differences' own error counts so many times before an entry is held against the gradient.
ERROR_TIMES = 10.0
# Rounding of a sum of many products, in units of the last place of the whole gradient's norm.
ROUNDING_TIMES = 30.0
# Entries of a wrong tensor that are shown.
WORST = 3


@dataclass(frozen=True)
class _Compared:
    """The entries of one tensor side by side: [n] flat places, given, expected, relative error, and whether wrong."""

    entries: np.ndarray
    given: np.ndarray
    expected: np.ndarray
    relative: np.ndarray
    wrong: np.ndarray


def check_gradient(function: Function, gradient: Function | None, inputs: Mapping[str, Any]) -> GradientCheck:
    """Checks every entry of a gradient in float64, and says which tensors are wrong, where, and how.

    function(inputs) is one number; gradient(inputs) a dictionary of arrays by the inputs' names, or None for the
    gradient that JAX derives, custom rules included. Tensors of more than 1000 entries are checked by differences on
    a fixed sample, the rest of them by autodiff. Points without a slope (kinks of ReLU) are not counted.
    Raises FunctionError where function, gradient or inputs are not that.

    >>> check = check_gradient(lambda p: (p["w"] ** 2).mean(), lambda p: {"w": 2 * p["w"]}, {"w": [1.0, 2.0, 3.0]})
    >>> check.wrong, check.tensors[0].mistake
    (['w'], 'it is 3 times too large: the factor 1/3 of the mean is missing')
    """
    arrays = checked_inputs(inputs)
    with in_float64():
        loss = make_loss(function, arrays)
        value = loss(arrays)
        followed = traceable(function, arrays)
        fast = None if followed is None else compiled(followed)
        automatic = None if fast is None else autodiff(fast, arrays)
        given = _given(gradient, arrays, automatic)
        quick = loss if fast is None else make_loss(fast, arrays)
        noise = rounding_noise(quick, arrays)
        found = {name: central_differences(quick, arrays, name, noise) for name in arrays}
    rounding = _rounding(found, noise / max(abs(value), noise))
    believed, notes = _believed(found, automatic, rounding, own=gradient is not None)
    right = {name: slopes for name in arrays if (slopes := _full(name, found[name], believed)) is not None}
    tensors = tuple(_judge(name, given[name], found[name], believed.get(name), rounding) for name in arrays)
    graph = _graph(followed, arrays) if gradient and any(tensor.verdict == "wrong" for tensor in tensors) else None
    told = tuple(_with_mistake(tensor, given[tensor.name], right, arrays, graph) for tensor in tensors)
    return GradientCheck(value, TOLERANCE, told, notes)


def _graph(function: Function | None, arrays: Gradients) -> Graph | None:
    """The graph in which a wrong tensor is looked for; without one only the gradients are compared."""
    if function is None:
        return None
    try:
        with in_float64():
            return graph_of(function, dict(arrays))
    except RoundsError:
        return None


def _given(gradient: Function | None, arrays: Gradients, automatic: Gradients | None) -> Gradients:
    if gradient is not None:
        return call_gradient(gradient, arrays)
    if automatic is None:
        advice = "Write the gradient as a function of the same inputs, or the function itself in jax.numpy"
        raise FunctionError(f"gradient must be given for a function that JAX cannot differentiate, got none. {advice}.")
    return automatic


def _believed(
    found: Mapping[str, Differences], automatic: Gradients | None, rounding: float, own: bool
) -> tuple[Gradients, tuple[str, ...]]:
    """Autodiff's gradients that agree with the differences; the others are a custom rule's mistake, and said."""
    if automatic is None:
        return {}, ("JAX cannot follow the function: checked by central differences alone.",)
    agrees = {name: not _compare(automatic[name], found[name], rounding).wrong.any() for name in found}
    doubtful = [name for name, fine in agrees.items() if not fine]
    notes: tuple[str, ...] = ()
    if doubtful:
        names, too = ", ".join(doubtful), " too" if own else ""
        rule = "a custom rule that is not right" if own else "a custom rule that is not its derivative"
        notes = (f"JAX's own gradient of {names} is wrong{too}: the function holds {rule}.",)
    return {name: automatic[name] for name, fine in agrees.items() if fine}, notes


def _full(name: str, found: Differences, believed: Gradients) -> np.ndarray | None:
    """The right gradient of a whole tensor, or None where only a sample of it is known."""
    if name in believed:
        return believed[name]
    return found.slopes.reshape(found.shape) if len(found.entries) == int(np.prod(found.shape)) else None


def _judge(
    name: str, given: np.ndarray, found: Differences, automatic: np.ndarray | None, rounding: float
) -> TensorCheck:
    kinks, size = int(found.kinks.sum()), int(np.prod(found.shape))
    record = TensorCheck(name, found.shape, given.shape, "wrong", len(found.entries), size, kinks)
    if given.shape != found.shape:
        return record
    compared = _compare(given, found, rounding)
    against = None if automatic is None else _compare(given, _exact(automatic, found), rounding)
    apart = compared.wrong.any() or (against is not None and against.wrong.any())
    shown = against if against is not None and not compared.wrong.any() else compared
    return replace(
        record,
        verdict="wrong" if apart else "not differentiable" if kinks == len(found.entries) else "right",
        wrong_entries=int(shown.wrong.sum()),
        relative_error=_largest(compared.relative),
        autodiff_error=None if against is None else _largest(against.relative),
        worst=_worst(shown, found.shape),
    )


def _exact(automatic: np.ndarray, found: Differences) -> Differences:
    """Autodiff in the place of differences, for every entry; the kinks that were met stay kinks."""
    kinks = np.zeros(automatic.size, bool)
    kinks[found.entries] = found.kinks
    return Differences(found.shape, np.arange(automatic.size), automatic.ravel(), np.zeros(automatic.size), kinks)


def _compare(given: np.ndarray, found: Differences, rounding: float) -> _Compared:
    """Entries with a slope; relative error |given - expected| / (max(|given|, |expected|) + what cannot be known).

    What cannot be known is so large that an error of that size comes out as the tolerance.
    """
    smooth, tolerance = ~found.kinks, _tolerance(given)
    own, expected = given.ravel()[found.entries[smooth]].astype(np.float64), found.slopes[smooth]
    typical = float(np.sqrt(np.mean(expected**2))) if expected.size else 0.0
    size = np.maximum(np.maximum(np.abs(own), np.abs(expected)), TYPICAL_PART * typical)
    unknown = ERROR_TIMES * found.errors[smooth] + rounding
    with np.errstate(invalid="ignore"):
        relative = np.abs(own - expected) / (size + unknown / tolerance)
    relative = np.where(np.isfinite(own), relative, np.inf)
    return _Compared(found.entries[smooth], own, expected, relative, relative > tolerance)


def _rounding(found: Mapping[str, Differences], precision: float) -> float:
    """Rounding of one entry, judged against the whole gradient: that of a bias before batch-norm is nothing else.

    precision: relative rounding of the function's value, 1e-16 in float64 and 1e-7 where it computes in float32; a
    value near zero by cancellation would make it look coarser than any function is.
    """
    precision = min(precision, float(np.finfo(np.float32).eps))
    whole = np.sqrt(sum(float(np.sum(one.slopes**2)) for one in found.values()))
    return float(ROUNDING_TIMES * max(precision, np.finfo(np.float64).eps) * whole + np.finfo(np.float64).tiny)


def _tolerance(given: np.ndarray) -> float:
    short = given.dtype.kind == "f" and given.dtype.itemsize < 8
    return float(np.sqrt(np.finfo(given.dtype).eps)) if short else TOLERANCE


def _largest(values: np.ndarray) -> float | None:
    return float(values.max()) if values.size else None


def _worst(compared: _Compared, shape: tuple[int, ...]) -> tuple[Entry, ...]:
    order = [i for i in np.argsort(-compared.relative, kind="stable") if compared.wrong[i]][:WORST]
    return tuple(
        Entry(
            place=tuple(int(part) for part in np.unravel_index(compared.entries[i], shape)),
            given=float(compared.given[i]),
            expected=float(compared.expected[i]),
            relative_error=float(compared.relative[i]),
        )
        for i in order
    )


def _with_mistake(
    tensor: TensorCheck, given: np.ndarray, right: Gradients, values: Gradients, graph: Graph | None
) -> TensorCheck:
    if tensor.verdict == "not differentiable":
        return replace(tensor, mistake="no entry has a slope here: every one is at a kink")
    if tensor.verdict != "wrong" or tensor.name not in right:
        return tensor
    return replace(tensor, mistake=likely_mistake(tensor.name, given, right, values, graph))
