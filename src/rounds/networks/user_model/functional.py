"""The user's own Keras model as pure functions, and initial weights for any number of members.

A fresh copy is made from the model's config while every `add_weight` leaves its initializer behind; a model without a
config is taken as it is, and initializers are looked for on its layers (`kernel_initializer` for `kernel`). Only what
is trained is drawn again, with running statistics and seeds: all other state (a frozen layer, a `Normalization` that
was adapted) stays as it was given.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rounds.errors import PlanError
from rounds.networks.functional import KERNELS, Arrays, BatchNorm, Functional
from rounds.networks.keras.backend import keras, recorded_initializers
from rounds.networks.network import Network
from rounds.networks.user_model.images import use_fast_convolutions, with_array
from rounds.networks.user_model.initializers import initializer_of
from rounds.networks.user_model.keras_facts import activation_of
from rounds.networks.user_model.model import user_objects
from rounds.networks.user_model.outputs import fits_task
from rounds.user_code import import_named, is_import_path

USER_KERNELS = (*KERNELS, "depthwise_kernel", "pointwise_kernel")
_SEED = "seed_generator_state"


def make_user_functional(given: Any, network: Network, keep_weights: bool, logits: bool) -> Functional:
    """Pure functions over the prepared arrays (numbers, flags, codes, array; those of width 0 left out).

    keep_weights: every member starts from the weights that the model was given with; logits: leave the output
    activation to the loss. Raises PlanError for a weight that cannot be drawn again, by name, and for a model that
    cannot be run or whose output is not [B, outputs].
    """
    model, initializers = _fresh(given, network)
    if network.array and model is not given:
        use_fast_convolutions(model)
    trainable, state = model.trainable_variables, model.non_trainable_variables
    feed, after = feeding(model, network), _after(network, logits)

    def apply_with_losses(
        weights: Arrays, rest: Arrays, inputs: Arrays, training: bool
    ) -> tuple[jax.Array, Arrays, jax.Array]:
        outputs, rest, losses = _call(model, weights, rest, feed(inputs), training)
        return after(_as_table(outputs, network)), rest, jnp.asarray(sum(losses, 0.0), jnp.float32)

    def apply(weights: Arrays, rest: Arrays, inputs: Arrays, training: bool) -> tuple[jax.Array, Arrays]:
        return apply_with_losses(weights, rest, inputs, training)[:2]

    _try(apply, model, network)
    inside = _inner_layers(model)
    hidden = cut_off(model, [layer.output for layer in inside], feed) if inside else lambda *_: []
    made = Functional(
        apply=apply,
        apply_with_losses=apply_with_losses if _has_losses(apply_with_losses, model, network) else None,
        draw=_drawing(given, model, initializers, keep_weights),
        hidden=lambda *arrays: [a.reshape(-1, a.shape[-1]) for a in hidden(*arrays)],
        names=_names(trainable),
        state_names=_names(state),
        hidden_names=tuple(layer.name for layer in inside),
        hidden_activations=tuple(activation_of(layer) for layer in inside),
        shapes=tuple(tuple(v.shape) for v in trainable),
        passes=(1,) * len(trainable),
        kernels=tuple(v.name in USER_KERNELS for v in trainable),
        batch_norms=_batch_norms(model, feed),
        model=model,
    )
    return with_array(made, network.array) if network.array else made


def _call(model: Any, weights: Arrays, rest: Arrays, rows: Any, training: bool) -> Any:
    """(outputs, state, list of losses); a model whose `call` has no training mode is called without one."""
    mode = {"training": training} if getattr(model, "_call_has_training_arg", True) else {}
    return model.stateless_call(weights, rest, rows, return_losses=True, **mode)


def _fresh(given: Any, network: Network) -> tuple[Any, dict[int, Any]]:
    """A copy with the initializer of each variable by its id; without a config the model itself."""
    try:
        with recorded_initializers() as found, keras.saving.custom_object_scope(user_objects(given)):
            copy = type(given).from_config(given.get_config())
            if not copy.built and given.built:
                copy.build_from_config(given.get_build_config())
            _build(copy, network)
    except Exception:  # whatever a user's own config raises: then the model is taken as it is
        copy = None
    _build(given, network)
    shapes = [[tuple(v.shape) for v in model.variables] for model in (copy, given) if model is not None]
    if copy is not None and shapes[0] == shapes[1]:
        for variable, handed in zip(copy.variables, given.variables, strict=True):
            variable.assign(handed.value)
        return copy, found
    return given, _by_attribute(given)


def _build(model: Any, network: Network) -> None:
    """A model without weights gets them by being called once."""
    if model.built and model.variables:
        return
    rows = [np.zeros((1, *feed.shape), np.int32 if feed.codes else np.float32) for feed in network.feeds]
    model(_packed(model, rows, network))


def _by_attribute(model: Any) -> dict[int, Any]:
    found = {}
    for layer in model._flatten_layers():
        for variable in [*layer._trainable_variables, *layer._non_trainable_variables]:
            initializer = getattr(layer, f"{variable.name}_initializer", None)
            if initializer is not None:
                found[id(variable)] = keras.initializers.get(initializer)
    return found


Draw = Callable[[int], tuple[list[np.ndarray], list[np.ndarray]]]


def _drawing(given: Any, model: Any, initializers: dict[int, Any], keep: bool) -> Draw:
    trainable, state = model.trainable_variables, model.non_trainable_variables
    handed = [np.asarray(v.value) for v in [*given.trainable_variables, *given.non_trainable_variables]]
    running = set() if keep else _running_statistics(model)
    lost = [v.path for v in trainable if id(v) not in initializers]
    if lost and not keep:
        advice = "Give the model a get_config, make the weights with add_weight, or start all networks from the same "
        advice += "weights: --set initial_weights=given"
        raise PlanError(
            "Weights", "drawn again for each network", name="without an initializer", got=lost, advice=advice
        )

    def draw(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        drawn = []
        for index, (variable, value) in enumerate(zip([*trainable, *state], handed, strict=True)):
            generator = np.random.default_rng([seed, index])
            shape = tuple(variable.shape)
            if variable.path.endswith(_SEED):
                value = generator.integers(2**31, size=shape).astype(value.dtype)
            elif id(variable) in running or (index < len(trainable) and not keep):
                value = initializer_of(initializers[id(variable)])(shape, generator).astype(value.dtype)
            drawn.append(value)
        return drawn[: len(trainable)], drawn[len(trainable) :]

    return draw


def _running_statistics(model: Any) -> set[int]:
    norms = [n for n in model._flatten_layers() if isinstance(n, keras.layers.BatchNormalization) and n.trainable]
    return {id(v) for n in norms for v in (n.moving_mean, n.moving_variance)}


def feeding(model: Any, network: Network) -> Callable[[Arrays], Any]:
    """Prepared arrays -> what the model is called with."""

    def feed(inputs: Arrays) -> Any:
        array, table = (inputs[-1], inputs[:-1]) if network.array else (None, inputs)
        codes = table[-1] if network.levels else None
        plain = table[: len(table) - bool(network.levels)]
        floats = jnp.concatenate(plain, axis=1) if plain else None
        rows = [
            jnp.broadcast_to(array, (len(array), *one.shape))
            if one.array and array is not None
            else _chosen(codes if one.codes else floats, one.columns).reshape(-1, *one.shape)
            for one in network.feeds
        ]
        return _packed(model, rows, network)

    return feed


def _chosen(array: Any, columns: tuple[int, ...]) -> Any:
    return array if columns == tuple(range(array.shape[1])) else array[:, np.array(columns)]


def _packed(model: Any, rows: list[Any], network: Network) -> Any:
    """One array an input, in the structure that the model is called with."""
    if len(rows) == 1 and getattr(model, "inputs", None):
        return rows[0]
    structure = getattr(model, "_inputs_struct", None)
    if structure is not None:
        return keras.tree.pack_sequence_as(structure, rows)
    shape = (model.get_build_config() or {}).get("input_shape") if model.built else None
    if isinstance(shape, dict):
        return {feed.name: one for feed, one in zip(network.feeds, rows, strict=True)}
    return rows[0]


def _as_table(outputs: Any, network: Network) -> Any:
    """[B, outputs]; a model may leave the last axis out where there is one output."""
    return outputs[:, None] if outputs.ndim == 1 and network.outputs == 1 else outputs


def _after(network: Network, logits: bool) -> Callable[[Any], Any]:
    name = network.output_activation
    if logits or name == "linear":
        return lambda outputs: outputs
    return import_named(name, "output_activation") if is_import_path(name) else keras.activations.get(name)


def _try(apply: Callable[..., Any], model: Any, network: Network) -> None:
    """The forward pass in shapes alone, so that what does not fit is said before anything is trained."""
    try:
        outputs: Any = _in_shapes(lambda w, s, x: apply(w, s, x, True)[0], model, network)
    except Exception as error:  # a user's layers may raise anything
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        advice = "Call it on a few rows yourself; its layers must use keras.ops, and it must have one output"
        raise PlanError("Model", "one that runs on this table", name="error", got=reason, advice=advice) from error
    units = int(outputs.shape[-1]) if len(outputs.shape) == 2 else 0
    if not fits_task(network.outputs, units, network.kind_of_task):
        advice = "Let its last layer have one unit a target (multiclass: one a class)"
        expected = f"{network.outputs} wide"
        raise PlanError("The model's output", expected, name="shape", got=tuple(outputs.shape[1:]), advice=advice)


def _in_shapes(function: Callable[..., Any], model: Any, network: Network) -> Any:
    """What a function of weights, state and two rows would give, without computing it."""
    of: Any = jax.ShapeDtypeStruct
    weights, state = (
        [of(tuple(v.shape), v.dtype) for v in some]
        for some in (model.trainable_variables, model.non_trainable_variables)
    )
    wide = [(network.numbers, np.float32), (network.flags, np.float32), (len(network.levels), np.int32)]
    rows = [of((2, width), kind) for width, kind in wide if width]
    rows += [of((2, *network.array), np.float32)] if network.array else []
    return jax.eval_shape(function, weights, state, rows)


def _has_losses(apply: Callable[..., Any], model: Any, network: Network) -> bool:
    """Whether the model adds losses of its own (regularizers, add_loss)."""
    counted = []

    def count(w: Any, s: Any, x: Any) -> Any:
        made = _call(model, w, s, feeding(model, network)(x), True)
        counted.append(len(made[2]))
        return made[0]

    _in_shapes(count, model, network)
    return counted[0] > 0


def _names(variables: list[Any]) -> tuple[str, ...]:
    """Path of each variable; where two share one, its position is added."""
    paths = [v.path for v in variables]
    return tuple(path if paths.count(path) == 1 else f"{path}:{i}" for i, path in enumerate(paths))


_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax")


def _inner_layers(model: Any) -> list[Any]:
    """Layers with an activation before the last layer, where the model can be cut off at them."""
    if not getattr(model, "inputs", None):
        return []
    return [layer for layer in model.layers[:-1] if _activated(layer) and hasattr(layer.output, "shape")]


def _activated(layer: Any) -> bool:
    if hasattr(layer, "cell") or isinstance(layer, keras.layers.RNN):
        return False
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return type(layer).__name__ in _ACTIVATIONS or name != "linear"


def _batch_norms(model: Any, feed: Callable[[Arrays], Any]) -> tuple[BatchNorm, ...]:
    """Those whose statistics can be recomputed exactly; others keep their running averages."""
    if not getattr(model, "inputs", None):
        return ()
    found = [n for n in model.layers if isinstance(n, keras.layers.BatchNormalization) and n.trainable]
    return tuple(_batch_norm(model, n, feed) for n in found if n.axis in (-1, len(n.input.shape) - 1))


def _batch_norm(model: Any, layer: Any, feed: Callable[[Arrays], Any]) -> BatchNorm:
    places = {id(v): i for i, v in enumerate(model.non_trainable_variables)}
    inner = cut_off(model, [layer.input], feed)
    moving = (places[id(layer.moving_mean)], places[id(layer.moving_variance)])
    return BatchNorm(lambda weights, rest, inputs: inner(weights, rest, inputs)[0], *moving)


def cut_off(
    model: Any, tensors: list[Any], feed: Callable[[Arrays], Any]
) -> Callable[[Arrays, Arrays, Arrays], list[jax.Array]]:
    """The model cut off at some of its inner tensors, in test mode, over the whole model's lists of arrays.

    feed: prepared arrays -> what the model is called with.
    """
    inner = keras.Model(getattr(model, "_inputs_struct", model.inputs), tensors)
    places = {id(v): i for i, v in enumerate(model.trainable_variables)}
    state_places = {id(v): i for i, v in enumerate(model.non_trainable_variables)}

    def run(weights: Arrays, rest: Arrays, inputs: Arrays) -> list[jax.Array]:
        chosen = [weights[places[id(v)]] for v in inner.trainable_variables]
        state = [rest[state_places[id(v)]] for v in inner.non_trainable_variables]
        outputs, _ = inner.stateless_call(chosen, state, feed(inputs), training=False)
        return list(outputs) if isinstance(outputs, list | tuple) else [outputs]

    return run
