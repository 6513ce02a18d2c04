"""One record of all the evidence: whole for every kind, plain, small, and without a patient in it."""

import json

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.ensemble.judge import NETWORK
from rounds.errors import DataError
from rounds.evaluation.evidence_pack import Finish, Said, evidence_record, rows_a_day, write_evidence
from rounds.evaluation.seen_patients import read_seen
from rounds.run_folder.evidence import RecalibrationRecord
from rounds.statistics.conformal import read_intervals
from rounds.statistics.training_profile import read_training_profile


def finish_of(run) -> Finish:
    said = [Said(part.rows, part.predictions[NETWORK]) for part in (run.validation, run.judged)]
    return Finish(run.dataset, run.split, said[0], said[1], run.predictor.target_scale)


@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass", "multilabel"])
def test_record_is_whole_and_plain_for_every_kind(runs, kind) -> None:
    record = evidence_record(finish_of(runs(kind))).content()
    text = json.dumps(record, allow_nan=False)
    assert json.loads(text) == record
    assert len(text) < 200_000, "small enough to draw from"
    assert set(record) == {
        "schema_version",
        "version",
        "flow",
        "characteristics",
        "calibration",
        "recalibration",
        "decisions",
        "intervals",
        "importance",
        "subgroups",
    }
    assert list(record["calibration"]) == list(runs(kind).dataset.task.output_names)
    assert record["intervals"]["made"] == (kind == "regression")
    assert bool(record["decisions"]["outputs"]) == (kind != "regression")
    assert set(record["subgroups"]["columns"]) == {"age", "sex"}
    assert "p0000" not in text, "no identifier"


def test_intervals_cover_judged_patients(runs) -> None:
    found = evidence_record(finish_of(runs("regression"))).content()["intervals"]
    covered = found["judged"]["targets"]["days"]["coverage"]
    assert covered["low"] <= 0.9 <= covered["high"]
    assert found["judged"]["targets"]["days"]["mean_width"] == pytest.approx(2 * 1.645 * 2, rel=0.15), "noise of 2 days"


def test_small_data_is_judged_by_limits_of_other_patients() -> None:
    """Out of fold, validation and judged rows are of the same patients: limits come from other patients."""
    dataset = load("diabetes")
    split = split_dataset(dataset)
    rows = split.development
    values = np.full((len(rows), 1), dataset.targets.mean())
    finish = Finish(dataset, split, Said(rows, values), Said(rows, values), target_scale("standard"))
    found = evidence_record(finish).content()
    covered = found["intervals"]["judged"]["targets"]["progression"]["coverage"]["value"]
    assert covered == pytest.approx(0.9, abs=0.02)
    assert found["subgroups"]["comparisons"] > 0


def target_scale(kind: str):
    from rounds.target_scale import TargetScale

    return TargetScale(kind=kind, mean=(0.0,), spread=(1.0,))


def test_thresholds_of_small_data_are_chosen_by_others(runs) -> None:
    run = runs("binary")
    finish = finish_of(run)
    same = Finish(finish.dataset, finish.split, finish.validation, finish.validation, finish.target_scale)
    assert "other patients" in evidence_record(same).content()["decisions"]["chosen_on"]
    assert evidence_record(finish).content()["decisions"]["chosen_on"] == "validation patients"


def test_asked_subgroups_are_columns_of_the_table(runs) -> None:
    finish = finish_of(runs("binary"))
    assert set(evidence_record(finish, ("creatinine",)).content()["subgroups"]["columns"]) == {"creatinine"}
    with pytest.raises(DataError, match="Subgroup must be a column of the table, got subgroup='race'"):
        evidence_record(finish, ("race",))


def test_files_read_back(runs, tmp_path) -> None:
    record = write_evidence(tmp_path, finish_of(runs("regression")))
    assert json.loads((tmp_path / "evidence.json").read_text()) == record.content()
    assert read_intervals(tmp_path).level == 0.9
    assert read_training_profile(tmp_path).patients > 100
    assert read_seen(tmp_path)["what"].unique().sort().to_list() == ["patient", "row"]


def test_alerts_a_day_need_dates() -> None:
    dated = load("admissions:3000", Choices(group="patient_id", time="admitted"))
    dates = dated.cohort.identifiers["admitted"]
    assert rows_a_day(dated) == pytest.approx(3000 / (dates.max() - dates.min()).total_seconds() * 86_400)
    assert rows_a_day(load("diabetes")) is None
    years = pl.DataFrame(
        {"year": [2019 + i % 4 for i in range(60)], "x": np.arange(60.0) % 7, "y": np.arange(60.0) % 11}
    )
    assert rows_a_day(load(years, Choices(targets=("y",), time="year", group="none"))) is None


def test_hand_overs_own_recalibration_is_told(runs) -> None:
    finish = finish_of(runs("binary"))
    told = Finish(
        finish.dataset,
        finish.split,
        finish.validation,
        finish.judged,
        finish.target_scale,
        RecalibrationRecord(kept="temperature"),
    )
    assert evidence_record(told).content()["recalibration"] == {"kept": "temperature", "applied": True}
