"""A trial keeps what helps other patients than those who chose it, and says what it did and did not do."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Dataset
from rounds.data.splitting import split_dataset
from rounds.errors import RunFolderError
from rounds.job import stages as improvement
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.stages import stages
from rounds.plan import Plan
from rounds.prediction.model_folder import load_predictor
from rounds.prescription import loop as loop
from rounds.prescription.loop import Circumstances, Loop
from rounds.prescription.record import arm_record
from rounds.prescription.remedies.remedy import Prescription
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Effect
from rounds.prescription.trial.fewer_patients import with_share
from rounds.prescription.trial.trial import CUT_SHORT, LOOKS, ONE_LOOK, Arm, Trial, _shares, run_trial
from rounds.training import pool
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import make_folds_data, scaling_of
from rounds.training.result.progress import Stage
from tests.generators import end_of


def entries(folder: Path) -> list[dict[str, Any]]:
    made = json.loads((folder / "prescriptions.json").read_text(encoding="utf-8"))
    assert isinstance(made, list)
    return made


def metrics(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "metrics.json").read_text(encoding="utf-8")))


def design_of(dataset: Dataset, folds: int = 4, **changes: Any) -> TrialDesign:
    split = split_dataset(dataset, folds)
    return TrialDesign(dataset, split, make_folds_data(dataset, split)[0], scaling_of(Plan()), 1, **changes)


def fill_disk(monkeypatch: pytest.MonkeyPatch, within: Callable[[Path], bool]) -> None:
    """No checkpoint has room in these places."""
    written = pool.save_checkpoint

    def full(path: Path, at: Any) -> None:
        if within(path):
            raise RunFolderError("Place to write must be a folder that can be written (no space left on device).")
        written(path, at)

    monkeypatch.setattr(pool, "save_checkpoint", full)


def test_what_helps_is_kept_and_what_does_nothing_is_not(treated: Result) -> None:
    made = {e["change"]["learning_rate"][1]: e for e in entries(treated.folder)}
    assert made[0.03]["verdict"] == "kept"
    assert made[11.0]["verdict"] == "dropped"
    kept = made[0.03]
    assert kept["effect"] == kept["confirmed"]
    assert kept["effect"]["low"] > 0
    assert "on 120 other patients, at this budget" in kept["reason"]
    assert not set(kept["confirmed_on"]["seeds"]) & set(kept["treated"]["seeds"])
    assert not set(kept["confirmed_on"]["folds"]) & set(kept["treated"]["folds"])
    assert kept["remedies_tried"] == 2
    assert treated.record["test"]["rmse"]["value"] < 0.75 * treated.record["baselines"]["constant"]["rmse"]["value"]


def test_what_was_found_before_is_told_with_its_picture(treated: Result) -> None:
    found = json.loads((treated.folder / "findings.json").read_text(encoding="utf-8"))
    first = found["earlier"][0]
    assert (first["code"], first["look"], first["round"]) == ("learning-rate-too-high", 1, 0)
    assert "learning-rate-too-high" not in {f["code"] for f in found["findings"]}
    page = treated.write_report().read_text(encoding="utf-8")
    assert "Found in round 1, before what was kept." in page
    assert f'aria-label="{first["name"]}, where it was seen"' in page
    assert f'<td rowspan="2">{first["name"]}' in page, "the chart of the stay calls it by its name"


def test_nothing_is_trained_twice_and_what_was_spent_is_disclosed(treated: Result) -> None:
    """6 epochs each, 4 folds: 4 networks before, which are the control of screening as well; treated ones on the fold
    that screens, one of each dose, and on the two that confirm, beside as many without; of the population after the
    trial the two folds are left that did not confirm."""
    spent = metrics(treated.folder)["rounds"]
    assert spent["member_epochs_in_populations"] <= 6 * (4 + 2)
    assert spent["member_epochs_in_trials"] == 6 * (2 + 2 * 2)
    members = pl.read_parquet(treated.folder / "members.parquet")
    assert members.group_by("round").len().sort("round")["len"].to_list() == [4, 4]


@pytest.mark.usefixtures("two_doses")
def test_of_three_folds_the_trial_has_trained_two_of_the_population_that_follows(
    ward_data: Dataset, faulty: dict[str, Any], tmp_path: Path
) -> None:
    *events, made = stages(ward_data, Request(changes={**faulty, "folds": 3}, rounds=1, out=tmp_path / "run"))
    assert isinstance(made, Result)
    populations = [e.population for e in events if isinstance(e, Stage) and e.population is not None]
    assert all(p.members for p in populations), "a stage that trains nothing shows no population"
    assert [len(p.members) for p in populations] == [3, 1]
    assert {e["verdict"] for e in entries(made.folder)} == {"kept", "dropped"}
    assert pl.read_parquet(made.folder / "members.parquet")["round"].to_list() == [0, 0, 0, 1, 1, 1]
    assert metrics(made.folder)["rounds"]["member_epochs_in_populations"] <= 6 * (3 + 1)


@pytest.mark.usefixtures("two_doses")
def test_a_trial_that_is_interrupted_leaves_a_model_and_goes_on_to_the_same(
    treated: Result, treat: Callable[..., Result], ward_data: Dataset, faulty: dict[str, Any], tmp_path: Path
) -> None:
    events = stages(ward_data, Request(changes=faulty, rounds=1, out=tmp_path / "run"))
    trained_in_trial = 0
    seen = False
    for event in events:
        seen = seen or (isinstance(event, Stage) and "trying" in event.name)
        trained_in_trial += seen and not isinstance(event, Stage)
        if trained_in_trial == 4:
            events.close()  # what Ctrl-C does
            break
    assert load_predictor(tmp_path / "run" / "model").predict(ward_data.inputs[:5]).values.shape == (5, 1)
    assert not (tmp_path / "run" / "metrics.json").exists()
    again = treat(tmp_path / "run", resume=True)
    assert entries(again.folder) == entries(treated.folder)
    frames = [pl.read_parquet(r.folder / "predictions.parquet")["network"] for r in (again, treated)]
    np.testing.assert_array_equal(*(f.to_numpy() for f in frames))


@pytest.mark.usefixtures("two_doses")
def test_a_disk_that_fills_in_a_round_ends_the_rounds_and_not_the_run(
    treat: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, lambda path: "round_1" in str(path))
    made = treat(tmp_path / "run")
    (entry,) = entries(made.folder)
    assert (entry["verdict"], entry["effect"]) == ("dropped", None)
    assert "no space left on device" in entry["reason"]
    assert "round 1 was broken off" in metrics(made.folder)["rounds"]["ended"]
    assert len(made.predict(pl.DataFrame({f"x{i}": [0.0] for i in range(4)}))) == 1


@pytest.mark.usefixtures("two_doses")
def test_a_disk_that_fills_after_a_trial_leaves_what_the_trial_said(
    treat: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, lambda path: path.parent.name == "round_1")
    made = treat(tmp_path / "run")
    tried = {e["change"]["learning_rate"][1]: e for e in entries(made.folder)}
    assert {e["verdict"] for e in tried.values()} == {"dropped"}
    assert tried[0.03]["effect"]["low"] > 0
    assert tried[0.03]["reason"].startswith("confirmed, but its networks were broken off")
    assert metrics(made.folder)["rounds"]["member_epochs_in_trials"] > 0
    assert metrics(made.folder)["rounds"]["ended"].startswith("round 1 was broken off")


@pytest.mark.usefixtures("two_doses")
def test_a_disk_that_is_full_when_a_round_begins_ends_the_rounds(
    treat: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoints make room for the results."""
    checkpoints = tmp_path / "run" / "checkpoints"
    written = improvement.write_curves

    def full(folder: Path, populations: Any) -> None:
        if any(checkpoints.glob("*.safetensors")):
            raise RunFolderError("Place to write must be a folder that can be written (no space left on device).")
        written(folder, populations)

    monkeypatch.setattr(improvement, "write_curves", full)
    made = treat(tmp_path / "run")
    assert not checkpoints.exists()
    (entry,) = entries(made.folder)
    assert (entry["verdict"], entry["effect"]) == ("dropped", None)
    assert metrics(made.folder)["rounds"]["ended"].startswith("round 1 was broken off")
    assert load_predictor(made.folder / "model").predict(pl.DataFrame({f"x{i}": [0.0] for i in range(4)})) is not None


