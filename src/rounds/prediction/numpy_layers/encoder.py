"""What a grid becomes before the dense end of a network, in plain NumPy (the equations stand in `Network`)."""

from collections.abc import Callable
from itertools import product

import numpy as np

from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.networks.network import ARRAY, Network
from rounds.prediction.numpy_layers.activations import activate
from rounds.prediction.numpy_layers.normalization import normalize
from rounds.prediction.numpy_layers.recurrence import recurrent

Weights = dict[str, np.ndarray]


def array_units(network: Network, weights: Weights, array: ArrayInput) -> np.ndarray:
    """[B, *space, channels] as stored -> [B, network.trunk] float32."""
    scaled = (np.asarray(array).astype(np.float32) - weights[f"{ARRAY}/mean"]) / weights[f"{ARRAY}/spread"]
    scaled = np.where(np.isnan(scaled), np.float32(0), scaled)
    return ENCODERS.get(network.kind, _flat)(network, weights, scaled)


def _flat(network: Network, weights: Weights, scaled: np.ndarray) -> np.ndarray:
    return scaled.reshape(len(scaled), -1)


def _convolutional(network: Network, weights: Weights, scaled: np.ndarray) -> np.ndarray:
    units = scaled
    for block in range(len(network.filters)):
        units = _BLOCKS[network.block](network, weights, block, units)
    return np.asarray(units.mean(axis=tuple(range(1, units.ndim - 1))))


def _plain(network: Network, weights: Weights, block: int, before: np.ndarray) -> np.ndarray:
    units = before
    for index in range(network.block_depth):
        units = _normalized(network, weights, (block, index), units)
    return units


def _residual(network: Network, weights: Weights, block: int, before: np.ndarray) -> np.ndarray:
    units = _plain(network, weights, block, before)
    if f"shortcut_{block}/kernel" in weights:
        before = convolve(before, weights[f"shortcut_{block}/kernel"], network.step(block, 0))
    return before + units


def _dense(network: Network, weights: Weights, block: int, before: np.ndarray) -> np.ndarray:
    made = [_normalized(network, weights, (block, 0), before)]
    for index in range(1, network.block_depth):
        made.append(_normalized(network, weights, (block, index), np.concatenate(made, axis=-1)))
    return np.concatenate(made, axis=-1)


def _normalized(network: Network, weights: Weights, place: tuple[int, int], before: np.ndarray) -> np.ndarray:
    block, index = place
    name = f"conv_{block}_{index}"
    units = convolve(before, weights[f"{name}/kernel"], network.step(block, index))
    if network.normalization != "batch":
        units += weights[f"{name}/bias"]
    if network.normalization != "none":
        units = normalize(network.normalization, weights, f"conv_norm_{block}_{index}", units)
    return activate(network.activation, units)


def convolve(array: np.ndarray, kernel: np.ndarray, step: int) -> np.ndarray:
    """grid [B, *space, I], kernel [*filter, I, O] -> [B, *places, O], zeros around as Keras's padding "same".

    >>> convolve(np.ones((1, 3, 1)), np.ones((3, 1, 1)), 1).ravel().tolist()
    [2.0, 3.0, 2.0]
    """
    *widths, entering, leaving = kernel.shape
    places = [-(-size // step) for size in array.shape[1:-1]]
    zeros = [max((n - 1) * step + w - s, 0) for n, w, s in zip(places, widths, array.shape[1:-1], strict=True)]
    padded = np.pad(array, ((0, 0), *((z // 2, z - z // 2) for z in zeros), (0, 0)))
    patches = np.empty((len(array), *places, int(np.prod(widths)), entering), array.dtype)
    for number, offset in enumerate(product(*map(range, widths))):
        cut = tuple(slice(o, o + (n - 1) * step + 1, step) for o, n in zip(offset, places, strict=True))
        patches[..., number, :] = padded[(slice(None), *cut)]
    made = patches.reshape(-1, patches.shape[-1] * patches.shape[-2]) @ kernel.reshape(-1, leaving)
    return np.asarray(made.reshape(len(array), *places, leaving))


ENCODERS: dict[str, Callable[[Network, Weights, np.ndarray], np.ndarray]] = {
    "convolutional": _convolutional,
    "recurrent": recurrent,
}
_BLOCKS: dict[str, Callable[[Network, Weights, int, np.ndarray], np.ndarray]] = {
    "plain": _plain,
    "residual": _residual,
    "dense": _dense,
}
