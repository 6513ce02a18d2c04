"""Batch normalization's statistics over the whole training set, exactly, for a snapshot that is kept."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rounds.networks.functional import Functional
from rounds.training.device import compiler_options
from rounds.training.member import Arrays, Weights

CHUNK, CHUNK_VALUES = 2048, 2**20  # rows, and values, a pass: bounds memory, not the result


def exact_statistics(functional: Functional, weights: Weights, inputs: Sequence[Any], rows: np.ndarray) -> Weights:
    """The snapshot with every mean and variance recomputed over the rows, first layer first.

    A layer's statistics depend on those before it, so there is one pass a layer. Chunks are merged by the formula of
    Chan, Golub and LeVeque 1979, which does not lose small variances beside large means. inputs: [N, ...] arrays.
    """
    state = list(weights.state)
    size_of_chunk = max(1, min(CHUNK, CHUNK_VALUES // max(prod(x.shape[1:]) for x in inputs)))
    for norm in functional.batch_norms:
        entering = jax.jit(partial(_moments, norm.entering), compiler_options=compiler_options())
        count, mean, spread = 0, jnp.zeros(()), jnp.zeros(())
        for start in range(0, len(rows), size_of_chunk):
            some = [x[rows[start : start + size_of_chunk]] for x in inputs]
            size, more, more_spread = entering(weights.trainable, state, some)
            shift = more - mean
            spread = spread + more_spread + shift**2 * (count * size / (count + size))
            mean = mean + shift * (size / (count + size))
            count += size
        state[norm.mean], state[norm.variance] = mean, spread / count
    return Weights(weights.trainable, state)


def _moments(
    entering: Callable[[Arrays, Arrays, Arrays], jax.Array], trainable: Arrays, state: Arrays, inputs: Arrays
) -> tuple[int, jax.Array, jax.Array]:
    units = entering(trainable, state, inputs)
    units = units.reshape(-1, units.shape[-1])  # [B * ..., H]
    mean = units.mean(0)
    return units.shape[0], mean, ((units - mean) ** 2).sum(0)
