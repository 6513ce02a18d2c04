"""The whole job in plain order: split, propose, train, hand over, judge, write down."""

import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.data.dataset import Dataset, Split
from rounds.data.splitting import split_dataset
from rounds.inference.baselines import Baseline
from rounds.inference.handover import HandOver, hand_over
from rounds.inference.judgement import Judged, average_judged, fit_material_baselines, predict_judged
from rounds.inference.predictor import Predictor
from rounds.inference.run_folder import CHECKPOINTS, Clock, Finished, begin_run, finish_run, open_run_folder
from rounds.proposal import Amount, propose
from rounds.training.material import Material, make_materials
from rounds.training.pool import Progress
from rounds.training.run import Population, Trained, make_population, train_population

FOLDS = 5
SINGLE_LEARNING_RATE = 3e-3  # between the rates that a population averages over


@dataclass(frozen=True)
class Request:
    """What the user asked for beside the data.

    changes: plan fields; members: networks per judging fold; minutes: limit on training; out: run folder (None: made
    up under runs/); resume: go on with what is there.
    """

    changes: dict[str, Any] = field(default_factory=dict)
    members: int | None = None
    minutes: float | None = None
    split_seed: int = 0
    out: Path | None = None
    resume: bool = False
    allow: tuple[str, ...] = ()
    rounds: int = 0


@dataclass(frozen=True)
class Result:
    """A finished run: its folder, what metrics.json says, and the predictor."""

    folder: Path
    record: dict[str, Any]
    predictor: Predictor

    def predict(self, table: pl.DataFrame) -> np.ndarray:
        """Predictions [N, T] in the target's unit, or probabilities, for a table with the feature columns."""
        return self.predictor.predict(table).values

    def write_report(self, path: Path | None = None) -> Path:
        """Draws the report anew; copies it to `path` where one is given."""
        from rounds.report.page import write_report

        made = write_report(self.folder)
        return Path(shutil.copyfile(made, path)) if path else made


@dataclass(frozen=True)
class Stage:
    """A new part of the job begins; for whoever watches."""

    name: str
    population: Population | None = None


Event = Stage | Progress | Result


def improve(dataset: Dataset, request: Request | None = None) -> Result:
    """Trains, judges and writes a run folder; silent.

    Raises DataError, PlanError or RunFolderError for what cannot be used, TrainingError where no member is finite.
    """
    for event in stages(dataset, request or Request()):
        if isinstance(event, Result):
            return event
    raise AssertionError("stages end in a result")


def stages(dataset: Dataset, request: Request) -> Iterator[Event]:
    """The job as a stream of events that ends in a Result; who stops listening stops the job at an epoch boundary."""
    clock = Clock()
    yield Stage("preparing")
    changes = one_network(request.changes) if request.members == 1 else request.changes
    nested = request.members != 1
    split = split_dataset(dataset, changes.get("folds", FOLDS), request.split_seed, nested=nested)
    materials = make_materials(dataset, split, changes.get("scale_inputs", True))
    proposal = propose(dataset.task, amount_of(dataset, split, materials[0]), changes)
    population = make_population(list(proposal.plans), dataset.task, materials, request.members)
    folder = open_run_folder(request.out, dataset, request.resume)
    begin_run(folder, dataset, split, proposal, population, request.split_seed)
    clock.lap("preparing")
    yield Stage("training", population)
    trained = yield from _training(population, folder, request.minutes)
    clock.lap("training")
    yield Stage("judging")
    made, judged, baselines = _judging(dataset, split, trained, request.changes.get("seed", 0))
    clock.lap("judging")
    yield Stage("writing")
    finished = Finished(dataset, split, trained, made, judged, tuple(baselines))
    record = finish_run(folder, finished, clock)
    yield Result(folder, record, made.predictor)


def one_network(changes: dict[str, Any]) -> dict[str, Any]:
    """Plan fields for a single network: one validation part and one learning rate, unless the user says otherwise."""
    return {"folds": 1, "learning_rate": SINGLE_LEARNING_RATE, **changes}


def _training(population: Population, folder: Path, minutes: float | None) -> Generator[Progress, None, Trained]:
    for event in train_population(population, folder / CHECKPOINTS, minutes):
        if isinstance(event, Trained):
            return event
        yield event
    raise AssertionError("training ends in a trained population")


def _judging(dataset: Dataset, split: Split, trained: Trained, seed: int) -> tuple[HandOver, Judged, list[Baseline]]:
    """The predictor that is handed over, and what was predicted for patients it (or, for small data, the members of
    that judging fold) never saw."""
    materials = trained.population.materials
    made = hand_over(trained, materials[0], dataset.columns)
    baselines = fit_material_baselines(dataset, split, materials[0], seed)
    if split.kind != "out-of-fold":
        return made, predict_judged(dataset, split.test, made, baselines), baselines
    parts = []
    for material in materials[1:]:
        rows = split.development[material.judged]
        fold_baselines = fit_material_baselines(dataset, split, material, seed)
        parts.append(predict_judged(dataset, rows, hand_over(trained, material), fold_baselines))
    return made, average_judged(parts), baselines


def amount_of(dataset: Dataset, split: Split, material: Material) -> Amount:
    """How much the members of a fold learn from."""
    rows = material.folds[0].train
    targets = material.targets[rows]
    counts = np.bincount(targets[:, 0].astype(int)) if dataset.task.kind in ("binary", "multiclass") else np.zeros(1)
    shape = material.preparation.shape
    patients = len(np.unique(dataset.patients[split.development[rows]]))
    return Amount(len(rows), patients, int(counts.min()), shape.numbers, shape.flags)
