"""Time of one member's step: Rounds beside PyTorch eager, `keras.Model.fit` and scikit-learn's MLP on the same work.

    python benchmarks/population_speed.py [--quick]

The contestants take turns in one process, several times; medians and ratios are printed as JSON. Every contestant
trains the same network on the same rows with the same batch, optimizer (Adam), loss (mean squared error) and
float32, shuffled, and nothing else: no validation beyond Rounds' own (which is part of its program, on 100 rows).
PyTorch is given the better of one and two threads. Rounds trains slabs from one thread a core.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version

os.environ.setdefault("KERAS_BACKEND", "jax")

import itertools

import jax.numpy as jnp
import numpy as np

from rounds.networks.builder import describe_network
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.member import SlabData
from rounds.training.pool import workers_here
from rounds.training.population import Slab, make_members, make_slabs, working_set
from rounds.training.program import Program, make_program
from rounds.training.slab import Rows, begin_slab, slab_epochs

HELD = 100
SMALL = {"rows": 5000, "numbers": 20, "hidden": (64, 64), "batch": 50, "members": 64}
MEDIUM = {"rows": 20000, "numbers": 60, "hidden": (256, 256), "batch": 256, "members": 8}
LINEAR_ALGEBRA_PASSES = 3  # forward, gradient of inputs, gradient of weights


def make_data(work: dict) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.normal(size=(work["rows"] + HELD, work["numbers"])).astype(np.float32)
    y = x[:, :3].sum(1, keepdims=True) + random.normal(size=(len(x), 1)).astype(np.float32)
    return x, y.astype(np.float32)


def plan_of(work: dict, epochs: int, shared: bool) -> Plan:
    # Members that share minibatches are those of a sweep: here over rates that differ by a thousandth.
    rates = tuple(1e-3 * (1 + i / 1000) for i in range(work["members"]))
    return Plan(
        hidden=work["hidden"], activation="relu", optimizer="adam", schedule="constant", learning_rate=rates,
        warmup_epochs=0, dropout=0, batch_size=work["batch"], epochs=epochs, folds=1, shared_batches=shared,
        keep_best="none", measure_every=10_000,
    )  # fmt: skip


class Ours:
    """A population of `members` networks in slabs, trained from one thread a core."""

    def __init__(self, work: dict, epochs: int, shared: bool) -> None:
        x, y = make_data(work)
        task = Task(kind="regression", targets=("y",))
        self.plan, self.members = plan_of(work, epochs, shared), work["members"]
        network = describe_network(self.plan, task, work["numbers"], 0, (), False)
        self.program: Program = make_program(self.plan, task, network, False, frozenset())
        self.data = SlabData([jnp.asarray(x)], jnp.asarray(y), jnp.ones(len(x)), jnp.zeros(1), jnp.ones(1))
        self.folds = {0: Rows(np.arange(work["rows"]), np.arange(work["rows"], len(x)))}
        parameters = sum(int(np.prod(v.shape)) for v in self.program.functional.model.trainable_variables)
        size = working_set(network, parameters, work["batch"])
        self.slabs = make_slabs(make_members([self.plan], (0,), (), self.members), {0: size}, workers_here())
        self.steps = self.members * epochs * -(-work["rows"] // work["batch"])
        next(
            slab_epochs(
                self.program, self.slabs[0], self.data, self.folds, begin_slab(self.program, self.slabs[0], self.data)
            )
        )

    def seconds_a_step(self) -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(workers_here()) as threads:
            list(threads.map(self._train, self.slabs))
        return (time.perf_counter() - started) / self.steps

    def _train(self, slab: Slab) -> None:
        for _ in slab_epochs(self.program, slab, self.data, self.folds, begin_slab(self.program, slab, self.data)):
            pass


def torch_step(work: dict, threads: int, steps: int) -> Callable[[], float]:
    import torch

    x, y = (torch.from_numpy(a) for a in make_data(work))
    widths = [work["numbers"], *work["hidden"], 1]
    layers: list = []
    for a, b in itertools.pairwise(widths):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer, loss = torch.optim.Adam(model.parameters(), 1e-3), torch.nn.MSELoss()

    def run() -> float:
        torch.set_num_threads(threads)
        order = torch.randperm(work["rows"])
        started = time.perf_counter()
        for step in range(steps):
            rows = order[torch.arange(step * work["batch"], (step + 1) * work["batch"]) % work["rows"]]
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        return (time.perf_counter() - started) / steps

    run()
    return run


def keras_step(work: dict) -> Callable[[], float]:
    import keras

    x, y = make_data(work)
    x, y = x[: work["rows"]], y[: work["rows"]]
    hidden = [keras.layers.Dense(width, activation="relu") for width in work["hidden"]]
    model = keras.Sequential([keras.Input((work["numbers"],)), *hidden, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    model.fit(x, y, batch_size=work["batch"], epochs=1, verbose=0)
    steps = -(-work["rows"] // work["batch"])

    def run() -> float:
        started = time.perf_counter()
        model.fit(x, y, batch_size=work["batch"], epochs=3, verbose=0)
        return (time.perf_counter() - started) / (3 * steps)

    return run


def sklearn_step(work: dict) -> Callable[[], float]:
    import warnings

    from sklearn.neural_network import MLPRegressor

    x, y = make_data(work)
    x, y = x[: work["rows"]], y[: work["rows"], 0]
    steps = 3 * -(-work["rows"] // work["batch"])

    def run() -> float:
        model = MLPRegressor(
            hidden_layer_sizes=work["hidden"], alpha=0.0, batch_size=work["batch"], max_iter=3, n_iter_no_change=99
        )
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, y)
        return (time.perf_counter() - started) / steps

    return run


def matrix_speed(work: dict) -> Callable[[], float]:
    """Floating-point operations a second of NumPy's float32 matrix product, at its best square size."""
    pairs = [np.ones((n, n), np.float32) for n in (512, 1024, 2048)]

    def run() -> float:
        best = 0.0
        for a in pairs:
            started = time.perf_counter()
            for _ in range(3):
                a @ a
            best = max(best, 3 * 2 * len(a) ** 3 / (time.perf_counter() - started))
        return best

    return run


