"""Convolutions in the form that compiled loops compute fastest, with kernels as everyone else keeps them."""

from itertools import product
from math import prod
from typing import Any

import jax

from rounds.networks.layers.embeddings import keras  # after it has chosen the backend
from rounds.networks.layers.loop_convolution import Zeros, convolve_in_loops, cut

ops = keras.ops


@keras.saving.register_keras_serializable("rounds")
class ArrayScale(keras.layers.Layer):  # type: ignore[misc]
    """(grid - mean) / spread per channel, missing values (nan) become 0; both are state, set from training rows."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (input_shape[-1],)
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
        self.spread = self.add_weight(name="spread", shape=shape, initializer="ones", trainable=False)

    def call(self, array: Any) -> Any:
        scaled = (ops.cast(array, "float32") - self.mean) / self.spread
        return ops.where(ops.isnan(scaled), 0.0, scaled)


@keras.saving.register_keras_serializable("rounds")
class Convolution(keras.layers.Layer):  # type: ignore[misc]
    """Keras's Conv1D or Conv2D with padding "same", by the number of axes of its input.

    On CPUs XLA's, with gradients in an order that compiled loops compute fast. On a card patches times kernel: they
    took half the time where members train side by side, 0.83 of it for one network of 28 x 28 pixels, and 1.17 of it
    for one of 112 x 112 (benchmarks/network_speed.py).
    """

    def __init__(self, filters: int, size: int, step: int = 1, use_bias: bool = True, **options: Any) -> None:
        self.initializers = options.pop("kernel_initializer", "he_normal"), options.pop("bias_initializer", "zeros")
        super().__init__(**options)
        self.filters, self.size, self.step, self.use_bias = filters, size, step, use_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        kernel, bias = self.initializers
        shape = (*[self.size] * (len(input_shape) - 2), input_shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=kernel)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer=bias) if self.use_bias else None

    def call(self, array: Any) -> Any:
        made = convolve(array, self.kernel, self.step)
        return made if self.bias is None else made + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        space = (None if n is None else -(-n // self.step) for n in input_shape[1:-1])
        return (input_shape[0], *space, self.filters)


def same_padding(size: int, width: int, step: int) -> tuple[int, int, int]:
    """(places, zeros before, zeros behind) of filters that keep the size: Keras's and TensorFlow's rule.

    >>> same_padding(28, 3, 2)
    (14, 0, 1)
    """
    places = -(-size // step)
    zeros = max((places - 1) * step + width - size, 0)
    return places, zeros // 2, zeros - zeros // 2


def valid_padding(size: int, width: int, step: int) -> tuple[int, int, int]:
    """As `same_padding`, of filters that stay within the grid.

    >>> valid_padding(28, 3, 2)
    (13, 0, 0)
    """
    return (size - width) // step + 1, 0, 0


PADDINGS = {"same": same_padding, "valid": valid_padding}


def convolve(array: Any, kernel: Any, step: int, padding: str = "same") -> Any:
    """grid [B, *space, I], kernel [*filter, I, O] -> [B, *places, O], in this machine's fastest form."""
    sizes, widths = array.shape[1:-1], kernel.shape[:-2]
    found = [PADDINGS[padding](n, w, step) for n, w in zip(sizes, widths, strict=True)]
    places, zeros = [n for n, _, _ in found], tuple((before, behind) for _, before, behind in found)
    # XLA takes a grid that is smaller than the filter for the filter, and turns it round.
    if max(widths) == 1 or prod(widths) > prod(places) or jax.default_backend() != "cpu":
        return _product_of_patches(array, kernel, step, zeros, places)
    seen = [(n - 1) * step + w - before for n, w, (before, _) in zip(places, widths, zeros, strict=True)]
    read = array[(slice(None), *(slice(n) for n in seen))]  # without what lies behind the filter's last place
    return convolve_in_loops(ops.convert_to_tensor(read), ops.convert_to_tensor(kernel), step, zeros)


def _product_of_patches(array: Any, kernel: Any, step: int, zeros: Zeros, places: list[int]) -> Any:
    padded = ops.pad(array, ((0, 0), *zeros, (0, 0)))
    patches = [padded[(slice(None), *cut(offset, places, step))] for offset in product(*map(range, kernel.shape[:-2]))]
    together = patches[0] if len(patches) == 1 else ops.concatenate(patches, -1)
    flat = ops.reshape(together, (-1, together.shape[-1])) @ ops.reshape(kernel, (-1, kernel.shape[-1]))
    return ops.reshape(flat, (-1, *places, kernel.shape[-1]))
