"""Tables in which nothing is wrong raise no alarm, however many rows a patient has (`benchmarks.null_tables`)."""

import numpy as np
import pytest

from benchmarks.null_tables import ALWAYS, null_table
from rounds.data.splitting import split_dataset
from rounds.examination.data_rules.association import discriminated, out_of_fold
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.examine_data import examine_data
from rounds.examination.rule import FAILED

# rows a patient, patients, kind of outcome, what an outcome belongs to
TABLES = (
    (1, 300, "binary", "patient"),
    (4, 100, "regression", "row"),
    (20, 35, "binary", "patient"),
    (20, 100, "multiclass", "patient"),
    (20, 100, "regression", "patient"),
    (20, 100, "binary", "row"),
)


@pytest.mark.parametrize(("rows", "patients", "kind", "of"), TABLES)
def test_a_table_without_a_fault_raises_no_alarm(rows: int, patients: int, kind: str, of: str) -> None:
    for seed in range(2):
        dataset = null_table(seed, rows, patients, kind, of)  # type: ignore[arg-type]
        split = split_dataset(dataset, split_seed=seed, nested=False)
        found, absent = examine_data(DataEvidence(dataset, split))
        assert not [reason for _, reason in absent if reason.startswith(FAILED)]
        assert not [f.code for f in found if f.alarms and f.code not in ALWAYS]


def test_trees_that_see_a_patient_s_other_rows_would_tell_who_is_held_out() -> None:
    """Why shifts are judged by a mean of each patient: by rows the same trees reach an AUROC of 0.9 without any."""
    dataset = null_table(0, 20, 100, "binary", "patient")
    evidence = DataEvidence(dataset, split_dataset(dataset, nested=False))
    held = np.isin(np.arange(dataset.rows), evidence.split.folds[0])
    shuffled = np.random.default_rng(0).permutation(dataset.rows)
    assert discriminated(evidence.numbers[shuffled], held[shuffled]) > 0.8
    means, codes = evidence.patient_means
    assert discriminated(means, np.isin(codes, dataset.cohort.patients[held])) < 0.7


def test_a_column_that_one_patient_has_is_empty_in_a_fold() -> None:
    random = np.random.default_rng(0)
    numbers, owner = np.column_stack([random.normal(size=60), np.full(60, np.nan)]), np.arange(60)
    numbers[0, 1] = 1.0
    assert 0 <= discriminated(numbers, owner % 2 == 0) <= 1
    assert out_of_fold(numbers, owner % 2, owner).shape == (60, 2)
