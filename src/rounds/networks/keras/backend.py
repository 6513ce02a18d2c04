"""Keras on its JAX backend; nothing else imports it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from rounds.user_code import other_backend

# Before Keras is imported, because it fails on other backends in words of its own.
if os.environ.setdefault("KERAS_BACKEND", "jax") != "jax":
    raise other_backend(os.environ["KERAS_BACKEND"])

import keras as keras

if keras.backend.backend() != "jax":  # it was imported before, and configured by its own file
    raise other_backend(keras.backend.backend())


@contextmanager
def recorded_initializers() -> Iterator[dict[int, Any]]:
    """While open, every `Layer.add_weight` leaves the initializer of its variable behind, by the variable's id.

    The variable itself starts at zero: its values are set later, and drawing some here would compile.
    """
    found: dict[int, Any] = {}
    original = keras.layers.Layer.add_weight

    def add_weight(self: Any, shape: Any = None, initializer: Any = None, *args: Any, **options: Any) -> Any:
        variable = original(self, shape, "zeros", *args, **options)
        found[id(variable)] = keras.initializers.get(initializer or "glorot_uniform")
        return variable

    with mock.patch.object(keras.layers.Layer, "add_weight", add_weight):
        yield found
