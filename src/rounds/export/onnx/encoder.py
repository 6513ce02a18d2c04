"""What a grid becomes before the dense end of a network, as ONNX operators (the equations stand in `Network`)."""

from collections.abc import Callable
from math import prod

import numpy as np

from rounds.export.onnx.activations import add_activation
from rounds.export.onnx.graph import Graph
from rounds.export.onnx.normalization import add_norm
from rounds.networks.network import ARRAY, Network
from rounds.prediction.numpy_layers.network import Weights

_ENCODER_LAYERS = (f"{ARRAY}/", "conv_", "shortcut_")


def of_encoder(name: str) -> bool:
    """Whether an array belongs to the trunk.

    >>> of_encoder("conv_norm_0_1/beta"), of_encoder("output/kernel")
    (True, False)
    """
    return name.startswith(_ENCODER_LAYERS)


def add_array_units(graph: Graph, network: Network, weights: Weights, prefix: str) -> str:
    """[K, N, network.trunk] of the input `array` [N, *space, channels] float32; weights stacked over K members."""
    members = len(next(iter(weights.values())))
    units = [_one_member(graph, network, weights, member, f"{prefix}/{member}") for member in range(members)]
    return units[0] if members == 1 else graph.add("Concat", *units, axis=0)


def _one_member(graph: Graph, network: Network, weights: Weights, member: int, prefix: str) -> str:
    own = {
        name: graph.constant(_kernel(name, array[member]), f"{prefix}/{name}")
        for name, array in weights.items()
        if of_encoder(name)
    }
    scaled = graph.add("Div", graph.add("Sub", ARRAY, own[f"{ARRAY}/mean"]), own[f"{ARRAY}/spread"])
    scaled = graph.add("Where", graph.add("IsNaN", scaled), graph.number(0.0), scaled)
    units = (_convolutional if network.filters else _flat)(graph, network, own, scaled)
    return graph.add("Unsqueeze", units, graph.whole(0))


def _kernel(name: str, array: np.ndarray) -> np.ndarray:
    """[*filter, in, out] -> [out, in, *filter] as ONNX wants it; all else as it is."""
    made = np.moveaxis(array, (-1, -2), (0, 1)) if name.endswith("/kernel") else array
    return np.asarray(made, np.float32)


def _flat(graph: Graph, network: Network, own: dict[str, str], scaled: str) -> str:
    return graph.add("Reshape", scaled, graph.whole(-1, prod(network.array)))


def _convolutional(graph: Graph, network: Network, own: dict[str, str], scaled: str) -> str:
    units = scaled
    for block in range(len(network.filters)):
        units = _BLOCKS[network.block](graph, network, own, block, units)
    return graph.add("ReduceMean", units, graph.whole(*range(1, len(network.array))), keepdims=0)


def _plain(graph: Graph, network: Network, own: dict[str, str], block: int, before: str) -> str:
    units = before
    for index in range(network.block_depth):
        units = _add_normalized(graph, network, own, (block, index), units)
    return units


def _residual(graph: Graph, network: Network, own: dict[str, str], block: int, before: str) -> str:
    units = _plain(graph, network, own, block, before)
    shortcut = own.get(f"shortcut_{block}/kernel")
    if shortcut:
        before = _convolve(graph, network, shortcut, network.step(block, 0), before)
    return graph.add("Add", before, units)


def _dense(graph: Graph, network: Network, own: dict[str, str], block: int, before: str) -> str:
    made = [_add_normalized(graph, network, own, (block, 0), before)]
    for index in range(1, network.block_depth):
        made.append(_add_normalized(graph, network, own, (block, index), _beside(graph, made)))
    return _beside(graph, made)


def _beside(graph: Graph, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=-1)


def _add_normalized(graph: Graph, network: Network, own: dict[str, str], place: tuple[int, int], before: str) -> str:
    block, index = place
    name = f"conv_{block}_{index}"
    units = _convolve(graph, network, own[f"{name}/kernel"], network.step(block, index), before)
    if network.normalization != "batch":
        units = graph.add("Add", units, own[f"{name}/bias"])
    if network.normalization != "none":
        units = add_norm(graph, network.normalization, own, f"conv_norm_{block}_{index}", units)
    return add_activation(graph, network.activation, units)


def _convolve(graph: Graph, network: Network, kernel: str, step: int, before: str) -> str:
    """Channels last on both sides, as everywhere else; SAME_UPPER puts the odd zero behind."""
    space = len(network.array) - 1
    first = graph.add("Transpose", before, perm=[0, space + 1, *range(1, space + 1)])
    made = graph.add("Conv", first, kernel, auto_pad="SAME_UPPER", strides=[step] * space)
    return graph.add("Transpose", made, perm=[0, *range(2, space + 2), 1])


_BLOCKS: dict[str, Callable[[Graph, Network, dict[str, str], int, str], str]] = {
    "plain": _plain,
    "residual": _residual,
    "dense": _dense,
}
