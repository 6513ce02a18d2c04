"""From plan to network record, and from network record to a Keras model whose every layer has a fixed name."""

from typing import Any

from rounds.errors import PlanError, must_be, nearest
from rounds.networks.initial_weights.names import make_initializer
from rounds.networks.keras.encoder import BATCH_MOMENTUM, EPSILON, array_units, check_encoder
from rounds.networks.layers.embeddings import PeriodicEmbedding, PiecewiseEmbedding, RateDropout, keras
from rounds.networks.network import NUMBER_LAYER, OUTPUT, SKIP, Network
from rounds.plan import Plan
from rounds.task import Task
from rounds.user_code import import_named, is_import_path

# Width of the embedding of a column with n levels: grows slowly, as in fastai's rule min(600, 1.6 n^0.56), but
# narrower, since each of these networks is one of a population.
EMBEDDING_GROWTH, EMBEDDING_POWER, EMBEDDING_MOST = 1.6, 0.4, 32

MATCHING_ACTIVATION = {
    "regression": "linear",
    "count": "exponential",
    "binary": "sigmoid",
    "multilabel": "sigmoid",
    "multiclass": "softmax",
}


def embedding_width(levels: int) -> int:
    """Units that a column with so many levels becomes.

    >>> embedding_width(20), embedding_width(800)
    (5, 23)
    """
    return min(EMBEDDING_MOST, round(EMBEDDING_GROWTH * levels**EMBEDDING_POWER))


def describe_network(
    plan: Plan,
    task: Task,
    numbers: int,
    flags: int,
    levels: tuple[int, ...],
    dropout: bool,
    array: tuple[int, ...] = (),
) -> Network:
    """The network a plan means for so many numbers, flags and coded columns, and a grid of (*space, channels).

    Raises PlanError for unknown names, and for a kind of network that cannot read what there is.
    """
    check_activation(plan.activation)
    check_encoder(plan.network, array)
    convolutional = plan.network == "convolutional"
    linear = plan.network == "linear"
    output = MATCHING_ACTIVATION[task.kind] if plan.output_activation == "auto" else plan.output_activation
    check_activation(output)
    return Network(
        kind=plan.network,
        numbers=numbers,
        flags=flags,
        levels=levels,
        code_widths=tuple(embedding_width(n) for n in levels),
        number_embedding="none" if linear or not numbers else plan.number_embedding,
        embedding_width=plan.embedding_width,
        frequencies=plan.frequencies,
        array=array,
        filters=plan.filters if convolutional else (),
        filter_size=plan.filter_size,
        stride=plan.stride,
        block=plan.block,
        block_depth=plan.block_depth,
        recurrent=plan.recurrent if plan.network == "recurrent" and array else (),
        cell=plan.cell,
        bidirectional=plan.bidirectional,
        hidden=() if linear else plan.hidden,
        activation=plan.activation,
        normalization=plan.normalization,
        residual=plan.residual,
        skip_to_output=plan.skip_to_output and not linear,
        layer=_layer(plan),
        dropout=dropout and not linear,
        outputs=task.outputs,
        output_activation=output,
    )


def check_activation(name: str) -> None:
    """Raises PlanError where Keras has no activation of this name; module:name is the user's own."""
    if is_import_path(name):
        return
    known = [n for n in dir(keras.activations) if n.islower() and not n.startswith("_")]
    known = [n for n in known if n not in ("get", "serialize", "deserialize")]
    if name not in known:
        raise PlanError(must_be("activation", "one of Keras's names", "activation", name, nearest(name, known)))


def _layer(plan: Plan) -> str:
    """The plan's kind of hidden layer; raises PlanError for an unknown one."""
    if plan.layer != "dense" and not is_import_path(plan.layer):
        advice = "Name a Keras layer of your own that takes its width"
        raise PlanError(must_be("layer", "dense or module:Class", "layer", plan.layer, advice))
    return plan.layer


