"""What the closed loop is worth: from faulty starts, beside a tuner with its budget, beside one network; its own cost.

    python -m benchmarks.closed_loop faults SHARED [--tasks pima] [--severities 1] [--faults "frozen layers;..."]
    python -m benchmarks.closed_loop again SHARED [--tasks pima]     healthy plans with other seeds
    python -m benchmarks.closed_loop tuner SHARED [--tables pima,nhanes_bps] [--splits 0,1]
    python -m benchmarks.closed_loop_results        writes docs/results.md from what was recorded

SHARED is the folder of shared tables (`data/` and `tables/`). One JSON record a run is added to RECORDS, so that runs
can be made a few at a time; the table is of all of them.

Said before any run: a fault is mended where at least 95 % of the healthy plan's way from the constant is regained on
patients nobody learned from, in at most 3 times the member-epochs of one healthy training; and Rounds is level with the
tuner where it is not behind by more than 1 % of the way from the constant to the better of the two, on the mean of at
least five splits of a table. The tuner answers in two ways, with the networks of its best trial and with all its trials
averaged as Rounds averages its own; the second is the one to be level with.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shared_tables import protocol
from benchmarks.ward.faults import FAULTS, Fault
from benchmarks.ward.ground import Ground, make_ground
from benchmarks.ward.healthy import GOOD
from benchmarks.ward.tasks import TASKS
from rounds.baselines.constant import constant_predictions
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.ensemble.choose import ChosenEnsemble, choose_ensemble
from rounds.ensemble.members import sound_members
from rounds.errors import TrainingError
from rounds.examination.while_training.lost import hopeless_in
from rounds.job import stages as improvement
from rounds.job.request import Request
from rounds.job.stages import FOLDS as ALL_FOLDS
from rounds.job.stages import amount_of
from rounds.job.train import improve
from rounds.metrics import main_metric
from rounds.metrics.table import score
from rounds.plan import Plan, make_plan
from rounds.prescription import loop as loop
from rounds.prescription.loop import Circumstances, Loop, look, treat
from rounds.prescription.trial import arms
from rounds.proposal import propose
from rounds.statistics.differences import paired_difference
from rounds.training.population.build import Population, Trained, make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data, scaling_of
from rounds.training.population.members import WHOLE_DEVELOPMENT
from rounds.training.population.reuse import gathered
from rounds.training.result.tables import member_epochs
from tests.generators import end_of

RECORDS = Path(".cache/closed_loop.jsonl")
ROUNDS = 2  # as `rounds train` does by default
SEED = 0
OTHER_SEEDS = range(1, 9)  # of the healthy plan again: how far its own score goes by luck
# Numbers that are codes, as in benchmarks/shared_tables.py.
CODES = {"cleveland": ("cp", "restecg", "slope", "thal")}
TRAINING = (arms, loop, improvement)  # whatever trains in the loop

Record = dict[str, Any]


# From faulty starts


def healthy_and_faulty(words: argparse.Namespace) -> None:
    for task in TASKS:
        if task.name not in words.tasks.split(","):
            continue
        ground = make_ground(task.load(words.shared / "data"), SEED)
        healthy = treated(ground, GOOD, rounds=0)
        note({"kind": "healthy", "table": task.name, **healthy})
        for fault in FAULTS:
            for severity in map(int, words.severities.split(",")):
                if wanted(fault, ground, words):
                    plan = {**GOOD, **fault.changes(severity, ground.dataset.task)}
                    made = treated(ground, plan, ROUNDS)
                    note({"kind": "fault", "table": task.name, "fault": fault.name, "severity": severity, **made})


def healthy_again(words: argparse.Namespace) -> None:
    """The healthy plan with other seeds: what share of its own way it regains, by luck alone."""
    for task in TASKS:
        if task.name in words.tasks.split(","):
            ground = make_ground(task.load(words.shared / "data"), SEED)
            for seed in OTHER_SEEDS:
                made = treated(ground, {**GOOD, "seed": seed}, rounds=0)
                note({"kind": "healthy again", "table": task.name, "seed": seed, "patients": ground.clean.rows, **made})


def wanted(fault: Fault, ground: Ground, words: argparse.Namespace) -> bool:
    """Faults of the plan alone: no change of plan mends a table."""
    known = "frozen_layers" in Plan.model_fields or fault.name != "frozen layers"
    named = not words.faults or fault.name in words.faults.split(";")
    return known and named and not fault.of_table and bool(fault.changes(1, ground.dataset.task))


def treated(ground: Ground, changes: Record, rounds: int) -> Record:
    """Scores of the population as it was and after the loop, on clean patients, and what it took."""
    started = time.monotonic()
    training: list[float] = []
    plan = make_plan(Plan(), {"seed": SEED, **changes})
    folder = Path(tempfile.mkdtemp())
    given = Circumstances(ground.dataset, ground.split, None, 1, np.inf, folder)
    folds_data = make_folds_data(ground.dataset, ground.split, scaling_of(plan))
    with timed_training(training):
        population = loop.make_population([plan], ground.dataset.task, folds_data)  # type: ignore[attr-defined]
        first = end_of(loop.train_to_end(population, folder, None, hopeless_in(population)))  # type: ignore[attr-defined]
        found = Loop((first,))
        while rounds:
            found, this_round = look(given, found, rounds)
            if this_round is None:
                break
            found = end_of(treat(given, found, this_round))
    seconds = time.monotonic() - started
    after = judged(ground, found.trained)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "metric": main_metric(ground.dataset.task),
        "constant": judged(ground, None),
        "before": judged(ground, first),
        "after": after,
        "member_epochs": found.in_populations + found.member_epochs,
        "first": member_epochs(first),
        "alarms": [[f.code for f in e.alarms] for e in found.examinations],
        "ended": found.ended,
        "kept": [e.change for e in found.entries if e.verdict == "kept"],
        "seconds": round(seconds, 2),
        "seconds_training": round(sum(training), 2),
        "timed": "stay",  # records without it timed the judging on clean patients as well
    }


@contextmanager
def timed_training(seconds: list[float]) -> Generator[None, None, None]:
    """Seconds of building and training networks, in populations and trials: the rest is the loop's."""

    def trained(*words: Any, **more: Any) -> Generator[Any, None, Trained]:
        started = time.monotonic()
        made = yield from train_to_end(*words, **more)
        seconds.append(time.monotonic() - started)
        return made

    def built(*words: Any, **more: Any) -> Population:
        started = time.monotonic()
        made = make_population(*words, **more)
        seconds.append(time.monotonic() - started)
        return made

    try:
        for module in TRAINING:
            module.train_to_end, module.make_population = trained, built  # type: ignore[attr-defined]
        yield
    finally:
        for module in TRAINING:
            module.train_to_end, module.make_population = train_to_end, make_population  # type: ignore[attr-defined]


