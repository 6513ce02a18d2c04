"""The forward pass of a network as a list of operations: walked once a table, JAX's to train, NumPy's to predict,
ONNX's and Keras's to export.

An operation says what it reads, which arrays it has, and the shape of its result; a table has a function for each kind
of operation: (operation, its arrays by their last name, what it reads) -> result. The equations stand in `Network`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

from rounds.networks.network import ARRAY, NUMBER_LAYER, OUTPUT, SKIP, Network

Shape = tuple[int, ...]

# Added to variances by both normalizations, Keras's default; and what moving statistics keep of themselves at a step.
EPSILON, BATCH_MOMENTUM = 1e-3, 0.9


@dataclass(frozen=True)
class Array:
    """One array of an operation. initializer: by name, or a function (`initializers.draw_array`); trained: changed by
    gradients, else by training rows or not at all."""

    name: str
    shape: Shape
    initializer: Any = "zeros"
    trained: bool = True


@dataclass(frozen=True)
class Operation:
    """What every operation has. reads: names of operations or inputs; shape: of one row of the result."""

    name: str
    reads: tuple[str, ...]
    shape: Shape
    arrays: tuple[Array, ...] = ()

    @property
    def passes(self) -> int:
        """How often a row passes its arrays: a convolution at every place, a recurrent layer at every step."""
        return prod(self.shape[:-1])


class Scale(Operation):
    """(x - mean) / spread per channel; missing values (nan) become 0."""


class Flatten(Operation):
    """All values of a row side by side."""


class Pool(Operation):
    """Mean over space."""


class Affine(Operation):
    """x . kernel + bias, or without bias."""


class BatchNormalize(Operation):
    """(x - mean) / sqrt(variance + EPSILON) gamma + beta: of the minibatch in training, else moving statistics."""


class LayerNormalize(Operation):
    """As batch normalization, with mean and variance of each row's last axis (Ba et al. 2016, arXiv:1607.06450)."""


class Dropout(Operation):
    """In training a unit is 0 with probability `rate`, else divided by 1 - rate (Srivastava et al. 2014)."""


class Concatenate(Operation):
    """Last axes side by side."""


class Add(Operation):
    """First plus second."""


class Periodic(Operation):
    """relu(concat(sin(2 pi f x), cos(2 pi f x)) . kernel + bias) of each number, flattened."""


class Piecewise(Operation):
    """clip((x - e_t) / (e_t+1 - e_t), 0, 1) . kernel + bias of each number, flattened."""


@dataclass(frozen=True)
class Embed(Operation):
    """Row codes[:, column] of `embeddings`."""

    column: int = 0


@dataclass(frozen=True)
class Convolve(Operation):
    """Filters with padding "same" in steps, plus bias where there is one."""

    step: int = 1


@dataclass(frozen=True)
class Activate(Operation):
    """A function by its name, or the user's own by module:name."""

    function: str = "linear"


@dataclass(frozen=True)
class Recur(Operation):
    """A recurrent layer over x [B, T, C], reading x and the scaled recording whose first channel says which steps lie
    inside. backwards: from the last step to the first; the result is every step's state, or the last one reached."""

    cell: str = "gru"
    backwards: bool = False
    steps: int = 1

    @property
    def passes(self) -> int:
        return self.steps

    @property
    def every_step(self) -> bool:
        """Whether the result is the state at every step."""
        return len(self.shape) == 2


@dataclass(frozen=True)
class UserLayer(Operation):
    """A Keras layer of the user's own: a `user_model.layer.BuiltLayer`."""

    layer: Any = None


Table = Mapping[type[Operation], Callable[..., Any]]


