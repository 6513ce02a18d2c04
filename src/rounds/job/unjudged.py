"""Networks that are judged elsewhere (by scikit-learn's cross-validation): trained, chosen, examined, not scored."""

import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rounds.data.dataset import Dataset
from rounds.data.splitting import development_split
from rounds.ensemble.choose import choose_ensemble, refitted
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.examine import examine_run
from rounds.examination.examine_data import examine_data
from rounds.examination.finding import Examination
from rounds.examination.sources.population import run_of
from rounds.examination.while_training.lost import hopeless_in
from rounds.job.request import Request
from rounds.job.stages import FOLDS, propose_population, requested_changes
from rounds.prediction.predictor import Predictor
from rounds.prescription.loop import Circumstances, Loop, look, refit, treat
from rounds.run_folder.prescriptions import PrescriptionRecord
from rounds.training.machine.compilation_cache import open_compilation_cache
from rounds.training.population.build import train_to_end

Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Unjudged:
    """predictor: the networks that predict together; examination: what the rules say of the data and of training;
    prescriptions: what was tried, as in prescriptions.json."""

    predictor: Predictor
    examination: Examination
    prescriptions: tuple[PrescriptionRecord, ...]


def train_unjudged(dataset: Dataset, request: Request) -> Unjudged:
    """Trains on every row, each network with a fold of patients held back, and scores nobody.

    What data rules find is kept, and stops nothing. Raises DataError where there are too few patients, TrainingError
    where no network is finite.
    """
    if request.cache:
        open_compilation_cache()
    split = development_split(dataset, requested_changes(request).get("folds", FOLDS), request.split_seed)
    said = examine_data(DataEvidence(dataset, split))
    ends = np.inf if request.minutes is None else time.monotonic() + 60 * request.minutes
    with tempfile.TemporaryDirectory() as folder:
        given = Circumstances(dataset, split, request.members, 1, ends, Path(folder))
        found = _end_of(_looped(given, request))
    trained, patients = found.trained, dataset.cohort.patients[split.development]
    made = choose_ensemble(trained, trained.population.folds_data[0], dataset.columns, patients)
    run = replace(
        run_of(found.own, len(found.populations) - 1, found.known_linear_by_fold),
        data_findings=said[0],
        data_not_applicable=said[1],
        data_examined=True,
    )
    return Unjudged(refitted(made, found.refitted).predictor, examine_run(run), found.entries)


def _looped(given: Circumstances, request: Request) -> Generator[Any, None, Loop]:
    """A population, and as many rounds of remedies as were asked for."""
    given, population, _ = propose_population(given, request, None)
    training = train_to_end(population, given.folder, given.minutes_left(), hopeless_in(population))
    found = Loop(((yield from training),))
    while True:
        found, this_round = look(given, found, request.rounds)
        if this_round is None:
            return (yield from refit(given, found))
        found = yield from treat(given, found, this_round)


def _end_of(steps: Generator[Any, None, Returned]) -> Returned:
    """What a generator returns, when nobody looks at what it yields."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            returned: Returned = end.value
            return returned
