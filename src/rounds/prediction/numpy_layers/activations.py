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


def linear(x: Units) -> Units:
    return x


def relu(x: Units) -> Units:
    return np.maximum(x, 0)


def relu6(x: Units) -> Units:
    return np.clip(x, 0, 6)


def leaky_relu(x: Units) -> Units:
    return np.where(x >= 0, x, LEAKY_SLOPE * x)


def elu(x: Units) -> Units:
    """x above 0, exp(x) - 1 below (Clevert et al. 2016, arXiv:1511.07289); celu is the same at alpha 1."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def selu(x: Units) -> Units:
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def sigmoid(x: Units) -> Units:
    units: Units = np.reciprocal(1 + np.exp(-x))
    return units


def hard_sigmoid(x: Units) -> Units:
    return np.divide(np.clip(x + 3, 0, 6), 6)


def log_sigmoid(x: Units) -> Units:
    return -softplus(-x)


def sparse_sigmoid(x: Units) -> Units:
    return np.clip((x + 1) / 2, 0, 1)


def silu(x: Units) -> Units:
    """x sigmoid(x) (Ramachandran et al. 2017, arXiv:1710.05941)."""
    units: Units = x / (1 + np.exp(-x))
    return units


def hard_silu(x: Units) -> Units:
    return x * hard_sigmoid(x)


def gelu(x: Units) -> Units:
    """x P(X <= x) for a standard normal X (Hendrycks and Gimpel 2016, arXiv:1606.08415)."""
    return HALF * x * (1 + erf(x / SQRT_2))


def erf(x: Units) -> Units:
    """The error function within 1.5e-7 (Abramowitz and Stegun 1964, formula 7.1.26); NumPy has none.

    >>> erf(np.array([0.0, 1.0], np.float32)).round(4)
    array([0.    , 0.8427], dtype=float32)
    """
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    total = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        total = (total + np.float32(factor)) * t
    units: Units = np.sign(x) * (1 - total * np.exp(-x * x))
    return units


def softplus(x: Units) -> Units:
    """log(1 + exp(x)), written so that neither end overflows."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sparse_plus(x: Units) -> Units:
    return np.where(x >= 1, x, np.clip(x + 1, 0, 2) ** 2 / 4)


def squareplus(x: Units) -> Units:
    units: Units = (x + np.sqrt(x * x + SQUAREPLUS_SMOOTHNESS)) / 2
    return units


def softsign(x: Units) -> Units:
    units: Units = x / (1 + np.abs(x))
    return units


def tanh_shrink(x: Units) -> Units:
    return x - np.tanh(x)


def hard_tanh(x: Units) -> Units:
    return np.clip(x, -1, 1)


def soft_shrink(x: Units) -> Units:
    return x - np.clip(x, -SHRINK_THRESHOLD, SHRINK_THRESHOLD)


def hard_shrink(x: Units) -> Units:
    return np.where(np.abs(x) > SHRINK_THRESHOLD, x, np.float32(0))


def mish(x: Units) -> Units:
    """x tanh(softplus(x)) (Misra 2019, arXiv:1908.08681)."""
    return x * np.tanh(softplus(x))


def glu(x: Units) -> Units:
    """First half of the units times the sigmoid of the second (Dauphin et al. 2017, arXiv:1612.08083)."""
    value, gate = np.split(x, 2, axis=-1)
    return value * sigmoid(gate)


def softmax(x: Units) -> Units:
    power = np.exp(x - x.max(axis=-1, keepdims=True))
    units: Units = power / power.sum(axis=-1, keepdims=True)
    return units


def log_softmax(x: Units) -> Units:
    x = x - x.max(axis=-1, keepdims=True)
    units: Units = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return units


def sparsemax(x: Units) -> Units:
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
    "celu": elu,
    "elu": elu,
    "exponential": np.exp,
    "gelu": gelu,
    "glu": glu,
    "hard_shrink": hard_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_swish": hard_silu,
    "hard_tanh": hard_tanh,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "soft_shrink": soft_shrink,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
    "squareplus": squareplus,
    "swish": silu,
    "tanh": np.tanh,
    "tanh_shrink": tanh_shrink,
}
