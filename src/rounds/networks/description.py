"""From a plan to the record of its network."""

from rounds.errors import PlanError, nearest
from rounds.input_shape import InputShape
from rounds.networks.initializers import make_initializer
from rounds.networks.jax.activations import ACTIVATIONS
from rounds.networks.network import Network
from rounds.networks.operations import ENCODERS
from rounds.plan import Plan
from rounds.task import Task
from rounds.user_code import is_import_path

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


def describe_network(plan: Plan, task: Task, shape: InputShape, dropout: bool) -> Network:
    """The network that a plan means for inputs of this shape.

    Raises PlanError for unknown names, and for a kind of network that cannot read what there is.
    """
    check_activation(plan.activation)
    check_encoder(plan.network, shape.array)
    for initializer in (plan.initializer, plan.bias_initializer):
        make_initializer(initializer)
    convolutional = plan.network == "convolutional"
    linear = plan.network == "linear"
    output = MATCHING_ACTIVATION[task.kind] if plan.output_activation == "auto" else plan.output_activation
    check_activation(output)
    return Network(
        kind=plan.network,
        numbers=shape.numbers,
        flags=shape.flags,
        levels=shape.levels,
        code_widths=tuple(embedding_width(n) for n in shape.levels),
        number_embedding="none" if linear or not shape.numbers else plan.number_embedding,
        embedding_width=plan.embedding_width,
        frequencies=plan.frequencies,
        array=shape.array,
        filters=plan.filters if convolutional else (),
        filter_size=plan.filter_size,
        stride=plan.stride,
        block=plan.block,
        block_depth=plan.block_depth,
        recurrent=plan.recurrent if plan.network == "recurrent" and shape.array else (),
        cell=plan.cell,
        bidirectional=plan.bidirectional,
        hidden=() if linear else plan.hidden,
        activation=plan.activation,
        normalization=plan.normalization,
        residual=plan.residual,
        skip_to_output=plan.skip_to_output and not linear,
        layer=_layer(plan),
        initializer=plan.initializer,
        bias_initializer=plan.bias_initializer,
        dropout=dropout and not linear,
        outputs=task.outputs,
        output_activation=output,
    )


def check_activation(name: str) -> None:
    """Raises PlanError where Keras has no activation of this name; module:name is the user's own."""
    if not is_import_path(name) and name not in ACTIVATIONS:
        advice = nearest(name, list(ACTIVATIONS))
        raise PlanError("activation", "one of Keras's names", got=name, advice=advice)


def check_encoder(kind: str, array: tuple[int, ...]) -> None:
    """Raises PlanError where a kind of network cannot read what there is."""
    if kind == "recurrent" and len(array) == 3:
        advice = "Write --set network=convolutional"
        raise PlanError("network", "one that reads images", got=kind, advice=advice)
    if kind in ("linear", "dense") or (array and kind in ENCODERS):
        return
    if not array:
        advice = "Write --set network=dense, or give images or recordings"
        raise PlanError("network", "linear or dense for a table", got=kind, advice=advice)
    wanted = f"one of linear, dense, {', '.join(ENCODERS)}"
    raise PlanError("network", wanted, got=kind, advice="Choose one of them")


def _layer(plan: Plan) -> str:
    """The plan's kind of hidden layer; raises PlanError for an unknown one."""
    if plan.layer != "dense" and not is_import_path(plan.layer):
        advice = "Name a Keras layer of your own that takes its width"
        raise PlanError("layer", "dense or module:Class", got=plan.layer, advice=advice)
    return plan.layer
