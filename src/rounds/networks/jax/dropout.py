"""Dropout whose rate and key are arrays, so that members of one program can differ in both."""

from typing import Any

import jax
import jax.numpy as jnp


def drop_units(units: Any, rate: Any, key: Any) -> jax.Array:
    """Each unit 0 with probability `rate`, else divided by 1 - rate, so that the expectation is kept (Srivastava et al.
    2014). key: [2] uint32, another for every step.

    >>> sorted(set(drop_units(jnp.ones(1000), 0.5, jnp.array([3, 1], jnp.uint32)).tolist()))
    [0.0, 2.0]
    """
    keep = (hashed_bits(key, units.shape) >> 8).astype(jnp.float32) >= rate * float(2**24)
    return jnp.where(keep, units / (1.0 - rate), 0.0)


def hashed_bits(key: Any, shape: tuple[int, ...]) -> jax.Array:
    """Uniform uint32 [shape] from key [2] uint32: murmur3's finalizer over a counter (Appleby 2011, public domain).

    Cheaper than a general random generator, and the same bits whatever a member's companions.
    """
    size = 1
    for width in shape:
        size *= width
    bits = jnp.arange(size, dtype=jnp.uint32) * _word(0x9E3779B1) + key[0] + key[1] * _word(0x85EBCA77)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = (bits ^ (bits >> _word(shift))) * _word(factor)
    return (bits ^ (bits >> _word(16))).reshape(shape)


def _word(value: int) -> jax.Array:
    return jnp.array(value, jnp.uint32)
