"""What single design choices are worth: effect and interval of each on three real tables.

    python benchmarks/design_choices.py SHARED [--seeds 8] [--tasks pima,cleveland,nhanes_bps]

For each table one control plan and one plan a choice train on the same folds, seeds and minibatches. A seed's score is
that of its members on the patients they did not learn from; the effect of a choice is the mean over seeds of the paired
difference to the control, with a 95 % Student interval over seeds, in per cent of the constant's score (positive:
better).
Optimizers are given three learning rates each and are compared at the best of their mean scores, the control as well.
SHARED as in shared_tables.py. Prints a Markdown table and a JSON record.
"""

import argparse
import json
import os
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from shared_tables import CODES, protocol

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.inference.ensemble import average_outputs, member_outputs, smeared
from rounds.metrics import METRICS, main_metric, score
from rounds.plan import Plan
from rounds.training.material import Material, make_materials
from rounds.training.population import Member
from rounds.training.run import Trained, make_population, train_population

FOLDS = 2
RATES = (1e-3, 3e-3, 1e-2)
CONTROL = Plan(
    hidden=(64, 64), dropout=0.3, learning_rate=RATES, epochs=40, patience=8, batch_size=32, warmup_epochs=1.2,
    number_embedding="periodic", measure_every=10_000,
)  # fmt: skip
SLOW = (0.03, 0.1, 0.3)
CHOICES: dict[str, dict[str, Any]] = {
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


def scores_of(trained: Trained, material: Material, plan: int, seeds: int) -> np.ndarray:
    """Main metric [rates, seeds] of a plan, each on all development patients, held out."""
    task = trained.population.task
    members = [m for m in trained.population.members if m.plan == plan]
    rates = sorted({m.settings["learning_rate"] for m in members})
    found = np.full((len(rates), seeds), np.nan)
    for r, rate in enumerate(rates):
        mine = [m for m in members if m.settings["learning_rate"] == rate]
        for s in range(seeds):
            found[r, s] = _score(trained, material, [_nth(mine, fold, s) for fold in material.folds])
    assert task is not None
    return found


def _nth(members: list[Member], fold: int, seed: int) -> Member:
    return [m for m in members if m.fold == fold][seed]


def _score(trained: Trained, material: Material, members: list[Member]) -> float:
    task = trained.population.task
    outputs = np.full((len(material.targets), task.outputs), np.nan)
    for member in members:
        held = material.folds[member.fold].held
        outputs[held] = member_outputs(trained, member, material.inputs.take(held))
    average = average_outputs([outputs])
    scale = smeared(material.target_scale, average, material.targets)
    return score(task, material.targets, scale.backward(average))[main_metric(task)]


def effects(shared: Path, name: str, seeds: int) -> dict[str, Any]:
    dev, _, target, kind, group = protocol(shared).load(name, 0)
    codes = {code: "categorical" for code in CODES.get(name, ()) if code in dev.columns}
    dataset = load(dev, Choices(targets=(target,), kind=kind, group=group or "none", as_roles=codes))
    split = split_dataset(dataset, folds=FOLDS, nested=False)
    metric = METRICS[main_metric(dataset.task)]
    rows: dict[str, Any] = {}
    plain, raw = (
        {n: c for n, c in CHOICES.items() if "scale_inputs" not in c},
        {"inputs not scaled": CHOICES["inputs not scaled"]},
    )
    control: np.ndarray | None = None
    for choices in (plain, raw):
        plans = [CONTROL.change(**change) for change in choices.values()]
        material = make_materials(dataset, split)[0] if choices is plain else _raw(dataset, split)
        plans = [CONTROL, *plans] if choices is plain else plans
        trained = _train(plans, dataset.task, material, seeds)
        found = [_best(scores_of(trained, material, i, seeds), metric.better) for i in range(len(plans))]
        control = found.pop(0) if choices is plain else control
        constant = _constant(dataset.task, material)
        for choice, scores in zip(choices, found, strict=True):
            rows[choice] = _interval(100 * metric.gain(scores, control) / constant)
    return rows


def _raw(dataset: Any, split: Any) -> Material:
    from rounds.training.material import Scaling

    return make_materials(dataset, split, Scaling(scale_inputs=False))[0]


def _train(plans: list[Plan], task: Any, material: Material, seeds: int) -> Trained:
    """All plans in one population; every plan has seeds x folds members at each of its rates."""
    per_plan = FOLDS * len(RATES)
    population = make_population(plans, task, [material], seeds * per_plan * len(plans))
    *_, trained = train_population(population)
    assert isinstance(trained, Trained)
    return trained


def _best(scores: np.ndarray, better: str) -> np.ndarray:
    """Scores [seeds] at the learning rate with the best mean; diverged rates do not win."""
    means = np.where(np.isfinite(scores).all(1), scores.mean(1), np.inf if better == "lower" else -np.inf)
    return scores[int(np.argmin(means) if better == "lower" else np.argmax(means))]


def _constant(task: Any, material: Material) -> float:
    observed = material.targets
    constant = np.broadcast_to(observed.mean(0), observed.shape).astype(float)
    return abs(score(task, observed, constant)[main_metric(task)])


def _interval(differences: np.ndarray) -> dict[str, float]:
    mean, count = float(differences.mean()), len(differences)
    half = float(stats.t.ppf(0.975, count - 1) * differences.std(ddof=1) / np.sqrt(count))
    return {"value": round(mean, 2), "low": round(mean - half, 2), "high": round(mean + half, 2)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shared", type=Path)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--tasks", default="pima,cleveland,nhanes_bps")
    words = parser.parse_args()
    started = time.monotonic()
    names = words.tasks.split(",")
    found = {name: effects(words.shared, name, words.seeds) for name in names}
    print("| choice | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for choice in CHOICES:
        cells = [found[n][choice] for n in names]
        print(
            f"| {choice} | "
            + " | ".join(f"{c['value']:+.1f} ({c['low']:+.1f} to {c['high']:+.1f})" for c in cells)
            + " |"
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    about = {"date": datetime.now(UTC).date().isoformat(), "cores": cores, "seeds": words.seeds}
    about |= {
        "seconds": round(time.monotonic() - started),
        "versions": {n: version(n) for n in ("rounds", "jax", "keras")},
    }
    print(json.dumps({**about, "effects": found}))


if __name__ == "__main__":
    main()