def judged(ground: Ground, trained: Trained | None) -> float:
    """Main metric on clean patients; None, or networks without a finite number: the constant."""
    task, clean = ground.dataset.task, ground.clean
    fold_data = make_folds_data(ground.dataset, ground.split)[0]
    predicted = constant_predictions(task, fold_data.targets[fold_data.learned], clean.rows)
    if trained is not None:
        patients = ground.dataset.cohort.patients[ground.split.development]
        try:
            made = choose_ensemble(trained, trained.population.folds_data[0], ground.dataset.columns, patients)
            predicted = made.predictor.predict(clean.inputs).values
        except TrainingError:
            pass
    return float(score(task, clean.targets, predicted)[main_metric(task)])


# Beside a tuner and beside one network


def beside_a_tuner(words: argparse.Namespace) -> None:
    """Split after split over all tables, so that whatever was run when it ends is a comparison over all of them."""
    tasks = protocol(words.shared)
    done = {(r["table"], r["split"]) for r in recorded() if r["kind"] == "tuner"}
    for split in map(int, words.splits.split(",")):
        for name in words.tables.split(","):
            if (name, split) in done:
                continue
            dev, test, target, kind, group = tasks.load(name, split)
            codes = {c: "categorical" for c in CODES.get(name, ()) if c in dev.columns}
            choices = Choices(targets=(target,), kind=kind, group=group or "none", as_roles=codes)
            note({"kind": "tuner", "table": name, "split": split, **compared(load(dev, choices, test=test), split)})


