"""A user's own .keras file, read without running anything in it, and looked at as plain arrays."""

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.errors import DataError
from rounds.networks.keras.backend import keras

# Layers that bring inputs to a common scale themselves.
SCALING_LAYERS = ("Normalization", "BatchNormalization", "Rescaling", "LayerNormalization")


@dataclass(frozen=True)
class LayerView:
    """One layer on a batch of rows, in test mode.

    units: [N, U] outputs, every place of an image or sequence as a row of its own; activation: name, "" for none.
    """

    name: str
    kind: str
    activation: str
    units: np.ndarray


@dataclass(frozen=True)
class BatchNormView:
    """A batch normalization: what it kept from training, and what its inputs have on these rows; [U] each."""

    name: str
    moving_mean: np.ndarray
    moving_variance: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class KerasFile:
    """A model that was read. inputs: (name, shape without the batch); outputs: width of the last layer."""

    model: Any
    inputs: tuple[tuple[str, tuple[int | None, ...]], ...]
    parameters: int


def read_keras(path: Path) -> KerasFile:
    """A functional or sequential model; code in the file is never run (safe mode), and it is not compiled.

    Raises DataError where the file is missing, damaged, holds code or unknown layers, or is another kind of model.
    """
    if not path.is_file():
        raise DataError("Model", "a .keras file that exists", file=str(path), advice="Check the path")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises what it likes: zip, JSON, HDF5, type, value and import errors
        reason = " ".join(str(error).split())[:200]
        advice = "Save it again with model.save(...), without lambda or custom layers"
        raise DataError(
            "Model", "a whole .keras file without code", file=f"{path.name} ({reason})", advice=advice
        ) from None
    if not isinstance(model, keras.Sequential) and not hasattr(model, "_functional") and not _is_functional(model):
        advice = "Save a functional or sequential model"
        raise DataError("Model", "functional or sequential", name="class", got=type(model).__name__, advice=advice)
    inputs = tuple((tensor.name, tuple(tensor.shape[1:])) for tensor in model.inputs)
    return KerasFile(model, inputs, int(model.count_params()))


def _is_functional(model: Any) -> bool:
    return isinstance(model, keras.Model) and getattr(model, "inputs", None) is not None


def weights_are_finite(file: KerasFile) -> bool:
    """Whether no weight is nan or infinite."""
    return all(bool(np.isfinite(np.asarray(w, np.float64)).all()) for w in file.model.get_weights())


def outputs(file: KerasFile, rows: list[np.ndarray], training: bool = False) -> np.ndarray:
    """[N, outputs] float64 in test mode, or as training sees it (dropout on, batch statistics)."""
    array = np.asarray(_seen(file, file.model.outputs[:1], rows, training)[0], np.float64)
    return array.reshape(len(array), -1)


def reinitialised(file: KerasFile, seed: int) -> KerasFile:
    """The same model with weights drawn again by its own initializers: what training began with, by chance."""
    kept = random.getstate(), np.random.get_state()
    try:
        keras.utils.set_random_seed(seed)
        return replace(file, model=keras.models.clone_model(file.model))
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])


def last_activation(file: KerasFile) -> str:
    """Name of what the last layer applies, "" for none."""
    return _activation(file.model.layers[-1])


def layer_views(file: KerasFile, rows: list[np.ndarray]) -> list[LayerView]:
    """Every layer with an activation, from the inputs on; rows: one array an input."""
    layers = [layer for layer in file.model.layers if _activation(layer)]
    if not layers:
        return []
    made = _seen(file, [layer.output for layer in layers], rows)
    return [
        LayerView(layer.name, type(layer).__name__, _activation(layer), _flat(array))
        for layer, array in zip(layers, made, strict=True)
    ]


def batch_norm_views(file: KerasFile, rows: list[np.ndarray]) -> list[BatchNormView]:
    """Every batch normalization with the statistics of its inputs on these rows, in test mode."""
    layers = [layer for layer in file.model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return []
    made = _seen(file, [layer.input for layer in layers], rows)
    return [_batch_norm(layer, _flat(array)) for layer, array in zip(layers, made, strict=True)]


def scaling_layer(file: KerasFile) -> str:
    """Name of a layer that scales the inputs before the first weights, "" where there is none."""
    for layer in file.model.layers:
        if type(layer).__name__ in SCALING_LAYERS:
            return str(layer.name)
        if layer.weights:
            return ""
    return ""


def _batch_norm(layer: Any, units: np.ndarray) -> BatchNormView:
    kept = [np.asarray(w, np.float64) for w in (layer.moving_mean, layer.moving_variance)]
    return BatchNormView(layer.name, kept[0], kept[1], units.mean(axis=0), units.var(axis=0))


def _activation(layer: Any) -> str:
    """Name of what a layer applies, "" for none: of a layer's own, and of layers that are activations."""
    if hasattr(layer, "cell") or isinstance(layer, keras.layers.RNN):
        return ""
    found = getattr(layer, "activation", None)
    name = getattr(found, "__name__", "") if found is not None else _LAYERS.get(type(layer).__name__, "")
    return "" if name == "linear" else str(name)


_LAYERS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax", "PReLU": "prelu"}


def _flat(array: Any) -> np.ndarray:
    made = np.asarray(array, np.float64)
    return made.reshape(-1, made.shape[-1])


def _seen(file: KerasFile, tensors: list[Any], rows: list[np.ndarray], training: bool = False) -> list[Any]:
    """Tensors inside the model on these rows; lists in and out, whatever the model was built with."""
    made = keras.Model(list(file.model.inputs), tensors)(list(rows), training=training)
    return list(made) if isinstance(made, list | tuple) else [made]
