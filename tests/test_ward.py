"""The ward of faulty runs: what it plants, what counts as harm, and what published rule sets say of made-up curves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ward import make_runs, outcome
from benchmarks.ward.anchors import AUTOTRAINER, DEEPDIAGNOSIS, as_said, said_by
from benchmarks.ward.ceiling import alarms_by_harm, judge
from benchmarks.ward.faults import FAULTS, Fault
from benchmarks.ward.ground import make_ground
from benchmarks.ward.outcome import HURTS, Said, groups, harms, hurts
from benchmarks.ward.rates import detected, named, rate
from benchmarks.ward.table_faults import STAYS, WRONG, repeated_patients, wrong_labels
from benchmarks.ward.tasks import WardTask
from benchmarks.ward.training import Workshop
from benchmarks.ward.verdicts import ROUNDS, Verdict, verdicts_of
from benchmarks.ward.wings import BY_NAME, TASK_OF, WINGS, Wing
from rounds.plan import Plan
from tests.examination.planted import curve, folds, inside, run
from tests.examination.tables import table

SMALL = {"hidden": (4,), "batch_size": 32, "folds": 3, "target_transform": "none", "measure_every": 1}
RATE = Fault(
    "learning rate too high", ("learning-rate-too-high",), lambda severity, task: {"learning_rate": (30.0, 60.0)}
)
MADE_UP = WardTask("made up", "thresholds", lambda shared: table(300))


def scores(clean: float | None, constant: float = 1.0) -> dict[str, float | None]:
    return {"clean": clean, "judged": clean, "constant": constant}


def about(name: str, seed: int, clean: float | None, severity: int = 0) -> dict[str, object]:
    return {"name": name, "severity": severity, "seed": seed, "number": 0, "fresh": seed >= 10, "scores": scores(clean)}


def test_every_fault_says_what_is_acceptable() -> None:
    from rounds.examination.rules import every_rule

    known = {rule.code for rule in every_rule()}
    assert all(set(fault.acceptable) <= known and fault.acceptable for fault in BY_NAME.values())
    assert len(FAULTS) >= 24
    assert all(len({fault.name for fault in wing.faults}) == len(wing.faults) for wing in WINGS.values())


def test_harm_is_decided_on_fresh_seeds_alone() -> None:
    good = [about("good plan", 10, 0.5), about("good plan", 11, 0.5)]
    bad = [about("l2 too strong", 10, 0.6), about("l2 too strong", 11, 0.7), about("l2 too strong", 0, 0.4)]
    assert harms([*good, *bad]) == {("l2 too strong", 0): pytest.approx((0.1, 0.2))}
    assert [(r["seed"], group) for r, group in groups([*good, *bad])] == [(0, "faulty")]


def test_a_fault_without_harm_is_a_control() -> None:
    good = [about("good plan", 10, 0.5), about("good plan", 11, 0.5)]
    spared = [about("l2 too strong", 10, 0.51), about("l2 too strong", 11, 0.52), about("l2 too strong", 0, 0.4)]
    worse = about("l2 too strong", 1, 1.2)
    found = {(r["name"], r["seed"]): group for r, group in groups([*good, *spared, worse, about("healthy", 0, 0.5)])}
    assert found["l2 too strong", 0] == "harmless"
    assert found["l2 too strong", 1] == "no control", "no better than a constant"
    assert found["healthy", 0] == "healthy"


def test_a_leak_counts_although_it_raises_the_score() -> None:
    ((_, group),) = groups([about("patients over the split", 0, 0.3)])
    assert group == "faulty"


def test_a_lost_network_has_lost_everything() -> None:
    good = [about("good plan", seed, 0.5) for seed in (10, 11)]
    lost = [about("learning rate too high", seed, None) for seed in (10, 11)]
    (share,) = harms([*good, *lost]).values()
    assert hurts(share)
    assert min(share) > 10 * HURTS


def test_harm_is_measured_on_patients_apart() -> None:
    dataset = table(200)
    marked = replace(dataset, targets=np.arange(200, dtype=np.float32)[:, None])
    ground = make_ground(marked, seed=0)
    assert len(ground.clean.targets) == 40
    assert not set(ground.clean.targets[:, 0]) & set(ground.dataset.targets[:, 0])


def test_wrong_labels_leave_clean_rows_alone() -> None:
    ground = make_ground(table(500, kind="binary"), seed=0)
    changed = wrong_labels(ground, 1, np.random.default_rng(0))
    assert (changed.dataset.targets != ground.dataset.targets).mean() == pytest.approx(WRONG[1], abs=0.01)
    assert changed.clean is ground.clean


def test_repeated_patients_are_on_both_sides() -> None:
    changed = repeated_patients(make_ground(table(500), seed=0), 1, np.random.default_rng(0))
    numbers = changed.dataset.cohort.identifiers["patient_id"].to_numpy()
    here, there = (set(numbers[rows]) for rows in (changed.split.development, changed.split.test))
    assert len(here & there) > 0.3 * len(there)
    assert len(set(numbers)) * STAYS[1] == len(numbers)


@pytest.mark.parametrize(
    ("measures", "symptom"),
    [
        ({"gradient_norm": [1e-9, 1e-3, 1e-3]}, "vanishing gradient"),
        ({"gradient_norm": [100.0, 1.0, 1.0]}, "exploding gradient"),
        ({"dead_share": 0.75}, "dying ReLU"),
    ],
)
def test_symptoms_of_autotrainer(measures: dict[str, object], symptom: str) -> None:
    evidence = run(folds(measures=inside(**measures)), plans=(Plan(activation="relu"),))
    meant = next(s.means for s in AUTOTRAINER if s.name == symptom)
    assert meant in said_by(AUTOTRAINER, evidence)
    assert meant not in said_by(AUTOTRAINER, run(folds(measures=inside()), plans=(Plan(activation="relu"),)))


def test_oscillation_and_slow_convergence_of_autotrainer() -> None:
    def swings(epochs: np.ndarray) -> np.ndarray:
        return 0.6 + 0.05 * (epochs % 2)

    def flat(epochs: np.ndarray) -> np.ndarray:
        return np.full(len(epochs), 0.9)

    by_name = {s.name: s.means for s in AUTOTRAINER}
    assert by_name["oscillating loss"] in said_by(AUTOTRAINER, run(folds(validation=swings)))
    assert by_name["slow convergence"] in said_by(AUTOTRAINER, run(folds(validation=flat, noise=0.0)))
    assert said_by(AUTOTRAINER, run(folds())) == ()


def test_symptoms_of_deepdiagnosis() -> None:
    by_name = {s.name: s.means for s in DEEPDIAGNOSIS}
    full = run(folds(measures=inside(saturated_share=0.6)))
    assert by_name["saturated activation"] in said_by(DEEPDIAGNOSIS, full)
    ranged = run(folds(measures=inside(weight_norm=(10.0, 11.0))), plans=(Plan(output_activation="tanh"),))
    assert said_by(DEEPDIAGNOSIS, ranged) == (by_name["out of range"],)
    assert said_by(DEEPDIAGNOSIS, run((curve(outcome="diverged"),)))[0] == by_name["invalid loss"]


def test_an_anchor_is_given_credit_for_any_of_its_causes() -> None:
    said = as_said((("exploding-gradients", "learning-rate-too-high"),), ("learning-rate-too-high",))
    assert said.alarms == ("learning-rate-too-high",)
    assert as_said((("dead-units",),), ("overfitting",)).alarms == ("dead-units",)


def verdict(task: str, *alarms: str) -> Verdict:
    return Verdict(task, "l2 too strong", 0, 0, 0, "faulty", {ROUNDS: Said(alarms)})


def test_rates_are_clustered_by_task() -> None:
    verdicts = [verdict("a", "over-regularized"), verdict("a", "overfitting"), verdict("b"), verdict("b")]
    assert rate(verdicts, detected(ROUNDS)).share == 0.5
    assert rate(verdicts, named(ROUNDS)).share == 0.25
    found = rate(verdicts, detected(ROUNDS))
    assert (found.low, found.high) == (0.0, 1.0), "two tasks that agree within themselves tell little"


@pytest.fixture(scope="module")
def small_ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ward of one table, one fault and two good plans, on one seed."""
    folder = tmp_path_factory.mktemp("ward")
    good = {**SMALL, "epochs": 12, "learning_rate": (0.01, 0.03), "dropout": 0.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WINGS, "tables", Wing((RATE,), good, ({},), controls=2, at_first=2, seeds=(0, 1)))
        make_runs.make_runs(MADE_UP, folder, folder, Workshop(), 0)
    return folder


