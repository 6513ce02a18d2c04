"""A Keras layer of the user's own as a hidden layer of a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rounds.networks.keras.backend import keras, recorded_initializers
from rounds.networks.operations import Array
from rounds.networks.user_model.initializers import initializer_of
from rounds.user_code import import_named


@dataclass(frozen=True)
class BuiltLayer:
    """shape: of a row of its result; arrays: those it trains, then its state, by their paths."""

    layer: Any
    shape: tuple[int, ...]
    arrays: tuple[Array, ...]

    def call(self, own: Mapping[str, Any], x: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        """(result, state by path); own: arrays by their paths below the layer, without random state in prediction."""
        variables = (*self.layer.trainable_variables, *self.layer.non_trainable_variables)
        paths = [array.name.removeprefix(f"{self.layer.name}/") for array in self.arrays]
        values = [own.get(path, v.value) for path, v in zip(paths, variables, strict=True)]
        count = len(self.layer.trainable_variables)
        mode = {"training": training} if self.layer._call_has_training_arg else {}
        made, state = self.layer.stateless_call(values[:count], values[count:], x, **mode)
        return made, dict(zip((array.name for array in self.arrays[count:]), state, strict=True))


def build_layer(path: str, name: str, width: int, units: int) -> BuiltLayer:
    """The layer module:Class, made for rows of this width with `units` as its first argument.

    Raises PlanError where it cannot be imported.
    """
    with recorded_initializers() as initializers:
        layer = import_named(path, "layer")(units, name=name)
        made = layer(keras.Input((width,)))
    variables = (*layer.trainable_variables, *layer.non_trainable_variables)
    arrays = tuple(_array(variable, initializers.get(id(variable))) for variable in variables)
    return BuiltLayer(layer, tuple(made.shape[1:]), arrays)


def _array(variable: Any, initializer: Any) -> Array:
    """What was made without an initializer is random state."""
    found = "random_words" if initializer is None else initializer_of(initializer)
    return Array(variable.path, tuple(variable.shape), found, bool(variable.trainable))
