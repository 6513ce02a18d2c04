"""Time of one member's step: Rounds beside PyTorch eager, `keras.Model.fit` and scikit-learn's MLP on the same work.

    python -m benchmarks.population_speed [--works small,medium] [--turns 7] [--page FILE ...]

The contestants take turns in one process, several times; medians and ratios are printed as a line of JSON a work, and
--page makes Markdown of files of such lines. Every contestant trains the same network on the same rows with the same
batch, optimizer (Adam), loss (mean squared error) and float32, shuffled, and nothing else: no validation beyond Rounds'
own (which is part of its program, on 100 rows). PyTorch is given the better of one and two threads. Rounds trains slabs
from one thread a core.

How much of the machine is used is told by three yardsticks of the same turns: NumPy's fastest matrix product of any
square size; the very products of the step (forward and both backward ones) in NumPy and in XLA by themselves; and a
step written by hand in JAX that does nothing but descend. All of them work from one thread a core, as Rounds does.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.contestants import Ours, Torch, Work, make_rows
from rounds.training.machine.device import workers_here

SMALL = {"rows": 5000, "numbers": 20, "hidden": (64, 64), "batch": 50, "members": 64}
MEDIUM = {"rows": 20000, "numbers": 60, "hidden": (256, 256), "batch": 256, "members": 8}
EPOCHS = {"small": 8, "medium": 2}
TORCH_STEPS = {"small": 600, "medium": 100}


def perceptron(work: dict[str, Any], epochs: int, steps: int) -> Work:
    """steps: of PyTorch's turn."""

    def peer() -> Any:
        import torch

        pairs = list(itertools.pairwise([work["numbers"], *work["hidden"], 1]))
        layers = [made for a, b in pairs for made in (torch.nn.Linear(a, b), torch.nn.ReLU())]
        return torch.nn.Sequential(*layers[:-1])

    return Work(
        (work["numbers"],),
        work["rows"],
        work["batch"],
        work["members"],
        epochs,
        {"hidden": work["hidden"]},
        peer=peer,
        peer_steps=steps,
    )


