"""Patients seen before are found again whatever the file they come in, and strangers are not."""

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.errors import RunFolderError
from rounds.evaluation.seen_patients import (
    overlap_record,
    overlapping_rows,
    patient_marks,
    read_seen,
    row_marks,
    seen_frame,
)


@pytest.fixture(scope="module")
def admissions():
    dataset = load("admissions:3000", Choices(group="patient_id"))
    split = split_dataset(dataset)
    return dataset, split, seen_frame(dataset, split)


def test_every_patient_of_each_part_is_found(admissions) -> None:
    dataset, split, seen = admissions
    people = dataset.cohort.identifiers["patient_id"]
    found = overlap_record(seen, dataset.inputs, people, dataset.provenance.content_hash).content()
    assert found["compared"] == "patient"
    for part, rows in (("development", split.development), ("test", split.test)):
        assert found[part] == {"rows": len(rows), "patients": len(np.unique(dataset.cohort.patients[rows]))}
    inside = overlapping_rows(seen, dataset.inputs, people, dataset.provenance.content_hash)
    np.testing.assert_array_equal(np.flatnonzero(inside), split.development)


def test_strangers_are_not_found(admissions) -> None:
    dataset, _, seen = admissions
    strangers = pl.Series([f"new-{i}" for i in range(dataset.rows)])
    found = overlap_record(seen, dataset.inputs, strangers, dataset.provenance.content_hash).content()
    assert found["development"] == found["test"] == {"rows": 0, "patients": 0}


def test_rows_are_compared_where_nobody_is_named(admissions) -> None:
    dataset, split, seen = admissions
    shuffled = dataset.inputs.select(sorted(dataset.inputs.columns, reverse=True))
    found = overlap_record(seen, shuffled, None, dataset.provenance.content_hash).content()
    assert found["compared"] == "row"
    assert found["development"]["rows"] >= len(split.development)
    moved = dataset.inputs.with_columns(pl.col("age") + 0.25)
    assert overlap_record(seen, moved, None, dataset.provenance.content_hash).content()["development"]["rows"] == 0


def test_marks_name_nobody(admissions) -> None:
    dataset, _, seen = admissions
    assert seen.columns == ["mark", "what", "part"]
    other = patient_marks(dataset.cohort.identifiers["patient_id"], "another table")
    assert not np.isin(other, seen["mark"].to_numpy()).any(), "marks of two tables cannot be joined"


def test_a_value_is_the_same_in_any_type() -> None:
    whole = pl.DataFrame({"age": [60, 71, None], "sex": ["F", "M", None]})
    wide = whole.with_columns(pl.col("age").cast(pl.Float64)).select("sex", "age")
    np.testing.assert_array_equal(row_marks(whole, "k"), row_marks(wide, "k"))
    assert len(set(row_marks(whole, "k").tolist())) == 3
    zero = pl.DataFrame({"x": [0.0, -0.0]})
    assert len(set(row_marks(zero, "k").tolist())) == 1


def test_swapped_columns_are_another_row() -> None:
    first = pl.DataFrame({"a": ["x"], "b": ["y"], "c": [1.0], "d": [2.0]})
    second = pl.DataFrame({"a": ["y"], "b": ["x"], "c": [2.0], "d": [1.0]})
    assert row_marks(first, "k")[0] != row_marks(second, "k")[0]


def test_damaged_file_is_named(tmp_path) -> None:
    assert read_seen(tmp_path) is None
    (tmp_path / "seen.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunFolderError, match="Run file must be whole"):
        read_seen(tmp_path)
