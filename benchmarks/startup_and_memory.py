"""How soon commands answer, and how much memory a large table takes.

    python -m benchmarks.startup_and_memory [--rows 1000000] [--columns 50] [--parts seconds,memory] [--before FOLDER]

Start-up: median seconds of fresh processes. Prediction: 10,000 rows with a trained run, start-up included. Memory: the
peak of `rounds train` on a float table written as Parquet, beside the size of the array. With --before, the source of
an earlier state: a training of one epoch by it and by this one in turn, in seconds and processor seconds. Prints JSON.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.machine import about
from rounds.data.sources.simulated_hospital import simulate_admissions

FLOAT_BYTES = 4
ADMISSIONS = "from rounds.data.sources.simulated_hospital import simulate_admissions as s; s(100_000)"
FORWARD = """
import numpy as np
from rounds.data.dataset import Inputs
from rounds.networks.network import Network
from rounds.prediction.numpy_layers.forward import forward
draw = np.random.default_rng(0).normal
network = Network(kind="dense", numbers=25, flags=0, hidden=(128, 128), activation="silu")
shapes = {"hidden_0": (25, 128), "hidden_1": (128, 128), "output": (128, 1)}
weights = {f"{n}/kernel": draw(0, 0.1, (20, *s)).astype("f4") for n, s in shapes.items()}
weights |= {f"{n}/bias": np.zeros((20, s[1]), "f4") for n, s in shapes.items()}
none = np.zeros((10_000, 0), "f4")
forward(network, weights, Inputs(draw(size=(10_000, 25)).astype("f4"), none, none.astype("i4")))
"""
QUICK = ("--rounds", "0", "--members", "2", "--set", "epochs=2", "--quiet")


def seconds(words: list[str], turns: int = 5) -> float:
    found = []
    for _ in range(turns):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        found.append(time.perf_counter() - started)
    return round(statistics.median(found), 3)


def rounds(*words: str) -> list[str]:
    return ["-m", "rounds.cli", *words]


def write_table(path: Path, rows: int, columns: int) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, columns)).astype(np.float32)
    y = x[:, 0] + 0.5 * x[:, 1] ** 2 + random.normal(size=rows).astype(np.float32)
    pl.DataFrame({f"x{i}": x[:, i] for i in range(columns)} | {"y": y}).write_parquet(path)


def peak_bytes(words: list[str]) -> tuple[float, int]:
    """(seconds, peak resident bytes) of one child process."""
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert after > before, "another child had a higher peak"
    return round(time.perf_counter() - started, 1), after * (1 if sys.platform == "darwin" else 1024)


def memory(folder: Path, rows: int, columns: int) -> dict[str, float]:
    """Peak of training on a float table, beside what is allowed."""
    table = folder / "table.parquet"
    write_table(table, rows, columns)
    array = rows * columns * FLOAT_BYTES
    words = rounds("train", str(table), "--target", "y", "--group", "none", *QUICK, "--out", str(folder / "large"))
    took, peak = peak_bytes(words)
    sizes = {"array": array, "peak": peak, "allowed": 3 * array + 1.5e9}
    megabytes = {f"{name}_megabytes": round(size / 1e6) for name, size in sizes.items()}
    return {"rows": rows, "columns": columns, **megabytes, "seconds": took}


def all_seconds(folder: Path) -> dict[str, float]:
    """Of each command, start-up included."""
    run, new = folder / "run", folder / "new.csv"
    subprocess.run([sys.executable, *rounds("train", "admissions", *QUICK, "--out", str(run))], check=True)
    simulate_admissions(10_000, seed=5).table.write_csv(new)
    full = rounds("train", "diabetes", "--rounds", "0", "--quiet", "--out", str(folder / "full"))
    short = ("--rounds", "0", "--set", "epochs=1", "--no-cache", "--quiet")
    one_epoch = rounds("train", "diabetes", *short, "--out", str(folder / "one_epoch"))
    return {
        "python -c pass": seconds(["-c", "pass"]),
        "import rounds": seconds(["-c", "import rounds"]),
        "rounds --help": seconds(rounds("--help")),
        "rounds predict, 10,000 rows": seconds(
            rounds("predict", str(run), str(new), "--quiet", "--out", str(folder / "out.csv"))
        ),
        "rounds train diabetes --rounds 0": seconds(full, turns=1),
        "rounds train diabetes --rounds 0 --set epochs=1 --no-cache": seconds(one_epoch, turns=1),
        "rounds report": seconds(rounds("report", str(run), "--quiet")),
        "10,000 rows by 20 networks, in NumPy": seconds(["-c", FORWARD]),
        "100,000 admissions simulated": seconds(["-c", ADMISSIONS]),
    }


def beside(source: Path, folder: Path, turns: int = 5) -> dict[str, list[float]]:
    """[median seconds, median processor seconds] of one epoch on diabetes, by an earlier state and by this one."""
    words = [sys.executable, *rounds("train", "diabetes", "--rounds", "0", "--set", "epochs=1", "--quiet", "--out")]
    states = {"before": str(source / "src"), "now": str(Path(__file__).parents[1] / "src")}
    found: dict[str, list[tuple[float, float]]] = {state: [] for state in states}
    for turn in range(turns):
        for state, path in states.items():
            without = ["--no-cache"] if state == "now" else []  # an earlier one had no programs on disk
            started, used = time.perf_counter(), _children()
            subprocess.run(
                [*words, str(folder / f"{state}{turn}"), *without],
                check=True,
                capture_output=True,
                env={**os.environ, "PYTHONPATH": path},
            )
            found[state].append((time.perf_counter() - started, _children() - used))
    return {state: np.median(pairs, axis=0).round(2).tolist() for state, pairs in found.items()}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--parts", default="memory,seconds")
    parser.add_argument("--before", type=Path)
    words = parser.parse_args()
    record = about("jax", "polars")
    with tempfile.TemporaryDirectory() as name:
        if "memory" in words.parts.split(","):  # first: the peak is that of all children so far
            record["memory"] = memory(Path(name), words.rows, words.columns)
        if "seconds" in words.parts.split(","):
            record["seconds"] = all_seconds(Path(name))
        if words.before:
            record["beside"] = beside(words.before, Path(name))
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
