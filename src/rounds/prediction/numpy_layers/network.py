"""A network's forward pass in plain NumPy: the same numbers as Keras, without the seconds that importing it costs."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from math import prod
from os import cpu_count

import numpy as np
from threadpoolctl import ThreadpoolController

from rounds.data.dataset import Inputs
from rounds.networks.network import NUMBER_LAYER, OUTPUT, SKIP, Network
from rounds.prediction.numpy_layers.activations import activate
from rounds.prediction.numpy_layers.encoder import array_units
from rounds.prediction.numpy_layers.normalization import normalize

# Rows at a time: what is between two layers stays in the cache, and memory does not grow with the table.
CHUNK_ROWS = 512
# Values of a grid at a time; fewer where it is convolved: patches hold some hundred times as many.
CHUNK_VALUES, CONVOLVED_VALUES = 4_000_000, 12_500  # a quarter less time than 50,000, and than 3,000

Weights = dict[str, np.ndarray]


def forward(network: Network, weights: Weights, inputs: Inputs) -> np.ndarray:
    """Outputs [K, N, outputs] float32 of K members, weights stacked on the leading axis, for N rows.

    The equations stand in `Network`. Members and chunks of rows run on threads (NumPy leaves the interpreter free).
    Raises PlanError for an activation that prediction does not know.

    >>> line = Network(kind="linear", numbers=1, flags=0)
    >>> weights = {"output/kernel": np.full((1, 1, 1), 2.0, "f4"), "output/bias": np.ones((1, 1), "f4")}
    >>> forward(line, weights, Inputs(np.ones((1, 1), "f4"), np.ones((1, 0), "f4"), np.ones((1, 0), "i4"))).tolist()
    [[[3.0]]]
    """
    members = len(weights[f"{OUTPUT}/kernel"])
    outputs = np.empty((members, inputs.rows, network.outputs), np.float32)
    values = CONVOLVED_VALUES if network.filters else CHUNK_VALUES
    size = min(CHUNK_ROWS, max(1, values // prod(network.array)))  # of a table: values // 1

    own = [{name: array[member] for name, array in weights.items()} for member in range(members)]
    starts = range(0, outputs.shape[1], size)

    def fill(member: int, start: int) -> None:
        rows = slice(start, start + size)
        outputs[member, rows] = _one_member(network, own[member], inputs, rows)

    # One thread a core and none inside the matrix products: threads waiting for threads cost 4 to 20 times as much.
    with _libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(fill, *zip(*product(range(members), starts), strict=True)))
    return outputs


@cache
def _libraries() -> ThreadpoolController:
    """The matrix libraries of this process; finding them takes milliseconds, so once."""
    return ThreadpoolController()


def _one_member(network: Network, weights: Weights, inputs: Inputs, rows: slice) -> np.ndarray:
    features = _features(network, weights, inputs.take(rows))
    units = features
    for index in range(len(network.hidden)):
        units = _hidden_layer(network, weights, index, units)
    output = units @ weights[f"{OUTPUT}/kernel"] + weights[f"{OUTPUT}/bias"]
    if network.skip_to_output:
        output += features @ weights[f"{SKIP}/kernel"]
    return activate(network.output_activation, output)


def _features(network: Network, weights: Weights, inputs: Inputs) -> np.ndarray:
    """[B, features]: numbers, spread-out numbers, flags, embedded codes, units of the grid."""
    parts = [inputs.numbers]
    if network.numbers and network.number_embedding != "none":
        spread = _periodic if network.number_embedding == "periodic" else _piecewise
        parts.append(spread(weights, inputs.numbers))
    parts.append(inputs.flags)
    parts += [weights[f"code_{i}/embeddings"][inputs.codes[:, i]] for i in range(len(network.levels))]
    if network.array:
        assert inputs.array is not None
        parts.append(array_units(network, weights, inputs.array))
    return np.concatenate(parts, axis=1)


def _periodic(weights: Weights, numbers: np.ndarray) -> np.ndarray:
    """relu(concat(sin(2 pi f x), cos(2 pi f x)) . kernel + bias), [B, F] -> [B, F * width]."""
    frequencies = weights[f"{NUMBER_LAYER}/frequencies"] * np.float32(2 * np.pi)  # [F, P]
    angle = numbers.T[:, :, None] * frequencies[:, None, :]  # [F, B, P]
    half = frequencies.shape[1]
    kernel = weights[f"{NUMBER_LAYER}/kernel"]  # [F, 2P, W]
    units = np.sin(angle) @ kernel[:, :half] + np.cos(angle) @ kernel[:, half:]
    return activate("relu", _flat(units, weights))


def _piecewise(weights: Weights, numbers: np.ndarray) -> np.ndarray:
    """clip((x - e_t) / (e_t+1 - e_t), 0, 1) . kernel + bias, [B, F] -> [B, F * width]."""
    edges = weights[f"{NUMBER_LAYER}/edges"][:, None, :]  # [F, 1, P + 1]
    low, high = edges[..., :-1], edges[..., 1:]
    place = np.clip((numbers.T[:, :, None] - low) / (high - low), 0, 1)  # [F, B, P]
    return _flat(place @ weights[f"{NUMBER_LAYER}/kernel"], weights)


def _flat(units: np.ndarray, weights: Weights) -> np.ndarray:
    """[F, B, W] plus bias [F, W] -> [B, F * W]."""
    units = units.transpose(1, 0, 2) + weights[f"{NUMBER_LAYER}/bias"]
    return units.reshape(len(units), -1)


def _hidden_layer(network: Network, weights: Weights, index: int, before: np.ndarray) -> np.ndarray:
    units = before @ weights[f"hidden_{index}/kernel"]
    if network.normalization != "batch":
        units += weights[f"hidden_{index}/bias"]
    if network.normalization != "none":
        units = normalize(network.normalization, weights, f"norm_{index}", units)
    units = activate(network.activation, units)
    agrees = before.shape[1] == network.hidden[index]
    return before + units if network.residual and agrees else units
