"""From a grid to units: what stands between an image or a recording and the dense end of a network."""

from collections.abc import Callable
from typing import Any

from rounds.errors import PlanError, must_be
from rounds.networks.initial_weights.names import make_initializer
from rounds.networks.layers.convolution import ArrayScale, Convolution
from rounds.networks.layers.embeddings import RateDropout, keras
from rounds.networks.layers.recurrence import recurrent
from rounds.networks.network import ARRAY, Network
from rounds.plan import Plan

EPSILON = 1e-3  # Keras's default of both normalizations, also in the NumPy layers
BATCH_MOMENTUM = 0.9


def check_encoder(kind: str, array: tuple[int, ...]) -> None:
    """Raises PlanError where a kind of network cannot read what there is."""
    if kind == "recurrent" and len(array) == 3:
        advice = "Write --set network=convolutional"
        raise PlanError(must_be("network", "one that reads images", "network", kind, advice))
    if kind in ("linear", "dense") or (array and kind in ENCODERS):
        return
    if not array:
        advice = "Write --set network=dense, or hand over images or recordings"
        raise PlanError(must_be("network", "linear or dense for a table", "network", kind, advice))
    wanted = f"one of linear, dense, {', '.join(ENCODERS)}"
    raise PlanError(must_be("network", wanted, "network", kind, "Choose one of them"))


def array_units(array: Any, network: Network, plan: Plan) -> Any:
    """The grid's units [B, network.trunk], from its Keras input."""
    scaled = ArrayScale(name=ARRAY)(array)
    units = ENCODERS.get(network.kind, _flat)(scaled, network, plan)
    return RateDropout(name="dropout_trunk")(units) if network.dropout and network.kind in ENCODERS else units


def _flat(scaled: Any, network: Network, plan: Plan) -> Any:
    return keras.layers.Flatten(name="flat")(scaled)


def _convolutional(scaled: Any, network: Network, plan: Plan) -> Any:
    units = scaled
    for block in range(len(network.filters)):
        units = _BLOCKS[network.block](units, block, network, plan)
    pool = keras.layers.GlobalAveragePooling1D if len(network.array) == 2 else keras.layers.GlobalAveragePooling2D
    return pool(name="pool")(units)


def _plain(before: Any, block: int, network: Network, plan: Plan) -> Any:
    units = before
    for index in range(network.block_depth):
        units = _normalized(units, block, index, network, plan)
    return units


def _residual(before: Any, block: int, network: Network, plan: Plan) -> Any:
    """Plus the block's input (He et al. 2015, arXiv:1512.03385), no activation after the sum, as in hidden layers."""
    units = _plain(before, block, network, plan)
    if units.shape != before.shape:
        shortcut = _convolution(f"shortcut_{block}", network.filters[block], 1, network.step(block, 0), plan, False)
        before = shortcut(before)
    return keras.layers.Add(name=f"block_sum_{block}")([before, units])


def _dense(before: Any, block: int, network: Network, plan: Plan) -> Any:
    """Densely connected (Huang et al. 2017, arXiv:1608.06993): each convolution reads all earlier ones of its block."""
    made = [_normalized(before, block, 0, network, plan)]
    for index in range(1, network.block_depth):
        made.append(_normalized(_beside(made, f"beside_{block}_{index}"), block, index, network, plan))
    return _beside(made, f"beside_{block}")


def _beside(parts: list[Any], name: str) -> Any:
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name=name)(parts)


def _normalized(before: Any, block: int, index: int, network: Network, plan: Plan) -> Any:
    """Convolution, normalization, activation."""
    name, bias = f"conv_{block}_{index}", network.normalization != "batch"
    step = network.step(block, index)
    units = _convolution(name, network.filters[block], network.filter_size, step, plan, bias)(before)
    norm = f"conv_norm_{block}_{index}"
    if network.normalization == "batch":
        units = keras.layers.BatchNormalization(momentum=BATCH_MOMENTUM, epsilon=EPSILON, name=norm)(units)
    if network.normalization == "layer":
        units = keras.layers.LayerNormalization(epsilon=EPSILON, name=norm)(units)
    return keras.layers.Activation(network.activation, name=f"conv_activation_{block}_{index}")(units)


def _convolution(name: str, filters: int, size: int, step: int, plan: Plan, bias: bool) -> Any:
    return Convolution(
        filters,
        size,
        step,
        bias,
        name=name,
        kernel_initializer=make_initializer(plan.initializer),
        bias_initializer=make_initializer(plan.bias_initializer),
    )


Encoder = Callable[[Any, Network, Plan], Any]
ENCODERS: dict[str, Encoder] = {"convolutional": _convolutional, "recurrent": recurrent}
_BLOCKS: dict[str, Callable[[Any, int, Network, Plan], Any]] = {
    "plain": _plain,
    "residual": _residual,
    "dense": _dense,
}
