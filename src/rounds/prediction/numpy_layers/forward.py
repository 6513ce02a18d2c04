"""A network's forward pass in plain NumPy: the same numbers as JAX, without the seconds that importing it costs."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from math import prod
from os import cpu_count

import numpy as np
from threadpoolctl import ThreadpoolController

from rounds.data.dataset import Inputs
from rounds.networks.network import OUTPUT, Network
from rounds.networks.operations import entering, operations, run_operations
from rounds.prediction.numpy_layers.table import TABLE

# Rows at a time: what is between two layers stays in the cache, and memory does not grow with the table.
CHUNK_ROWS = 512
# Values of an array at a time; fewer where it is convolved: patches hold some hundred times as many.
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

    steps = operations(network)
    own = [{name: array[member] for name, array in weights.items()} for member in range(members)]
    starts = range(0, outputs.shape[1], size)

    def fill(member: int, start: int) -> None:
        rows = slice(start, start + size)
        given = {entering(name): array for name, array in inputs.take(rows).arrays.items()}
        outputs[member, rows] = run_operations(steps, TABLE, own[member], given)[steps[-1].name]

    # One thread a core and none inside the matrix products: threads waiting for threads cost 4 to 20 times as much.
    with _libraries().limit(limits=1, user_api="blas"), ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(fill, *zip(*product(range(members), starts), strict=True)))
    return outputs


@cache
def _libraries() -> ThreadpoolController:
    """The matrix libraries of this process; finding them takes milliseconds, so once."""
    return ThreadpoolController()
