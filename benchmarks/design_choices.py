"""What single design choices are worth: effect and interval of each on three real tables.

    python -m benchmarks.design_choices SHARED --records FILE [--seeds 8] [--tasks pima,cleveland,nhanes_bps]
    python -m benchmarks.design_choices SHARED --records FILE --page         the table of docs/results.md from records

For each table one control plan and one plan a choice train on the same folds, seeds and minibatches. A seed's score is
that of its members on the patients they did not learn from; the effect of a choice is the mean over seeds of the paired
difference to the control, with a 95 % Student interval over seeds, in per cent of the constant's score (positive:
better).
Optimizers are given three learning rates each and are compared at the best of their mean scores, the control as well.
SHARED as in shared_tables.py. Every choice is a record of its own, and those that the file has are not trained again.

    python -m benchmarks.design_choices SHARED --records FILE --proposed [--tasks d130_los] [--rows 37500] [--folds 0,1]
                                        [--choices "batch normalization;l2 1e-4"] [--seed 0] [--page]

is about tables of many rows: the two networks that Rounds proposes, at both rates, on some of the five validation folds
of the development rows of division 0; of a fold the average of its members counts, as it is handed over.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.machine import Record, about, keep, kept, told
from benchmarks.shared_tables import CODES, protocol
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.ensemble.members import average_outputs, member_outputs, smeared
from rounds.job.stages import FOLDS as ALL_FOLDS
from rounds.job.stages import amount_of
from rounds.metrics import METRICS, main_metric, score
from rounds.plan import Plan
from rounds.proposal import propose
from rounds.task import Task
from rounds.training.population.build import Trained, make_population, train_population
from rounds.training.population.fold_data import FoldData, make_folds_data, scaling_of
from rounds.training.population.members import Member

FOLDS = 2
RATES = (1e-3, 3e-3, 1e-2)
CONTROL = Plan(
    hidden=(64, 64),
    dropout=0.3,
    learning_rate=RATES,
    epochs=40,
    patience=8,
    batch_size=32,
    warmup_epochs=1.2,
    number_embedding="periodic",
    measure_every=10_000,
)
SLOW = (0.03, 0.1, 0.3)
CHOICES: dict[str, dict[str, Any]] = {
    "control": {},
    "optimizer sgd": {"optimizer": "sgd", "learning_rate": SLOW},
    "optimizer momentum": {"optimizer": "momentum", "learning_rate": tuple(r / 10 for r in SLOW)},
    "optimizer nesterov": {"optimizer": "nesterov", "learning_rate": tuple(r / 10 for r in SLOW)},
    "optimizer adagrad": {"optimizer": "adagrad", "learning_rate": (0.01, 0.03, 0.1)},
    "optimizer rmsprop": {"optimizer": "rmsprop"},
    "optimizer adam": {"optimizer": "adam"},
    "schedule constant": {"schedule": "constant"},
    "schedule one_cycle": {"schedule": "one_cycle"},
    "normalization batch": {"normalization": "batch"},
    "normalization layer": {"normalization": "layer"},
    "dropout 0": {"dropout": 0.0},
    "weight_decay 0": {"weight_decay": 0.0},
    "l2 1e-3": {"l2": 1e-3},
    "label_smoothing 0.1": {"label_smoothing": 0.1},
    "input_noise 0.1": {"input_noise": 0.1},
    "mixup 0.2": {"mixup": 0.2},
    "ema 0.99": {"ema": 0.99},
    "no number embedding": {"number_embedding": "none"},
    "piecewise embedding": {"number_embedding": "piecewise"},
    "activation relu": {"activation": "relu"},
    "activation sigmoid": {"activation": "sigmoid"},
    "hidden 16": {"hidden": (16,)},
    "hidden 256,256,256": {"hidden": (256, 256, 256)},
    "residual": {"residual": True},
    "skip_to_output": {"skip_to_output": True},
    "linear network": {"network": "linear"},
    "batch_size 128": {"batch_size": 128},
    "inputs not scaled": {"scale_inputs": False},
}

# Of what Rounds proposes for a table: its wider network and its narrower one.
Changes = dict[str, Any]
SMALL: Changes = {"normalization": "none", "l2": 0.0}  # what tables of few rows have is the control
NORMAL: Changes = {"normalization": "batch"}
STEADY: Changes = {**NORMAL, "l2": 1e-4}
LONG: Changes = {"epochs": 24, "warmup_epochs": 0.72}
RAISED: Changes = {"learning_rate": (3e-3, 1e-2)}


def both(**changes: Any) -> tuple[Changes, Changes]:
    return changes, changes


PROPOSED_CHOICES: dict[str, tuple[Changes, Changes]] = {
    "control": both(),
    "hidden 256,256": ({"hidden": (256, 256)}, {"hidden": (128, 128)}),
    "a third layer": ({"hidden": (128,) * 3}, {"hidden": (64,) * 3}),
    "dropout +0.1": ({"dropout": 0.2}, {"dropout": 0.3}),
    "weight_decay 0.1": both(weight_decay=0.1),
    "weight_decay 0.3": both(weight_decay=0.3),
    "learning_rate 3e-3 and 1e-2": both(**RAISED),
    "batch_size 512": both(batch_size=512),
    "layer normalization": both(normalization="layer"),
    "batch normalization": both(**NORMAL),
    "l2 1e-4": both(l2=1e-4),
    "batch normalization, dropout +0.1": ({**NORMAL, "dropout": 0.2}, {**NORMAL, "dropout": 0.3}),
    "batch normalization, weight_decay 0.1": both(**NORMAL, weight_decay=0.1),
    "batch normalization, leaky_relu": both(**NORMAL, activation="leaky_relu"),
    "batch normalization, l2 1e-4": both(**STEADY),
    "batch normalization, l2 3e-4": both(**{**STEADY, "l2": 3e-4}),
    "batch normalization, l2 1e-3": both(**{**STEADY, "l2": 1e-3}),
    "batch normalization, l2 1e-4, dropout -0.1": ({**STEADY, "dropout": 0.0}, {**STEADY, "dropout": 0.1}),
    "batch normalization, l2 1e-4, learning_rate 3e-3 and 1e-2": both(**STEADY, **RAISED),
    "batch normalization, l2 1e-4, epochs 24": both(**STEADY, **LONG),
    "batch normalization, l2 1e-4, hidden 256,256": (
        {**STEADY, "hidden": (256, 256)},
        {**STEADY, "hidden": (128, 128)},
    ),
    "batch normalization, l2 1e-4, a third layer": ({**STEADY, "hidden": (128,) * 3}, {**STEADY, "hidden": (64,) * 3}),
}


def records_of(shared: Path, name: str, seeds: int, done: set[str]) -> Iterator[Record]:
    """A record for each choice that is not done: its scores [rates, seeds] and the constant's."""
    dev, _, target, kind, group = protocol(shared).load(name, 0)
    codes = {code: "categorical" for code in CODES.get(name, ()) if code in dev.columns}
    dataset = load(dev, Choices(targets=(target,), kind=kind, group=group or "none", as_roles=codes))
    for choice in CHOICES:
        if choice in done:
            continue
        started = time.monotonic()
        scores, constant = scores_of(dataset, CONTROL.change(**CHOICES[choice]), seeds)
        yield {
            "task": name,
            "choice": choice,
            "metric": main_metric(dataset.task),
            "scores": scores.tolist(),
            "constant": constant,
            "seconds": round(time.monotonic() - started, 1),
            "about": about("jax", "keras"),
        }


