"""A function that several threads call: one compiles it for its shapes, the others wait for that alone."""

import threading
from collections.abc import Callable
from typing import Any

import jax


class CompileOnce:
    """`jax.jit` ahead of time. function: as it was given; compiled: programs by the shapes of their arguments.

    `jax.jit` itself would compile in every thread that comes before the first is done.

    >>> add = CompileOnce(lambda a, b: a + b)
    >>> int(add(jax.numpy.int32(1), jax.numpy.int32(2))), len(add.compiled)
    (3, 1)
    """

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        self.function = function
        self.compiled: dict[Any, Callable[..., Any]] = {}
        self._jitted = jax.jit(function, **options)
        self._lock = threading.Lock()

    def trace(self, *arguments: Any) -> Any:
        """JAX's own record of the function for these arguments, uncompiled."""
        return self._jitted.trace(*arguments)

    def __call__(self, *arguments: Any) -> Any:
        if getattr(jax.config, "jax_disable_jit"):  # noqa: B009 (JAX makes it at run time)
            return self.function(*arguments)
        key = _shapes(arguments)
        if key not in self.compiled:
            with self._lock:
                if key not in self.compiled:
                    self.compiled[key] = self._jitted.lower(*arguments).compile()
        return self.compiled[key](*arguments)


def _shapes(arguments: tuple[Any, ...]) -> Any:
    leaves, tree = jax.tree.flatten(arguments)
    return tree, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
