"""Sine and cosine of whole turns, as polynomials: several times faster on a CPU than the library's, which XLA calls
one number at a time."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

_DEGREE_SINE, _DEGREE_COSINE = 5, 6  # in t^2; the error stays below float32's rounding, 3e-7


def _fitted() -> tuple[np.ndarray, np.ndarray]:
    """Coefficients, lowest first, of sin(2 pi t) / (t (1 - 4 t^2)) and cos(2 pi t) in x = 8 t^2 - 1, |t| <= 1/2.

    Interpolated at Chebyshev points, which is within a small factor of the best polynomial of its degree.
    """
    return _interpolated(_sine_share, _DEGREE_SINE), _interpolated(_cosine, _DEGREE_COSINE)


def _interpolated(function: Callable[[np.ndarray], np.ndarray], degree: int) -> np.ndarray:
    points = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    return np.polynomial.Polynomial.fit(points, function(np.sqrt((points + 1) / 8)), degree, domain=[-1, 1]).coef


def _sine_share(t: np.ndarray) -> np.ndarray:
    return np.asarray(np.sin(2 * np.pi * t) / (t * (1 - 4 * t**2)))


def _cosine(t: np.ndarray) -> np.ndarray:
    return np.asarray(np.cos(2 * np.pi * t))


_SINE, _COSINE = _fitted()


@jax.custom_jvp
def sine_and_cosine(turns: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(sin 2 pi t, cos 2 pi t), absolute error below 5e-7 wherever float32 itself resolves t.

    >>> [abs(round(float(v), 5)) for v in sine_and_cosine(jnp.float32(2.25))]
    [1.0, 0.0]
    """
    t = turns - jnp.round(turns)
    square = t * t
    x = 8 * square - 1
    return t * (1 - 4 * square) * _horner(_SINE, x), _horner(_COSINE, x)


@sine_and_cosine.defjvp
def _derivative(
    primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    sine, cosine = sine_and_cosine(*primals)
    step = 2 * jnp.pi * tangents[0]
    return (sine, cosine), (cosine * step, -sine * step)


def _horner(coefficients: np.ndarray, x: jax.Array) -> jax.Array:
    value = jnp.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        value = value * x + np.float32(c)
    return value