def test_a_trial_in_which_every_member_diverges_keeps_nothing(ward_data: Dataset) -> None:
    plan = Plan(hidden=(4,), epochs=2, learning_rate=0.01, batch_size=32, dropout=0.0)
    doses = [Prescription("unstable", "none", {"learning_rate": 1e38, "optimizer": "sgd"}, "")]
    trial = end_of(run_trial(design_of(ward_data), plan, doses))
    assert trial.kept is None
    assert trial.arms[0].verdict == "dropped"


def test_a_trial_cut_by_the_clock_keeps_nothing(ward_data: Dataset) -> None:
    plan = Plan(hidden=(4,), epochs=2, learning_rate=1e-6, batch_size=32, dropout=0.0)
    doses = [Prescription("learning-rate-too-low", "raise it", {"learning_rate": 0.03}, "")]
    trial = end_of(run_trial(design_of(ward_data, ends=0.0), plan, doses))
    assert trial.kept is None
    assert trial.arms[0].reason == CUT_SHORT


def test_of_a_single_remedy_nothing_is_chosen_and_every_fold_confirms(ward_data: Dataset) -> None:
    plan = Plan(hidden=(4,), epochs=6, learning_rate=1e-6, batch_size=32, dropout=0.0)
    doses = [Prescription("learning-rate-too-low", "raise it", {"learning_rate": 0.03}, "")]
    design = design_of(ward_data, most=0.0)
    trial = end_of(run_trial(design, plan, doses))
    assert trial.kept is not None
    assert (trial.confirmed_on, trial.looks) == ((0, 1, 2, 3), 1)
    assert trial.member_epochs == 2 * 4 * 6, "with and without on every fold, and nothing before"
    entry = arm_record(trial, trial.arms[0], plan, design)
    assert entry.chosen_by is None
    assert entry.treated.folds == entry.confirmed_on.folds == (0, 1, 2, 3)
    assert entry.treated.seeds == entry.confirmed_on.seeds
    assert entry.reason == "confirmed with fresh seeds on 240 patients, at this budget"
    whole = design_of(ward_data, folds=1, alone=True)
    assert not whole.choosing
    np.testing.assert_array_equal(whole.confirming[0], whole.fold_data.folds[0].held)


