"""Keras's activations by name in plain NumPy, so that a model predicts without Keras, today and in ten years."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rounds.errors import PlanError, nearest
from rounds.user_code import import_named, is_import_path

Units = NDArray[np.float32]

# Klambauer et al. 2017, arXiv:1706.02515: the fixed point of zero mean and unit variance.
SELU_SCALE, SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)
SQRT_2, HALF = np.float32(2**0.5), np.float32(0.5)
# Keras's defaults for what its functions take as arguments.
LEAKY_SLOPE, SHRINK_THRESHOLD, SQUAREPLUS_SMOOTHNESS = np.float32(0.2), np.float32(0.5), np.float32(4.0)


def activate(name: str, x: Units) -> Units:
    """The activation of this name, over the last axis where it mixes units; module:name is the user's own.

    x: [..., U] float32; the result has the same shape, with glu [..., U/2].

    Raises PlanError for a name that is not in the table.

    >>> activate("relu", np.array([-1.0, 2.0], np.float32)).tolist()
    [0.0, 2.0]
    """
    if is_import_path(name):
        return np.asarray(import_named(name, "activation")(x), x.dtype)
    if name not in ACTIVATIONS:
        hint = nearest(name, sorted(ACTIVATIONS))
        raise PlanError("activation", "one that prediction knows", got=name, advice=hint)
    with np.errstate(over="ignore", under="ignore"):
        return ACTIVATIONS[name](x)


def _linear(x: Units) -> Units:
    return x


def _relu(x: Units) -> Units:
    return np.maximum(x, 0)


def _relu6(x: Units) -> Units:
    return np.clip(x, 0, 6)


def _leaky_relu(x: Units) -> Units:
    return np.where(x >= 0, x, LEAKY_SLOPE * x)


def _elu(x: Units) -> Units:
    """x above 0, exp(x) - 1 below (Clevert et al. 2016, arXiv:1511.07289); celu is the same at alpha 1."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: Units) -> Units:
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def _sigmoid(x: Units) -> Units:
    units: Units = np.reciprocal(1 + np.exp(-x))
    return units


def _hard_sigmoid(x: Units) -> Units:
    return np.divide(np.clip(x + 3, 0, 6), 6)


def _log_sigmoid(x: Units) -> Units:
    return -_softplus(-x)


def _sparse_sigmoid(x: Units) -> Units:
    return np.clip((x + 1) / 2, 0, 1)


def _silu(x: Units) -> Units:
    """x sigmoid(x) (Ramachandran et al. 2017, arXiv:1710.05941)."""
    units: Units = x / (1 + np.exp(-x))
    return units


def _hard_silu(x: Units) -> Units:
    return x * _hard_sigmoid(x)


def _gelu(x: Units) -> Units:
    """x P(X <= x) for a standard normal X (Hendrycks and Gimpel 2016, arXiv:1606.08415)."""
    return HALF * x * (1 + _erf(x / SQRT_2))


def _erf(x: Units) -> Units:
    """The error function within 1.5e-7 (Abramowitz and Stegun 1964, formula 7.1.26); NumPy has none.

    >>> _erf(np.array([0.0, 1.0], np.float32)).round(4)
    array([0.    , 0.8427], dtype=float32)
    """
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    total = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        total = (total + np.float32(factor)) * t
    units: Units = np.sign(x) * (1 - total * np.exp(-x * x))
    return units


def _softplus(x: Units) -> Units:
    """log(1 + exp(x)), written so that neither end overflows."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _sparse_plus(x: Units) -> Units:
    return np.where(x >= 1, x, np.clip(x + 1, 0, 2) ** 2 / 4)


def _squareplus(x: Units) -> Units:
    units: Units = (x + np.sqrt(x * x + SQUAREPLUS_SMOOTHNESS)) / 2
    return units


def _softsign(x: Units) -> Units:
    units: Units = x / (1 + np.abs(x))
    return units


def _tanh_shrink(x: Units) -> Units:
    return x - np.tanh(x)


def _hard_tanh(x: Units) -> Units:
    return np.clip(x, -1, 1)


def _soft_shrink(x: Units) -> Units:
    return x - np.clip(x, -SHRINK_THRESHOLD, SHRINK_THRESHOLD)


def _hard_shrink(x: Units) -> Units:
    return np.where(np.abs(x) > SHRINK_THRESHOLD, x, np.float32(0))


def _mish(x: Units) -> Units:
    """x tanh(softplus(x)) (Misra 2019, arXiv:1908.08681)."""
    return x * np.tanh(_softplus(x))


def _glu(x: Units) -> Units:
    """First half of the units times the sigmoid of the second (Dauphin et al. 2017, arXiv:1612.08083)."""
    value, gate = np.split(x, 2, axis=-1)
    return value * _sigmoid(gate)


def _softmax(x: Units) -> Units:
    power = np.exp(x - x.max(axis=-1, keepdims=True))
    units: Units = power / power.sum(axis=-1, keepdims=True)
    return units


def _log_softmax(x: Units) -> Units:
    x = x - x.max(axis=-1, keepdims=True)
    units: Units = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return units


def _sparsemax(x: Units) -> Units:
    """max(x - tau, 0) as Keras 3.15 computes it on JAX, since that is what the network was trained with.

    Its tau adds up all partial sums of the support, where Martins and Astudillo (2016, arXiv:1602.02068) take the last:
    with more than one unit in the support the outputs do not sum to 1 (corrected after 3.15: keras-team/keras#23469).
    """
    ordered = -np.sort(-x, axis=-1)
    total = np.cumsum(ordered, axis=-1)
    support = ordered - (total - 1) / np.arange(1, x.shape[-1] + 1, dtype=x.dtype) > 0
    tau = (np.where(support, total, 0).sum(axis=-1, keepdims=True) - 1) / support.sum(axis=-1, keepdims=True)
    units: Units = np.maximum(x - tau, 0).astype(x.dtype)
    return units


# Every name of keras.activations but `threshold`, which has no default to run at.
ACTIVATIONS: dict[str, Callable[[Units], Units]] = {
    "celu": _elu,
    "elu": _elu,
    "exponential": np.exp,
    "gelu": _gelu,
    "glu": _glu,
    "hard_shrink": _hard_shrink,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "hard_tanh": _hard_tanh,
    "leaky_relu": _leaky_relu,
    "linear": _linear,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _log_softmax,
    "mish": _mish,
    "relu": _relu,
    "relu6": _relu6,
    "selu": _selu,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "soft_shrink": _soft_shrink,
    "softmax": _softmax,
    "softplus": _softplus,
    "softsign": _softsign,
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": _sparse_sigmoid,
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "swish": _silu,
    "tanh": np.tanh,
    "tanh_shrink": _tanh_shrink,
}
