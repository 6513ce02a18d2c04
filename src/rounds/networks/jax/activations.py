"""Keras's activations by name in JAX: the same functions that Keras calls on its JAX backend."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import nn

from rounds.user_code import import_named, is_import_path

Function = Callable[[jax.Array], jax.Array]

SHRINK_THRESHOLD = 0.5


def activation(name: str) -> Function:
    """The function of this name; module:name is the user's own."""
    return import_named(name, "activation") if is_import_path(name) else ACTIVATIONS[name]


def _linear(x: jax.Array) -> jax.Array:
    return x


def _mish(x: jax.Array) -> jax.Array:
    """x tanh(softplus(x)) (Misra 2019, arXiv:1908.08681)."""
    return x * nn.tanh(nn.softplus(x))


def _tanh_shrink(x: jax.Array) -> jax.Array:
    return x - jnp.tanh(x)


def _soft_shrink(x: jax.Array) -> jax.Array:
    inside = jnp.where(x < -SHRINK_THRESHOLD, x + SHRINK_THRESHOLD, 0.0)
    return jnp.where(x > SHRINK_THRESHOLD, x - SHRINK_THRESHOLD, inside)


def _hard_shrink(x: jax.Array) -> jax.Array:
    return jnp.where(jnp.abs(x) > SHRINK_THRESHOLD, x, 0.0)


def _sparsemax(x: jax.Array) -> jax.Array:
    """max(x - tau, 0) as Keras 3.15 computes it, whose tau adds up all partial sums of the support; Martins and
    Astudillo (2016, arXiv:1602.02068) take the last (corrected after 3.15: keras-team/keras#23469)."""
    ordered = -1.0 * jnp.sort(x * -1.0, axis=-1)
    total = jnp.cumsum(ordered, axis=-1)
    support = ordered - (total - 1) / jnp.arange(1, x.shape[-1] + 1) > 0
    size = jnp.sum(support, axis=-1, keepdims=True)
    tau = (jnp.sum(jnp.where(support, total, 0.0), axis=-1, keepdims=True) - 1) / size
    return jnp.maximum(x - tau, 0.0)


# Every name of keras.activations but `threshold`, which has no default to run at.
ACTIVATIONS: dict[str, Function] = {
    "celu": nn.celu,
    "elu": nn.elu,
    "exponential": jnp.exp,
    "gelu": partial(nn.gelu, approximate=False),
    "glu": nn.glu,
    "hard_shrink": _hard_shrink,
    "hard_sigmoid": nn.hard_sigmoid,
    "hard_silu": nn.hard_silu,
    "hard_swish": nn.hard_silu,
    "hard_tanh": nn.hard_tanh,
    "leaky_relu": partial(nn.leaky_relu, negative_slope=0.2),
    "linear": _linear,
    "log_sigmoid": nn.log_sigmoid,
    "log_softmax": nn.log_softmax,
    "mish": _mish,
    "relu": nn.relu,
    "relu6": nn.relu6,
    "selu": nn.selu,
    "sigmoid": nn.sigmoid,
    "silu": nn.silu,
    "soft_shrink": _soft_shrink,
    "softmax": nn.softmax,
    "softplus": nn.softplus,
    "softsign": nn.soft_sign,
    "sparse_plus": nn.sparse_plus,
    "sparse_sigmoid": nn.sparse_sigmoid,
    "sparsemax": _sparsemax,
    "squareplus": nn.squareplus,
    "swish": nn.silu,
    "tanh": nn.tanh,
    "tanh_shrink": _tanh_shrink,
}