def test_a_planted_fault_is_written_down(small_ward: Path) -> None:
    lines = list(make_runs.read_lines(small_ward / "made up.jsonl"))
    told = {(a["name"], a["severity"], a["seed"]): (a["fresh"], bool(evidence)) for a, evidence in lines}
    assert told["learning rate too high", 1, 0] == (False, True)
    assert told["learning rate too high", 1, 10] == (True, False), "no rule can see what decides about harm"
    assert told["healthy", 0, 0] == (False, True)
    assert ("learning rate too high", 0, 1) not in told, "another turn"


def test_the_fault_is_found_and_the_controls_are_left_alone(small_ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BY_NAME, RATE.name, RATE)
    kept = [a for a, _ in make_runs.read_lines(small_ward / "made up.jsonl")]
    assert all(outcome.hurts(lost) for lost in harms(kept).values())
    monkeypatch.setitem(TASK_OF, "made up", MADE_UP)
    found = verdicts_of("made up", small_ward)
    faulty = [v for v in found if v.group == "faulty"]
    assert len(faulty) == 2
    assert all(v.said[ROUNDS].alarms[0] == "learning-rate-too-high" for v in faulty)
    assert [v.said[ROUNDS].alarms for v in found if v.group == "healthy"] == [(), ()]


def test_a_judge_of_harm_sees_the_very_run_and_alarms_are_counted_by_what_a_fault_costs() -> None:
    def said(name: str, own_loss: float, alarmed: bool) -> Verdict:
        told = {ROUNDS: Said(("underfitting",) if alarmed else ())}
        return Verdict("pima", name, 0, 0, 0, "faulty", told, own_loss=own_loss)

    runs = [said("deep sigmoids", 0.06, False), said("deep sigmoids", 0.01, True), said("l2 too strong", 0.0, True)]
    lost = {"pima": {("deep sigmoids", 0): (0.08, 0.04), ("l2 too strong", 0): (-0.02, 0.0)}}
    assert [judge(v) for v in runs] == [True, False, False]
    assert judge(said("wrong labels", 0.0, False)) is False
    assert judge(said("patients over the split", 0.0, False))
    shown = {name: (ours.hits, his.hits, ours.runs) for name, ours, his in alarms_by_harm(runs, lost) if ours.runs}
    assert shown == {"none, or a gain": (1, 0, 1), "5% to 8%": (1, 1, 2)}


def test_a_fault_means_the_same_wherever_it_is_planted() -> None:
    for fault in (fault for wing in WINGS.values() for fault in wing.faults):
        same = BY_NAME[fault.name]
        assert (fault.acceptable, fault.of_table, fault.harm) == (same.acceptable, same.of_table, same.harm)
