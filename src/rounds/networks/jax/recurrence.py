"""Recurrent layers in JAX: one compiled loop over the steps; a step outside the recording leaves the state as it is."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import nn

from rounds.networks.operations import Recur

States = tuple[jax.Array, ...]
Arrays = Mapping[str, Any]


def recur(operation: Recur, arrays: Arrays, x: jax.Array, scaled: jax.Array) -> jax.Array:
    """x [B, T, C], scaled [B, T, channels] whose first channel says what lies inside -> [B, T, U] or [B, U].

    The products with the inputs stand inside the loop: they are no slower there than as one before it.
    """
    cell = CELLS[operation.cell]
    inside = (scaled[:, :, 0] > 0.5)[:, :, None]
    zeros = jnp.zeros((x.shape[0], operation.shape[-1]), x.dtype)

    def step(states: States, drawn: tuple[jax.Array, jax.Array]) -> tuple[States, jax.Array]:
        units, here = drawn
        made = cell(units, states, arrays)
        kept = tuple(jnp.where(here, new, old) for new, old in zip(made, states, strict=True))
        return kept, kept[0]

    steps = (jnp.swapaxes(x, 0, 1), jnp.swapaxes(inside, 0, 1))
    begun: States = (zeros, zeros) if operation.cell == "lstm" else (zeros,)
    states, passed = jax.lax.scan(step, begun, steps, reverse=operation.backwards)
    return jnp.swapaxes(passed, 0, 1) if operation.every_step else states[0]


def _simple(x: jax.Array, states: States, arrays: Arrays) -> States:
    entering = x @ arrays["kernel"] + arrays["bias"]
    return (nn.tanh(entering + states[0] @ arrays["recurrent_kernel"]),)


def _gru(x: jax.Array, states: States, arrays: Arrays) -> States:
    old = states[0]
    entering = x @ arrays["kernel"] + arrays["bias"][0]
    inner = old @ arrays["recurrent_kernel"] + arrays["bias"][1]
    (x_z, x_r, x_n), (h_z, h_r, h_n) = jnp.split(entering, 3, axis=-1), jnp.split(inner, 3, axis=-1)
    keep, reset = nn.sigmoid(x_z + h_z), nn.sigmoid(x_r + h_r)
    return (keep * old + (1 - keep) * nn.tanh(x_n + reset * h_n),)


def _lstm(x: jax.Array, states: States, arrays: Arrays) -> States:
    old, carried = states
    gates = x @ arrays["kernel"] + old @ arrays["recurrent_kernel"] + arrays["bias"]
    enter, forget, proposed, leave = jnp.split(gates, 4, axis=-1)
    carried = nn.sigmoid(forget) * carried + nn.sigmoid(enter) * nn.tanh(proposed)
    return nn.sigmoid(leave) * nn.tanh(carried), carried


CELLS: dict[str, Callable[[jax.Array, States, Arrays], States]] = {"simple": _simple, "gru": _gru, "lstm": _lstm}
