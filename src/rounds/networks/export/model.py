"""Trained members as one Keras model of Keras's own layers, so that its file opens where Rounds is not installed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rounds.networks.export.encoder import export_array_units
from rounds.networks.export.layers import Weights, normalized, with_weights
from rounds.networks.layers.embeddings import keras
from rounds.networks.network import ARRAY, NUMBER_LAYER, OUTPUT, SKIP, Network


@dataclass(frozen=True)
class PlainMember:
    """One trained network: its record, its arrays by name (see `Network`), and its share of the average."""

    network: Network
    weights: Weights
    share: float


@dataclass(frozen=True)
class InverseTransform:
    """From the average to the user's unit: pieces (grid, table [T, G]), softmax of log p / temperature with p at least
    `least`, or value * spread + mean [T] and expm1."""

    knots: np.ndarray | None = None
    table: np.ndarray | None = None
    mean: np.ndarray | None = None
    spread: np.ndarray | None = None
    expm1: bool = False
    temperature: float | None = None
    least: float = 0.0


def plain_model(members: list[PlainMember], shapes: Mapping[str, tuple[int, ...]], back: InverseTransform) -> Any:
    """The Keras model: inputs numbers [B, F], flags [B, D], codes [B, C], grid [B, *space, channels] -> [B, T].

    shapes: of one row of each input that the model has; a network that reads more columns gets zeros.
    """
    given = {
        name: keras.Input(shape, name=name, dtype="int32" if name == "codes" else "float32")
        for name, shape in shapes.items()
    }
    shared = [_scaled(_member(m, given, f"member_{k}"), m.share, f"share_{k}") for k, m in enumerate(members)]
    average = keras.layers.Add(name="average")(shared) if len(shared) > 1 else shared[0]
    return keras.Model(given, _inverse_transform(average, back), name="rounds")


def save_plain_model(model: Any, path: Path) -> None:
    """Writes a .keras file."""
    model.save(path)


def load_plain_model(path: Path) -> Any:
    """Reads a .keras file without running code from it."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def predict_plain(model: Any, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """[N, T] float64 of inputs by name."""
    return np.asarray(model({name: np.asarray(array) for name, array in inputs.items()}, training=False), np.float64)


def _member(member: PlainMember, given: dict[str, Any], name: str) -> Any:
    network, weights = member.network, member.weights
    features = _features(network, weights, given, name)
    units = features
    for index, width in enumerate(network.hidden):
        units = _hidden(network, weights, index, width, units, name)
    output = _dense(units, weights, OUTPUT, f"{name}_{OUTPUT}")
    if network.skip_to_output:
        output = keras.layers.Add(name=f"{name}_sum")([output, _dense(features, weights, SKIP, f"{name}_{SKIP}")])
    return keras.layers.Activation(network.output_activation, name=f"{name}_output_activation")(output)


def _features(network: Network, weights: Weights, given: dict[str, Any], name: str) -> Any:
    parts = []
    if network.numbers:
        numbers = _widened(given, "numbers", network.numbers, f"{name}_numbers")
        parts.append(numbers)
        if network.number_embedding != "none":
            parts.append(_spread(network, weights, numbers, name))
    if network.flags:
        parts.append(_widened(given, "flags", network.flags, f"{name}_flags"))
    parts += [_code(weights, given["codes"], i, f"{name}_code_{i}") for i in range(len(network.levels))]
    if network.array:
        parts.append(export_array_units(network, weights, given[ARRAY], name))
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name=f"{name}_features")(parts)


def _widened(given: dict[str, Any], kind: str, wanted: int, name: str) -> Any:
    """Zero columns appended by a layer of ones and zeros: exact."""
    source = given.get(kind)
    if source is not None and source.shape[1] == wanted:
        return source
    own = 0 if source is None else source.shape[1]
    other = source if source is not None else next(t for k, t in given.items() if k in ("numbers", "flags"))
    kernel = np.eye(own, wanted) if own else np.zeros((other.shape[1], wanted))
    return with_weights(
        keras.layers.Dense(wanted, use_bias=False, trainable=False, name=f"{name}_widened"), other, [kernel]
    )


def _spread(network: Network, weights: Weights, numbers: Any, name: str) -> Any:
    """Each number as `embedding_width` units of its own, flattened: [B, F * width]."""
    layer = f"{name}_{NUMBER_LAYER}"
    if network.number_embedding == "periodic":
        turned = weights[f"{NUMBER_LAYER}/frequencies"] * np.float32(2 * np.pi)
        angle = _einsum(numbers, "bf,fp->bfp", turned, None, f"{layer}_angle")
        place = keras.layers.Concatenate(name=f"{layer}_waves")([keras.ops.sin(angle), keras.ops.cos(angle)])
    else:
        edges = np.asarray(weights[f"{NUMBER_LAYER}/edges"], np.float64)
        slope = 1 / np.diff(edges)
        share = _einsum(numbers, "bf,fp->bfp", slope, -edges[:, :-1] * slope, f"{layer}_share")
        place = keras.layers.ReLU(max_value=1.0, name=f"{layer}_place")(share)
    kernel, bias = weights[f"{NUMBER_LAYER}/kernel"], weights[f"{NUMBER_LAYER}/bias"]
    units = _einsum(place, "bfp,fpw->bfw", kernel, bias, layer)
    if network.number_embedding == "periodic":
        units = keras.layers.ReLU(name=f"{layer}_relu")(units)
    return keras.layers.Flatten(name=f"{layer}_flat")(units)


def _einsum(x: Any, equation: str, kernel: np.ndarray, bias: np.ndarray | None, name: str) -> Any:
    axes = equation.split("->b")[1]
    shape = kernel.shape if equation.startswith("bf,") else (kernel.shape[0], kernel.shape[2])
    made = keras.layers.EinsumDense(equation, output_shape=shape, bias_axes=None if bias is None else axes, name=name)
    return with_weights(made, x, [kernel] if bias is None else [kernel, bias])


def _code(weights: Weights, codes: Any, index: int, name: str) -> Any:
    """Rows of an embedding; a code that the preparation does not make is 0 in every row."""
    table = weights[f"code_{index}/embeddings"]
    own = codes.shape[1]
    code = codes[:, index] if index < own else codes[:, 0] * 0
    return with_weights(keras.layers.Embedding(*table.shape, name=name), code, [table])


def _hidden(network: Network, weights: Weights, index: int, width: int, before: Any, name: str) -> Any:
    units = _dense(before, weights, f"hidden_{index}", f"{name}_hidden_{index}")
    norm = f"norm_{index}"
    units = normalized(network.normalization, weights, norm, units, f"{name}_{norm}")
    units = keras.layers.Activation(network.activation, name=f"{name}_activation_{index}")(units)
    if network.residual and before.shape[-1] == width:
        units = keras.layers.Add(name=f"{name}_residual_{index}")([before, units])
    return units


def _dense(x: Any, weights: Weights, layer: str, name: str) -> Any:
    kernel, bias = weights[f"{layer}/kernel"], weights.get(f"{layer}/bias")
    made = keras.layers.Dense(kernel.shape[1], use_bias=bias is not None, name=name)
    return with_weights(made, x, [kernel] if bias is None else [kernel, bias])


def _scaled(x: Any, share: float, name: str) -> Any:
    return keras.layers.Rescaling(share, name=name)(x) if share != 1.0 else x


def _inverse_transform(z: Any, back: InverseTransform) -> Any:
    if back.knots is not None and back.table is not None:
        return _pieces(z, back.knots, back.table)
    if back.temperature is not None:
        odds = keras.ops.log(keras.ops.maximum(z, back.least))
        return keras.layers.Softmax(name="softened")(keras.layers.Rescaling(1 / back.temperature, name="cooler")(odds))
    if back.mean is None or back.spread is None:
        return z
    scale, offset = back.spread.tolist(), back.mean.tolist()
    g = keras.layers.Rescaling(
        scale if len(scale) > 1 else scale[0], offset if len(offset) > 1 else offset[0], name="unit"
    )(z)
    return keras.ops.expm1(g) if back.expm1 else g


def _pieces(z: Any, knots: np.ndarray, table: np.ndarray) -> Any:
    """table[0] + sum over pieces of rise * clip((z - start) / width, 0, 1), as two layers of fixed weights."""
    widths = np.maximum(np.diff(knots), np.finfo(np.float32).tiny)
    place = _einsum(z, "bf,fp->bfp", 1 / widths, -knots[:, :-1] / widths, "pieces")
    inside = keras.layers.ReLU(max_value=1.0, name="inside")(place)
    rises = np.diff(table)[:, :, None]
    climbed = _einsum(inside, "bfp,fpw->bfw", rises, table[:, :1], "climbed")
    return keras.layers.Flatten(name="unit")(climbed)
