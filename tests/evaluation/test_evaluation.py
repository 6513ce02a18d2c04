"""rounds evaluate: figures that agree with scikit-learn's, and a clear word where new data cannot be judged."""

import json
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score

from rounds.ensemble.judge import NETWORK
from rounds.errors import DataError, RunFolderError
from rounds.evaluation import evaluate as evaluation
from rounds.evaluation.evidence_pack import Finish, Said, write_evidence
from rounds.report.scores_page import evaluation_page

TARGETS = {"binary": ["died"], "regression": ["days"], "multiclass": ["stage"], "multilabel": ["sepsis", "stroke"]}


@pytest.mark.parametrize("kind", TARGETS)
def test_record_is_whole_and_plain_for_every_kind(runs, new_patients, kind) -> None:
    record = evaluate(runs(kind).folder, new_patients(300))
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    keys = {"metrics", "before", "baselines", "calibration", "recalibration", "drift", "overlap", "rows", "patients"}
    assert keys <= set(record)
    assert (record["rows"], record["overlap"]["development"]["rows"]) == (300, 0)
    assert all({"value", "low", "high"} <= set(m) for m in record["metrics"].values())
    assert {"constant", "linear", "trees"} <= set(record["baselines"])
    assert record["before"] == json.loads((runs(kind).folder / "metrics.json").read_text())["test"]
    assert record["without_overlap"] is None


def evaluate(*given, **options):
    """As --json prints it."""
    return evaluation.evaluate(*given, **options).content()


def test_scores_equal_scikit_learns(runs, new_patients) -> None:
    table, run = new_patients(400), runs("binary")
    p = run.predictor.predict(table).values[:, 0]
    y = (table["died"] == "yes").to_numpy()
    metrics = evaluate(run.folder, table)["metrics"]
    assert metrics["auroc"]["value"] == pytest.approx(roc_auc_score(y, p))
    assert metrics["log_loss"]["value"] == pytest.approx(log_loss(y, p))
    table, run = new_patients(300), runs("regression")
    found = evaluate(run.folder, table)["metrics"]["mae"]["value"]
    days = table["days"].to_numpy()
    assert found == pytest.approx(mean_absolute_error(days, run.predictor.predict(table).values[:, 0]), rel=1e-6)


def test_well_made_model_is_calibrated_and_left_alone(runs, new_patients) -> None:
    record = evaluate(runs("binary").folder, new_patients(1200))
    slope = record["calibration"]["died"]["slope"]
    assert slope["value"] == pytest.approx(1, abs=0.3), "fitted on 1,200 rows, judged on 1,200 others"
    assert record["recalibration"]["kept"] == "none"
    assert [d["column"] for d in record["drift"]["columns"] if d["text"]] == []
    assert record["limitations"] == []


def test_older_patients_are_said_to_have_drifted(runs, new_patients) -> None:
    record = evaluate(runs("binary").folder, new_patients(600, age=75))
    assert record["drift"]["columns"][0]["column"] == "age"
    assert record["drift"]["columns"][0]["shift"] == "large"


def test_rarer_outcome_is_recalibrated(runs, new_patients) -> None:
    table = new_patients(1500)
    died = (table["died"] == "yes") & (pl.Series(np.random.default_rng(0).random(1500)) < 0.3)
    table = table.with_columns(died=pl.when(died).then(pl.lit("yes")).otherwise(pl.lit("no")))
    record = evaluate(runs("binary").folder, table)
    assert record["recalibration"]["kept"] == "logistic"
    before, after = record["metrics"], record["recalibration"]["metrics"]
    assert after["log_loss"]["value"] < before["log_loss"]["value"]
    assert after["calibration_intercept"]["value"] == pytest.approx(0, abs=0.15)


