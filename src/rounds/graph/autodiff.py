"""Automatic differentiation of a user's function in float64, where JAX can follow the function."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]


def in_float64() -> AbstractContextManager[Any]:
    """JAX computes in float64 inside of this block, on this thread alone."""
    import jax

    return jax.enable_x64(True)


def compiled(function: Callable[..., Any], inputs: Arrays) -> Callable[..., Any] | None:
    """`function` of a dictionary of arrays compiled by JAX, or None where JAX cannot follow it (plain NumPy).

    A function that JAX follows to another value than Python's own is taken for one that it cannot follow.
    """
    import jax

    try:
        fast = jax.jit(lambda arrays: jax.numpy.reshape(function(arrays), ()))
        value = float(fast(dict(inputs)))
    except Exception:  # whatever a function of NumPy raises when it meets a traced array
        return None
    plain = float(np.reshape(function({name: array.copy() for name, array in inputs.items()}), ()))
    return fast if np.isclose(value, plain, rtol=1e-6, atol=1e-12) else None


def autodiff(function: Callable[..., Any], inputs: Arrays) -> dict[str, np.ndarray] | None:
    """Gradient by name, through a function that `compiled` gave; None where no derivative is defined for a part of it.

    >>> import jax
    >>> with in_float64():
    ...     autodiff(lambda arrays: (arrays["w"] ** 2).sum(), {"w": np.ones(2)})["w"].tolist()
    [2.0, 2.0]
    """
    import jax

    try:
        return {name: np.asarray(slope) for name, slope in jax.grad(function)(dict(inputs)).items()}
    except Exception:  # a while loop, a callback, or a custom rule that fails: differences remain
        return None