def operations(work: dict) -> float:
    """Floating-point operations of one step's matrix products (the first layer needs no gradient of its inputs)."""
    widths = [work["numbers"], *work["hidden"], 1]
    products = [a * b for a, b in itertools.pairwise(widths)]
    return 2.0 * work["batch"] * (LINEAR_ALGEBRA_PASSES * sum(products) - products[0])


def compare(work: dict, turns: int, epochs: int, steps: int) -> dict:
    ours = {"shared": Ours(work, epochs, True), "own": Ours(work, epochs, False)}
    contestants = {
        **{f"rounds_{name}": one.seconds_a_step for name, one in ours.items()},
        "torch_1_thread": torch_step(work, 1, steps),
        "torch_2_threads": torch_step(work, 2, steps),
        "keras_fit": keras_step(work),
        "sklearn_mlp": sklearn_step(work),
        "matrix_speed": matrix_speed(work),
    }
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, run in contestants.items():
            found[name].append(run())
    median = {name: statistics.median(values) for name, values in found.items()}
    torch = min(median["torch_1_thread"], median["torch_2_threads"])
    speed = median.pop("matrix_speed")
    return {
        "microseconds_a_member_step": {name: round(1e6 * value, 1) for name, value in median.items()},
        "spread": {
            name: [round(1e6 * min(v), 1), round(1e6 * max(v), 1)] for name, v in found.items() if name in median
        },
        "times_faster_than_torch": {k: round(torch / median[f"rounds_{k}"], 2) for k in ours},
        "times_faster_than_keras": {k: round(median["keras_fit"] / median[f"rounds_{k}"], 2) for k in ours},
        "times_faster_than_sklearn": {k: round(median["sklearn_mlp"] / median[f"rounds_{k}"], 2) for k in ours},
        "share_of_matrix_speed": {k: round(operations(work) / median[f"rounds_{k}"] / speed, 3) for k in ours},
        "matrix_gigaflops": round(speed / 1e9, 1),
        "slab_shapes": {name: one.slabs[0].shape for name, one in ours.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    turns = 3 if parser.parse_args().quick else 7
    packages = ("rounds", "jax", "keras", "torch", "scikit-learn", "numpy")
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{workers_here()} cores, {platform.machine()}, {platform.system()}",
        "versions": {name: version(name) for name in packages},
        "small": compare(SMALL, turns, epochs=8, steps=600),
        "medium": compare(MEDIUM, turns, epochs=2, steps=100),
    }
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
