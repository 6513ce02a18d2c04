"""The best epoch in place of the last: kept where it helps patients who did not choose it, and never trained."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.examination.training_rules.fit import RISE
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.stages import stages
from rounds.plan import Plan
from rounds.prescription.remedies.optimizer import keep_best
from rounds.prescription.remedies.remedy import Prescription
from rounds.prescription.trial.best_epoch import SAME_PATIENTS, read_off, try_best_epoch, without_luck_of_alarm
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Pair, Patients, paired_effect
from rounds.statistics.fold_differences import paired
from rounds.task import Task
from rounds.training.pool import Progress
from rounds.training.population.build import Trained, make_population, train_population
from rounds.training.population.fold_data import make_folds_data, scaling_of
from tests.prescription.test_effect import FALSE_ALARMS

GREEDY: dict[str, Any] = {
    "hidden": (32, 32),
    "epochs": 40,
    "batch_size": 8,
    "folds": 3,
    "learning_rate": 0.01,
    "dropout": 0.0,
    "weight_decay": 0.0,
    "schedule": "constant",
    "keep_best": "none",
    "seed": 0,
}


def treated(dataset: Dataset, folder: Path, **changes: Any) -> tuple[Result, dict[str, Any]]:
    """A stay of one round, and its only trial."""
    *_, made = stages(dataset, Request(changes={**GREEDY, **changes}, rounds=1, out=folder))
    assert isinstance(made, Result)
    entries = json.loads((made.folder / "prescriptions.json").read_text(encoding="utf-8"))
    (entry,) = [e for e in entries if e["verdict"] != "advice"]
    return made, entry


def noisy_ward(test: bool, columns: int = 6) -> Dataset:
    """Numbers of which one tells a fifth of what there is to know: networks soon learn the rest by heart."""
    random = np.random.default_rng(1)
    x = random.normal(size=(300, columns))
    table = pl.DataFrame({f"x{i}": x[:, i] for i in range(columns)} | {"days": x[:, 0] + 2 * random.normal(size=300)})
    choices = Choices(targets=("days",), group="none")
    return load(table[60:], choices, test=table[:60]) if test else load(table, choices)


def test_networks_learned_by_heart_go_back_to_their_best_epoch_for_nothing(tmp_path: Path) -> None:
    made, entry = treated(noisy_ward(test=True), tmp_path / "run")
    assert (entry["verdict"], entry["finding"]) == ("kept", "overfitting")
    assert entry["change"] == {"keep_best": ["none", "loss"], "patience": [0, 5]}
    assert entry["reason"] == "confirmed on 240 patients at the epochs that others chose; nothing was trained"
    assert entry["confirmed_on"]["folds"] == entry["treated"]["folds"] == [0, 1, 2]
    rounds = made.record["rounds"]
    assert (rounds["member_epochs_in_populations"], rounds["member_epochs_in_trials"]) == (3 * 40, 0)
    members = pl.read_parquet(made.folder / "members.parquet").partition_by("round")
    assert members[0]["best_epoch"].to_list() == [40] * 3
    assert all(best < 40 for best in members[1]["best_epoch"])
    assert members[0]["seed"].to_list() == members[1]["seed"].to_list()
    assert set(entry["confirmed_on"]["seeds"]) == set(entry["treated"]["seeds"]) == set(members[0]["seed"])
    assert made.write_report().exists()


def test_a_stay_that_is_interrupted_reads_off_the_same_epochs(tmp_path: Path) -> None:
    """The snapshots are part of the checkpoint: broken off amid the epochs, the stay comes to the same bits."""
    peace, entry = treated(noisy_ward(test=True), tmp_path / "peace")
    request = Request(changes=GREEDY, rounds=1, out=tmp_path / "run", resume=True)
    events = stages(noisy_ward(test=True), replace(request, resume=False))
    for event in events:
        if isinstance(event, Progress) and event.epoch == 25:
            events.close()  # what Ctrl-C does
            break
    *_, made = stages(noisy_ward(test=True), request)
    assert isinstance(made, Result)
    assert entry in json.loads((made.folder / "prescriptions.json").read_text(encoding="utf-8"))
    frames = [pl.read_parquet(r.folder / "predictions.parquet")["network"] for r in (made, peace)]
    np.testing.assert_array_equal(*(f.to_numpy() for f in frames))


def test_where_the_last_epoch_is_as_good_it_stays(ward_data: Dataset, tmp_path: Path) -> None:
    made, entry = treated(ward_data, tmp_path / "run", epochs=10)
    assert (entry["verdict"], entry["finding"]) == ("dropped", "healthy")
    assert "not confirmed on 240 patients" in entry["reason"]
    assert made.record["rounds"]["member_epochs_in_trials"] == 0


def test_few_patients_judge_the_best_epochs_beside_the_last(tmp_path: Path) -> None:
    """Judging folds decide by their own patients which of the two to average; none of these networks is trained."""
    made, entry = treated(noisy_ward(test=False, columns=20), tmp_path / "run")
    assert entry["verdict"] == "kept"
    members = pl.read_parquet(made.folder / "members.parquet")
    first, then = (members.filter(pl.col("round") == number) for number in (0, 1))
    assert len(then) == 2 * len(first)
    assert made.record["rounds"]["member_epochs_in_populations"] == first["epochs"].sum()


def trained_on(dataset: Dataset, *plans: Plan, count: int | None = None) -> tuple[TrialDesign, Trained]:
    split = split_dataset(dataset, 3)
    folds_data = make_folds_data(dataset, split)[:1]
    *_, trained = train_population(make_population(list(plans), dataset.task, folds_data, count))
    assert isinstance(trained, Trained)
    return TrialDesign(dataset, split, folds_data[0], scaling_of(plans[0]), 1, trained=trained), trained


def asked(plan: Plan) -> Prescription:
    return Prescription("overfitting", "", keep_best(plan)[0], "")


def test_a_single_network_has_patients_enough_to_judge_it(ward_data: Dataset) -> None:
    plan = Plan(**GREEDY).change(epochs=10)
    design, trained = trained_on(ward_data, plan, count=1)
    (arm,) = try_best_epoch(design, trained, asked(plan), trained.population).arms
    assert arm.confirmed is not None
    assert np.isfinite(arm.confirmed.high)


def test_nothing_can_be_read_off_where_it_would_be_another_training(ward_data: Dataset) -> None:
    plan = Plan(**GREEDY).change(epochs=2)
    other = plan.change(schedule="cyclic", cycles=2)
    assert read_off(trained_on(ward_data, other)[1], [asked(other)]) is None
    trained = trained_on(ward_data, plan, plan.change(epochs=80))[1]
    assert read_off(trained, [asked(plan)]) is None, "the patience of one is not the other's"
    assert read_off(trained_on(ward_data, plan)[1], []) is None
    assert read_off(trained_on(ward_data, plan)[1], [asked(plan)]) == asked(plan)


EPOCHS, PATIENTS, TIMES = 40, 80, 200


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_after_an_alarm_that_luck_raised_another_epoch_is_seldom_kept(memory: float) -> None:
    """Epochs are all alike: what stands at the last one above the lowest is luck of the patients who judge as well.

    What is said of the remedy is nothing then, within a third of its standard error; uncorrected, over half of one.
    memory: what predictions of an epoch share with those of the one before.
    """
    task, random = Task(kind="regression", targets=("y",)), np.random.default_rng(2)
    folds, patients, found = 3, 120, []
    fold = np.arange(patients) % folds
    while len(found) < 120:
        y, noise = random.normal(size=(patients, 1)), random.normal(size=(EPOCHS, patients, 1))
        for epoch in range(1, EPOCHS):
            noise[epoch] = memory * noise[epoch - 1] + np.sqrt(1 - memory**2) * noise[epoch]
        says = 0.5 * y + 0.7 * noise
        losses = ((says - y) ** 2)[..., 0]  # [E, N]
        means = np.stack([losses[:, fold == f].mean(1) for f in range(folds)])
        lowest = [np.delete(means, f, 0).mean(0).argmin() for f in range(folds)]
        rise, low, _ = paired(np.array([means[f, -1] - means[f, epoch] for f, epoch in enumerate(lowest)]))
        if rise < RISE.value or low <= 0:
            continue
        half = random.permutation(patients) % 2
        at = np.array([losses[:, (fold == f) & (half != h)].mean(1).argmin() for f, h in zip(fold, half, strict=True)])
        rows = Patients(y, np.arange(patients), np.zeros(patients, int), (Pair(0),))
        effect = paired_effect(task, rows, says[at, np.arange(patients)], says[-1], SAME_PATIENTS)
        found.append((effect.value / effect.error, without_luck_of_alarm(effect)))
    assert np.mean([effect.helps for _, effect in found]) <= 0.05
    assert np.mean([raw for raw, _ in found]) > 0.5
    assert abs(np.mean([effect.value / effect.error for _, effect in found])) < 0.33


def test_epochs_that_are_all_alike_are_seldom_taken_for_better_ones() -> None:
    """Predictions differ from epoch to epoch by luck alone. Judged by those who chose the epoch, the best is taken for
    better than the last one time in three; judged by the other half, as seldom as 2.5 % (one side) should say."""
    task, random = Task(kind="regression", targets=("y",)), np.random.default_rng(0)
    crossed, naive = [], []
    for _ in range(TIMES):
        y = random.normal(size=(PATIENTS, 1))
        says = 0.5 * y + 0.3 * random.normal(size=(EPOCHS, PATIENTS, 1))
        losses = ((says - y) ** 2)[..., 0]  # [E, N]
        half = random.permutation(PATIENTS) % 2 == 0
        at = np.where(half, losses[:, ~half].mean(1).argmin(), losses[:, half].mean(1).argmin())
        rows = Patients(y, np.arange(PATIENTS), np.zeros(PATIENTS, int), (Pair(0),))
        crossed.append(paired_effect(task, rows, says[at, np.arange(PATIENTS)], says[-1]).helps)
        naive.append(paired_effect(task, rows, says[losses.mean(1).argmin()], says[-1]).helps)
    assert np.mean(crossed) <= FALSE_ALARMS + 0.033
    assert np.mean(naive) > 0.25
