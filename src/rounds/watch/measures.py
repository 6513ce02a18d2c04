"""Numbers that rules read, from what a framework gives: norms by layer, and outputs of activations."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

# The same limits as in training (rounds.training.compiled.measures), which JAX would come along with.
DEAD_SPREAD = 1e-6
SATURATED_SHARE = 0.01
BOUNDS = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "relu6": (0.0, 6.0),
}
NETWORK = "network"


class Sight(NamedTuple):
    """One look into a network on one minibatch.

    loss: with penalties; penalty: the model's own losses alone; gradients, weights: norm of each layer's kernel
    (no gradient: the layer took no part);
    activations: outputs of each activation before the last layer, [B, ...], with its activation's name.
    """

    loss: float
    penalty: float
    gradients: Mapping[str, float]
    weights: Mapping[str, float]
    activations: Mapping[str, tuple[str, np.ndarray]]


def table_of(sight: Sight, updates: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """{layer: {measure: value}}. updates: norm of each kernel's step; none where no step followed."""
    found: dict[str, dict[str, float]] = {
        NETWORK: {"loss": sight.loss - sight.penalty, "penalty_share": _share(sight.penalty, sight.loss)}
    }
    for layer, norm in sight.weights.items():
        found[layer] = {"weight_norm": norm}
        if layer in sight.gradients:
            found[layer]["gradient_norm"] = sight.gradients[layer]
        if layer in updates:
            found[layer]["update_ratio"] = updates[layer] / max(norm, 1e-30)
    for layer, (activation, outputs) in sight.activations.items():
        found.setdefault(layer, {}).update(activation_measures(activation, np.asarray(outputs, np.float64)))
    return found


def activation_measures(activation: str, outputs: np.ndarray) -> dict[str, float]:
    """Of outputs [B, ..., H]: mean, spread, share of units that say the same of every row, and share at a limit."""
    units = outputs.reshape(-1, outputs.shape[-1])
    found = {
        "activation_mean": float(units.mean()),
        "activation_spread": float(units.std()),
        "dead_share": float((np.ptp(units, axis=0) < DEAD_SPREAD).mean()),
    }
    if activation in BOUNDS:
        low, high = BOUNDS[activation]
        margin = SATURATED_SHARE * (high - low)
        found["saturated_share"] = float(((units < low + margin) | (units > high - margin)).mean())
    return found


def _share(part: float, whole: float) -> float:
    return part / max(whole, 1e-30) if part else 0.0
