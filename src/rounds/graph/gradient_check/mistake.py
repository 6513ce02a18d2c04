"""What is likely wrong with a gradient: corrections are tried in turn; the first that makes it right is reported."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rounds.graph.gradient_check.wrong_tensor import wrong_tensor
from rounds.graph.tape.backward import Graph

# Two tensors are proportional when what one leaves of the other, relative to its norm, is below this: differences
# alone are exact to about 1e-9.
SAME = 1e-5
# A factor in words needs this many entries that agree; fewer are proportional by chance.
ENOUGH_ENTRIES = 3


@dataclass(frozen=True)
class Candidate:
    """The user's gradient after one correction, and the words for what was wrong."""

    array: np.ndarray
    words: str


def likely_mistake(
    name: str,
    given: np.ndarray,
    right: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray] | None = None,
    graph: Graph | None = None,
) -> str:
    """A sentence on how `given` differs from the right gradient of `name`; says so where no correction explains it.

    right: the right gradients of all tensors by name. values: the tensors themselves. graph: of the function, where JAX
    can follow it.

    >>> slopes = {"b": np.array([3.0, 6.0, 9.0])}
    >>> likely_mistake("b", np.array([-3.0, -6.0, -9.0]), slopes)
    'the sign is wrong'
    >>> likely_mistake("b", np.outer([1, 2], [1.0, 2.0, 3.0]), slopes)
    'not summed over the batch: has 2 rows; summed over axis 0 it is right'
    """
    if not np.isfinite(given).all():
        return f"{np.count_nonzero(~np.isfinite(given))} entries are nan or infinite"
    if not np.any(given):
        return "is zero everywhere: the gradient does not flow back to it"
    own = right[name]
    for candidate in _candidates(given, own.shape):
        factor = _factor(candidate.array, own)
        if factor is not None and (words := _said(candidate.words, factor, own.size, _counts(given, own, graph))):
            return words
    if values is not None and (penalty := _missing_penalty(name, given, own, values[name])):
        return penalty
    in_graph = "" if graph is None else wrong_tensor(name, given, own, graph)
    return in_graph or _of_another(name, given, right) or _unexplained(given, own)


def _candidates(given: np.ndarray, shape: tuple[int, ...]) -> Iterator[Candidate]:
    """Ways to bring `given` into `shape`, the plainest first."""
    if given.shape == shape:
        yield Candidate(given, "")
    if given.ndim == 2 and given.T.shape == shape:
        yield Candidate(given.T, "transposed")
    for count in range(1, given.ndim + 1):
        for axes in combinations(range(given.ndim), count):
            summed = given.sum(axis=axes)
            if _plain(summed.shape) == _plain(shape):
                yield Candidate(summed.reshape(shape), _not_summed(given, axes))
    if given.size == int(np.prod(shape)) and given.shape != shape:
        yield Candidate(given.reshape(shape), f"right numbers in the shape {given.shape}, which must be {shape}")


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(width for width in shape if width != 1)


def _not_summed(given: np.ndarray, axes: tuple[int, ...]) -> str:
    rows = given.shape[axes[0]]
    where = f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
    return f"not summed over the batch: has {rows} rows; summed over {where} it is right"


def _factor(array: np.ndarray, own: np.ndarray) -> float | None:
    """c with array = c * own, or None."""
    size = float(np.vdot(own, own))
    if size == 0.0:
        return None
    factor = float(np.vdot(own, array)) / size
    rest = float(np.linalg.norm(array - factor * own))
    return factor if factor and rest <= SAME * float(np.linalg.norm(array)) else None


def _counts(given: np.ndarray, own: np.ndarray, graph: Graph | None) -> set[int]:
    """Numbers by which a mean may have been forgotten, or taken twice: widths of the tensors, rows of the batch."""
    values = () if graph is None else graph.tape.values
    return {n for n in (*given.shape, *own.shape, *(value.shape[0] for value in values if value.shape)) if n > 1}


def _said(words: str, factor: float, entries: int, counts: set[int]) -> str:
    """What is wrong, in words; empty where the factor is none a person would forget and may be chance."""
    named = _factor_words(factor, counts)
    if not named and entries < ENOUGH_ENTRIES:
        return ""
    if named == "1":
        return words
    named = named or f"it is {factor:.6g} times the right gradient: a factor is missing"
    return (
        f"{words.replace('it is right', named)}" if "it is right" in words else "; ".join(filter(None, [words, named]))
    )


def _factor_words(factor: float, counts: set[int]) -> str:
    if _near(factor, 1.0):
        return "1"
    if _near(factor, -1.0):
        return "the sign is wrong"
    sign = "the sign is wrong and " if factor < 0 else ""
    size = abs(factor)
    if _near(size, 2.0):
        return f"{sign}it is twice too large: the factor 1/2 is missing"
    if _near(size, 0.5):
        return f"{sign}it is half of what it must be: the factor 2 is missing"
    for count in sorted(counts):
        if _near(size, count):
            return f"{sign}it is {count} times too large: the factor 1/{count} of the mean is missing"
        if _near(size, 1 / count):
            return f"{sign}it is {count} times too small: divided by {count} once too often"
    return ""


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= SAME * abs(b)


def _missing_penalty(name: str, given: np.ndarray, own: np.ndarray, value: np.ndarray) -> str:
    """Whether a penalty's gradient, in proportion to the tensor itself, was left out or taken too often."""
    if given.shape != own.shape or own.size < ENOUGH_ENTRIES or np.allclose(given, own, rtol=1e-3, atol=0):
        return ""
    factor = _factor(own - given, value)
    return "" if factor is None else f"a term of {factor:.6g} times {name} is missing: the gradient of a penalty"


def _of_another(name: str, given: np.ndarray, right: Mapping[str, np.ndarray]) -> str:
    """Whether it is the gradient of another tensor, perhaps before its sum over the batch."""
    for other, slope in right.items():
        if other == name:
            continue
        for candidate in _candidates(given, slope.shape):
            factor = _factor(candidate.array, slope)
            if factor is not None and _near(factor, 1.0):
                how = candidate.words.replace("it is right", f"it is the gradient of {other}")
                return f"wrong tensor: {how if how != candidate.words else f'this is the gradient of {other}'}"
    return ""


def _unexplained(given: np.ndarray, own: np.ndarray) -> str:
    if given.shape != own.shape:
        return (
            f"has the shape {given.shape} and must have {own.shape}: a wrong tensor, or a sum over the batch is missing"
        )
    cosine = float(np.vdot(given, own)) / (float(np.linalg.norm(given) * np.linalg.norm(own)) or 1.0)
    return f"no simple correction explains it (cosine with the right gradient {cosine:.2f}): wrong tensor or factor"