def scores_of(dataset: Dataset, plan: Plan, seeds: int) -> tuple[np.ndarray, float]:
    """Main metric [rates, seeds] of a plan on all development patients, held out, and the constant's. Seeds, orders and
    folds do not depend on the plan, so plans that train one after another are still pairs."""
    fold_data = make_folds_data(dataset, split_dataset(dataset, folds=FOLDS, nested=False), scaling_of(plan))[0]
    trained = _train(plan, dataset.task, fold_data, seeds)
    rates = sorted({m.settings["learning_rate"] for m in trained.population.members})
    found = np.full((len(rates), seeds), np.nan)
    for r, rate in enumerate(rates):
        mine = [m for m in trained.population.members if m.settings["learning_rate"] == rate]
        for s in range(seeds):
            found[r, s] = _score(trained, fold_data, [_nth(mine, fold, s) for fold in fold_data.folds])
    return found, _constant(dataset.task, fold_data)


def _train(plan: Plan, task: Task, fold_data: FoldData, seeds: int) -> Trained:
    population = make_population([plan], task, [fold_data], seeds * FOLDS * len(RATES))
    *_, trained = train_population(population)
    assert isinstance(trained, Trained)
    return trained


def _nth(members: list[Member], fold: int, seed: int) -> Member:
    return [m for m in members if m.fold == fold][seed]


