"""What it costs to look inside the networks while they train, at the interval that Rounds chooses.

    python -m benchmarks.measures_cost [--turns 5]

The same population trains by turns with and without measures: the same compiled epochs and validation, one thread a
core, nothing kept. Prints for each table the extra time as a share of training, on the clock and in processor time
(which other work on the machine disturbs less), with a 95 % Student interval over turns of the logarithm of the ratio.
The limit is 10 %.
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.machine import about
from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.job.stages import amount_of
from rounds.proposal import propose
from rounds.training.compiled.measures import measure_interval
from rounds.training.machine.device import workers_here
from rounds.training.pool import Work
from rounds.training.population.build import Population, make_population
from rounds.training.population.fold_data import make_folds_data
from rounds.training.slab import begin_slab, slab_epochs, steps_per_epoch

EPOCHS = {"diabetes": 60, "admissions:12000": 12}
JUDGING = 0  # members of a judging fold are not measured


def make(source: str) -> Population:
    """The default population of a table for so many epochs, none stopping early."""
    dataset = load(source, Choices())
    split = split_dataset(dataset, nested=False)
    folds_data = make_folds_data(dataset, split)
    changes = {"epochs": EPOCHS[source], "patience": 0}
    plans = list(propose(dataset.task, amount_of(dataset, split, folds_data[0]), changes).plans)
    return make_population(plans, dataset.task, folds_data)


def seconds(works: list[Work]) -> tuple[float, float]:
    """Seconds of one training, on the clock and of all cores together."""
    started, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(workers_here()) as threads:
        list(threads.map(_epochs, works))
    return time.perf_counter() - started, time.process_time() - worked


def _epochs(work: Work) -> None:
    start = begin_slab(work.program, work.slab, work.data)
    for _ in slab_epochs(work.program, work.slab, work.data, work.folds, start, work.compiled_shape):
        pass


def compare(source: str, turns: int) -> dict[str, Any]:
    population = make(source)
    measured = list(population.works)
    plain = [replace(work, slab=replace(work.slab, outer=JUDGING)) for work in measured]
    seconds(measured)  # compiles everything
    times = np.array([(seconds(plain), seconds(measured)) for _ in range(turns)])  # [turns, plain and measured, kind]
    plan, steps = population.plans[0], steps_per_epoch(population.plans[0], measured[0].compiled_shape)[0]
    return {
        "source": source,
        "networks": len(population.members),
        "epochs": plan.epochs,
        "steps_an_epoch": steps,
        "epochs_between_measures": measure_interval(plan, steps),
        "turns": turns,
        **{kind: extra(times[:, :, place]) for place, kind in enumerate(("clock", "processor"))},
    }


def extra(times: np.ndarray) -> dict[str, Any]:
    """times: [turns, 2] seconds without and with."""
    logs = np.log(times[:, 1] / times[:, 0])
    half = float(stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs)))
    value, low, high = (round(float(np.expm1(logs.mean() + side * half)), 4) for side in (0, -1, 1))
    return {"extra": {"value": value, "low": low, "high": high}, "seconds": times.round(3).tolist()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    found = [compare(source, turns) for source in EPOCHS]
    print(json.dumps({"about": about("jax", "keras", "numpy"), "measures": found}, indent=2))


if __name__ == "__main__":
    main()
