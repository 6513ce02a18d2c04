"""rounds predict beside its numbers: limits that hold, and a word where patients are not those of training."""

import shutil

import numpy as np
import polars as pl

from rounds.ensemble.judge import NETWORK
from rounds.evaluation.evidence_pack import Finish, Said, write_evidence
from rounds.prediction.table import predict_table
from rounds.statistics.conformal import read_intervals


def run_with_evidence(run, folder):
    shutil.copytree(run.folder, folder)
    said = [Said(part.rows, part.predictions[NETWORK]) for part in (run.validation, run.judged)]
    write_evidence(folder, Finish(run.dataset, run.split, said[0], said[1], run.predictor.target_scale))
    return folder


def test_limits_hold_the_promised_share_of_new_patients(runs, new_patients, tmp_path) -> None:
    folder = run_with_evidence(runs("regression"), tmp_path / "run")
    table = new_patients(2000)
    made = predict_table(folder, table).table
    assert made.columns == ["patient", "days_predicted", "days_low", "days_high"]
    inside = (table["days"] >= made["days_low"]) & (table["days"] <= made["days_high"])
    assert abs(inside.mean() - read_intervals(folder).level) < 0.03


def test_members_stand_behind_the_limits(runs, new_patients, tmp_path) -> None:
    folder = run_with_evidence(runs("regression"), tmp_path / "run")
    made = predict_table(folder, new_patients(20), members=True).table
    assert made.columns == ["patient", "days_predicted", "days_low", "days_high", "days_predicted_member_0"]


def test_probabilities_have_no_limits(runs, new_patients, tmp_path) -> None:
    folder = run_with_evidence(runs("binary"), tmp_path / "run")
    assert predict_table(folder, new_patients(20)).table.columns == ["patient", "probability"]


def test_drift_is_said_without_outcomes(runs, new_patients, tmp_path) -> None:
    run = runs("regression")
    same = predict_table(run.folder, new_patients(400)).drift
    assert same == ()
    older = predict_table(run.folder, new_patients(400, age=80).drop("days", "creatinine"))
    assert {line.split(":")[0] for line in older.drift} == {"age", "creatinine"}
    assert set(older.drift) <= set(older.lines)
    assert predict_table(run.folder, new_patients(400, age=80).head(9)).drift == ()
    assert predict_table(run.folder / "model", new_patients(400, age=80)).drift == ()


def test_repeated_stays_of_one_patient_are_no_drift(runs, new_patients) -> None:
    table = new_patients(400).with_columns(patient=pl.Series(np.arange(400).astype(str)))
    one = table.filter(pl.col("age") > 85).head(1)
    often = pl.concat([table, *[one] * 400])
    assert predict_table(runs("regression").folder, often).drift == ()