def test_seen_patients_are_told_from_new_ones(runs, new_patients) -> None:
    run = runs("binary")
    old = table_of(run).head(200)
    both = pl.concat([old, new_patients(300).select(old.columns)])
    record = evaluate(run.folder, both)
    learned, judged = (record["overlap"][part]["rows"] for part in ("development", "test"))
    assert learned + judged == 200
    assert record["rows"] == record["without_overlap"]["rows"] == 500 - learned
    assert record["metrics"] == record["without_overlap"]["metrics"]
    assert record["with_overlap"]["rows"] == record["rows_read"] == 500
    assert record["with_overlap"]["metrics"] != record["metrics"]
    assert f"{learned} of 500 rows were in training" in record["limitations"][0]
    assert record["limitations"][0].endswith(f"the scores are of the {500 - learned:,} others.")
    page = evaluation_page(evaluation.evaluate(run.folder, both))
    assert list(page.columns)[:3] == ["new patients", "test of training", "all 500 rows, known ones too"]
    assert page.concerns[0].text == record["limitations"][0]


def test_full_overlap_is_a_limitation_not_a_result(runs) -> None:
    run = runs("binary")
    rows = run.split.development
    record = evaluate(run.folder, table_of(run)[rows])
    assert record["limitations"][0].startswith(f"All {len(rows):,} rows were in training")
    assert record["without_overlap"] is None


def test_without_patient_column_rows_are_compared(runs) -> None:
    run = runs("binary")
    record = evaluate(run.folder, table_of(run)[run.split.development].drop("patient"))
    assert record["overlap"]["compared"] == "row"
    assert record["limitations"][0].startswith("All ")
    assert "patient column patient is not in the table" in " ".join(record["limitations"])


def test_one_class_only_is_scored_as_far_as_it_goes(runs, new_patients) -> None:
    table = new_patients(400).filter(pl.col("died") == "no")
    record = evaluate(runs("binary").folder, table)
    assert set(record["metrics"]) == {"log_loss", "brier", "accuracy"}
    assert any("same outcome for died" in line for line in record["limitations"])
    assert record["recalibration"]["kept"] == "none"


def test_ten_rows_get_a_score_and_a_word(runs, new_patients) -> None:
    record = evaluate(runs("regression").folder, new_patients(10))
    assert record["metrics"]["rmse"]["low"] <= record["metrics"]["rmse"]["high"]
    assert any(line.startswith(f"Only {record['patients']} patients") for line in record["limitations"])


def test_rows_without_outcome_are_left_out_and_said(runs, new_patients) -> None:
    table = new_patients(300).with_columns(died=pl.when(pl.int_range(300) < 40).then(None).otherwise("died"))
    record = evaluate(runs("binary").folder, table)
    assert (record["rows"], record["rows_without_outcome"]) == (260, 40)
    assert "40 rows without outcome were left out." in record["limitations"]
    assert evaluate(runs("binary").folder, table, where="age > 60")["rows"] < 200


def test_run_without_marks_and_reference_says_so(runs, new_patients, tmp_path) -> None:
    folder = shutil.copytree(runs("binary").folder, tmp_path / "run")
    for name in ("seen.parquet", "reference.json"):
        (folder / name).unlink()
    record = evaluate(folder, new_patients(200))
    assert not record["overlap"]["judged"]
    assert not record["drift"]["judged"]
    assert "was not looked at" in record["limitations"][0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.drop("died"), "Table must be one with the outcome columns, got missing='died'"),
        (lambda t: t.with_columns(died=pl.lit(None)), "Outcome must be known in some rows, got outcome='died'"),
        (lambda t: t.with_columns(died=pl.lit("maybe")), "Outcome must be one of no, yes, got died='maybe', row=2"),
        (lambda t: t.with_columns(patient=pl.lit("p1")), "Patients must be at least 2 with an outcome, got patients=1"),
        (lambda t: t.select("died", "patient"), "Table must be one with the columns the model was trained on"),
        (lambda t: t.with_columns(patient=pl.lit(None)), "Group must be known in every row, got patient='missing in"),
        (lambda t: t.with_columns(age=pl.lit("old")), "Column age must be a number, got value='old in row 2'"),
    ],
)
def test_what_cannot_be_judged_is_refused(runs, new_patients, change, text) -> None:
    with pytest.raises(DataError) as error:
        evaluate(runs("binary").folder, change(new_patients(50)))
    assert text in str(error.value)


