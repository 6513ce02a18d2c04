"""Automatic differentiation of a user's function in float64, where JAX can follow the function."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from rounds.graph.tape.substitution import with_jax_numpy

Arrays = Mapping[str, np.ndarray]


def in_float64() -> AbstractContextManager[Any]:
    """JAX computes in float64 inside of this block, on this thread alone."""
    import jax

    return jax.enable_x64(True)


def traceable(function: Callable[..., Any], inputs: Arrays) -> Callable[..., Any] | None:
    """`function` as one that JAX can follow (with `jax.numpy` for `numpy` where need be), or None where it cannot.

    A function that JAX follows to another value than Python's own is taken for one that it cannot follow.
    """
    plain = float(np.reshape(function({name: array.copy() for name, array in inputs.items()}), ()))
    for form in (function, with_jax_numpy(function)):
        if form is not None and np.isclose(_traced_value(form, inputs), plain, rtol=1e-6, atol=1e-12):
            return form
    return None


def _traced_value(function: Callable[..., Any], inputs: Arrays) -> float:
    """The value of what JAX sees of the function, one operation at a time: compiling long ones takes minutes."""
    import jax
    from jax.extend.core import jaxpr_as_fun

    try:
        seen = jax.make_jaxpr(function)(dict(inputs))
        return float(jax.numpy.reshape(jaxpr_as_fun(seen)(*jax.tree_util.tree_leaves(dict(inputs)))[0], ()))
    except Exception:  # whatever a function of NumPy raises when it meets a traced array
        return float("nan")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that `traceable` gave, compiled, with a result without axes."""
    import jax

    return jax.jit(lambda arrays: jax.numpy.reshape(function(arrays), ()))


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
