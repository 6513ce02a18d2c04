"""Drift is said where patients differ, and not where they do not, however few there are."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency

from rounds.data.dataset import Cohort, Column, Dataset
from rounds.errors import RunFolderError
from rounds.files import write_json
from rounds.statistics.drift import _difference, _merged, column_drifts, drift_record, holm
from rounds.statistics.training_profile import OTHER, make_training_profile, read_training_profile
from rounds.task import Task

COLUMNS = (
    Column(name="age", role="numeric"),
    Column(name="sex", role="categorical"),
    Column(name="emergency", role="boolean"),
    Column(name="sodium", role="numeric"),
)


def patients(seed: int, rows: int, age: float = 60.0, women: float = 0.5, missing: float = 0.1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    sodium = np.where(draw.random(rows) < missing, None, draw.normal(140, 3, rows).round())
    return pl.DataFrame(
        {
            "age": draw.normal(age, 10, rows),
            "sex": np.where(draw.random(rows) < women, "F", "M"),
            "emergency": draw.random(rows) < 0.3,
            "sodium": pl.Series(sodium.tolist(), dtype=pl.Float64),
        }
    )


def profile(rows: int = 2000):
    task = Task(kind="regression", targets=("los",))
    inputs = patients(0, rows)
    dataset = Dataset("t", task, inputs, COLUMNS, np.zeros((rows, 1), "f4"), Cohort(np.arange(rows)))
    return make_training_profile(dataset, np.arange(rows))


def shifts(table: pl.DataFrame, codes: np.ndarray | None = None) -> dict[str, tuple[str, str]]:
    made = column_drifts(profile(), table, np.arange(table.height) if codes is None else codes)
    return {d.column: (d.shift, d.missing_shift) for d in made}


def test_alike_patients_hardly_ever_drift() -> None:
    alarms = [
        any(s != ("none", "none") for s in shifts(patients(seed, rows)).values())
        for seed in range(1, 51)
        for rows in (12, 60, 400)
    ]
    assert np.mean(alarms) <= 0.06, "family-wise error of 5 % over all columns"


def test_each_kind_of_drift_is_said_of_its_column() -> None:
    moved = shifts(patients(3, 500, age=72, women=0.9, missing=0.5))
    assert moved == {
        "age": ("large", "none"),
        "sex": ("large", "none"),
        "emergency": ("none", "none"),
        "sodium": ("none", "large"),
    }


def test_texts_say_where_it_moved() -> None:
    made = {d.column: d.text for d in column_drifts(profile(), patients(3, 500, 72, 0.9, 0.5), np.arange(500))}
    assert made["age"].startswith("age: large shift from training (median 59.")
    assert made["sex"].startswith("sex: large shift from training (share of ")
    assert made["sodium"].startswith("sodium: missing in ")
    assert made["emergency"] == ""


def test_repeated_rows_of_a_patient_are_no_drift() -> None:
    table = patients(5, 12)
    often = table[np.repeat(np.arange(12), 50)]
    one = column_drifts(profile(), table, np.arange(12))
    many = column_drifts(profile(), often, np.arange(12).repeat(50))
    np.testing.assert_allclose([d.p_value for d in one], [d.p_value for d in many])
    np.testing.assert_allclose([d.index for d in one], [d.index for d in many])


def test_p_value_equals_scipys() -> None:
    old, new = np.array([30.0, 50.0, 20.0]), np.array([5.0, 10.0, 15.0])
    index, p = _difference(old / old.sum(), new / new.sum(), (old.sum(), new.sum()))
    assert p == pytest.approx(chi2_contingency(np.stack([old, new]), correction=False).pvalue)
    a, b = (old + 0.5) / 101.5, (new + 0.5) / 31.5
    assert index == pytest.approx(sum((b - a) * np.log(b / a)))


def test_holm_equals_a_hand_computed_case() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []


def test_bins_keep_their_sum() -> None:
    draw = np.random.default_rng(2)
    for ordered in (True, False):
        old, new = _merged(draw.dirichlet(np.ones(9)), draw.dirichlet(np.ones(9)), 40.0, ordered)
        assert old.sum() == pytest.approx(1)
        assert new.sum() == pytest.approx(1)
        assert (old * 40).min() >= 5 or len(old) == 1


def test_rare_levels_are_not_kept_and_absent_columns_are_missing() -> None:
    task = Task(kind="regression", targets=("los",))
    codes = ["I10"] * 60 + ["I21"] * 30 + ["Q99"] * 3
    inputs = pl.DataFrame({"code": codes})
    columns = (Column(name="code", role="categorical"),)
    made = make_training_profile(
        Dataset("t", task, inputs, columns, np.zeros((93, 1), "f4"), Cohort(np.arange(93))), np.arange(93)
    )
    assert made.columns[0].levels == ("I10", "I21", OTHER)
    gone = column_drifts(made, pl.DataFrame({"other": ["x"] * 50}), np.arange(50))[0]
    assert (gone.missing_new, gone.missing_shift, gone.shift) == (1.0, "large", "none")


def test_ten_patients_are_the_least(tmp_path) -> None:
    made = profile()
    assert not drift_record(made, patients(1, 9), np.arange(9)).judged
    assert drift_record(made, patients(1, 10), np.arange(10)).judged
    assert "keeps no reference" in drift_record(None, patients(1, 10), np.arange(10)).reason
    assert read_training_profile(tmp_path) is None
    write_json(tmp_path / "reference.json", made)
    assert read_training_profile(tmp_path) == made
    (tmp_path / "reference.json").write_text("{")
    with pytest.raises(RunFolderError, match="Run file must be whole"):
        read_training_profile(tmp_path)
