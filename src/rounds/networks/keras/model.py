"""Trained members as one Keras model of Keras's own layers, so that its file opens where Rounds is not installed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rounds.metrics.columns import RESOLUTION
from rounds.networks.keras.backend import keras, recorded_initializers
from rounds.networks.keras.table import einsum, keras_table
from rounds.networks.network import ARRAY, Network
from rounds.networks.operations import entering, input_shapes, operations, run_operations
from rounds.target_scale import TargetScale

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class ExportedMember:
    """One trained network: its record, its arrays by name (see `Network`), and its share of the average."""

    network: Network
    weights: Weights
    share: float


def exported_model(members: list[ExportedMember], shapes: Mapping[str, tuple[int, ...]], back: TargetScale) -> Any:
    """The Keras model: inputs numbers [B, F], flags [B, D], codes [B, C], array [B, *space, channels] -> [B, T].

    shapes: of one row of each input that the model has; a network that reads more columns gets zeros. back: from the
    average to the user's unit.
    """
    given = {
        name: keras.Input(shape, name=name, dtype="int32" if name == "codes" else "float32")
        for name, shape in shapes.items()
    }
    with recorded_initializers():  # every layer's weights are set
        shared = [_scaled(_member(m, given, f"member_{k}"), m.share, f"share_{k}") for k, m in enumerate(members)]
        average = keras.layers.Add(name="average")(shared) if len(shared) > 1 else shared[0]
        return keras.Model(given, _inverse_transform(average, back), name="rounds")


def save_model(model: Any, path: Path) -> None:
    """Writes a .keras file."""
    model.save(path)


def load_model(path: Path) -> Any:
    """Reads a .keras file without running code from it."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def predict_with(model: Any, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """[N, T] float64 of inputs by name."""
    return np.asarray(model({name: np.asarray(array) for name, array in inputs.items()}, training=False), np.float64)


def _member(member: ExportedMember, given: dict[str, Any], name: str) -> Any:
    network, steps = member.network, operations(member.network)
    inputs = {entering(kind): _fitted(given, kind, wide) for kind, wide in input_shapes(network).items()}
    own = {array: np.asarray(values) for array, values in member.weights.items()}
    return run_operations(steps, keras_table(f"{name}_"), own, inputs)[steps[-1].name]


def _fitted(given: dict[str, Any], kind: str, wanted: tuple[int, ...]) -> Any:
    """An input, with zeros for columns that the network reads and the preparation does not make."""
    source = given.get(kind)
    if source is None:
        source = next(t for k, t in given.items() if k in ("numbers", "flags"))[:, :1] * 0
    own = source.shape[1]
    if kind == ARRAY or own == wanted[0]:
        return source
    return source[:, : wanted[0]] if own > wanted[0] else keras.ops.pad(source, ((0, 0), (0, wanted[0] - own)))


def _scaled(x: Any, share: float, name: str) -> Any:
    return keras.layers.Rescaling(share, name=name)(x) if share != 1.0 else x


def _inverse_transform(z: Any, back: TargetScale) -> Any:
    if back.table:
        return _pieces(z, np.array(back.knots), np.array(back.table))
    if back.temperature != 1.0:
        odds = keras.ops.log(keras.ops.maximum(z, RESOLUTION))
        return keras.layers.Softmax(name="softened")(keras.layers.Rescaling(1 / back.temperature, name="cooler")(odds))
    if back.kind == "identity":
        return z
    scale, offset = list(back.spread), back.offset.tolist()
    g = keras.layers.Rescaling(
        scale if len(scale) > 1 else scale[0], offset if len(offset) > 1 else offset[0], name="unit"
    )(z)
    return keras.ops.expm1(g) if back.kind == "log1p" else g


def _pieces(z: Any, knots: np.ndarray, table: np.ndarray) -> Any:
    """table[0] + sum over pieces of rise * clip((z - start) / width, 0, 1), as two layers of fixed weights."""
    widths = np.maximum(np.diff(knots), np.finfo(np.float32).tiny)
    place = einsum(z, "bf,fp->bfp", 1 / widths, -knots[:, :-1] / widths, "pieces")
    inside = keras.layers.ReLU(max_value=1.0, name="inside")(place)
    rises = np.diff(table)[:, :, None]
    climbed = einsum(inside, "bfp,fpw->bfw", rises, table[:, :1], "climbed")
    return keras.layers.Flatten(name="unit")(climbed)
