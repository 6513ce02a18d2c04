"""NumPy's table of operations: what prediction computes, without the seconds that importing JAX or Keras costs."""

from collections.abc import Mapping
from itertools import product

import numpy as np

from rounds.networks import operations as ops
from rounds.prediction.numpy_layers.activations import activate
from rounds.prediction.numpy_layers.recurrence import recur_rows

Arrays = Mapping[str, np.ndarray]


def _scale(one: ops.Scale, own: Arrays, x: np.ndarray) -> np.ndarray:
    scaled = (np.asarray(x).astype(np.float32) - own["mean"]) / own["spread"]
    return np.where(np.isnan(scaled), np.float32(0), scaled)


def _flatten(one: ops.Flatten, own: Arrays, x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _pool(one: ops.Pool, own: Arrays, x: np.ndarray) -> np.ndarray:
    return np.asarray(x.mean(axis=tuple(range(1, x.ndim - 1))))


def _affine(one: ops.Affine, own: Arrays, x: np.ndarray) -> np.ndarray:
    return _with_bias(x @ own["kernel"], own)


def _convolve(one: ops.Convolve, own: Arrays, x: np.ndarray) -> np.ndarray:
    return _with_bias(convolve_rows(x, own["kernel"], one.step), own)


def _with_bias(units: np.ndarray, own: Arrays) -> np.ndarray:
    """In place: `units` was made a moment ago."""
    if "bias" in own:
        units += own["bias"]
    return units


def convolve_rows(array: np.ndarray, kernel: np.ndarray, step: int) -> np.ndarray:
    """array [B, *space, I], kernel [*filter, I, O] -> [B, *places, O], zeros around as Keras's padding "same".

    >>> convolve_rows(np.ones((1, 3, 1)), np.ones((3, 1, 1)), 1).ravel().tolist()
    [2.0, 3.0, 2.0]
    """
    *widths, entering, leaving = kernel.shape
    places = [-(-size // step) for size in array.shape[1:-1]]
    zeros = [max((n - 1) * step + w - s, 0) for n, w, s in zip(places, widths, array.shape[1:-1], strict=True)]
    padded = np.pad(array, ((0, 0), *((z // 2, z - z // 2) for z in zeros), (0, 0)))
    patches = np.empty((len(array), *places, int(np.prod(widths)), entering), array.dtype)
    for number, offset in enumerate(product(*map(range, widths))):
        cut = tuple(slice(o, o + (n - 1) * step + 1, step) for o, n in zip(offset, places, strict=True))
        patches[..., number, :] = padded[(slice(None), *cut)]
    made = patches.reshape(-1, patches.shape[-1] * patches.shape[-2]) @ kernel.reshape(-1, leaving)
    return np.asarray(made.reshape(len(array), *places, leaving))


def _batch_normalize(one: ops.BatchNormalize, own: Arrays, x: np.ndarray) -> np.ndarray:
    return _normalized(x, own["moving_mean"], own["moving_variance"], own)


def _layer_normalize(one: ops.LayerNormalize, own: Arrays, x: np.ndarray) -> np.ndarray:
    return _normalized(x, x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True), own)


def _normalized(x: np.ndarray, mean: np.ndarray, variance: np.ndarray, own: Arrays) -> np.ndarray:
    return np.asarray((x - mean) / np.sqrt(variance + np.float32(ops.EPSILON)) * own["gamma"] + own["beta"])


def _activate(one: ops.Activate, own: Arrays, x: np.ndarray) -> np.ndarray:
    return activate(one.function, x)


def _dropout(one: ops.Dropout, own: Arrays, x: np.ndarray) -> np.ndarray:
    return x


def _concatenate(one: ops.Concatenate, own: Arrays, *parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts, axis=-1)


def _add(one: ops.Add, own: Arrays, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(first + second)


def _embed(one: ops.Embed, own: Arrays, codes: np.ndarray) -> np.ndarray:
    return np.asarray(own["embeddings"][codes[:, one.column]])


def _periodic(one: ops.Periodic, own: Arrays, numbers: np.ndarray) -> np.ndarray:
    frequencies = own["frequencies"] * np.float32(2 * np.pi)  # [F, P]
    angle = numbers.T[:, :, None] * frequencies[:, None, :]  # [F, B, P]
    kernel, half = own["kernel"], frequencies.shape[1]  # [F, 2P, W]
    return activate("relu", _flat(np.sin(angle) @ kernel[:, :half] + np.cos(angle) @ kernel[:, half:], own))


def _piecewise(one: ops.Piecewise, own: Arrays, numbers: np.ndarray) -> np.ndarray:
    edges = own["edges"][:, None, :]  # [F, 1, P + 1]
    low, high = edges[..., :-1], edges[..., 1:]
    place = np.clip((numbers.T[:, :, None] - low) / (high - low), 0, 1)  # [F, B, P]
    return _flat(place @ own["kernel"], own)


def _flat(units: np.ndarray, own: Arrays) -> np.ndarray:
    """[F, B, W] plus bias [F, W] -> [B, F * W]."""
    units = units.transpose(1, 0, 2) + own["bias"]
    return units.reshape(len(units), -1)


def _recur(one: ops.Recur, own: Arrays, x: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    return recur_rows(one, own, x, scaled)


def _user_layer(one: ops.UserLayer, own: Arrays, x: np.ndarray) -> np.ndarray:
    return np.asarray(one.layer.call(own, x, False)[0])


TABLE: ops.Table = {
    ops.Scale: _scale,
    ops.Flatten: _flatten,
    ops.Pool: _pool,
    ops.Affine: _affine,
    ops.Convolve: _convolve,
    ops.BatchNormalize: _batch_normalize,
    ops.LayerNormalize: _layer_normalize,
    ops.Activate: _activate,
    ops.Dropout: _dropout,
    ops.Concatenate: _concatenate,
    ops.Add: _add,
    ops.Embed: _embed,
    ops.Periodic: _periodic,
    ops.Piecewise: _piecewise,
    ops.Recur: _recur,
    ops.UserLayer: _user_layer,
}
