"""Initial weights of one member, drawn on the host: by Keras's names and formulas, without Keras.

A compiled draw costs half a second of compiling for every array of every network (threefry and the inverse error
function are long programs); NumPy draws the same distributions for hundreds of members in less than one such second.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from rounds.errors import PlanError, nearest

Shape = tuple[int, ...]
Initializer = Callable[[Shape, np.random.Generator], np.ndarray]

# Standard deviation of a standard normal truncated at two of its own: Keras divides by it to keep the variance.
_TRUNCATED_SPREAD = 0.87962566103423978
_LOWEST, _HIGHEST = ndtr(-2.0), ndtr(2.0)
# Edges of the bins of a number, even over what scaled numbers reach.
_EDGES_FROM, _EDGES_TO = -3.0, 3.0


def constant(value: float) -> Initializer:
    """The same number everywhere."""
    return lambda shape, generator: np.full(shape, value, np.float32)


def normal(spread: float, mean: float = 0.0) -> Initializer:
    """Normal with this standard deviation."""
    return lambda shape, generator: _single(mean + spread * generator.standard_normal(shape))


def truncated_normal(spread: float, mean: float = 0.0) -> Initializer:
    """Normal, cut off at two standard deviations."""
    return lambda shape, generator: _single(mean + spread * _truncated(shape, generator))


def uniform(low: float, high: float) -> Initializer:
    """Even between two numbers."""
    return lambda shape, generator: _single(generator.uniform(low, high, shape))


def variance_scaling(scale: float, mode: str = "fan_in", distribution: str = "truncated_normal") -> Initializer:
    """Variance scale / fan (Glorot and Bengio 2010; He et al. 2015, arXiv:1502.01852).

    mode: fan_in, fan_out or fan_avg; distribution: uniform, truncated_normal or normal.
    """

    def draw(shape: Shape, generator: np.random.Generator) -> np.ndarray:
        entering, leaving = fans(shape)
        fan = {"fan_in": entering, "fan_out": leaving, "fan_avg": (entering + leaving) / 2}[mode]
        variance = scale / max(1.0, fan)
        if distribution == "uniform":
            limit = np.sqrt(3.0 * variance)
            return _single(generator.uniform(-limit, limit, shape))
        if distribution == "truncated_normal":
            return _single(np.sqrt(variance) / _TRUNCATED_SPREAD * _truncated(shape, generator))
        return _single(np.sqrt(variance) * generator.standard_normal(shape))

    return draw


def orthogonal(gain: float) -> Initializer:
    """Rows or columns of length `gain`, at right angles to each other (Saxe et al. 2013, arXiv:1312.6120)."""

    def draw(shape: Shape, generator: np.random.Generator) -> np.ndarray:
        rows, columns = int(np.prod(shape[:-1])), shape[-1]
        q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return _single(gain * (q if rows >= columns else q.T).reshape(shape))

    return draw


def identity(gain: float) -> Initializer:
    """Ones on the diagonal times `gain`; raises PlanError for an array of more or fewer than two axes."""

    def draw(shape: Shape, generator: np.random.Generator) -> np.ndarray:
        if len(shape) != 2:
            advice = "Choose another initializer for biases and filters"
            raise PlanError("initializer identity", "used for matrices", name="shape", got=shape, advice=advice)
        return _single(gain * np.eye(*shape))

    return draw


def fans(shape: Shape) -> tuple[float, float]:
    """Inputs and outputs of a kernel [..., in, out]; leading axes are places of a filter.

    >>> fans((3, 3, 8, 16))
    (72.0, 144.0)
    """
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    places = float(np.prod(shape[:-2]))
    return places * shape[-2], places * shape[-1]


def _single(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)


def _truncated(shape: Shape, generator: np.random.Generator) -> np.ndarray:
    return np.asarray(ndtri(generator.uniform(_LOWEST, _HIGHEST, shape)))


def _bin_edges(shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """[numbers, bins + 1]"""
    bins = shape[-1] - 1
    edges = [_EDGES_FROM + (_EDGES_TO - _EDGES_FROM) * i / bins for i in range(bins + 1)]
    return _single(np.broadcast_to(edges, shape))


def _forget_nothing(shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """Biases of an LSTM [4 units]: 1 for the forget gates, else 0 (Jozefowicz et al. 2015)."""
    units = shape[0] // 4
    return _single(np.repeat([0.0, 1.0, 0.0, 0.0], units))


def _random_words(shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """Keys of dropout."""
    return generator.integers(2**32, size=shape, dtype=np.uint32)


_WITHOUT_ARGUMENT: dict[str, Initializer] = {
    "zeros": constant(0.0),
    "ones": constant(1.0),
    "glorot_normal": variance_scaling(1.0, "fan_avg"),
    "glorot_uniform": variance_scaling(1.0, "fan_avg", "uniform"),
    "he_normal": variance_scaling(2.0),
    "he_uniform": variance_scaling(2.0, "fan_in", "uniform"),
    "lecun_normal": variance_scaling(1.0),
    "lecun_uniform": variance_scaling(1.0, "fan_in", "uniform"),
}
# By name: what takes the number after the colon, and the number without one. The wrong ones are wanted too: Rounds
# finds what they do.
_WITH_ARGUMENT: dict[str, tuple[Callable[[float], Initializer], float]] = {
    "constant": (constant, 0.0),
    "random_normal": (normal, 0.05),
    "truncated_normal": (truncated_normal, 0.05),
    "random_uniform": (lambda limit: uniform(-limit, limit), 0.05),
    "variance_scaling": (variance_scaling, 1.0),
    "orthogonal": (orthogonal, 1.0),
    "identity": (identity, 1.0),
}
INITIALIZER_NAMES = tuple(sorted((*_WITHOUT_ARGUMENT, *_WITH_ARGUMENT)))
# Of arrays that no plan chooses for.
_OF_OPERATIONS: dict[str, Initializer] = {
    "bin_edges": _bin_edges,
    "forget_nothing": _forget_nothing,
    "random_words": _random_words,
}


def make_initializer(text: str) -> Initializer:
    """What draws an array [shape], from text such as "he_normal", "zeros", "constant:0.1" or "random_normal:30".

    Raises PlanError for an unknown name, and for an argument that is none.

    >>> make_initializer("constant:0.5")((2,), np.random.default_rng(0)).tolist()
    [0.5, 0.5]
    """
    name, _, argument = text.partition(":")
    if name not in INITIALIZER_NAMES:
        advice = nearest(name, list(INITIALIZER_NAMES))
        raise PlanError("initializer", "one of Keras's names", got=text, advice=advice)
    if name in _WITHOUT_ARGUMENT:
        if argument:
            raise PlanError(f"initializer must be a name without argument, got initializer={text!r}. Write {name}.")
        return _WITHOUT_ARGUMENT[name]
    family, usual = _WITH_ARGUMENT[name]
    try:
        return family(float(argument) if argument else usual)
    except ValueError:
        raise PlanError(f"initializer must be name:number, got initializer={text!r}. Write {name}:0.1 or so.") from None


def draw_array(initializer: str | Initializer, shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """One array [shape], float32 (keys: uint32), by an initializer or its text.

    >>> float(abs(draw_array("he_normal", (50, 20), np.random.default_rng(0))).max()) < 0.5
    True
    """
    if isinstance(initializer, str):
        initializer = _OF_OPERATIONS.get(initializer) or make_initializer(initializer)
    return initializer(shape, generator)