def compared(dataset: Dataset, seed: int) -> Record:
    """Rounds as it comes, one default network, and TPE with 1 and 1/2 times the member-epochs that Rounds took."""
    folder = Path(tempfile.mkdtemp())
    training: list[float] = []
    with timed_training(training):
        many = improve(dataset, {}, Request(out=folder / "rounds", rounds=ROUNDS))
    single = improve(dataset, {}, Request(out=folder / "one", rounds=0, members=1))
    kept = json.loads((folder / "rounds" / "prescriptions.json").read_text(encoding="utf-8"))
    shutil.rmtree(folder)
    test = np.flatnonzero(
        dataset.cohort.given_test if dataset.cohort.given_test is not None else np.zeros(dataset.rows, bool)
    )
    observed, patients = dataset.targets[test], dataset.cohort.patients[test]
    metric, rounds = main_metric(dataset.task), many.record["rounds"]
    says = {"rounds": many.predict(dataset.inputs[test]), "one": single.predict(dataset.inputs[test])}
    epochs = rounds["member_epochs_in_populations"] + rounds["member_epochs_in_trials"]
    started = time.monotonic()
    trials = search(dataset, epochs, seed)

    def beside(predicted: np.ndarray) -> Record:
        better = paired_difference(dataset.task, metric, observed, says["rounds"], predicted, patients)
        return {"value": float(score(dataset.task, observed, predicted)[metric]), "rounds_better_by": better}

    tuned = {
        str(share): {how: beside(p) for how, p in answers(dataset, trials, share * epochs, test).items()}
        for share in (0.5, 1.0)
    }
    values = {name: float(score(dataset.task, observed, p)[metric]) for name, p in says.items()}
    return {
        "metric": metric,
        "constant": many.record["baselines"]["constant"][metric]["value"],
        **values,
        "tuned": tuned,
        "trials": len(trials),
        "spent": trials[-1].spent,
        "tuner_seconds": round(time.monotonic() - started, 1),
        "better_than_one_by": paired_difference(dataset.task, metric, observed, says["rounds"], says["one"], patients),
        "rows": [dataset.rows - len(test), len(test)],
        "member_epochs": epochs,
        "rounds_say": rounds,
        "kept": [e["change"] for e in kept if e["verdict"] == "kept"],
        "seconds": many.record["seconds_by_stage"],
        "seconds_training": round(sum(training), 2),
        "timed": "stay",
    }


@dataclass(frozen=True)
class Tried:
    """One trial of the tuner: what was trained, its validation score (lower is better), and member-epochs so far."""

    trained: Trained
    value: float
    spent: int


