"""A plain NumPy function as one that JAX can follow: the same code, with `jax.numpy` standing for `numpy`.

Only names are exchanged, in a copy; the user's own function and module stay as they are. Whether the copy computes the
same is for the caller to see (`rounds.graph.tape.autodiff.compiled` compares the values).
"""

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

import numpy as np

from rounds.graph.tape.source import read_names


def with_jax_numpy(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """A copy of a Python function that uses `jax.numpy`, as do the functions of its module that it calls.

    None for what is no plain Python function.

    >>> def loss(p):
    ...     return np.exp(p["w"]).sum()
    >>> import jax
    >>> jax.grad(with_jax_numpy(loss))({"w": np.zeros(2, np.float32)})["w"].tolist()
    [1.0, 1.0]
    """
    return _copy(function, {}) if isinstance(function, FunctionType) else None


def _copy(function: FunctionType, done: dict[int, Any]) -> FunctionType:
    """`done`: copies of modules (dictionaries of names) and functions by identity, since they may call in rings."""
    if id(function) in done:
        return done[id(function)]
    names = _names(function.__globals__, done)
    cells = tuple(CellType() for _ in function.__closure__ or ())
    copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    done[id(function)] = copy
    for cell, old in zip(cells, function.__closure__ or (), strict=True):
        cell.cell_contents = _exchanged(old.cell_contents, done)
    for name in read_names(function):
        if name in function.__globals__:
            names[name] = _exchanged(function.__globals__[name], done)
    return copy


def _names(module: dict[str, Any], done: dict[int, Any]) -> dict[str, Any]:
    if id(module) not in done:
        done[id(module)] = dict(module)
    return done[id(module)]


def _exchanged(value: Any, done: dict[int, Any]) -> Any:
    import jax

    if value is np:
        return jax.numpy
    if value is np.linalg:
        return jax.numpy.linalg
    if isinstance(value, np.ufunc) or getattr(value, "__module__", None) == "numpy":
        return _twin(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return jax.numpy.asarray(value)
    if isinstance(value, FunctionType) and not _installed(value):
        return _copy(value, done)
    return value


def _twin(value: Any) -> Any:
    """The function of JAX under the name of one of NumPy or SciPy; the same object where there is none."""
    import jax
    import jax.scipy.special

    name = getattr(value, "__name__", "")
    return getattr(jax.numpy, name, None) or getattr(jax.scipy.special, name, None) or value


def _installed(function: FunctionType) -> bool:
    return "site-packages" in function.__code__.co_filename