def run_operations(
    operations: tuple[Operation, ...],
    table: Table,
    arrays: Mapping[str, Any],
    inputs: Mapping[str, Any],
    scope: Callable[[str], AbstractContextManager[Any]] = nullcontext,
) -> dict[str, Any]:
    """Every operation's result by name, beside the inputs. scope: opened around each operation, by its name."""
    made = dict(inputs)
    for one in operations:
        own = {a.name.removeprefix(f"{one.name}/"): arrays[a.name] for a in one.arrays if a.name in arrays}
        with scope(one.name):
            made[one.name] = table[type(one)](one, own, *(made[name] for name in one.reads))
    return made


def input_shapes(network: Network) -> dict[str, Shape]:
    """Shape of a row of each input that is not empty, in the order in which prepared data have them."""
    shapes = {"numbers": (network.numbers,), "flags": (network.flags,), "codes": (len(network.levels),)}
    return {name: shape for name, shape in (shapes | {ARRAY: network.array}).items() if prod(shape or (0,))}


def entering(name: str) -> str:
    """Name under which operations read an input of the network.

    >>> entering("numbers")
    'numbers_input'
    """
    return f"{name}_input"


@cache
def operations(network: Network) -> tuple[Operation, ...]:
    """The forward pass of a network, in order; its last operation is the output activation.

    Arrays are drawn in this order, each from a stream of its own: another order would be other weights for a seed.
    """
    encoder, table = _encoder(network), _table(network)
    made = [*encoder[:-1], *table, *encoder[-1:]]
    shapes = {entering(name): shape for name, shape in input_shapes(network).items()} | {o.name: o.shape for o in made}
    parts = [name for name in (entering("numbers"), NUMBER_LAYER, entering("flags")) if name in shapes]
    parts += [o.name for o in made if isinstance(o, Embed)] + [o.name for o in encoder[-1:]]
    width = sum(shapes[name][-1] for name in parts)
    made += _beside(parts, "features", width)
    features = "features" if len(parts) > 1 else parts[0]
    hidden = _hidden_layers(network, features, width)
    last, last_width = (hidden[-1].name, hidden[-1].shape[-1]) if hidden else (features, width)
    made += [*hidden, _affine(network, OUTPUT, last, last_width, network.outputs)]
    outputs = (network.outputs,)
    if network.skip_to_output:
        kernel = Array(f"{SKIP}/kernel", (width, network.outputs), "zeros")
        made.append(Affine(SKIP, (features,), outputs, (kernel,)))
        made.append(Add("sum", (OUTPUT, SKIP), outputs))
    made.append(Activate("output_activation", (made[-1].name,), outputs, function=network.output_activation))
    return tuple(made)


def _beside(parts: list[str], name: str, width: int, space: Shape = ()) -> list[Operation]:
    """Nothing where there is but one."""
    return [Concatenate(name, tuple(parts), (*space, width))] if len(parts) > 1 else []


def _table(network: Network) -> list[Operation]:
    """Numbers spread out, and embedded codes."""
    sizes = enumerate(zip(network.levels, network.code_widths, strict=True))
    return [*_spread_out(network), *(_embed(i, size) for i, size in sizes)]


def _embed(column: int, size: tuple[int, int]) -> Operation:
    name = f"code_{column}"
    embeddings = Array(f"{name}/embeddings", size, "random_normal:0.1")
    return Embed(name, (entering("codes"),), size[1:], (embeddings,), column)


def _spread_out(network: Network) -> list[Operation]:
    if network.number_embedding == "none" or not network.numbers:
        return []
    count, width, periodic = network.numbers, network.embedding_width, network.number_embedding == "periodic"
    places = 2 * network.frequencies if periodic else network.frequencies
    if periodic:
        where = Array(f"{NUMBER_LAYER}/frequencies", (count, network.frequencies), "random_normal:1.0")
    else:
        where = Array(f"{NUMBER_LAYER}/edges", (count, network.frequencies + 1), "bin_edges", trained=False)
    kernel = Array(f"{NUMBER_LAYER}/kernel", (count, places, width), f"random_uniform:{places**-0.5!r}")
    arrays = (where, kernel, Array(f"{NUMBER_LAYER}/bias", (count, width)))
    kind = Periodic if periodic else Piecewise
    return [kind(NUMBER_LAYER, (entering("numbers"),), (count * width,), arrays)]


