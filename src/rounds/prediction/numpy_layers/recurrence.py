"""Recurrent layers in NumPy; a step outside the recording leaves the state as it is."""

from collections.abc import Callable, Mapping

import numpy as np

from rounds.networks.operations import Recur
from rounds.prediction.numpy_layers.activations import activate

Arrays = Mapping[str, np.ndarray]
States = tuple[np.ndarray, ...]


def recur_rows(operation: Recur, own: Arrays, x: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """x [B, T, C], scaled [B, T, channels] whose first channel says what lies inside -> [B, T, U] or [B, U]."""
    inside = scaled[:, :, 0] > 0.5
    order = slice(None, None, -1 if operation.backwards else 1)
    passed = _run(operation.cell, own, x[:, order], inside[:, order])
    return passed[:, order] if operation.every_step else passed[:, -1]


def _run(cell: str, own: Arrays, x: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """State after every step, [B, T, U]."""
    entering, used = _entering(cell, x, own)
    width = used["recurrent_kernel"].shape[0]
    states: States = tuple(np.zeros((len(x), width), np.float32) for _ in range(1 + (cell == "lstm")))
    passed = np.empty((*x.shape[:2], width), np.float32)
    for step in range(x.shape[1]):
        made = CELLS[cell](entering[:, step], states, used)
        here = inside[:, step, None]
        states = tuple(np.where(here, new, old) for new, old in zip(made, states, strict=True))
        passed[:, step] = states[0]
    return passed


def _entering(cell: str, x: np.ndarray, own: Arrays) -> tuple[np.ndarray, Arrays]:
    """What enters each step [B, T, gates * U], one product for all of them; and the arrays that are left to use."""
    bias = own["bias"][0] if cell == "gru" else own["bias"]
    flat = x.reshape(-1, x.shape[2]) @ own["kernel"] + bias
    return flat.reshape(*x.shape[:2], -1), {**own, "bias": own["bias"][1] if cell == "gru" else bias}


def _simple(entering: np.ndarray, states: States, own: Arrays) -> States:
    return (np.tanh(entering + states[0] @ own["recurrent_kernel"]),)


def _gru(entering: np.ndarray, states: States, own: Arrays) -> States:
    old = states[0]
    width = old.shape[1]
    inner = old @ own["recurrent_kernel"] + own["bias"]
    gates = activate("sigmoid", entering[:, : 2 * width] + inner[:, : 2 * width])
    keep, reset = gates[:, :width], gates[:, width:]
    proposed = np.tanh(entering[:, 2 * width :] + reset * inner[:, 2 * width :])
    return (keep * old + (1 - keep) * proposed,)


def _lstm(entering: np.ndarray, states: States, own: Arrays) -> States:
    old, carried = states
    width = old.shape[1]
    gates = entering + old @ own["recurrent_kernel"]
    enter, forget = activate("sigmoid", gates[:, :width]), activate("sigmoid", gates[:, width : 2 * width])
    leave = activate("sigmoid", gates[:, 3 * width :])
    carried = forget * carried + enter * np.tanh(gates[:, 2 * width : 3 * width])
    return leave * np.tanh(carried), carried


CELLS: dict[str, Callable[[np.ndarray, States, Arrays], States]] = {"simple": _simple, "gru": _gru, "lstm": _lstm}
