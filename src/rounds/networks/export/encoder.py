"""What a grid becomes before the dense end of a network, in Keras's own layers (the equations stand in `Network`)."""

from collections.abc import Callable
from typing import Any

from rounds.networks.export.layers import Weights, normalized, with_weights
from rounds.networks.layers.embeddings import keras
from rounds.networks.network import ARRAY, Network


def export_array_units(network: Network, weights: Weights, array: Any, name: str) -> Any:
    """[B, *space, channels] float32 -> [B, network.trunk]; weights of one member."""
    spread = weights[f"{ARRAY}/spread"].astype(float)
    offset = -weights[f"{ARRAY}/mean"].astype(float) / spread
    scaled = keras.layers.Rescaling((1 / spread).tolist(), offset.tolist(), name=f"{name}_{ARRAY}")(array)
    scaled = keras.ops.where(keras.ops.isnan(scaled), 0.0, scaled)
    if not network.filters:
        return keras.layers.Flatten(name=f"{name}_flat")(scaled)
    units = scaled
    for block in range(len(network.filters)):
        units = _BLOCKS[network.block](network, weights, block, units, name)
    pool = keras.layers.GlobalAveragePooling1D if len(network.array) == 2 else keras.layers.GlobalAveragePooling2D
    return pool(name=f"{name}_pool")(units)


def _plain(network: Network, weights: Weights, block: int, before: Any, name: str) -> Any:
    units = before
    for index in range(network.block_depth):
        units = _normalized(network, weights, (block, index), units, name)
    return units


def _residual(network: Network, weights: Weights, block: int, before: Any, name: str) -> Any:
    units = _plain(network, weights, block, before, name)
    if f"shortcut_{block}/kernel" in weights:
        before = _convolution(weights, f"shortcut_{block}", network.step(block, 0), before, name)
    return keras.layers.Add(name=f"{name}_block_sum_{block}")([before, units])


def _dense(network: Network, weights: Weights, block: int, before: Any, name: str) -> Any:
    made = [_normalized(network, weights, (block, 0), before, name)]
    for index in range(1, network.block_depth):
        beside = _beside(made, f"{name}_beside_{block}_{index}")
        made.append(_normalized(network, weights, (block, index), beside, name))
    return _beside(made, f"{name}_beside_{block}")


def _beside(parts: list[Any], name: str) -> Any:
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name=name)(parts)


def _normalized(network: Network, weights: Weights, place: tuple[int, int], before: Any, name: str) -> Any:
    block, index = place
    units = _convolution(weights, f"conv_{block}_{index}", network.step(block, index), before, name)
    norm = f"conv_norm_{block}_{index}"
    units = normalized(network.normalization, weights, norm, units, f"{name}_{norm}")
    return keras.layers.Activation(network.activation, name=f"{name}_conv_activation_{block}_{index}")(units)


def _convolution(weights: Weights, layer: str, step: int, before: Any, name: str) -> Any:
    kernel, bias = weights[f"{layer}/kernel"], weights.get(f"{layer}/bias")
    kind = keras.layers.Conv1D if kernel.ndim == 3 else keras.layers.Conv2D
    made = kind(kernel.shape[-1], kernel.shape[:-2], step, "same", use_bias=bias is not None, name=f"{name}_{layer}")
    return with_weights(made, before, [kernel] if bias is None else [kernel, bias])


_BLOCKS: dict[str, Callable[[Network, Weights, int, Any, str], Any]] = {
    "plain": _plain,
    "residual": _residual,
    "dense": _dense,
}
