"""Keras's table of operations, for export: Keras's own layers with the weights of a trained network in them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from rounds.errors import PlanError
from rounds.networks import operations as ops
from rounds.networks.keras.backend import keras

Arrays = Mapping[str, np.ndarray]


def keras_table(prefix: str) -> ops.Table:
    """The table whose layers' names begin so: no two layers of a model have one name."""
    return {kind: partial(function, prefix) for kind, function in _TABLE.items()}


def with_weights(layer: Any, x: Any, arrays: list[np.ndarray]) -> Any:
    """What the layer makes of x, after its weights were set."""
    made = layer(x)
    layer.set_weights([np.asarray(array, np.float32) for array in arrays])
    return made


def einsum(x: Any, equation: str, kernel: np.ndarray, bias: np.ndarray | None, name: str) -> Any:
    """x through a kernel of its own for each number, plus bias."""
    axes = equation.split("->b")[1]
    shape = kernel.shape if equation.startswith("bf,") else (kernel.shape[0], kernel.shape[2])
    made = keras.layers.EinsumDense(equation, output_shape=shape, bias_axes=None if bias is None else axes, name=name)
    return with_weights(made, x, [kernel] if bias is None else [kernel, bias])


def _scale(prefix: str, one: ops.Scale, own: Arrays, x: Any) -> Any:
    spread = own["spread"].astype(float)
    offset = -own["mean"].astype(float) / spread
    scaled = keras.layers.Rescaling((1 / spread).tolist(), offset.tolist(), name=prefix + one.name)(x)
    return keras.ops.where(keras.ops.isnan(scaled), 0.0, scaled)


def _flatten(prefix: str, one: ops.Flatten, own: Arrays, x: Any) -> Any:
    return keras.layers.Flatten(name=prefix + one.name)(x)


def _pool(prefix: str, one: ops.Pool, own: Arrays, x: Any) -> Any:
    kind = keras.layers.GlobalAveragePooling1D if len(x.shape) == 3 else keras.layers.GlobalAveragePooling2D
    return kind(name=prefix + one.name)(x)


def _affine(prefix: str, one: ops.Affine, own: Arrays, x: Any) -> Any:
    layer = keras.layers.Dense(one.shape[-1], use_bias="bias" in own, name=prefix + one.name)
    return with_weights(layer, x, list(own.values()))


def _convolve(prefix: str, one: ops.Convolve, own: Arrays, x: Any) -> Any:
    size = own["kernel"].shape[:-2]
    kind = keras.layers.Conv1D if len(size) == 1 else keras.layers.Conv2D
    layer = kind(one.shape[-1], size, one.step, "same", use_bias="bias" in own, name=prefix + one.name)
    return with_weights(layer, x, list(own.values()))


def _batch_normalize(prefix: str, one: ops.BatchNormalize, own: Arrays, x: Any) -> Any:
    return with_weights(
        keras.layers.BatchNormalization(epsilon=ops.EPSILON, name=prefix + one.name), x, list(own.values())
    )


def _layer_normalize(prefix: str, one: ops.LayerNormalize, own: Arrays, x: Any) -> Any:
    return with_weights(
        keras.layers.LayerNormalization(epsilon=ops.EPSILON, name=prefix + one.name), x, list(own.values())
    )


def _activate(prefix: str, one: ops.Activate, own: Arrays, x: Any) -> Any:
    return keras.layers.Activation(one.function, name=prefix + one.name)(x)


def _as_it_is(prefix: str, one: ops.Operation, own: Arrays, x: Any) -> Any:
    return x


def _concatenate(prefix: str, one: ops.Concatenate, own: Arrays, *parts: Any) -> Any:
    return keras.layers.Concatenate(name=prefix + one.name)(list(parts))


def _add(prefix: str, one: ops.Add, own: Arrays, first: Any, second: Any) -> Any:
    return keras.layers.Add(name=prefix + one.name)([first, second])


def _embed(prefix: str, one: ops.Embed, own: Arrays, codes: Any) -> Any:
    table = own["embeddings"]
    return with_weights(keras.layers.Embedding(*table.shape, name=prefix + one.name), codes[:, one.column], [table])


def _periodic(prefix: str, one: ops.Periodic, own: Arrays, numbers: Any) -> Any:
    name = prefix + one.name
    angle = einsum(numbers, "bf,fp->bfp", own["frequencies"] * np.float32(2 * np.pi), None, f"{name}_angle")
    waves = keras.layers.Concatenate(name=f"{name}_waves")([keras.ops.sin(angle), keras.ops.cos(angle)])
    return _flat(name, keras.layers.ReLU(name=f"{name}_relu")(_per_number(name, own, waves)))


def _piecewise(prefix: str, one: ops.Piecewise, own: Arrays, numbers: Any) -> Any:
    name = prefix + one.name
    edges = np.asarray(own["edges"], np.float64)
    slope = 1 / np.diff(edges)
    share = einsum(numbers, "bf,fp->bfp", slope, -edges[:, :-1] * slope, f"{name}_share")
    place = keras.layers.ReLU(max_value=1.0, name=f"{name}_place")(share)
    return _flat(name, _per_number(name, own, place))


def _per_number(name: str, own: Arrays, place: Any) -> Any:
    return einsum(place, "bfp,fpw->bfw", own["kernel"], own["bias"], name)


def _flat(name: str, units: Any) -> Any:
    return keras.layers.Flatten(name=f"{name}_flat")(units)


_CELLS = {"simple": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def _recur(prefix: str, one: ops.Recur, own: Arrays, x: Any, scaled: Any) -> Any:
    layer = _CELLS[one.cell](
        one.shape[-1], return_sequences=one.every_step, go_backwards=one.backwards, name=prefix + one.name
    )
    made = layer(x, mask=scaled[:, :, 0] > 0.5)
    layer.set_weights(list(own.values()))
    return keras.ops.flip(made, axis=1) if one.every_step and one.backwards else made


def _user_layer(prefix: str, one: ops.UserLayer, own: Arrays, x: Any) -> Any:
    advice = "Predict with Rounds: rounds predict RUN DATA"
    raise PlanError("Export", "of layers that are not the user's own", name="layer", got=one.name, advice=advice)


_TABLE: dict[type[ops.Operation], Callable[..., Any]] = {
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
    ops.UserLayer: _user_layer,
}
