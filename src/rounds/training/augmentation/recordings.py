"""Recordings as they might have been taken: drawn again in every step, inside the compiled program.

As for images, each amount is a setting, and what no member uses is not compiled.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from rounds.data.recordings.timeline import Timeline

Settings = dict[str, jax.Array]

RECORDING_SETTINGS = ("shift", "scaling", "input_noise", "mask_channels", "mask_span")
INSIDE, VALUE, SEEN, SINCE = range(4)  # kinds of channels, in the order of `rounds.data.recordings.channels`


class Channels(NamedTuple):
    """Of each channel [C]: its kind, the variable it belongs to (0 where to none), mean and spread."""

    kind: jax.Array
    variable: jax.Array
    mean: jax.Array
    spread: jax.Array


def kinds_of(timeline: Timeline) -> tuple[list[int], list[int]]:
    """(kind, variable) of each channel.

    >>> kinds_of(Timeline(variables=("HR", "pH"), step=1, steps=4, unit="hour", incomplete=("pH",)))
    ([0, 1, 1, 2, 3], [0, 0, 1, 1, 1])
    """
    every, some = list(range(len(timeline.variables))), [timeline.variables.index(v) for v in timeline.incomplete]
    kinds = [INSIDE, *[VALUE] * len(every), *[SEEN] * len(some), *[SINCE] * len(some)]
    return kinds, [0, *every, *some, *some]


def augment_recordings(
    settings: Settings, switches: frozenset[str], array: jax.Array, channels: Channels, key: jax.Array
) -> jax.Array:
    """Recordings [B, T, C] as stored -> the same shape. Presence and time since seen change as the values do.

    shift: steps earlier or later, up to this share of all, the ends repeated; scaling: each variable's distance from
    its mean, by up to this share; input_noise: in spreads; mask_channels: chance of each variable to be hidden;
    mask_span: longest share of all steps that is hidden, one span a recording. Hidden is as if not measured.
    """
    made, values = array, channels.kind == VALUE
    keys = {name: jax.random.fold_in(key, i) for i, name in enumerate(RECORDING_SETTINGS)}
    if "shift" in switches:
        made = _shifted(made, settings["shift"], keys["shift"])
    if "scaling" in switches:
        drawn = jax.random.uniform(keys["scaling"], (len(array), 1, array.shape[2]), minval=-1.0, maxval=1.0)
        made = jnp.where(values, channels.mean + (made - channels.mean) * (1 + settings["scaling"] * drawn), made)
    if "input_noise" in switches:
        noise = settings["input_noise"] * channels.spread * jax.random.normal(keys["input_noise"], made.shape)
        made = jnp.where(values, made + noise, made)
    if "mask_channels" in switches:
        drawn = jax.random.uniform(keys["mask_channels"], (len(array), array.shape[2]))
        gone = (drawn < settings["mask_channels"])[:, channels.variable][:, None, :]
        made = _hidden(made, gone, channels.kind, since=True)
    if "mask_span" in switches:
        made = _hidden(made, _span(array, settings["mask_span"], keys["mask_span"]), channels.kind, since=False)
    return made


def _shifted(array: jax.Array, share: jax.Array, key: jax.Array) -> jax.Array:
    steps = array.shape[1]
    moves = jnp.round(share * steps * jax.random.uniform(key, (len(array),), minval=-1.0, maxval=1.0)).astype(jnp.int32)
    places = jnp.clip(jnp.arange(steps) - moves[:, None], 0, steps - 1)
    return jnp.take_along_axis(array, places[:, :, None], axis=1)


def _span(array: jax.Array, share: jax.Array, key: jax.Array) -> jax.Array:
    """[B, T, 1] which steps are hidden."""
    steps = array.shape[1]
    length, start = jax.random.uniform(key, (2, len(array), 1))
    length = length * share * steps
    first = start * (steps - length)
    place = jnp.arange(steps) + 0.5
    return ((place >= first) & (place < first + length))[:, :, None]


def _hidden(array: jax.Array, gone: jax.Array, kind: jax.Array, since: bool) -> jax.Array:
    """As if nothing had been measured; since: the time since it was seen is that of a variable never seen."""
    made = jnp.where(gone & (kind == VALUE), jnp.nan, array)
    made = jnp.where(gone & (kind == SEEN), 0.0, made)
    inside = array[:, :, :1]
    return jnp.where(gone & (kind == SINCE), inside, made) if since else made
