"""JAX's table of operations: what training compiles."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from rounds.networks import operations as ops
from rounds.networks.jax.activations import activation
from rounds.networks.jax.convolution import convolve
from rounds.networks.jax.dropout import drop_units
from rounds.networks.jax.recurrence import recur
from rounds.networks.jax.sine_cosine import sine_and_cosine

Arrays = Mapping[str, Any]
Updates = dict[str, Any]  # state that training changes, by name


def training_table(updates: Updates) -> ops.Table:
    """As TABLE, in training mode: what statistics, keys and states of layers become is left in `updates`."""
    changed: dict[type[ops.Operation], Callable[..., Any]] = {
        ops.BatchNormalize: partial(_batch_normalize_in_training, updates),
        ops.Dropout: partial(_dropout, updates),
        ops.UserLayer: partial(_user_layer, updates, True),
    }
    return {**TABLE, **changed}


def _scale(one: ops.Scale, own: Arrays, x: jax.Array) -> jax.Array:
    scaled = (x.astype(jnp.float32) - own["mean"]) / own["spread"]
    return jnp.where(jnp.isnan(scaled), 0.0, scaled)


def _flatten(one: ops.Flatten, own: Arrays, x: jax.Array) -> jax.Array:
    return x.reshape(x.shape[0], -1)


def _pool(one: ops.Pool, own: Arrays, x: jax.Array) -> jax.Array:
    return jnp.mean(x, axis=tuple(range(1, x.ndim - 1)))


def _affine(one: ops.Affine, own: Arrays, x: jax.Array) -> jax.Array:
    return _with_bias(jnp.matmul(x, own["kernel"]), own)


def _convolve(one: ops.Convolve, own: Arrays, x: jax.Array) -> jax.Array:
    return _with_bias(convolve(x, own["kernel"], one.step), own)


def _with_bias(units: jax.Array, own: Arrays) -> jax.Array:
    return units + own["bias"] if "bias" in own else units


def _batch_normalize(one: ops.BatchNormalize, own: Arrays, x: jax.Array) -> jax.Array:
    return _normalized(x, own["moving_mean"], own["moving_variance"], own)


def _batch_normalize_in_training(updates: Updates, one: ops.BatchNormalize, own: Arrays, x: jax.Array) -> jax.Array:
    over = tuple(range(x.ndim - 1))
    mean, variance = (jnp.squeeze(f(x, over, keepdims=True), over) for f in (jnp.mean, jnp.var))
    for name, value in (("moving_mean", mean), ("moving_variance", variance)):
        updates[f"{one.name}/{name}"] = own[name] * ops.BATCH_MOMENTUM + value * (1.0 - ops.BATCH_MOMENTUM)
    return _normalized(x, mean, variance, own)


def _layer_normalize(one: ops.LayerNormalize, own: Arrays, x: jax.Array) -> jax.Array:
    return _normalized(x, jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True), own)


def _normalized(x: jax.Array, mean: jax.Array, variance: jax.Array, own: Arrays) -> jax.Array:
    """One product and one sum a value; in Keras's order, which decides the last bit of gradients."""
    wide = (1,) * (x.ndim - 1) + x.shape[-1:]
    if mean.ndim < x.ndim:
        mean, variance = mean.reshape(wide), variance.reshape(wide)
    factor = jax.lax.rsqrt(variance + ops.EPSILON) * own["gamma"].reshape(wide)
    rest = -mean * factor + own["beta"].reshape(wide)
    return x * factor + rest


def _activate(one: ops.Activate, own: Arrays, x: jax.Array) -> jax.Array:
    return activation(one.function)(x)


def _as_it_is(one: ops.Operation, own: Arrays, x: jax.Array) -> jax.Array:
    return x


def _dropout(updates: Updates, one: ops.Dropout, own: Arrays, x: jax.Array) -> jax.Array:
    """Rate and key are state, so that members of one program can differ in both."""
    updates[f"{one.name}/key"] = own["key"] + jnp.array([0, 1], jnp.uint32)
    return drop_units(x, own["rate"], updates[f"{one.name}/key"])


def _concatenate(one: ops.Concatenate, own: Arrays, *parts: jax.Array) -> jax.Array:
    return jnp.concatenate(parts, axis=-1)


def _add(one: ops.Add, own: Arrays, first: jax.Array, second: jax.Array) -> jax.Array:
    return first + second


def _embed(one: ops.Embed, own: Arrays, codes: jax.Array) -> jax.Array:
    return jnp.take(own["embeddings"], codes[:, one.column], axis=0)


def _periodic(one: ops.Periodic, own: Arrays, numbers: jax.Array) -> jax.Array:
    turns = numbers.T[:, None, :] * own["frequencies"][:, :, None]  # [F, P, B]
    return jax.nn.relu(_per_number(own, *sine_and_cosine(turns)))


def _piecewise(one: ops.Piecewise, own: Arrays, numbers: jax.Array) -> jax.Array:
    low, high = own["edges"][:, :-1, None], own["edges"][:, 1:, None]
    return _per_number(own, jnp.clip((numbers.T[:, None, :] - low) / (high - low), 0.0, 1.0))


def _per_number(own: Arrays, *parts: jax.Array) -> jax.Array:
    """Parts [F, P, B] of what each number is spread over, through its own rows of the kernel [F, P, W]: [B, F * W].

    Rows lie innermost: on the CPU the small products are then done on whole vectors, at half the time.
    """
    total: Any = 0
    start = 0
    for part in parts:
        stop = start + part.shape[1]
        total = total + jnp.einsum("fpb,fpw->fwb", part, own["kernel"][:, start:stop])
        start = stop
    units = total + own["bias"][:, :, None]
    return units.reshape(units.shape[0] * units.shape[1], -1).T


def _recur(one: ops.Recur, own: Arrays, x: jax.Array, scaled: jax.Array) -> jax.Array:
    return recur(one, own, x, scaled)


def _user_layer(updates: Updates, training: bool, one: ops.UserLayer, own: Arrays, x: jax.Array) -> jax.Array:
    made, state = one.layer.call(own, x, training)
    updates.update(state)
    return made


TABLE: ops.Table = {
    ops.Scale: _scale,
    ops.Flatten: _flatten,
    ops.Pool: _pool,
    ops.Affine: _affine,
    ops.Convolve: _convolve,
    ops.BatchNormalize: _batch_normalize,
    ops.LayerNormalize: _layer_normalize,
    ops.Activate: _activate,
    ops.Dropout: _as_it_is,
    ops.Concatenate: _concatenate,
    ops.Add: _add,
    ops.Embed: _embed,
    ops.Periodic: _periodic,
    ops.Piecewise: _piecewise,
    ops.Recur: _recur,
    ops.UserLayer: partial(_user_layer, {}, False),
}
