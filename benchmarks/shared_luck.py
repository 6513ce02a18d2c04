"""How much luck two pairs of a trial share that start from the same weights and minibatches, at two settings.

python -m benchmarks.shared_luck SHARED

Faulty plans of the ward and what mends them: networks with and without, at both rates of the sweep, three folds, SEEDS
starts each. Of each: the mean gain at either rate, and the correlation over starts, folds apart, of the gains at one
and at the other. `rounds.prescription.trial.effect.SHARED_LUCK` rests on it.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import about, told
from benchmarks.ward.faults import FAULTS
from benchmarks.ward.ground import make_ground
from benchmarks.ward.healthy import GOOD
from benchmarks.ward.tasks import TASKS
from rounds.plan import Plan, make_plan
from rounds.prescription.remedies.remedy import treated
from rounds.prescription.trial.arms import gains_of, try_arms
from rounds.prescription.trial.design import TrialDesign
from rounds.training.population.fold_data import make_folds_data, scaling_of
from tests.generators import end_of

SEED, SEEDS = 0, 12
SEVERE, MILD = 1, 0
# Table, fault, severity, and the change that mends it.
CASES: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    ("pima", "learning rate too high", MILD, {"learning_rate": 0.003}),
    ("flchain", "learning rate too high", MILD, {"learning_rate": 0.003}),
    ("flchain", "l1 too strong", MILD, {"l1": 0.0}),
    ("pima", "network too small", SEVERE, {"hidden": (64, 64)}),
    ("cleveland", "batch too large", MILD, {"learning_rate": 0.02}),
    ("flchain", "constant initial weights", MILD, {"initializer": "he_normal"}),
    ("pima", "network too large, last epoch kept", MILD, {"hidden": (32, 32)}),
    ("nhanes", "deep sigmoids", MILD, {"activation": "silu", "initializer": "he_normal"}),
    ("cleveland", "l1 too strong", MILD, {"l1": 0.0}),
)


def gains(shared: Path, case: tuple[str, str, int, dict[str, Any]]) -> np.ndarray:
    """Of each pair [rates, folds, starts]."""
    table, name, severity, change = case
    ground = make_ground(next(t for t in TASKS if t.name == table).load(shared / "data"), SEED)
    fault = next(f for f in FAULTS if f.name == name)
    faulty = make_plan(Plan(), {**GOOD, **fault.changes(severity, ground.dataset.task), "seed": SEED})
    fold_data = make_folds_data(ground.dataset, ground.split, scaling_of(faulty))[0]
    design = TrialDesign(ground.dataset, ground.split, fold_data, scaling_of(faulty), round=1)
    found = []
    for rate in faulty.learning_rate if isinstance(faulty.learning_rate, tuple) else (faulty.learning_rate,):
        control = faulty.change(learning_rate=rate)
        plans = [control, treated(control, change)]
        tried = end_of(try_arms(design, plans, design.held(len(fold_data.folds)), "luck", SEEDS))
        found.append([gain for _, gain in gains_of(design, tried, plans, 1)])
    return np.array(found).reshape(len(found), len(fold_data.folds), SEEDS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shared", type=Path)
    shared = parser.parse_args().shared
    correlations = []
    print("| table | fault | gain at either rate | correlation |\n|---|---|---|---|")
    for case in CASES:
        made = gains(shared, case)
        one, other = (made - made.mean(axis=2, keepdims=True)).reshape(2, -1)
        correlations.append(float(one @ other / np.sqrt((one @ one) * (other @ other))))
        means = " and ".join(f"{gain:.3g}" for gain in made.mean(axis=(1, 2)))
        print(f"| {case[0]} | {case[1]} | {means} | {correlations[-1]:.2f} |", flush=True)
    print(f"\nMean correlation {np.mean(correlations):.2f}. {told(about('jax', 'keras'))}")


if __name__ == "__main__":
    main()