def test_the_winner_is_confirmed_at_all_settings_that_the_population_has(ward_data: Dataset) -> None:
    """Two rates on four folds: of one remedy both rates are trained on every fold, with it and without; where it is a
    rate there is one, with two seeds. Of two remedies a fold or two choose at the best rate alone."""
    plan = Plan(hidden=(4,), epochs=6, learning_rate=(1e-6, 1e-5), batch_size=32, dropout=0.0)
    design = design_of(ward_data)
    population = loop.make_population([plan], ward_data.task, [design.fold_data])
    design = replace(design, trained=end_of(loop.train_to_end(population, None, None)), most=0.0)
    at_one = plan.change(learning_rate=1e-5)
    wider, faster = (
        Prescription("learning-rate-too-low", "some", change, "")
        for change in ({"hidden": (8,)}, {"learning_rate": 0.03})
    )
    for single in (wider, faster):
        trial = end_of(run_trial(design, at_one, [single]))
        assert trial.control == plan.change(seed=design.seed_of_look(0, 0))
        assert (trial.looks, len(trial.seeds)) == (1, 4 * 2)
        assert trial.member_epochs == 2 * 4 * 2 * 6, "the control has fresh seeds as well"
    assert trial.kept is not None
    assert arm_record(trial, trial.arms[0], at_one, design).change == {"learning_rate": ([1e-6, 1e-5], 0.03)}
    both = end_of(run_trial(design, at_one, [wider, faster]))
    assert both.kept is not None
    assert (both.confirmed_on, len(both.seeds)) == ((2, 3), 2 * 2)
    one_each = replace(design, trained=None)
    assert (design.networks_a_look, one_each.networks_a_look) == (2, 0)


