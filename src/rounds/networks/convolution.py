"""Convolutions in the form that compiled loops compute fastest, with kernels as everyone else keeps them."""

from itertools import product
from typing import Any

from rounds.networks.layers import keras  # after it has chosen the backend

ops = keras.ops


@keras.saving.register_keras_serializable("rounds")
class GridScale(keras.layers.Layer):  # type: ignore[misc]
    """(grid - mean) / spread per channel, missing values (nan) become 0; both are state, set from training rows."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (input_shape[-1],)
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
        self.spread = self.add_weight(name="spread", shape=shape, initializer="ones", trainable=False)

    def call(self, grid: Any) -> Any:
        scaled = (ops.cast(grid, "float32") - self.mean) / self.spread
        return ops.where(ops.isnan(scaled), 0.0, scaled)


@keras.saving.register_keras_serializable("rounds")
class Convolution(keras.layers.Layer):  # type: ignore[misc]
    """Keras's Conv1D or Conv2D with padding "same", by the number of axes of its input.

    Written as patches times kernel. On CPUs XLA's convolution within a compiled loop takes a path that is 15 to 20
    times slower. On a card patches took half the time where members train side by side, 0.83 of it for one network of
    28 x 28 pixels, and 1.17 of it for one of 112 x 112 (benchmarks/network_speed.py).
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

    def call(self, grid: Any) -> Any:
        made = convolve(grid, self.kernel, self.step)
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


def convolve(grid: Any, kernel: Any, step: int) -> Any:
    """grid [B, *space, I], kernel [*filter, I, O] -> [B, *places, O] as one matrix product of patches."""
    widths = kernel.shape[:-2]
    padding = [same_padding(n, w, step) for n, w in zip(grid.shape[1:-1], widths, strict=True)]
    padded = ops.pad(grid, ((0, 0), *((before, behind) for _, before, behind in padding), (0, 0)))
    places = [n for n, _, _ in padding]
    patches = [
        padded[(slice(None), *(slice(o, o + (n - 1) * step + 1, step) for o, n in zip(offset, places, strict=True)))]
        for offset in product(*map(range, widths))
    ]
    together = patches[0] if len(patches) == 1 else ops.concatenate(patches, -1)
    flat = ops.reshape(together, (-1, together.shape[-1])) @ ops.reshape(kernel, (-1, kernel.shape[-1]))
    return ops.reshape(flat, (-1, *places, kernel.shape[-1]))