def _score(trained: Trained, fold_data: FoldData, members: list[Member]) -> float:
    task = trained.population.task
    outputs = np.full((len(fold_data.targets), task.outputs), np.nan)
    for member in members:
        held = fold_data.folds[member.fold].held
        outputs[held] = member_outputs(trained, member, fold_data.inputs.take(held))
    average = average_outputs([outputs])
    scale = smeared(fold_data.target_scale, average, fold_data.targets)
    return score(task, fold_data.targets, scale.backward(average))[main_metric(task)]


def _best(scores: np.ndarray, better: str) -> np.ndarray:
    """Scores [seeds] at the learning rate with the best mean; diverged rates do not win."""
    means = np.where(np.isfinite(scores).all(1), scores.mean(1), np.inf if better == "lower" else -np.inf)
    return scores[int(np.argmin(means) if better == "lower" else np.argmax(means))]


def _constant(task: Any, fold_data: FoldData) -> float:
    observed = fold_data.targets
    constant = np.broadcast_to(observed.mean(0), observed.shape).astype(float)
    return abs(score(task, observed, constant)[main_metric(task)])


def _interval(differences: np.ndarray) -> dict[str, float]:
    mean, count = float(differences.mean()), len(differences)
    half = float(stats.t.ppf(0.975, count - 1) * differences.std(ddof=1) / np.sqrt(count))
    return {"value": round(mean, 2), "low": round(mean - half, 2), "high": round(mean + half, 2)}


def effect(record: Record, control: Record) -> dict[str, float]:
    """A choice against the control, in per cent of the constant's score."""
    metric = METRICS[record["metric"]]
    mine, its = (_best(np.array(r["scores"]), metric.better) for r in (record, control))
    return _interval(100 * metric.gain(mine, its) / record["constant"])


