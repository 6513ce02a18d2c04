"""What the closed loop is worth: from faulty starts, beside a tuner with its budget, beside one network; its own cost.

    python -m benchmarks.closed_loop faults SHARED --tasks cleveland [--severities 1] [--faults "l2 too strong"]
    python -m benchmarks.closed_loop tuner SHARED --tables pima,cleveland --splits 0,1
    python -m benchmarks.closed_loop_results        writes docs/results.md from what was recorded

SHARED is the folder of shared tables (`data/` and `tables/`). One JSON record a run is added to RECORDS, so that runs
can be made a few at a time; the table is of all of them.

Said before any run: a fault is mended where at least 95 % of the healthy plan's way from the constant is regained on
patients nobody learned from, in at most 3 times the member-epochs of one healthy training; and Rounds is level with the
tuner where it is not behind by more than 1 % of the way from the constant to the better of the two.
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
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.errors import TrainingError
from rounds.improvement import Request, improve
from rounds.inference.constant import constant_predictions
from rounds.inference.handover import hand_over
from rounds.inference.intervals import paired_difference
from rounds.metrics import main_metric
from rounds.metrics.table import score
from rounds.plan import Plan, make_plan
from rounds.prescription import arms, stay
from rounds.prescription.stay import Circumstances, Stay, look, treat
from rounds.training.material import make_materials, scaling_of
from rounds.training.record import member_epochs
from rounds.training.run import Trained, make_population, train_to_end

RECORDS = Path(".cache/closed_loop.jsonl")
ROUNDS = 2  # as `rounds train` does by default
SEED = 0
# Numbers that are codes, as in benchmarks/shared_tables.py.
CODES = {"cleveland": ("cp", "restecg", "slope", "thal")}

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


def wanted(fault: Fault, ground: Ground, words: argparse.Namespace) -> bool:
    """Faults of the plan alone: no change of plan mends a table."""
    known = "frozen_layers" in Plan.model_fields or fault.name != "frozen layers"
    named = not words.faults or fault.name in words.faults.split(",")
    return known and named and not fault.of_table and bool(fault.changes(1, ground.dataset.task))


def treated(ground: Ground, changes: Record, rounds: int) -> Record:
    """Scores of the population as it was and after the stay, on clean patients, and what it took."""
    started = time.monotonic()
    training: list[float] = []
    plan = make_plan(Plan(), {**changes, "seed": SEED})
    folder = Path(tempfile.mkdtemp())
    given = Circumstances(ground.dataset, ground.split, None, 1, np.inf, folder)
    materials = make_materials(ground.dataset, ground.split, scaling_of(plan))
    with timed_training(training):
        first = drained(stay.train_to_end(make_population([plan], ground.dataset.task, materials, None), folder))
        found = Stay((first,))
        while rounds:
            found, visit = look(given, found, rounds)
            if visit is None:
                break
            found = drained(treat(given, found, visit))
    after = judged(ground, found.trained)
    shutil.rmtree(folder, ignore_errors=True)
    seconds = time.monotonic() - started
    return {
        "metric": main_metric(ground.dataset.task), "constant": judged(ground, None), "before": judged(ground, first),
        "after": after, "member_epochs": sum(map(member_epochs, found.populations)) + found.member_epochs,
        "alarms": [[f.code for f in e.alarms] for e in found.examinations], "ended": found.ended,
        "kept": [e["change"] for e in found.entries if e["verdict"] == "kept"],
        "seconds": round(seconds, 2), "seconds_training": round(sum(training), 2),
    }  # fmt: skip


@contextmanager
def timed_training(seconds: list[float]) -> Generator[None, None, None]:
    """Seconds inside trainings, populations and trials alike: the rest of a stay is the loop's own."""

    def timed(*words: Any, **more: Any) -> Generator[Any, None, Trained]:
        started = time.monotonic()
        made = yield from train_to_end(*words, **more)
        seconds.append(time.monotonic() - started)
        return made

    stay.train_to_end = arms.train_to_end = timed  # type: ignore[assignment]
    try:
        yield
    finally:
        stay.train_to_end = arms.train_to_end = train_to_end


