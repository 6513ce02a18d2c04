"""What `rounds train` costs beside the training itself.

    python -m benchmarks.training_overhead [--turns 3]

One turn trains the same population twice: bare (the slabs' compiled epochs in as many threads, nothing kept) and by
`rounds.job.stages` (checkpoints, records, early stop, progress events), each from a fresh program that has been
compiled beforehand. Then a whole `rounds train` is split into its stages. Prints ratios as JSON.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.job.request import Request
from rounds.job.stages import amount_of
from rounds.job.train import improve
from rounds.proposal import propose
from rounds.training.machine.device import workers_here
from rounds.training.pool import Work
from rounds.training.population.build import Population, Trained, make_population, train_population
from rounds.training.population.fold_data import make_folds_data
from rounds.training.slab import begin_slab, slab_epochs

SOURCE = "admissions:12000"


def make(epochs: int) -> Population:
    dataset = load(SOURCE, Choices())
    split = split_dataset(dataset)
    folds_data = make_folds_data(dataset, split)
    proposal = propose(dataset.task, amount_of(dataset, split, folds_data[0]), {"epochs": epochs, "patience": 0})
    return make_population(list(proposal.plans), dataset.task, folds_data)


def bare(population: Population) -> float:
    """Seconds of the epochs alone, one thread a core."""
    started = time.perf_counter()
    with ThreadPoolExecutor(workers_here()) as threads:
        list(threads.map(_epochs, population.works))
    return time.perf_counter() - started


def _epochs(work: Work) -> None:
    for _ in slab_epochs(
        work.program,
        work.slab,
        work.data,
        work.folds,
        begin_slab(work.program, work.slab, work.data),
        work.compiled_shape,
    ):
        pass


def kept(population: Population) -> float:
    """Seconds with checkpoints, records and progress, as a run does it."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        *_, trained = train_population(population, Path(folder))
    assert isinstance(trained, Trained)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    words = parser.parse_args()
    population = make(words.epochs)
    bare(population)
    turns = [(bare(population), kept(population)) for _ in range(words.turns)]
    ratios = sorted(with_all / alone for alone, with_all in turns)
    with tempfile.TemporaryDirectory() as folder:
        record = improve(
            load(SOURCE, Choices()), {"epochs": words.epochs}, Request(out=Path(folder) / "run", rounds=0)
        ).record
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        json.dumps(
            {
                "date": datetime.now(UTC).date().isoformat(),
                "cores": cores,
                "source": SOURCE,
                "versions": {name: version(name) for name in ("rounds", "jax", "keras")},
                "networks": len(population.members),
                "epochs": words.epochs,
                "seconds_bare": [round(a, 2) for a, _ in turns],
                "seconds_kept": [round(b, 2) for _, b in turns],
                "overhead": round(statistics.median(ratios) - 1, 3),
                "range": [round(r - 1, 3) for r in (ratios[0], ratios[-1])],
                "seconds_by_stage_of_a_whole_run": record["seconds_by_stage"],
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
