"""Batch normalization's statistics over the whole training set, exactly, for a snapshot that is kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rounds.networks.functional import Functional
from rounds.training.compiled.state import Arrays, Weights
from rounds.training.machine.device import compiler_options

CHUNK, CHUNK_VALUES = 2048, 2**20  # rows, and values, a pass: bounds memory, not the result


def exact_statistics(
    functional: Functional, snapshots: Mapping[int, Weights], inputs: Sequence[Any], rows: Mapping[int, np.ndarray]
) -> dict[int, Weights]:
    """Snapshots with every mean and variance recomputed over the rows that each learned from, first layer first.

    A layer's statistics depend on those before it, so there is one pass a layer. Chunks are merged by the formula of
    Chan, Golub and LeVeque 1979, which does not lose small variances beside large means. inputs: [N, ...] arrays;
    rows: places in them, by snapshot.
    """
    states = {n: list(weights.state) for n, weights in snapshots.items()}
    size_of_chunk = max(1, min(CHUNK, CHUNK_VALUES // max(prod(x.shape[1:]) for x in inputs)))
    for norm in functional.batch_norms:
        entering = jax.jit(partial(_moments, norm.entering), compiler_options=compiler_options())  # once a layer
        for n, weights in snapshots.items():
            chunks = (entering(weights.trainable, states[n], *some) for some in _chunks(inputs, rows[n], size_of_chunk))
            states[n][norm.mean], states[n][norm.variance] = _merged(chunks)
    return {n: Weights(weights.trainable, states[n]) for n, weights in snapshots.items()}


Moments = tuple[jax.Array, jax.Array, jax.Array]


def _chunks(inputs: Sequence[Any], rows: np.ndarray, size: int) -> Iterator[tuple[list[Any], np.ndarray]]:
    """(inputs of so many rows, which of these count): the last is filled up, so that one program serves all."""
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        filled = np.concatenate([some, np.repeat(some[:1], size - len(some))])
        yield [x[filled] for x in inputs], np.arange(size) < len(some)


def _moments(
    entering: Callable[[Arrays, Arrays, Arrays], jax.Array],
    trainable: Arrays,
    state: Arrays,
    inputs: Arrays,
    real: jax.Array,
) -> Moments:
    """Values a unit, mean and sum of squares about it [H], over the rows [B] that count."""
    units = entering(trainable, state, inputs)  # [B, ..., H]
    counts = jnp.broadcast_to(real.reshape(-1, *[1] * (units.ndim - 1)), units.shape).astype(units.dtype)
    over = tuple(range(units.ndim - 1))
    size = counts.sum(over)
    mean = (counts * units).sum(over) / size
    return size, mean, (counts * (units - mean) ** 2).sum(over)


def _merged(chunks: Iterable[Moments]) -> tuple[jax.Array, jax.Array]:
    """Mean and variance over all chunks."""
    count, mean, spread = jnp.zeros(()), jnp.zeros(()), jnp.zeros(())
    for size, more, more_spread in chunks:
        shift = more - mean
        spread = spread + more_spread + shift**2 * (count * size / (count + size))
        mean = mean + shift * (size / (count + size))
        count = count + size
    return mean, spread / count