def test_other_columns_are_the_first_limitation(runs, new_patients) -> None:
    renamed = new_patients(300).rename({"age": "AGE"})
    said = evaluate(runs("binary").folder, renamed)["limitations"][0]
    assert said.startswith("Columns that the networks read are not in the table")
    assert said.endswith("count as missing in every row: age. Did you mean AGE?")
    with pytest.raises(DataError, match=r"got columns=\['died', 'weight'\]"):
        evaluate(runs("binary").folder, new_patients(50).select("died", pl.lit(3.0).alias("weight")))


def test_words_in_place_of_numbers_are_named(runs, new_patients) -> None:
    days = new_patients(50).with_columns(days=pl.lit("long"))
    with pytest.raises(DataError, match="Outcome must be a finite number, got days='long', row=2"):
        evaluate(runs("regression").folder, days)
    labels = new_patients(50).with_columns(stroke=pl.lit(2))
    with pytest.raises(DataError, match="Outcome must be 0 or 1, got stroke='2', row=2"):
        evaluate(runs("multilabel").folder, labels)
    with pytest.raises(DataError, match="Where must be true of some rows"):
        evaluate(runs("binary").folder, new_patients(50), where="age > 500")
    with pytest.raises(DataError, match="Where must be a condition on columns"):
        evaluate(runs("binary").folder, new_patients(50), where="years > 500")


def test_thresholds_and_intervals_of_training_are_held_against_new_patients(runs, new_patients, tmp_path) -> None:
    for kind in ("binary", "regression"):
        run, folder = runs(kind), shutil.copytree(runs(kind).folder, tmp_path / kind)
        said = [Said(part.rows, part.predictions[NETWORK]) for part in (run.validation, run.judged)]
        write_evidence(folder, Finish(run.dataset, run.split, said[0], said[1], run.predictor.target_scale))
    table = new_patients(900)
    points = evaluate(tmp_path / "binary", table)["decisions"]["died"]
    p, y = runs("binary").predictor.predict(table).values[:, 0], (table["died"] == "yes").to_numpy()
    assert points[1]["target"] == {"sensitivity": 0.9}
    assert points[1]["sensitivity"]["value"] == pytest.approx(np.mean(p[y] >= points[1]["threshold"]))
    covered = evaluate(tmp_path / "regression", table)["intervals"]["targets"]["days"]["coverage"]
    assert covered["low"] <= 0.9 <= covered["high"]


def test_subgroups_may_be_columns_the_network_does_not_read(runs, new_patients) -> None:
    table = new_patients(600).with_columns(insurance=pl.Series(["public", "private"] * 300))
    record = evaluate(runs("binary").folder, table, subgroups=["insurance"])
    assert [g["group"] for g in record["subgroups"]["columns"]["insurance"]] == ["private", "public"]
    assert set(evaluate(runs("binary").folder, table)["subgroups"]["columns"]) == {"age", "sex"}


def test_unfinished_run_is_refused(runs, new_patients, tmp_path) -> None:
    folder = shutil.copytree(runs("binary").folder, tmp_path / "run")
    (folder / "metrics.json").unlink()
    with pytest.raises(RunFolderError, match=r"RUN must be a run folder with metrics\.json"):
        evaluate(folder, new_patients(50))


def test_command_prints_json_and_words(runs, new_patients, tmp_path) -> None:
    new_patients(300).write_csv(tmp_path / "new.csv")
    words = [sys.executable, "-m", "rounds.cli", "evaluate", str(runs("binary").folder), str(tmp_path / "new.csv")]
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["rows"] == 300
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "300 rows of" in shown
    assert "Calibration of died: slope" in shown
    words[-1] = str(tmp_path / "nowhere.csv")
    refused = subprocess.run(words, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1


def table_of(run) -> pl.DataFrame:
    """The training table of a simulated run, outcome and all."""
    died = pl.Series("died", np.where(run.dataset.targets[:, 0] > 0.5, "yes", "no"))
    return run.dataset.cohort.identifiers.hstack(run.dataset.inputs).with_columns(died)