def test_what_lost_to_a_winner_that_was_not_confirmed_may_be_tried_again(ward_data: Dataset) -> None:
    split = split_dataset(ward_data, 4)
    population = loop.make_population([Plan()], ward_data.task, make_folds_data(ward_data, split))
    found = Loop((Trained(population, ()),))
    doses = [Prescription("overfitting", "some", {"l2": l2}, "") for l2 in (0.1, 1.0)]
    effect = Effect(0.1, -0.1, 0.3)
    arms = (Arm(doses[0], screened=effect), Arm(doses[1], screened=effect, confirmed=effect))
    lost = Trial(arms, best=1)
    for trial, tried in ((lost, {"l2 = 1.0"}), (replace(lost, best=None), {"l2 = 0.1", "l2 = 1.0"})):
        assert loop._noted(found, trial, Plan(), design_of(ward_data)).tried == tried


def test_one_fold_is_halved_so_that_other_patients_confirm(ward_data: Dataset) -> None:
    design = design_of(ward_data, folds=1)
    (chooses,), (confirms,) = design.choosing.values(), design.confirming.values()
    assert not set(design.patients[chooses]) & set(design.patients[confirms])
    assert sorted([*chooses, *confirms]) == sorted(design.fold_data.folds[0].held)
    assert design.seeds_a_look == 2
    assert design.seed_of_look(0, 0) not in (0, design.seed_of_look(0, 1)), "fresh seeds at each look"


def test_few_patients_keep_nothing(ward_data: Dataset) -> None:
    design = design_of(ward_data)
    few = {f: replace(rows, held=rows.held[:4]) for f, rows in design.fold_data.folds.items()}
    design = replace(design, fold_data=replace(design.fold_data, folds=few))
    plan = Plan(hidden=(4,), epochs=2, learning_rate=1e-6, batch_size=32, dropout=0.0)
    doses = [Prescription("learning-rate-too-low", "raise it", {"learning_rate": 0.03}, "")]
    arm = end_of(run_trial(design, plan, doses)).arms[0]
    assert arm.verdict == "dropped"
    assert arm.reason == "16 patients are left to confirm it, too few to tell (at least 20)"


def test_a_quarter_is_part_of_the_half_and_patients_stay_whole(ward_data: Dataset) -> None:
    twice = replace(ward_data, cohort=replace(ward_data.cohort, patients=np.arange(ward_data.rows) // 2))
    design = design_of(twice)
    quarter, half = (with_share(design, share).fold_data.folds[0] for share in (0.25, 0.5))
    every = design.fold_data.folds[0]
    assert set(quarter.train) < set(half.train) < set(every.train)
    for some, share in ((quarter, 0.25), (half, 0.5)):
        people = set(design.patients[some.train])
        assert len(people) == pytest.approx(share * len(set(design.patients[every.train])), abs=1)
        assert set(design.patients[every.train]) & people == people
        assert sum(np.isin(design.patients[every.train], list(people))) == len(some.train)
        np.testing.assert_array_equal(some.held, every.held)


def test_few_rows_keep_their_seeds_when_a_remedy_is_kept(ward_data: Dataset) -> None:
    """Two plans with two rates on four folds with three seeds; one rate is half as many settings."""
    split = split_dataset(ward_data, 4)
    given = Circumstances(ward_data, split, None, 3, np.inf, Path("none"))
    plans = [Plan(learning_rate=(1e-3, 1e-2), hidden=(w,)) for w in (4, 8)]
    assert given.count(plans) == 3 * 4 * 4
    population = loop.make_population(plans, ward_data.task, make_folds_data(ward_data, split), given.count(plans))
    found = Loop((Trained(population, ()),))
    better, _ = loop.make_treated(given, found, {"learning_rate": 0.01})
    assert len(better.members) == 3 * 4 * 2
    assert len(loop.make_treated(replace(given, members=5), found, {"l2": 0.1})[0].members) == 5


@pytest.mark.parametrize("folds", [4, 1])
def test_a_look_that_stays_alone_keeps_nothing_back(ward_data: Dataset, folds: int) -> None:
    """Two pairs a look, of a plan for 10 epochs treated to take 30."""
    plan, arm = Plan(epochs=10), Arm(Prescription("still-improving", "train longer", {"epochs": 30}, ""))
    trial, first, second = Trial((arm,), member_epochs=50), 2 * (10 + 30), 2 * (10 + 30)
    enough, short = (
        _shares(design_of(ward_data, folds, most=50.0 + first + second - missing), plan, trial, arm)
        for missing in (0, 1)
    )
    assert (enough, short) == (LOOKS, ONE_LOOK)
    assert sum(1 / share for share in LOOKS) == pytest.approx(1.0)
