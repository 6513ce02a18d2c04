"""A Keras model of the user's own over images or recordings: which input is given them, scaled how, and how fast.

The scale of the channels is state beside the model's own: two arrays more, set from the training rows.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rounds.errors import PlanError
from rounds.networks.functional import Arrays, Functional
from rounds.networks.jax.convolution import PADDINGS, convolve
from rounds.networks.jax.loop_convolution import cut
from rounds.networks.keras.backend import keras
from rounds.networks.network import ARRAY, Feed

SCALE = (f"{ARRAY}/mean", f"{ARRAY}/spread")


def takes_array(name: str, shape: tuple[int | None, ...], array: tuple[int, ...]) -> bool:
    """Whether an input of a model is meant for the images or recordings: it has as many axes, or their name.

    >>> takes_array("x", (None, None, 3), (64, 64, 1)), takes_array("age", (1,), (64, 64, 1))
    (True, False)
    """
    return bool(array) and (len(shape) == len(array) or name.removesuffix("_input") == ARRAY)


def array_feed(name: str, shape: tuple[int | None, ...], array: tuple[int, ...]) -> Feed:
    """The feed of such an input; grey images are given three times where three channels are wanted.

    Raises PlanError where sizes differ.
    """
    wanted = tuple(own if size is None else size for size, own in zip(shape, array, strict=False))
    grey_as_colour = len(array) == 3 and (array[-1], wanted[-1]) == (1, 3)
    if len(shape) == len(array) and (wanted == array or (grey_as_colour and wanted[:-1] == array[:-1])):
        return Feed(name=name, shape=wanted, columns=(), array=True)
    advice = f"Give it Input({array})"
    if len(array) == 3 and len(shape) == 3 and shape[0] is not None:
        advice += f", or let images be of its size with --image-size {shape[0]}"
    expected = f"{' x '.join(map(str, array))} for these data"
    raise PlanError(f"Input {name}", expected, name="shape", got=shape, advice=advice)


def with_array(functional: Functional, array: tuple[int, ...]) -> Functional:
    """The same functions over a state that ends in the scale of the channels, and inputs that end in the array."""
    apply, with_losses, hidden = functional.apply, functional.apply_with_losses, functional.hidden

    def scaled(inputs: Arrays, scale: Arrays) -> Arrays:
        values = (inputs[-1].astype(jnp.float32) - scale[0]) / scale[1]
        return [*inputs[:-1], jnp.where(jnp.isnan(values), 0.0, values)]

    def apply_scaled(weights: Arrays, rest: Arrays, inputs: Arrays, training: bool) -> tuple[jax.Array, Arrays]:
        outputs, state = apply(weights, rest[:-2], scaled(inputs, rest[-2:]), training)
        return outputs, [*state, *rest[-2:]]

    def losses_scaled(
        weights: Arrays, rest: Arrays, inputs: Arrays, training: bool
    ) -> tuple[jax.Array, Arrays, jax.Array]:
        assert with_losses is not None
        outputs, state, own = with_losses(weights, rest[:-2], scaled(inputs, rest[-2:]), training)
        return outputs, [*state, *rest[-2:]], own

    def cut_off(function: Callable[..., Any], weights: Arrays, rest: Arrays, inputs: Arrays) -> Any:
        return function(weights, rest[:-2], scaled(inputs, rest[-2:]))

    def draw(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        trainable, state = functional.draw(seed)
        return trainable, [*state, np.zeros(array[-1], np.float32), np.ones(array[-1], np.float32)]

    return replace(
        functional,
        apply=apply_scaled,
        draw=draw,
        hidden=partial(cut_off, hidden),
        apply_with_losses=None if with_losses is None else losses_scaled,
        state_names=(*functional.state_names, *SCALE),
        batch_norms=tuple(replace(n, entering=partial(cut_off, n.entering)) for n in functional.batch_norms),
    )


def use_fast_convolutions(model: Any) -> None:
    """On CPUs, lets the convolutions of a model (a copy, never the user's) be computed as built-in networks' are.

    Within a compiled loop Keras's own would be far slower there; on other machines nothing is done.
    """
    if jax.default_backend() != "cpu":
        return
    layers = keras.layers
    for layer in model._flatten_layers():
        if type(layer) in (layers.Conv1D, layers.Conv2D) and _plain(layer) and layer.groups == 1:
            layer.convolution_op = partial(_convolved, layer)
        if type(layer) is layers.DepthwiseConv2D and _plain(layer) and layer.depth_multiplier == 1:
            layer.call = partial(_depthwise, layer)


def _plain(layer: Any) -> bool:
    return (
        layer.data_format == "channels_last"
        and layer.padding in ("same", "valid")
        and set(layer.dilation_rate) == {1}
        and len(set(layer.strides)) == 1
    )


def _convolved(layer: Any, array: Any, kernel: Any) -> Any:
    return convolve(array, kernel, layer.strides[0], layer.padding)


def _depthwise(layer: Any, array: Any) -> Any:
    """A filter a channel: shifted copies of the input times one weight a channel, summed."""
    kernel = jnp.asarray(layer.kernel)  # [*filter, channels, 1]
    widths, step = kernel.shape[:-2], layer.strides[0]
    padding = [PADDINGS[layer.padding](n, w, step) for n, w in zip(array.shape[1:-1], widths, strict=True)]
    padded = jnp.pad(array, ((0, 0), *((before, behind) for _, before, behind in padding), (0, 0)))
    places = [n for n, _, _ in padding]
    seen = {offset: padded[(slice(None), *cut(offset, places, step))] for offset in product(*map(range, widths))}
    made = sum(some * kernel[offset][:, 0] for offset, some in seen.items())
    made = made + jnp.asarray(layer.bias) if layer.use_bias else made
    return made if layer.activation is None else layer.activation(made)