def _hidden_layers(network: Network, units: str, width: int) -> list[Operation]:
    made: list[Operation] = []
    for index, wide in enumerate(network.hidden):
        name = f"hidden_{index}"
        if network.layer == "dense":
            layer: Operation = _affine(network, name, units, width, wide, bias=network.normalization != "batch")
        else:
            layer = _user_layer(network.layer, name, units, width, wide)
        made.append(layer)
        made += _normalized_and_activated(network, layer, f"norm_{index}", f"activation_{index}")
        if network.dropout:
            made.append(_dropout(f"dropout_{index}", made[-1]))
        if network.residual and width == made[-1].shape[-1]:
            made.append(Add(f"residual_{index}", (units, made[-1].name), made[-1].shape))
        units, width = made[-1].name, made[-1].shape[-1]
    return made


def _affine(network: Network, name: str, reads: str, width: int, units: int, bias: bool = True) -> Operation:
    arrays = (
        Array(f"{name}/kernel", (width, units), network.initializer),
        Array(f"{name}/bias", (units,), network.bias_initializer),
    )
    return Affine(name, (reads,), (units,), arrays if bias else arrays[:1])


def _user_layer(path: str, name: str, reads: str, width: int, units: int) -> Operation:
    from rounds.networks.user_model.layer import build_layer

    layer = build_layer(path, name, width, units)
    return UserLayer(name, (reads,), layer.shape, layer.arrays, layer)


def _normalized_and_activated(network: Network, before: Operation, norm: str, activation: str) -> list[Operation]:
    made: list[Operation] = []
    width = (before.shape[-1],)
    if network.normalization != "none":
        arrays = (Array(f"{norm}/gamma", width, "ones"), Array(f"{norm}/beta", width))
        moving = (
            Array(f"{norm}/moving_mean", width, trained=False),
            Array(f"{norm}/moving_variance", width, "ones", trained=False),
        )
        batch = network.normalization == "batch"
        kind = BatchNormalize if batch else LayerNormalize
        made.append(kind(norm, (before.name,), before.shape, (*arrays, *moving) if batch else arrays))
    last = made[-1] if made else before
    return [*made, Activate(activation, (last.name,), last.shape, function=network.activation)]


def _dropout(name: str, before: Operation) -> Operation:
    state = (Array(f"{name}/rate", (), trained=False), Array(f"{name}/key", (2,), "random_words", trained=False))
    return Dropout(name, (before.name,), before.shape, state)


def _encoder(network: Network) -> list[Operation]:
    """From an image or a recording to units; its last operation gives them."""
    if not network.array:
        return []
    channels = (network.array[-1],)
    scale = (Array(f"{ARRAY}/mean", channels, trained=False), Array(f"{ARRAY}/spread", channels, "ones", trained=False))
    scaled = Scale(ARRAY, (entering(ARRAY),), network.array, scale)
    if network.kind not in ENCODERS:
        return [scaled, Flatten("flat", (ARRAY,), (prod(network.array),))]
    made = [scaled, *ENCODERS[network.kind](network, scaled)]
    return [*made, _dropout("dropout_encoder", made[-1])] if network.dropout else made


def _convolutional(network: Network, scaled: Operation) -> list[Operation]:
    made: list[Operation] = [scaled]
    for block in range(len(network.filters)):
        made += _BLOCKS[network.block](network, block, made[-1])
    return [*made[1:], Pool("pool", (made[-1].name,), made[-1].shape[-1:])]


def _plain(network: Network, block: int, before: Operation) -> list[Operation]:
    made = [before]
    for index in range(network.block_depth):
        made += _convolution_layer(network, block, index, made[-1])
    return made[1:]


