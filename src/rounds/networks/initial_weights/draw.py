"""Initial weights of one member, drawn on the host by Keras's own formulas.

A compiled draw costs half a second of compiling for every array of every network (threefry and the inverse error
function are long programs); NumPy draws the same distributions for hundreds of members in less than one such second.
"""

from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from rounds.networks.layers.embeddings import keras

# Standard deviation of a standard normal truncated at two of its own: Keras divides by it to keep the variance.
_TRUNCATED_SPREAD = 0.87962566103423978
_LOWEST, _HIGHEST = ndtr(-2.0), ndtr(2.0)


def draw_array(initializer: Any, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """One array [shape] float32 as the Keras initializer describes it.

    Families that are not drawn here (a user's own, say) are asked themselves, with a seed of this generator's.

    >>> float(abs(draw_array(keras.initializers.HeNormal(), (50, 20), np.random.default_rng(0))).max()) < 0.5
    True
    """
    initializers = keras.initializers
    if isinstance(initializer, initializers.VarianceScaling) and _plain_axes(initializer):
        return _variance_scaling(initializer, shape, generator)
    if isinstance(initializer, initializers.RandomNormal):
        return _single(initializer.mean + initializer.stddev * generator.standard_normal(shape))
    if isinstance(initializer, initializers.TruncatedNormal):
        return _single(initializer.mean + initializer.stddev * _truncated(shape, generator))
    if isinstance(initializer, initializers.RandomUniform):
        return _single(generator.uniform(initializer.minval, initializer.maxval, shape))
    if isinstance(initializer, initializers.Orthogonal):
        return _single(initializer.gain * _orthogonal(shape, generator))
    return _ask(initializer, shape, generator)


def _orthogonal(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Rows or columns of length 1, at right angles to each other (Saxe et al. 2013, arXiv:1312.6120)."""
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return np.asarray((q if rows >= columns else q.T).reshape(shape))


def _single(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)


def _truncated(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    return np.asarray(ndtri(generator.uniform(_LOWEST, _HIGHEST, shape)))


def _plain_axes(initializer: Any) -> bool:
    return getattr(initializer, "input_axes", None) is None and getattr(initializer, "output_axes", None) is None


def _variance_scaling(initializer: Any, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Variance scale / fan (Glorot and Bengio 2010; He et al. 2015, arXiv:1502.01852)."""
    fan_in, fan_out = fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    variance = initializer.scale / max(1.0, fan)
    if initializer.distribution == "uniform":
        limit = np.sqrt(3.0 * variance)
        return _single(generator.uniform(-limit, limit, shape))
    if initializer.distribution == "truncated_normal":
        return _single(np.sqrt(variance) / _TRUNCATED_SPREAD * _truncated(shape, generator))
    return _single(np.sqrt(variance) * generator.standard_normal(shape))


def fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Inputs and outputs of a kernel [..., in, out]; leading axes are places of a filter.

    >>> fans((3, 3, 8, 16))
    (72.0, 144.0)
    """
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    places = float(np.prod(shape[:-2]))
    return places * shape[-2], places * shape[-1]


def _ask(initializer: Any, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    seed = int(generator.integers(2**31))
    if hasattr(initializer, "seed") and hasattr(initializer, "get_config"):
        initializer = type(initializer)(**{**initializer.get_config(), "seed": seed})
    return np.asarray(initializer(shape, dtype="float32"))
