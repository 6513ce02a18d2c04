"""Batch normalization's statistics over the whole training set, exactly, for a snapshot that is kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rounds.training.compiled.moments import Moments
from rounds.training.compiled.state import Weights
from rounds.training.program import Program

CHUNK, CHUNK_VALUES = 2048, 2**20  # rows, and values, a pass: bounds memory, not the result


def exact_statistics(
    program: Program, snapshots: Mapping[int, Weights], inputs: Sequence[Any], rows: Mapping[int, np.ndarray]
) -> dict[int, Weights]:
    """Snapshots with every mean and variance recomputed over the rows that each learned from, first layer first.

    A layer's statistics depend on those before it, so there is one pass a layer. Chunks are merged by the formula of
    Chan, Golub and LeVeque 1979, which does not lose small variances beside large means. inputs: [N, ...] arrays;
    rows: places in them, by snapshot.
    """
    states = {n: list(weights.state) for n, weights in snapshots.items()}
    size_of_chunk = max(1, min(CHUNK, CHUNK_VALUES // max(prod(x.shape[1:]) for x in inputs)))
    for norm, moments in zip(program.functional.batch_norms, program.moments, strict=True):
        for n, weights in snapshots.items():
            chunks = (moments(weights.trainable, states[n], *some) for some in _chunks(inputs, rows[n], size_of_chunk))
            states[n][norm.mean], states[n][norm.variance] = _merged(chunks)
    return {n: Weights(weights.trainable, states[n]) for n, weights in snapshots.items()}


def _chunks(inputs: Sequence[Any], rows: np.ndarray, size: int) -> Iterator[tuple[list[Any], np.ndarray]]:
    """(inputs of so many rows, which of these count): the last is filled up, so that one program serves all."""
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        filled = np.concatenate([some, np.repeat(some[:1], size - len(some))])
        yield [x[filled] for x in inputs], np.arange(size) < len(some)


def _merged(chunks: Iterable[Moments]) -> tuple[jax.Array, jax.Array]:
    """Mean and variance over all chunks."""
    count, mean, spread = jnp.zeros(()), jnp.zeros(()), jnp.zeros(())
    for size, more, more_spread in chunks:
        shift = more - mean
        spread = spread + more_spread + shift**2 * (count * size / (count + size))
        mean = mean + shift * (size / (count + size))
        count = count + size
    return mean, spread / count
