"""Convolutions in the form that compiled loops compute fastest, with kernels as everyone else keeps them."""

from itertools import product
from math import prod
from typing import Any

import jax
import jax.numpy as jnp

from rounds.networks.jax.loop_convolution import Zeros, convolve_in_loops, cut


def same_padding(size: int, width: int, step: int) -> tuple[int, int, int]:
    """(places, zeros before, zeros behind) of filters that keep the size: Keras's and TensorFlow's rule.

    >>> same_padding(28, 3, 2)
    (14, 0, 1)
    """
    places = -(-size // step)
    zeros = max((places - 1) * step + width - size, 0)
    return places, zeros // 2, zeros - zeros // 2


def valid_padding(size: int, width: int, step: int) -> tuple[int, int, int]:
    """As `same_padding`, of filters that stay within the array.

    >>> valid_padding(28, 3, 2)
    (13, 0, 0)
    """
    return (size - width) // step + 1, 0, 0


PADDINGS = {"same": same_padding, "valid": valid_padding}


def convolve(array: Any, kernel: Any, step: int, padding: str = "same") -> Any:
    """array [B, *space, I], kernel [*filter, I, O] -> [B, *places, O], in this machine's fastest form.

    On CPUs XLA's, with gradients in an order that compiled loops compute fast. On a card patches times kernel: they
    took half the time where members train side by side, 0.83 of it for one network of 28 x 28 pixels, and 1.17 of it
    for one of 112 x 112 (benchmarks/network_speed.py).
    """
    sizes, widths = array.shape[1:-1], kernel.shape[:-2]
    found = [PADDINGS[padding](n, w, step) for n, w in zip(sizes, widths, strict=True)]
    places, zeros = [n for n, _, _ in found], tuple((before, behind) for _, before, behind in found)
    # XLA takes an array that is smaller than the filter for the filter, and turns it round.
    if max(widths) == 1 or prod(widths) > prod(places) or jax.default_backend() != "cpu":
        return _product_of_patches(array, kernel, step, zeros, places)
    seen = [(n - 1) * step + w - before for n, w, (before, _) in zip(places, widths, zeros, strict=True)]
    read = array[(slice(None), *(slice(n) for n in seen))]  # without what lies behind the filter's last place
    return convolve_in_loops(jnp.asarray(read), jnp.asarray(kernel), step, zeros)


def _product_of_patches(array: Any, kernel: Any, step: int, zeros: Zeros, places: list[int]) -> Any:
    padded = jnp.pad(array, ((0, 0), *zeros, (0, 0)))
    patches = [padded[(slice(None), *cut(offset, places, step))] for offset in product(*map(range, kernel.shape[:-2]))]
    together = patches[0] if len(patches) == 1 else jnp.concatenate(patches, -1)
    flat = jnp.reshape(together, (-1, together.shape[-1])) @ jnp.reshape(kernel, (-1, kernel.shape[-1]))
    return jnp.reshape(flat, (-1, *places, kernel.shape[-1]))