def _residual(network: Network, block: int, before: Operation) -> list[Operation]:
    """Plus the block's input (He et al. 2015, arXiv:1512.03385), no activation after the sum, as in hidden layers."""
    made = _plain(network, block, before)
    units = made[-1]
    if units.shape != before.shape:
        before = _convolution(network, f"shortcut_{block}", before, (block, 0), 1, bias=False)
        made.append(before)
    return [*made, Add(f"block_sum_{block}", (before.name, units.name), units.shape)]


def _dense(network: Network, block: int, before: Operation) -> list[Operation]:
    """Densely connected (Huang et al. 2017, arXiv:1608.06993): each convolution reads all earlier ones of its block."""
    made = _convolution_layer(network, block, 0, before)
    parts = [made[-1]]
    for index in range(1, network.block_depth + 1):
        name = f"beside_{block}_{index}" if index < network.block_depth else f"beside_{block}"
        width = sum(part.shape[-1] for part in parts)
        made += _beside([part.name for part in parts], name, width, parts[0].shape[:-1])
        if index < network.block_depth:
            made += _convolution_layer(network, block, index, made[-1])
            parts.append(made[-1])
    return made


def _convolution_layer(network: Network, block: int, index: int, before: Operation) -> list[Operation]:
    """Convolution, normalization, activation."""
    place = f"{block}_{index}"
    bias = network.normalization != "batch"
    made = _convolution(network, f"conv_{place}", before, (block, index), network.filter_size, bias)
    return [made, *_normalized_and_activated(network, made, f"conv_norm_{place}", f"conv_activation_{place}")]


def _convolution(
    network: Network, name: str, before: Operation, place: tuple[int, int], size: int, bias: bool
) -> Operation:
    step, filters = network.step(*place), network.filters[place[0]]
    *space, channels = before.shape
    arrays = (
        Array(f"{name}/kernel", (*[size] * len(space), channels, filters), network.initializer),
        Array(f"{name}/bias", (filters,), network.bias_initializer),
    )
    shape = (*(-(-n // step) for n in space), filters)
    return Convolve(name, (before.name,), shape, arrays if bias else arrays[:1], step)


_GATES = {"simple": 1, "gru": 3, "lstm": 4}


def _recurrent(network: Network, scaled: Operation) -> list[Operation]:
    made: list[Operation] = [scaled]
    for layer, units in enumerate(network.recurrent):
        last = layer + 1 == len(network.recurrent)
        space = () if last else network.array[:1]
        ways = [_recurrent_layer(network, f"{way}_{layer}", made[-1], (*space, units)) for way in _ways(network)]
        made += ways if last else ways[::-1]  # the order of their streams of random numbers
        made += _beside([way.name for way in ways], f"both_ways_{layer}", len(ways) * units, space)
    return made[1:]


def _ways(network: Network) -> tuple[str, ...]:
    return ("forward", "backward") if network.bidirectional else ("forward",)


def _recurrent_layer(network: Network, name: str, before: Operation, shape: Shape) -> Operation:
    units = shape[-1]
    wide = _GATES[network.cell] * units
    bias = {"gru": (2, wide)}.get(network.cell, (wide,))
    arrays = (
        Array(f"{name}/kernel", (before.shape[-1], wide), network.initializer),
        Array(f"{name}/recurrent_kernel", (units, wide), "orthogonal"),
        Array(f"{name}/bias", bias, "forget_nothing" if network.cell == "lstm" else "zeros"),
    )
    backwards = name.startswith("backward")
    return Recur(name, (before.name, ARRAY), shape, arrays, network.cell, backwards, network.array[0])


ENCODERS: dict[str, Callable[[Network, Operation], list[Operation]]] = {
    "convolutional": _convolutional,
    "recurrent": _recurrent,
}
_BLOCKS: dict[str, Callable[[Network, int, Operation], list[Operation]]] = {
    "plain": _plain,
    "residual": _residual,
    "dense": _dense,
}
