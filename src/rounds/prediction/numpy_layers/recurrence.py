"""Recurrent layers in plain NumPy (the equations stand in `Network`)."""

from collections.abc import Callable

import numpy as np

from rounds.networks.network import Network
from rounds.prediction.numpy_layers.activations import activate

Weights = dict[str, np.ndarray]
States = tuple[np.ndarray, ...]


def recurrent(network: Network, weights: Weights, scaled: np.ndarray) -> np.ndarray:
    """[B, T, C] whose first channel says what lies inside the recording -> last states [B, units]."""
    inside = scaled[:, :, 0] > 0.5
    units = scaled
    for layer in range(len(network.recurrent)):
        ways = [_run(network, weights, f"forward_{layer}", units, inside)]
        if network.bidirectional:
            backward = _run(network, weights, f"backward_{layer}", units[:, ::-1], inside[:, ::-1])
            ways.append(backward[:, ::-1])
        units = np.concatenate(ways, axis=2)
    ends = [units[:, -1, : network.recurrent[-1]], units[:, 0, network.recurrent[-1] :]]
    return np.concatenate(ends, axis=1)


def _run(network: Network, weights: Weights, name: str, units: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """State after every step, [B, T, H]; a step outside leaves it as it was."""
    own = {part: weights[f"{name}/{part}"] for part in ("kernel", "recurrent_kernel", "bias")}
    entering, own = _entering(network.cell, units, own)
    width = own["recurrent_kernel"].shape[0]
    states: States = tuple(np.zeros((len(units), width), np.float32) for _ in range(1 + (network.cell == "lstm")))
    passed = np.empty((*units.shape[:2], width), np.float32)
    for step in range(units.shape[1]):
        made = _CELLS[network.cell](entering[:, step], states, own)
        here = inside[:, step, None]
        states = tuple(np.where(here, new, old) for new, old in zip(made, states, strict=True))
        passed[:, step] = states[0]
    return passed


def _entering(cell: str, units: np.ndarray, own: Weights) -> tuple[np.ndarray, Weights]:
    """What enters each step [B, T, gates * H], one product for all of them; and the weights that are left to use."""
    bias = own["bias"][0] if cell == "gru" else own["bias"]
    flat = units.reshape(-1, units.shape[2]) @ own["kernel"] + bias
    return flat.reshape(*units.shape[:2], -1), {**own, "bias": own["bias"][1] if cell == "gru" else bias}


def _simple(entering: np.ndarray, states: States, own: Weights) -> States:
    return (np.tanh(entering + states[0] @ own["recurrent_kernel"]),)


def _gru(entering: np.ndarray, states: States, own: Weights) -> States:
    old = states[0]
    width = old.shape[1]
    inner = old @ own["recurrent_kernel"] + own["bias"]
    gates = activate("sigmoid", entering[:, : 2 * width] + inner[:, : 2 * width])
    keep, reset = gates[:, :width], gates[:, width:]
    proposed = np.tanh(entering[:, 2 * width :] + reset * inner[:, 2 * width :])
    return (keep * old + (1 - keep) * proposed,)


def _lstm(entering: np.ndarray, states: States, own: Weights) -> States:
    old, carried = states
    width = old.shape[1]
    gates = entering + old @ own["recurrent_kernel"]
    enter, forget = activate("sigmoid", gates[:, :width]), activate("sigmoid", gates[:, width : 2 * width])
    leave = activate("sigmoid", gates[:, 3 * width :])
    carried = forget * carried + enter * np.tanh(gates[:, 2 * width : 3 * width])
    return leave * np.tanh(carried), carried


_CELLS: dict[str, Callable[[np.ndarray, States, Weights], States]] = {"simple": _simple, "gru": _gru, "lstm": _lstm}
