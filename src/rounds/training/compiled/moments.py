"""What batch normalization's exact statistics are merged from."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from rounds.training.compiled.state import Arrays

Moments = tuple[jax.Array, jax.Array, jax.Array]


def moments(
    entering: Callable[[Arrays, Arrays, Arrays], jax.Array],
    trainable: Arrays,
    state: Arrays,
    inputs: Arrays,
    real: jax.Array,
) -> Moments:
    """Values a unit, mean and sum of squares about it [H], over the rows [B] that count.

    entering: (trainable, state, inputs) -> what a normalization reads, [B, ..., H].
    """
    units = entering(trainable, state, inputs)  # [B, ..., H]
    counts = jnp.broadcast_to(real.reshape(-1, *[1] * (units.ndim - 1)), units.shape).astype(units.dtype)
    over = tuple(range(units.ndim - 1))
    size = counts.sum(over)
    mean = (counts * units).sum(over) / size
    return size, mean, (counts * (units - mean) ** 2).sum(over)