def keras_step(work: Work) -> Callable[[], float]:
    from rounds.networks.keras.backend import keras

    x, y = (a[: work.rows] for a in make_rows(work))
    hidden = [keras.layers.Dense(width, activation="relu") for width in work.plan["hidden"]]
    model = keras.Sequential([keras.Input(work.shape), *hidden, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    model.fit(x, y, batch_size=work.batch, epochs=1, verbose=0)

    def run() -> float:
        started = time.perf_counter()
        model.fit(x, y, batch_size=work.batch, epochs=3, verbose=0)
        return (time.perf_counter() - started) / (3 * -(-work.rows // work.batch))

    return run


def sklearn_step(work: Work) -> Callable[[], float]:
    import warnings

    from sklearn.neural_network import MLPRegressor

    x, y = (a[: work.rows] for a in make_rows(work))
    steps = 3 * -(-work.rows // work.batch)

    def run() -> float:
        model = MLPRegressor(
            hidden_layer_sizes=work.plan["hidden"], alpha=0.0, batch_size=work.batch, max_iter=3, n_iter_no_change=99
        )
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, y[:, 0])
        return (time.perf_counter() - started) / steps

    return run


def matrix_speed() -> float:
    """Floating-point operations a second of NumPy's float32 matrix product, at its best square size."""
    best = 0.0
    for width in (512, 1024, 2048):
        a = np.ones((width, width), np.float32)
        started = time.perf_counter()
        for _ in range(3):
            a @ a
        best = max(best, 3 * 2 * width**3 / (time.perf_counter() - started))
    return best


def shapes_of_products(work: Work) -> list[tuple[int, int]]:
    """(in, out) of each affine map."""
    return list(itertools.pairwise((work.shape[0], *work.plan["hidden"], 1)))


def operations(work: Work) -> float:
    """Floating-point operations of one step's matrix products (the first layer needs no gradient of its inputs)."""
    products = [a * b for a, b in shapes_of_products(work)]
    return 2.0 * work.batch * (3 * sum(products) - products[0])


def by_every_core(run: Callable[[], Any], steps: int) -> float:
    """Seconds a step where every core runs so many steps at once."""
    cores = workers_here()
    started = time.perf_counter()
    with ThreadPoolExecutor(cores) as threads:
        list(threads.map(lambda _: run(), range(cores)))
    return (time.perf_counter() - started) / (cores * steps)


def numpy_products(work: Work, steps: int) -> Callable[[], float]:
    """The step's products alone, activations and gradients being any numbers."""
    random, pairs = np.random.default_rng(0), shapes_of_products(work)
    units = [
        random.normal(size=(work.batch, width)).astype(np.float32) for width in (pairs[0][0], *(b for _, b in pairs))
    ]
    kernels = [random.normal(size=pair).astype(np.float32) for pair in pairs]

    def products() -> None:
        for _ in range(steps):
            for i, kernel in enumerate(kernels):
                units[i] @ kernel
                units[i].T @ units[i + 1]
                if i:
                    units[i + 1] @ kernel.T

    def run() -> float:
        with threadpool_limits(1):
            return by_every_core(products, steps)

    return run


def compiled(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    made = jax.jit(function).lower(*arguments).compile()
    return lambda: jax.block_until_ready(made(*arguments))


def xla_products(work: Work, steps: int) -> Callable[[], float]:
    """The same in a compiled loop whose every step starts from what the last one left."""
    random, pairs = np.random.default_rng(0), shapes_of_products(work)
    kernels = [jnp.asarray(random.normal(size=pair) / pair[0] ** 0.5, jnp.float32) for pair in pairs]
    x = jnp.asarray(random.normal(size=(work.batch, work.shape[0])), jnp.float32)

    def step(kernels: list[jax.Array], _: None) -> tuple[list[jax.Array], None]:
        outputs, back = jax.vjp(lambda weights: _through(weights, x), kernels)
        return [w + 1e-6 * g for w, g in zip(kernels, back(outputs)[0], strict=True)], None

    run = compiled(lambda weights: jax.lax.scan(step, weights, None, length=steps), kernels)
    return lambda: by_every_core(run, steps)


def _through(kernels: list[jax.Array], x: jax.Array) -> jax.Array:
    for kernel in kernels:
        x = x @ kernel
    return x


def bare_loop(work: Work, steps: int) -> Callable[[], float]:
    """A step by hand: rows drawn, gradients, Adam; one network a core."""
    random = np.random.default_rng(0)
    x, y = map(jnp.asarray, make_rows(work))
    order = jnp.asarray(random.integers(0, work.rows, (steps, work.batch)))
    weights = [
        (jnp.asarray(random.normal(size=(a, b)) * (2 / a) ** 0.5, jnp.float32), jnp.zeros(b))
        for a, b in shapes_of_products(work)
    ]

    def loss(weights: Any, rows: jax.Array) -> jax.Array:
        units = x[rows]
        for kernel, bias in weights[:-1]:
            units = jax.nn.relu(units @ kernel + bias)
        return jnp.mean((units @ weights[-1][0] + weights[-1][1] - y[rows]) ** 2)

    def step(carry: Any, rows: jax.Array) -> tuple[Any, None]:
        weights, mean, square, count = carry
        gradients, count = jax.grad(loss)(weights, rows), count + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradients)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradients)
        fresh, older = 1 / (1 - 0.9**count), 1 / (1 - 0.999**count)
        moved = jax.tree.map(lambda w, m, v: w - 1e-3 * m * fresh / (jnp.sqrt(v * older) + 1e-8), weights, mean, square)
        return (moved, mean, square, count), None

    zeros = jax.tree.map(jnp.zeros_like, weights)
    run = compiled(lambda *carry: jax.lax.scan(step, carry, order), weights, zeros, zeros, jnp.float32(0))
    return lambda: by_every_core(run, steps)


def compare(work: Work, turns: int, steps: int) -> dict[str, Any]:
    ours = {"shared": Ours(work, True), "own": Ours(work, False)}
    contestants: dict[str, Callable[[], float]] = {
        **{f"rounds_{name}": one.seconds_a_step for name, one in ours.items()},
        "torch_1_thread": Torch(work, "cpu", 1).seconds_a_step,
        "torch_2_threads": Torch(work, "cpu", 2).seconds_a_step,
        "keras_fit": keras_step(work),
        "sklearn_mlp": sklearn_step(work),
        "bare_jax_loop": bare_loop(work, steps),
        "xla_products": xla_products(work, steps),
        "numpy_products": numpy_products(work, steps),
        "matrix_speed": matrix_speed,
    }
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, run in contestants.items():
            found[name].append(run())
    speeds = found.pop("matrix_speed")
    median = {name: statistics.median(values) for name, values in found.items()}
    torch = min(median["torch_1_thread"], median["torch_2_threads"])
    shares = ("rounds_shared", "rounds_own", "bare_jax_loop", "xla_products", "numpy_products")
    speed = statistics.median(speeds)
    return {
        "microseconds_a_member_step": {name: round(1e6 * value, 1) for name, value in median.items()},
        "spread": {name: [round(1e6 * min(v), 1), round(1e6 * max(v), 1)] for name, v in found.items()},
        "times_faster_than_torch": {k: round(torch / median[f"rounds_{k}"], 2) for k in ours},
        "times_faster_than_keras": {k: round(median["keras_fit"] / median[f"rounds_{k}"], 2) for k in ours},
        "times_faster_than_sklearn": {k: round(median["sklearn_mlp"] / median[f"rounds_{k}"], 2) for k in ours},
        "share_of_matrix_speed": {k: round(operations(work) / median[k] / speed, 3) for k in shares},
        "share_of_numpy_products": {k: round(median["numpy_products"] / median[k], 3) for k in shares},
        "matrix_gigaflops": [round(s / 1e9, 1) for s in (speed, min(speeds), max(speeds))],
        "slab_shapes": {name: one.slabs[0].shape for name, one in ours.items()},
    }


SHOWN = {
    "rounds_shared": "Rounds, shared minibatches",
    "rounds_own": "Rounds, own minibatches",
    "bare_jax_loop": "a step by hand in JAX",
    "xla_products": "XLA, the step's products alone",
    "numpy_products": "NumPy, the step's products alone",
    "torch_1_thread": "PyTorch eager, 1 thread",
    "torch_2_threads": "PyTorch eager, 2 threads",
    "keras_fit": "`keras.Model.fit`",
    "sklearn_mlp": "scikit-learn MLP",
}


def page(record: dict[str, Any]) -> str:
    """A table of one work."""
    times, shares = record["microseconds_a_member_step"], record["share_of_matrix_speed"]
    rows = []
    for name, shown in SHOWN.items():
        low, high = record["spread"][name]
        share = f"{100 * shares[name]:.0f} %" if name in shares else ""
        rows.append(
            f"| {shown} | {times[name]:,.0f} ({low:,.0f} to {high:,.0f}) | "
            f"{times[name] / times['rounds_shared']:.2f} | {share} |"
        )
    work, speed = record["work"], record["matrix_gigaflops"]
    widths = "-".join(map(str, (work["numbers"], *work["hidden"], 1)))
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items() if name != "rounds")
    return "\n".join(
        [
            f"{work['rows']:,} rows, {widths}, batch {work['batch']}, {work['members']} members, slabs "
            f"{record['slab_shapes']['shared']}; NumPy's fastest square product: {speed[0]:.0f} ({speed[1]:.0f} to "
            f"{speed[2]:.0f}) GFLOP/s.",
            "",
            "| contestant | us a member-step (range) | against Rounds | share of that speed |",
            "|---" * 4 + "|",
            *rows,
            "",
            f"{record['turns']} turns; {record['machine']}; {record['date']}; {versions}.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--works", default="small,medium")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--page", nargs="+", type=Path)
    words = parser.parse_args()
    if words.page:
        lines = [line for file in words.page for line in file.read_text(encoding="utf-8").splitlines() if line]
        print("\n".join(page(json.loads(line)) for line in lines))
        return
    packages = ("rounds", "jax", "keras", "torch", "scikit-learn", "numpy")
    for name in words.works.split(","):
        given = {"small": SMALL, "medium": MEDIUM}[name]
        work = perceptron(given, EPOCHS[name], TORCH_STEPS[name])
        record = {
            "date": datetime.now(UTC).date().isoformat(),
            "turns": words.turns,
            "work": {"name": name, **given},
            "machine": f"{workers_here()} cores, {platform.machine()}, {platform.system()}",
            "versions": {name: version(name) for name in packages},
            **compare(work, words.turns, TORCH_STEPS[name]),
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
