"""Looks into a Keras model while it trains: loss, gradients and outputs of activations on one minibatch.

What a look computes leaves nothing behind: neither running statistics nor the state of random masks are moved.
"""

from typing import Any, Protocol

import keras
import numpy as np

from rounds.networks.user_model.keras_facts import activation_of
from rounds.watch.measures import Sight

KERNELS = ("kernel", "embeddings", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel")


class KerasSight(Protocol):
    """What a backend has to offer. iterates: whether a step takes its minibatches from an iterator; state: what
    Keras's function of a step is given beside them (empty: the model's own variables hold it)."""

    iterates: bool

    def look(self, state: list[Any] | None, rows: Any, probe: Any) -> Sight: ...
    def kernels(self, state: list[Any]) -> dict[str, np.ndarray]: ...
    def unpacked(self, batch: Any) -> Any: ...
    def rows(self, inputs: Any) -> int: ...
    def joined(self, inputs: list[Any]) -> Any: ...


def sight_of(model: Any) -> KerasSight | None:
    """For the backend in use; None where minibatches cannot be looked at."""
    backend = keras.backend.backend()
    if backend == "jax":
        from rounds.watch.keras_jax import JaxSight

        return JaxSight(model)
    if backend == "torch":
        from rounds.watch.keras_torch import KerasTorchSight

        return KerasTorchSight(model)
    return None


def trained_kernels(model: Any) -> list[tuple[int, str]]:
    """(position among the trainable variables, layer) of each kernel, in the order of the layers."""
    found = enumerate(model.trainable_variables)
    return [(i, _layer(variable.path)) for i, variable in found if variable.name in KERNELS]


def _layer(path: str) -> str:
    """
    >>> _layer("sequential/dense/kernel"), _layer("lstm/lstm_cell/recurrent_kernel")
    ('dense', 'lstm_cell/recurrent')
    """
    *_, layer, name = path.split("/")
    return f"{layer}/recurrent" if name == "recurrent_kernel" else layer


def activated(model: Any) -> tuple[Any, dict[str, str]]:
    """A model of the outputs of every activation before the last layer, and the activation of each by layer; None
    where the model cannot be cut."""
    if not getattr(model, "inputs", None):
        return None, {}
    inside = [layer for layer in model.layers[:-1] if activation_of(layer) != "linear" and _has_output(layer)]
    if not inside:
        return None, {}
    cut = keras.Model(model.inputs, [layer.output for layer in inside])
    return cut, {layer.name: activation_of(layer) for layer in inside}


def _has_output(layer: Any) -> bool:
    try:
        return not hasattr(layer, "layers") and hasattr(layer.output, "shape")
    except Exception:  # a layer that is called more than once
        return False
