"""A Keras model as pure functions over plain lists of arrays, so that K of them train in one program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import jax
import numpy as np

from rounds.networks.initial_weights.draw import draw_array
from rounds.networks.layers.embeddings import RateDropout, keras

Arrays = list[jax.Array]
KERNELS = ("kernel", "recurrent_kernel", "embeddings")
SEEDS = "seed_generator_state"  # of Keras's recurrent cells, whose own dropout is never used


@dataclass(frozen=True)
class BatchNorm:
    """One batch normalization: entering(trainable, state, inputs) -> what it normalizes, with everything before it in
    test mode; mean, variance: positions of its statistics within the state."""

    entering: Callable[[Arrays, Arrays, Arrays], jax.Array]
    mean: int
    variance: int


@dataclass(frozen=True)
class Functional:
    """The pure functions of one Keras model.

    apply(trainable, state, inputs, training) -> (outputs [B, T], state); draw(seed) -> (trainable, state) as a fresh
    model would have them, as NumPy arrays; hidden(trainable, state, inputs) -> outputs of each activation layer.
    apply_with_losses: as apply, with the sum of the model's own losses last; None where it has none.
    names, state_names: path of each array; batch_norms: in the order of the forward pass; kernels: whether a
    trainable array is a kernel (penalties and decay touch kernels only).
    """

    apply: Callable[..., tuple[jax.Array, Arrays]]
    draw: Callable[[int], tuple[list[np.ndarray], list[np.ndarray]]]
    hidden: Callable[..., list[jax.Array]]
    names: tuple[str, ...]
    state_names: tuple[str, ...]
    hidden_names: tuple[str, ...]
    kernels: tuple[bool, ...]
    batch_norms: tuple[BatchNorm, ...]
    model: Any
    apply_with_losses: Callable[..., tuple[jax.Array, Arrays, jax.Array]] | None = None
    hidden_activations: tuple[str, ...] = ()


@contextmanager
def recorded_initializers() -> Iterator[dict[int, Any]]:
    """While open, every `Layer.add_weight` leaves the initializer of its variable behind, by the variable's id.

    The variable itself starts at zero: the members' weights are drawn later, and drawing one set here would compile.
    """
    found: dict[int, Any] = {}
    original = keras.layers.Layer.add_weight

    def add_weight(self: Any, shape: Any = None, initializer: Any = None, *args: Any, **options: Any) -> Any:
        variable = original(self, shape, "zeros", *args, **options)
        found[id(variable)] = keras.initializers.get(initializer or "glorot_uniform")
        return variable

    with mock.patch.object(keras.layers.Layer, "add_weight", add_weight):
        yield found


def make_functional(build: Callable[[], Any]) -> Functional:
    """Pure functions of the Keras model that `build()` returns (it is called once)."""
    with recorded_initializers() as initializers:
        model = build()
    trainable, state = model.trainable_variables, model.non_trainable_variables
    activations = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    activations = [layer for layer in activations if layer.name != "output_activation"]

    def apply(weights: Arrays, rest: Arrays, inputs: list[jax.Array], training: bool) -> tuple[jax.Array, Arrays]:
        outputs, rest = model.stateless_call(weights, rest, inputs, training=training)
        return outputs, rest

    def draw(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        drawn = [
            _draw_one(variable, initializers.get(id(variable)), np.random.default_rng([seed, index]))
            for index, variable in enumerate(trainable + state)
        ]
        return drawn[: len(trainable)], drawn[len(trainable) :]

    return Functional(
        apply=apply,
        draw=draw,
        hidden=up_to(model, [layer.output for layer in activations]) if activations else lambda *_: [],
        names=tuple(_name(v.path) for v in trainable),
        state_names=tuple(v.path for v in state),
        hidden_names=tuple(layer.name for layer in activations),
        kernels=tuple(v.name in KERNELS and not v.path.startswith("numbers") for v in trainable),
        batch_norms=tuple(
            batch_norm_of(model, n) for n in model.layers if isinstance(n, keras.layers.BatchNormalization)
        ),
        model=model,
    )


def _name(path: str) -> str:
    """Path of an array; the cell within a recurrent layer is not part of its name.

    >>> _name("forward_0/gru_cell/kernel")
    'forward_0/kernel'
    """
    if "_cell/" in path:
        return "/".join(part for part in path.split("/") if not part.endswith("_cell"))
    return path.split("/", 1)[-1] if path.count("/") > 1 else path


Feeding = Callable[[Arrays], Any]


def _as_they_are(inputs: Arrays) -> Any:
    return inputs


def up_to(
    model: Any, tensors: list[Any], feed: Feeding = _as_they_are
) -> Callable[[Arrays, Arrays, Arrays], list[jax.Array]]:
    """The model cut off at some of its inner tensors, in test mode, over the whole model's lists of arrays.

    feed: prepared arrays -> what the model is called with.
    """
    inner = keras.Model(getattr(model, "_inputs_struct", model.inputs), tensors)
    places = {id(v): i for i, v in enumerate(model.trainable_variables)}
    state_places = {id(v): i for i, v in enumerate(model.non_trainable_variables)}

    def cut_off(weights: Arrays, rest: Arrays, inputs: Arrays) -> list[jax.Array]:
        chosen = [weights[places[id(v)]] for v in inner.trainable_variables]
        state = [rest[state_places[id(v)]] for v in inner.non_trainable_variables]
        outputs, _ = inner.stateless_call(chosen, state, feed(inputs), training=False)
        return list(outputs) if isinstance(outputs, list | tuple) else [outputs]

    return cut_off


def batch_norm_of(model: Any, layer: Any, feed: Feeding = _as_they_are) -> BatchNorm:
    places = {id(v): i for i, v in enumerate(model.non_trainable_variables)}
    cut_off = up_to(model, [layer.input], feed)
    return BatchNorm(
        lambda weights, rest, inputs: cut_off(weights, rest, inputs)[0],
        places[id(layer.moving_mean)],
        places[id(layer.moving_variance)],
    )


def _draw_one(variable: Any, initializer: Any, generator: np.random.Generator) -> np.ndarray:
    if variable.name in ("key", SEEDS):
        return generator.integers(2**32, size=tuple(variable.shape), dtype=np.uint32)
    if initializer is None:
        raise ValueError(f"variable {variable.path} has no initializer to draw it anew from")
    return draw_array(initializer, tuple(variable.shape), generator).astype(variable.dtype)


def dropout_layers(functional: Functional) -> tuple[int, ...]:
    """Positions of the dropout rates within the state."""
    rates = {id(layer.rate) for layer in functional.model.layers if isinstance(layer, RateDropout)}
    return tuple(i for i, v in enumerate(functional.model.non_trainable_variables) if id(v) in rates)