def drained(events: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(events)
        except StopIteration as stop:
            return stop.value


def judged(ground: Ground, trained: Trained | None) -> float:
    """Main metric on clean patients; None, or networks without a finite number: the constant."""
    task, clean = ground.dataset.task, ground.clean
    material = make_materials(ground.dataset, ground.split)[0]
    predicted = constant_predictions(task, material, clean.rows)
    if trained is not None:
        patients = ground.dataset.patients[ground.split.development]
        try:
            made = hand_over(trained, trained.population.materials[0], ground.dataset.columns, patients)
            predicted = made.predictor.predict(clean.inputs).values
        except TrainingError:
            pass
    return float(score(task, clean.targets, predicted)[main_metric(task)])


# Beside a tuner and beside one network


def beside_a_tuner(words: argparse.Namespace) -> None:
    tasks = protocol(words.shared)
    for name in words.tables.split(","):
        for split in map(int, words.splits.split(",")):
            dev, test, target, kind, group = tasks.load(name, split)
            codes = {c: "categorical" for c in CODES.get(name, ()) if c in dev.columns}
            choices = Choices(targets=(target,), kind=kind, group=group or "none", as_roles=codes)
            dataset = load(dev, choices, test=test)
            note({"kind": "tuner", "table": name, "split": split, **compared(dataset, split)})


def compared(dataset: Dataset, seed: int) -> Record:
    """Rounds as it comes, one default network, and TPE with 1 and 1/2 times the member-epochs that Rounds took."""
    folder = Path(tempfile.mkdtemp())
    many = improve(dataset, {}, Request(out=folder / "rounds", rounds=ROUNDS))
    single = improve(dataset, {}, Request(out=folder / "one", rounds=0, members=1))
    shutil.rmtree(folder)
    test = np.flatnonzero(dataset.given_test if dataset.given_test is not None else np.zeros(dataset.rows, bool))
    observed, patients = dataset.targets[test], dataset.patients[test]
    metric = main_metric(dataset.task)
    says = {"rounds": many.predict(dataset.inputs[test]), "one": single.predict(dataset.inputs[test])}
    epochs = sum(many.record["rounds"][f"member_epochs_in_{where}"] for where in ("populations", "trials"))
    tuned = {}
    for share in (0.5, 1.0):
        predicted, trials = tune(dataset, round(share * epochs), seed)
        tuned[str(share)] = {
            "value": float(score(dataset.task, observed, predicted)[metric]), "trials": trials,
            "rounds_better_by": paired_difference(dataset.task, metric, observed, says["rounds"], predicted, patients),
        }  # fmt: skip
    values = {name: float(score(dataset.task, observed, p)[metric]) for name, p in says.items()}
    better = paired_difference(dataset.task, metric, observed, says["rounds"], says["one"], patients)
    seconds = many.record["seconds_by_stage"]
    return {
        "metric": metric, "constant": many.record["baselines"]["constant"][metric]["value"], **values, "tuned": tuned,
        "better_than_one_by": better, "member_epochs": epochs, "seconds": seconds,
    }  # fmt: skip


def tune(dataset: Dataset, budget: int, seed: int) -> tuple[np.ndarray, int]:
    """(test predictions of the best trial's five members averaged, trials) of TPE within so many member-epochs."""
    import optuna

    from rounds.data.splitting import split_dataset
    from rounds.improvement import FOLDS as ALL_FOLDS
    from rounds.improvement import amount_of
    from rounds.proposal import propose

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    split = split_dataset(dataset, ALL_FOLDS)
    materials = make_materials(dataset, split)
    start = propose(dataset.task, amount_of(dataset, split, materials[0]), {}).plans[0]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=5))
    spent, best, chosen = 0, np.inf, None
    test = np.flatnonzero(dataset.given_test if dataset.given_test is not None else np.zeros(dataset.rows, bool))
    while spent < budget:
        trial = study.ask()
        trained = drained(train_to_end(make_population([drawn(trial, start)], dataset.task, materials)))
        spent += member_epochs(trained)
        try:
            made = hand_over(trained, materials[0], dataset.columns, dataset.patients[split.development])
            value = min(made.scores.values())
        except TrainingError:
            made, value = None, 1e9
        study.tell(trial, value)
        if made is not None and value < best:
            best, chosen = value, made
    assert chosen is not None
    return chosen.predictor.predict(dataset.inputs[test]).values, len(study.trials)


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
    tuner = verbs.add_parser("tuner")
    tuner.add_argument("shared", type=Path)
    tuner.add_argument("--tables", default="pima,cleveland")
    tuner.add_argument("--splits", default="0,1,2,3,4")
    words = parser.parse_args()
    {"faults": healthy_and_faulty, "tuner": beside_a_tuner}[words.verb](words)


if __name__ == "__main__":
    main()
