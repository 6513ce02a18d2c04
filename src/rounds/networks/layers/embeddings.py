"""Keras layers that Keras lacks: numbers spread out over frequencies or bins, and a dropout whose rate is data."""

import os

from rounds.user_code import other_backend

# Before Keras is imported, because it fails on other backends in words of its own.
if os.environ.setdefault("KERAS_BACKEND", "jax") != "jax":
    raise other_backend(os.environ["KERAS_BACKEND"])

from typing import Any

import keras as keras
from keras import ops

from rounds.networks.layers.sine_cosine import sine_and_cosine

if keras.backend.backend() != "jax":  # it was imported before, and configured by its own file
    raise other_backend(keras.backend.backend())


class _NumberEmbedding(keras.layers.Layer):  # type: ignore[misc]
    """Each number [B, F] becomes `width` units of its own: spread [B, F, P] through a kernel per number, flattened."""

    def __init__(self, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.width = width

    def _add_affine(self, numbers: int, spread: int) -> None:
        limit = spread**-0.5
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(name="kernel", shape=(numbers, spread, self.width), initializer=uniform)
        self.bias = self.add_weight(name="bias", shape=(numbers, self.width), initializer="zeros")

    def _affine(self, spread: list[Any]) -> Any:
        """Parts [F, P, B] of what each number is spread over, through its own rows of the kernel, [B, F * W].

        Rows lie innermost: on the CPU the small products are then done on whole vectors, at half the time.
        """
        start, total = 0, 0
        for part in spread:
            stop = start + part.shape[1]
            total = total + ops.einsum("fpb,fpw->fwb", part, self.kernel[:, start:stop])
            start = stop
        units = total + self.bias[:, :, None]
        return ops.transpose(ops.reshape(units, (units.shape[0] * units.shape[1], -1)))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], int(input_shape[1] or 0) * self.width)


@keras.saving.register_keras_serializable("rounds")
class PeriodicEmbedding(_NumberEmbedding):
    """relu(concat(sin(2 pi f x), cos(2 pi f x)) . kernel + bias), frequencies f learned.

    Gorishniy, Rubachev, Babenko 2022, "On Embeddings for Numerical Features" (arXiv:2203.05556). Initial frequencies
    are normal with standard deviation `spread`, which training may rescale per member.
    """

    def __init__(self, width: int, frequencies: int, spread: float = 1.0, **options: Any) -> None:
        super().__init__(width, **options)
        self.count, self.spread = frequencies, spread

    def build(self, input_shape: tuple[int, ...]) -> None:
        normal = keras.initializers.RandomNormal(0.0, self.spread)
        self.frequencies = self.add_weight(name="frequencies", shape=(input_shape[1], self.count), initializer=normal)
        self._add_affine(input_shape[1], 2 * self.count)

    def call(self, numbers: Any) -> Any:
        turns = ops.transpose(numbers)[:, None, :] * self.frequencies[:, :, None]  # [F, P/2, B]
        return ops.relu(self._affine(list(sine_and_cosine(turns))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width, "frequencies": self.count, "spread": self.spread}


@keras.saving.register_keras_serializable("rounds")
class PiecewiseEmbedding(_NumberEmbedding):
    """clip((x - e_t) / (e_t+1 - e_t), 0, 1) . kernel + bias, with bin edges e fixed (by default even over [-3, 3])."""

    def __init__(self, width: int, bins: int, **options: Any) -> None:
        super().__init__(width, **options)
        self.bins = bins

    def build(self, input_shape: tuple[int, ...]) -> None:
        edges = [-3.0 + 6.0 * i / self.bins for i in range(self.bins + 1)]
        self.edges = self.add_weight(
            name="edges",
            shape=(input_shape[1], self.bins + 1),
            trainable=False,
            initializer=lambda shape, dtype=None: ops.broadcast_to(ops.convert_to_tensor(edges, dtype), shape),
        )
        self._add_affine(input_shape[1], self.bins)

    def call(self, numbers: Any) -> Any:
        low, high = self.edges[:, :-1, None], self.edges[:, 1:, None]
        return self._affine([ops.clip((ops.transpose(numbers)[:, None, :] - low) / (high - low), 0.0, 1.0)])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width, "bins": self.bins}


@keras.saving.register_keras_serializable("rounds")
class RateDropout(keras.layers.Layer):  # type: ignore[misc]
    """Dropout whose rate and key are state, so that members of one program can differ in both.

    In training a unit is dropped with probability `rate` and the others are divided by 1 - rate, so that the
    expectation is kept and nothing is done at test time (Srivastava et al. 2014). Masks are a hash of (key, count,
    unit): cheaper than a general random generator, and the same bits whatever the member's companions.
    """

    def __init__(self, rate: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.initial_rate = rate

    def build(self, input_shape: tuple[int, ...]) -> None:
        constant = keras.initializers.Constant
        self.rate = self.add_weight(name="rate", shape=(), initializer=constant(self.initial_rate), trainable=False)
        self.key = self.add_weight(name="key", shape=(2,), dtype="uint32", initializer="zeros", trainable=False)

    def call(self, units: Any, training: bool = False) -> Any:
        if not training:
            return units
        self.key.assign(self.key + ops.convert_to_tensor([0, 1], "uint32"))
        bits = hashed_bits(self.key, ops.shape(units))
        keep = ops.cast(bits >> 8, "float32") >= self.rate * float(2**24)
        return ops.where(keep, units / (1.0 - self.rate), 0.0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.initial_rate}


def hashed_bits(key: Any, shape: tuple[int, ...]) -> Any:
    """Uniform uint32 [shape] from key [2] uint32: murmur3's finalizer over a counter (Appleby 2011, public domain)."""
    size = 1
    for width in shape:
        size *= width
    bits = ops.arange(size, dtype="uint32") * _word(0x9E3779B1) + key[0] + key[1] * _word(0x85EBCA77)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = (bits ^ (bits >> _word(shift))) * _word(factor)
    return ops.reshape(bits ^ (bits >> _word(16)), shape)


def _word(value: int) -> Any:
    return ops.convert_to_tensor(value, "uint32")
