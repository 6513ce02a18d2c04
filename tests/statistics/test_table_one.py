"""Table 1 counts what is there, hides what is small, and the flow adds up."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.statistics.table_one import characteristics, flow_record


@pytest.fixture(scope="module")
def admissions():
    dataset = load("admissions:3000", Choices(group="patient_id", where="age >= 40"))
    return dataset, split_dataset(dataset, nested=False)


def cell(table, column, part="development", level=None, kind=None):
    hit = [r for r in table.rows if r.column == column and r.level == level and (kind is None or r.kind == kind)]
    return hit[0].parts[part]


def test_flow_adds_up(admissions) -> None:
    dataset, split = admissions
    flow = flow_record(dataset, split)
    assert flow.rows_read == 3000
    assert flow.excluded[0].reason == "not age >= 40"
    assert flow.rows_read - sum(e.rows for e in flow.excluded) == flow.rows
    assert flow.rows == sum(p.rows for p in flow.parts.values())
    everybody = load("admissions:3000", Choices(group="patient_id")).cohort.identifiers["patient_id"].n_unique()
    assert everybody - flow.excluded[0].patients == sum(p.patients for p in flow.parts.values())


def test_patients_of_whom_nothing_is_left_are_counted() -> None:
    age = np.random.default_rng(2).integers(20, 90, 400)
    table = pl.DataFrame({"age": age, "owner": np.arange(400) // 2, "los": np.arange(400) % 7})
    kept = table.filter(pl.col("age") >= 50)
    named = load(table, Choices(targets=("los",), group="owner", where="age >= 50"))
    assert named.provenance.lost_patients == (200 - kept["owner"].n_unique(),)
    rows = load(table, Choices(targets=("los",), group="none", where="age >= 50", drop=("owner",)))
    assert rows.provenance.lost_patients == (400 - kept.height,), "rows are patients"


def test_split_by_time_says_what_it_left_out() -> None:
    dataset = load("admissions:3000", Choices(group="patient_id", time="admitted"))
    flow = flow_record(dataset, split_dataset(dataset))
    assert "earlier rows of patients who judge" in flow.excluded[-1].reason
    assert flow.rows_read - sum(e.rows for e in flow.excluded) == flow.rows


def test_cells_equal_polars(admissions) -> None:
    dataset, split = admissions
    table = characteristics(dataset, split)
    frame = dataset.inputs[split.development]
    age = cell(table, "age")
    assert age["median"] == pytest.approx(frame["age"].median())
    assert [age["low"], age["high"]] == pytest.approx([frame["age"].quantile(q, "linear") for q in (0.25, 0.75)])
    women = cell(table, "sex", level="F")
    assert women == {"rows": (frame["sex"] == "F").sum(), "share": pytest.approx((frame["sex"] == "F").mean())}
    missing = cell(table, "sodium", kind="missing")
    assert missing["rows"] == frame["sodium"].null_count()
    outcome = cell(table, "length_of_stay", part="test")
    assert outcome["median"] == pytest.approx(float(np.median(dataset.targets[split.test])))


def test_rare_levels_are_told_together_and_small_cells_hidden(admissions) -> None:
    dataset, split = admissions
    sizes = [dataset.rows - 11 * 60 - 5, *[60] * 11, 5]
    codes = np.random.default_rng(0).permutation(np.repeat([*(f"c{i}" for i in range(12)), "rare"], sizes))
    inputs = dataset.inputs.with_columns(ward=pl.Series(codes))
    table = characteristics(replace(dataset, inputs=inputs), split)
    levels = [r.level for r in table.rows if r.column == "ward"]
    assert len(levels) == 11
    assert levels[-1] == "other"
    assert "rare" not in levels
    assert cell(table, "ward", level="c0")["rows"] > 1000


def test_a_single_hidden_cell_takes_another_with_it(admissions) -> None:
    dataset, split = admissions
    ward = np.full(dataset.rows, "A", object)
    ward[split.test[:300]] = "B"
    ward[split.test[300:304]] = "C"
    table = characteristics(
        replace(dataset, inputs=dataset.inputs.with_columns(ward=pl.Series(ward.astype(str)))), split
    )
    shown = {level: cell(table, "ward", "test", level) for level in ("A", "B", "other")}
    assert shown["other"] is None, "nor is it named"
    assert (shown["A"] is None) != (shown["B"] is None)


def test_outcomes_of_classes_are_counted() -> None:
    dataset = load("breast_cancer")
    table = characteristics(dataset, split_dataset(dataset))
    assert cell(table, "diagnosis", "all", "malignant")["rows"] == 212
    assert list(table.parts) == ["all"]