def page(records: list[Record]) -> str:
    """The Markdown table, a column a task."""
    found = {(r["task"], r["choice"]): r for r in records}
    names = list(dict.fromkeys(r["task"] for r in records))
    lines = ["| choice | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for choice in CHOICES:
        cells = []
        for name in names if choice != "control" else ():
            one, control = found.get((name, choice)), found.get((name, "control"))
            worth = effect(one, control) if one and control else None
            cells.append("{value:+.1f} ({low:+.1f} to {high:+.1f})".format(**worth) if worth else "")
        lines += [f"| {choice} | " + " | ".join(cells) + " |"] if cells else []
    minutes = sum(r["seconds"] for r in records) / 60
    return "\n".join([*lines, "", f"{told(records[-1]['about'])} {minutes:.0f} minutes on the clock."])


def proposed_records(words: argparse.Namespace, name: str, done: list[Record]) -> Iterator[Record]:
    """A record for each choice that is not done: of each fold, what the average of its members scores on its rows."""
    dataset = development(words.shared, name, words.rows)
    split = split_dataset(dataset, ALL_FOLDS)
    fold_data = make_folds_data(dataset, split)[0]
    amount = amount_of(dataset, split, fold_data)
    folds = [int(fold) for fold in words.folds.split(",")]
    fold_data = replace(fold_data, folds={fold: fold_data.folds[fold] for fold in folds})
    plans = propose(dataset.task, amount, {}).plans
    about_it = {"task": name, "rows": amount.rows, "seed": words.seed}
    for choice in words.choices.split(";") if words.choices else PROPOSED_CHOICES:
        if any(r["choice"] == choice and about_it.items() <= r.items() and str(folds[0]) in r["scores"] for r in done):
            continue
        started = time.monotonic()
        changed = [
            p.change(**SMALL, seed=words.seed).change(**c) for p, c in zip(plans, PROPOSED_CHOICES[choice], strict=True)
        ]
        *_, trained = train_population(make_population(changed, dataset.task, [fold_data]))
        assert isinstance(trained, Trained)
        members = trained.population.members
        scores = {f: _average_score(trained, fold_data, [m for m in members if m.fold == f]) for f in folds}
        yield {
            **about_it,
            "choice": choice,
            "metric": main_metric(dataset.task),
            "scores": scores,
            "constant": _constant(dataset.task, fold_data),
            "seconds": round(time.monotonic() - started, 1),
            "about": about("jax", "keras"),
        }


def development(shared: Path, name: str, rows: int | None) -> Dataset:
    """A table of division 0, its test rows given as such, of as many development rows as wanted, whole patients first
    to last in an order of chance; nothing is said but the target and the patient column, as in closed_loop.py."""
    dev, test, target, kind, group = protocol(shared).load(name, 0)
    if rows:
        people, of = np.unique(dev[group].to_numpy() if group else np.arange(dev.height), return_inverse=True)
        rank = np.argsort(np.random.default_rng(0).permutation(len(people)))
        dev = dev[np.sort(np.argsort(rank[of], kind="stable")[:rows]).tolist()]
    return load(dev, Choices(targets=(target,), kind=kind, group=group or "none"), test=test)


def _average_score(trained: Trained, fold_data: FoldData, members: list[Member]) -> float:
    task, held = trained.population.task, fold_data.folds[members[0].fold].held
    inputs, targets = fold_data.inputs.take(held), fold_data.targets[held]
    average = average_outputs([member_outputs(trained, member, inputs) for member in members])
    scale = smeared(fold_data.target_scale, average, targets)
    return score(task, targets, scale.backward(average))[main_metric(task)]


def proposed_page(records: list[Record]) -> str:
    """The Markdown table of choices for many rows, a column a table: mean over seeds and folds of the paired difference
    to the control in per cent of the constant's score, and in how many of those pairs the choice is ahead."""
    names = sorted({(r["task"], r["rows"]) for r in records}, key=lambda name: (-name[1], name[0]))
    lines = ["| choice | " + " | ".join(f"{task}, {rows:,}" for task, rows in names) + " |"]
    lines.append("|---" * (len(names) + 1) + "|")
    for choice in list(PROPOSED_CHOICES)[1:]:
        lines.append(f"| {choice} | " + " | ".join(_pairs_told(records, name, choice) for name in names) + " |")
    minutes = sum(r["seconds"] for r in records) / 60
    return "\n".join([*lines, "", f"{told(records[-1]['about'])} {minutes:.0f} minutes on the clock."])


def _pairs_told(records: list[Record], name: tuple[str, int], choice: str) -> str:
    mine = [r for r in records if (r["task"], r["rows"]) == name]
    found = {(r["choice"], r["seed"], fold): (value, r) for r in mine for fold, value in r["scores"].items()}
    keys = [(seed, fold) for what, seed, fold in found if what == choice and ("control", seed, fold) in found]
    if not keys:
        return ""
    pairs = [(found["control", *key], found[choice, *key]) for key in keys]
    gain = METRICS[mine[0]["metric"]].gain
    gains = np.array([100 * gain(np.array(a), np.array(b)) / record["constant"] for (b, record), (a, _) in pairs])
    return f"{gains.mean():+.2f} ({(gains > 0).sum()} of {len(gains)})"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shared", type=Path)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--tasks", default="pima,cleveland,nhanes_bps")
    parser.add_argument("--proposed", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--folds", default="0,1")
    parser.add_argument("--choices", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", action="store_true")
    words = parser.parse_args()
    if words.proposed:
        for name in () if words.page else words.tasks.split(","):
            for record in proposed_records(words, name, kept(words.records)):
                keep(words.records, record)
        print(proposed_page(kept(words.records)))
        return
    for name in () if words.page else words.tasks.split(","):
        done = {r["choice"] for r in kept(words.records) if r["task"] == name}
        for record in records_of(words.shared, name, words.seeds, done):
            keep(words.records, record)
    print(page(kept(words.records)))


if __name__ == "__main__":
    main()
