"""A compiled Keras model read as facts, on any backend: nothing is imported, everything is asked of the model."""

import re
from math import prod
from typing import Any

import numpy as np

from rounds.model_facts import LayerFacts, ModelFacts

SHORT = {  # Keras's names of losses, by the shorter ones that plans use
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_logarithmic_error": "msle",
    "kullback_leibler_divergence": "kl_divergence",
}
_PASSES = ("Dropout", "Flatten", "Reshape", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "InputLayer")
_AFTER = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "PReLU": "prelu", "Softmax": "softmax"}
_KERNELS = ("kernel", "embeddings", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel")


def snake(name: str) -> str:
    """A class's name as Keras writes names.

    >>> snake("BinaryCrossentropy"), snake("MSE"), snake("RandomNormal")
    ('binary_crossentropy', 'mse', 'random_normal')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def keras_facts(model: Any, batch_size: int | None = None) -> ModelFacts:
    """What a compiled model says of itself; inputs and targets are left open."""
    loss, from_logits = compiled_loss(model)
    layers = leaf_layers(model)
    optimizer = getattr(model, "optimizer", None)
    return ModelFacts(
        layers=tuple(layer_facts(layer) for layer in layers),
        loss=loss,
        from_logits=from_logits,
        optimizer=type(optimizer).__name__.lower() if optimizer is not None else "",
        learning_rate=rate_of(optimizer),
        batch_size=batch_size,
        output_activation=output_activation(layers),
        output_width=width_of(layers[-1]) if layers else 0,
    )


def leaf_layers(model: Any) -> list[Any]:
    """The layers that compute, in the order in which Keras lists them: models within the model are opened."""
    found: list[Any] = []
    for layer in getattr(model, "layers", []):
        inner = getattr(layer, "layers", None)
        found += leaf_layers(layer) if inner else [layer]
    return [layer for layer in found if type(layer).__name__ != "InputLayer"]


def layer_facts(layer: Any) -> LayerFacts:
    kernels = [tuple(variable.shape) for variable in layer.weights if variable.name in _KERNELS]
    kernel = getattr(layer, "kernel_initializer", None) or getattr(layer, "embeddings_initializer", None)
    return LayerFacts(
        name=layer.name,
        kind=type(layer).__name__,
        width=width_of(layer),
        activation=activation_of(layer),
        initializer=initializer_name(kernel),
        bias_initializer=initializer_name(getattr(layer, "bias_initializer", None)),
        dropout=float(getattr(layer, "rate", 0.0) or 0.0) if "Dropout" in type(layer).__name__ else 0.0,
        trainable=bool(layer.trainable),
        weighted=bool(kernels),
        fan_in=prod(kernels[0][:-1]) if kernels else 0,
        fan_out=kernels[0][-1] if kernels else 0,
    )


def width_of(layer: Any) -> int:
    """Units of a layer's output; 0 where its shape is not known."""
    try:
        shape = layer.output.shape
    except Exception:  # a layer that was never called, or with several outputs
        return int(getattr(layer, "units", 0) or getattr(layer, "filters", 0) or 0)
    return int(shape[-1] or 0) if len(shape) > 1 else 1


def activation_of(layer: Any) -> str:
    """Keras's name of what a layer ends with; module:name of the user's own; linear where there is none."""
    kind = type(layer).__name__
    if kind in _AFTER:
        return _AFTER[kind]
    return function_name(getattr(layer, "activation", None)) or "linear"


def function_name(function: Any) -> str:
    """Keras's name of a function or object; module:name of one of the user's own; empty for None."""
    if function is None:
        return ""
    named = function if hasattr(function, "__name__") else type(function)
    module = getattr(named, "__module__", "") or ""
    return snake(named.__name__) if module.startswith("keras") else f"{module}:{named.__name__}"


def output_activation(layers: list[Any]) -> str:
    """What the model's outputs have passed last: of its last layer, or of the one before layers that only pass on.
    Empty where that is not known (a layer of the user's own, a Lambda, a Rescaling)."""
    for layer in reversed(layers):
        kind = type(layer).__name__
        if kind in _PASSES:
            continue
        if kind in _AFTER or hasattr(layer, "activation"):
            return activation_of(layer)
        return ""
    return ""


def initializer_name(initializer: Any) -> str:
    """Keras's name with its argument, as plans write it: random_normal:0.05.

    A scale that is Keras's own is left out.
    """
    if initializer is None:
        return ""
    name = function_name(initializer)
    given = {
        "random_normal": ("stddev", 0.05),
        "truncated_normal": ("stddev", 0.05),
        "random_uniform": ("maxval", 0.05),
    }
    argument, usual = given.get(name, ("value", None))
    value = getattr(initializer, argument, None)
    return name if value is None or value == usual else f"{name}:{float(value):g}"


def compiled_loss(model: Any) -> tuple[str, bool | None]:
    """(name, from_logits) of the loss that a model was compiled with; an empty name where there is none or several."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, list | tuple | dict):
        some = list(loss.values()) if isinstance(loss, dict) else list(loss)
        loss = some[0] if len(some) == 1 else None
    if loss is None:
        return "", None
    name = loss if isinstance(loss, str) else function_name(getattr(loss, "fn", None) or loss)
    name = snake(name) if ":" not in name else name
    short = SHORT.get(name, name)
    if "crossentropy" not in short:
        return short, None
    given = getattr(loss, "_fn_kwargs", {}) or {}
    return short, bool(getattr(loss, "from_logits", given.get("from_logits", False)))


def rate_of(optimizer: Any) -> float | None:
    """The learning rate at its start; None where it is not known."""
    try:
        return float(f"{float(np.asarray(optimizer.learning_rate)):.6g}")  # 32-bit numbers as they were written
    except Exception:  # a schedule of the user's own, or no optimizer
        return None