def activation_of(name: str) -> Any:
    """What Keras is told: a name of its own, or the function that module:name names."""
    return import_named(name, "activation") if is_import_path(name) else name


def build_network(network: Network, plan: Plan, logits: bool = False) -> Any:
    """The Keras model of a network: inputs (numbers, flags, codes, grid), those of width 0 left out.

    logits: leave the output activation to the loss, which is exact where sigmoid and log round to infinity.
    Affine maps, then normalization, then activation, then dropout; no bias before batch normalization, since its
    gradient is nothing but rounding.
    """
    inputs, features = _features(network, plan)
    units = features
    for index, width in enumerate(network.hidden):
        units = _hidden_layer(units, index, width, network, plan)
    output = _affine(OUTPUT, network.outputs, plan)(units)
    if network.skip_to_output:
        skip = keras.layers.Dense(network.outputs, use_bias=False, name=SKIP, kernel_initializer="zeros")
        output = keras.layers.Add(name="sum")([output, skip(features)])
    if not logits:
        output = keras.layers.Activation(activation_of(network.output_activation), name="output_activation")(output)
    return keras.Model(inputs, output, name=network.kind)


def _features(network: Network, plan: Plan) -> tuple[list[Any], Any]:
    inputs, parts = [], []
    if network.numbers:
        numbers = keras.Input((network.numbers,), name="numbers_input")
        inputs.append(numbers)
        parts.append(numbers)
        if network.number_embedding == "periodic":
            parts.append(PeriodicEmbedding(network.embedding_width, network.frequencies, name=NUMBER_LAYER)(numbers))
        if network.number_embedding == "piecewise":
            parts.append(PiecewiseEmbedding(network.embedding_width, network.frequencies, name=NUMBER_LAYER)(numbers))
    if network.flags:
        flags = keras.Input((network.flags,), name="flags_input")
        inputs.append(flags)
        parts.append(flags)
    if network.levels:
        codes = keras.Input((len(network.levels),), dtype="int32", name="codes_input")
        inputs.append(codes)
        parts += [
            _code(codes, i, n, w) for i, (n, w) in enumerate(zip(network.levels, network.code_widths, strict=True))
        ]
    if network.array:
        array = keras.Input(network.array, name="grid_input")
        inputs.append(array)
        parts.append(array_units(array, network, plan))
    return inputs, parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="features")(parts)


def _code(codes: Any, index: int, levels: int, width: int) -> Any:
    small = keras.initializers.RandomNormal(0.0, 0.1)
    return keras.layers.Embedding(levels, width, embeddings_initializer=small, name=f"code_{index}")(codes[:, index])


def _hidden_layer(units: Any, index: int, width: int, network: Network, plan: Plan) -> Any:
    before = units
    units = _hidden_map(index, width, network, plan)(units)
    if network.normalization == "batch":
        units = keras.layers.BatchNormalization(momentum=BATCH_MOMENTUM, epsilon=EPSILON, name=f"norm_{index}")(units)
    if network.normalization == "layer":
        units = keras.layers.LayerNormalization(epsilon=EPSILON, name=f"norm_{index}")(units)
    units = keras.layers.Activation(activation_of(network.activation), name=f"activation_{index}")(units)
    if network.dropout:
        units = RateDropout(name=f"dropout_{index}")(units)
    if network.residual and before.shape[-1] == width:
        units = keras.layers.Add(name=f"residual_{index}")([before, units])
    return units


def _hidden_map(index: int, width: int, network: Network, plan: Plan) -> Any:
    if network.layer == "dense":
        return _affine(f"hidden_{index}", width, plan, bias=network.normalization != "batch")
    return import_named(network.layer, "layer")(width, name=f"hidden_{index}")


def _affine(name: str, width: int, plan: Plan, bias: bool = True) -> Any:
    return keras.layers.Dense(
        width,
        use_bias=bias,
        name=name,
        kernel_initializer=make_initializer(plan.initializer),
        bias_initializer=make_initializer(plan.bias_initializer),
    )
