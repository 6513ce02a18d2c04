"""A user's own model whose units are other than the task's outputs: two for a yes or no, a single one for classes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

_LEAST = 1e-7


def fits_task(outputs: int, units: int, kind: str) -> bool:
    """Whether a model of so many units can serve a task of so many outputs.

    >>> fits_task(1, 2, "binary"), fits_task(3, 1, "multiclass"), fits_task(1, 2, "regression")
    (True, True, False)
    """
    return (
        units == outputs
        or (kind == "binary" and units == 2)
        or (kind == "multiclass" and (units == 1 or units > outputs))
    )


def read_outputs(outputs: jax.Array, wanted: int) -> jax.Array:
    """[B, units] -> [B, wanted] predictions: the second unit's share of two, the shares of the first so many, or the
    classes that a single number lies between."""
    units = outputs.shape[-1]
    if units == wanted:
        return outputs
    if units == 1:
        return jnp.maximum(1 - jnp.abs(jnp.clip(outputs, 0, wanted - 1) - jnp.arange(wanted)), 0.0)
    parts = jnp.maximum(outputs, 0.0)
    shares = parts / jnp.maximum(parts.sum(-1, keepdims=True), _LEAST)
    return (
        shares[:, 1:2]
        if wanted == 1
        else shares[:, :wanted] / jnp.maximum(shares[:, :wanted].sum(-1, keepdims=True), _LEAST)
    )


def wanted_targets(targets: jax.Array, units: int, sparse: bool) -> jax.Array:
    """Targets as the task has them, [B, T], as a loss over `units` units wants them: class numbers [B, 1] where
    `sparse` or where there is a single unit, else one column a unit."""
    classes = targets.shape[-1]
    if classes > 1 and (sparse or units == 1):
        return jnp.argmax(targets, axis=-1).astype(jnp.float32)[:, None]
    if classes == 1 and units == 2 and not sparse:
        return jnp.concatenate([1 - targets, targets], axis=-1)
    if 1 < classes < units:
        return jnp.pad(targets, ((0, 0), (0, units - classes)))
    return targets


@dataclass(frozen=True)
class UserTraining:
    """What of a compiled model the plan has no words for, as functions.

    loss: (outputs [B, units], targets [B, T]) -> [B]; after: the activation that makes predictions of its outputs;
    optimizer: Keras's own as (init, update), its variables as state; factor: position in epochs -> share of the highest
    learning rate; None for each that the plan says.
    """

    loss: Callable[[Any, Any], Any] | None = None
    after: str = "linear"
    optimizer: Any = None
    factor: Callable[[Any], Any] | None = None
