"""The ward's tables of several rows a patient and of few events, and the page that shows all wings."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.ward.figure import figure
from benchmarks.ward.ground import make_ground
from benchmarks.ward.page import ward_page
from benchmarks.ward.row_faults import FEW, rows_over_the_split
from benchmarks.ward.row_tasks import RARE_TASKS, REPEATED_TASKS, rare, several
from benchmarks.ward.tasks import TASKS, WardTask, narrowed
from benchmarks.ward.verdicts import ROUNDS, WATCHERS, DataVerdict
from benchmarks.ward.wings import TASK_OF, WINGS, first_look
from rounds.data.dataset import Dataset
from rounds.examination.rules import every_rule
from tests.examination.tables import table
from tests.test_ward import verdict

NOWHERE = Path()
WHOLE = WardTask("pima", "thresholds", lambda shared: narrowed(table(700, "binary")))


def rows_of_patients(dataset: Dataset) -> set[int]:
    return set(np.bincount(dataset.cohort.patients).tolist())


def test_patients_have_as_many_rows_with_one_outcome_and_numbers_that_vary() -> None:
    for each, patients in ((4, 250), (20, 150)):
        dataset = several(WHOLE, each).load(NOWHERE)
        assert (rows_of_patients(dataset), dataset.cohort.patients.max() + 1) == ({each}, patients)
        outcomes = dataset.targets.reshape(patients, each)
        assert (outcomes == outcomes[:, :1]).all()
        first = dataset.inputs[dataset.features[0].name].to_numpy().reshape(patients, each)
        assert (first.std(axis=1) > 0).all()
        folds = make_ground(dataset, 0).split.folds
        assert not set(dataset.cohort.patients[folds[0]]) & set(dataset.cohort.patients[folds[1]])


def test_rows_dealt_over_the_split_are_of_patients_on_both_sides() -> None:
    ground = make_ground(several(WHOLE, 4).load(NOWHERE), 0)
    for severity, most in ((0, 2), (1, 4)):
        made = rows_over_the_split(ground, severity, np.random.default_rng(0)).dataset
        numbers = made.cohort.identifiers["patient_id"]
        assert made.cohort.group is None
        assert numbers.value_counts()["count"].max() == most
        assert made.rows == most * numbers.n_unique()


def test_few_events_leave_all_other_patients_to_measure_harm_on() -> None:
    task = rare("pima", WHOLE.read, 5, rows=300)
    assert task.clean is not None
    drawn, others = task.load(NOWHERE), task.clean(NOWHERE)
    assert (drawn.rows, int(drawn.targets.sum())) == (300, 5)
    assert others.targets.mean() == np.float32(drawn.targets.mean()) or abs(others.targets.mean() - 5 / 300) < 0.01
    ground = make_ground(drawn, 1, others)
    assert ground.clean is others
    assert len(ground.split.development) + len(ground.split.test) == 300


def test_tables_made_of_a_set_stay_in_its_half_and_true_codes_are_no_alarms() -> None:
    half = {task.name: task.half for task in TASKS}
    made = [task for task in (*REPEATED_TASKS, *RARE_TASKS) if task.name.split(" ")[0] in half]
    assert len(made) == len((*REPEATED_TASKS, *RARE_TASKS)) - 1  # physionet2012 is in no table
    assert all(task.half == half[task.name.split(" ")[0]] for task in made)
    assert set(FEW) <= {rule.code for rule in every_rule()}
    assert all(not set(FEW) & set(fault.acceptable) for fault in WINGS["few events"].faults)


def test_a_first_look_is_every_fault_once_and_what_decides_about_harm() -> None:
    pima = TASK_OF["pima"]
    counted = sum(2 * (3 if f.harm == "test rows" else 1) for f in WINGS["tables"].faults if "binary" in f.kinds)
    assert first_look(pima) == counted + WINGS["tables"].at_first + 2


def test_the_page_says_what_is_known_and_what_is_missing() -> None:
    found = (verdict("ecg5000", "over-regularized"), verdict("cleveland 20 rows"), verdict("pima", "over-regularized"))
    said = [replace(v, said=dict.fromkeys(WATCHERS, v.said[ROUNDS])) for v in found]
    leak, split = "a column gives the outcome away", "test of other patients"
    of_data = [
        DataVerdict("ecg5000 5 events", leak, ("target-leak",)),
        DataVerdict("ecg5000 5 events", split, ()),
        DataVerdict("ecg5000 5 events", "", ()),
        DataVerdict("pima", leak, ()),
    ]
    page = ward_page(said, {v.task: {} for v in said}, of_data, "How thresholds were chosen.")
    assert "| few events | 1 | 1 of 2 | 0 of 1 |" in page
    assert "Not named: test of other patients on ecg5000 5 events (1)." in page
    reported = page[page.index("## Rates on the reported half") : page.index("## Beside")]
    assert "| tables | 100.0 % (100 to 100; 1 of 1)" in reported
    assert "| repeated rows | 0.0 % (0 to 0; 0 of 1)" in reported
    assert "| all | 50.0 % (0 to 100; 1 of 2)" in reported
    assert "| l2 too strong | nothing | 1 |" in page
    assert "| nhanes | tables | reported | not trained |" in page
    assert figure(said).startswith("<svg")