def search(dataset: Dataset, budget: int, seed: int) -> list[Tried]:
    """TPE within so many member-epochs, a trial being a plan on all five folds; it begins with the plan that Rounds
    would begin with."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    split = split_dataset(dataset, ALL_FOLDS)
    folds_data = make_folds_data(dataset, split)[:1]
    start = propose(dataset.task, amount_of(dataset, split, folds_data[0]), {}).plans[0]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=5))
    study.enqueue_trial({**DEFAULT, **{name: getattr(start, name) for name in PROPOSED}})
    trials: list[Tried] = []
    while not trials or trials[-1].spent < budget:
        trial = study.ask()
        population = make_population([drawn(trial, start)], dataset.task, folds_data)
        trained = end_of(train_to_end(population, None, None, hopeless_in(population)))
        spent = (trials[-1].spent if trials else 0) + member_epochs(trained)
        value = min(handed_over(dataset, trained).scores.values()) if is_sound(trained) else WORST
        study.tell(trial, value)
        trials.append(Tried(trained, value, spent))
    return trials


def is_sound(trained: Trained) -> bool:
    try:
        return bool(sound_members(trained, WHOLE_DEVELOPMENT))
    except TrainingError:
        return False


def handed_over(dataset: Dataset, trained: Trained) -> ChosenEnsemble:
    """As Rounds hands a population over: recalibrated where that helps."""
    patients = dataset.cohort.patients[split_dataset(dataset, ALL_FOLDS).development]
    return choose_ensemble(trained, trained.population.folds_data[0], dataset.columns, patients)


def answers(dataset: Dataset, trials: list[Tried], budget: float, test: np.ndarray) -> dict[str, np.ndarray]:
    """Test predictions of the trials within the budget (the first always is): `best`, the five networks of the best
    one, and `ensemble`, all of them chosen from and averaged as Rounds does with its own."""
    within = [t for t in trials if t.spent <= budget] or trials[:1]
    best = min(within, key=lambda t: t.value)
    plans = [t.trained.population.plans[0] for t in within]
    population = make_population(list(dict.fromkeys(plans)), dataset.task, list(best.trained.population.folds_data))
    together = gathered(population, [t.trained for t in within])
    return {
        name: handed_over(dataset, trained).predictor.predict(dataset.inputs[test]).values
        for name, trained in (("best", best.trained), ("ensemble", together))
    }


# The plan with which Rounds begins, in the tuner's terms; its rate lies between the two that Rounds averages. What
# Rounds proposes by the amount of data is taken from its plan.
DEFAULT: Record = {"width": 128, "layers": 2, "learning_rate": 3e-3, "weight_decay": 1e-2, "activation": "silu"}
PROPOSED = ("dropout", "l2", "normalization", "number_embedding")
WORST = 1e9  # of a trial whose members all diverged


def drawn(trial: Any, start: Plan) -> Plan:
    """A plan of the space that prescriptions move in; epochs, patience and batch as Rounds proposes them."""
    width = trial.suggest_categorical("width", (32, 64, 128, 256))
    return start.change(
        hidden=(width,) * trial.suggest_int("layers", 1, 3),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
        dropout=trial.suggest_float("dropout", 0.0, 0.6),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
        l2=trial.suggest_categorical("l2", (0.0, 1e-4, 1e-3)),
        activation=trial.suggest_categorical("activation", ("silu", "relu", "leaky_relu")),
        normalization=trial.suggest_categorical("normalization", ("none", "batch")),
        number_embedding=trial.suggest_categorical("number_embedding", ("none", "periodic")),
    )


def recorded() -> list[Record]:
    """What was noted before."""
    return [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()] if RECORDS.exists() else []


def note(record: Record) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ("rounds", "jax", "keras", "scikit-learn")
    about = {n: version(n) for n in packages} | {"python": platform.python_version(), "cores": cores}
    whole = {**record, "about": about, "date": datetime.now(UTC).date().isoformat()}
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    with RECORDS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(whole) + "\n")
    print(json.dumps(record), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    faults = verbs.add_parser("faults")
    faults.add_argument("shared", type=Path)
    faults.add_argument("--tasks", default="cleveland")
    faults.add_argument("--severities", default="0,1")
    faults.add_argument("--faults", default="")
    again = verbs.add_parser("again")
    again.add_argument("shared", type=Path)
    again.add_argument("--tasks", default="cleveland")
    tuner = verbs.add_parser("tuner")
    tuner.add_argument("shared", type=Path)
    tuner.add_argument("--tables", default="pima,cleveland,nhanes_bps,flchain_death")
    tuner.add_argument("--splits", default="0,1,2,3,4")
    words = parser.parse_args()
    {"faults": healthy_and_faulty, "again": healthy_again, "tuner": beside_a_tuner}[words.verb](words)


if __name__ == "__main__":
    main()
