"""Keras's own layers with the weights of a trained network in them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rounds.networks.layers.embeddings import keras

EPSILON = 1e-3  # of both normalizations, as in rounds.networks.keras.builder
Weights = Mapping[str, np.ndarray]


def with_weights(layer: Any, x: Any, arrays: list[np.ndarray]) -> Any:
    """What the layer makes of x, after its weights were set."""
    made = layer(x)
    layer.set_weights([np.asarray(array, np.float32) for array in arrays])
    return made


def normalized(kind: str, weights: Weights, norm: str, units: Any, name: str) -> Any:
    """The normalization `norm` of units [..., H] over H; kind none leaves them as they are."""
    if kind == "batch":
        made = keras.layers.BatchNormalization(epsilon=EPSILON, name=name)
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        return with_weights(made, units, [weights[f"{norm}/{part}"] for part in parts])
    if kind == "layer":
        made = keras.layers.LayerNormalization(epsilon=EPSILON, name=name)
        return with_weights(made, units, [weights[f"{norm}/{part}"] for part in ("gamma", "beta")])
    return units
