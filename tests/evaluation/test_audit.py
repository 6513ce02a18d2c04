"""rounds audit: planted faults are found by their code, sound predictions are not accused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from rounds.data.tables.reading import read_table
from rounds.errors import DataError
from rounds.evaluation.audit.prediction_file import named_predictions
from rounds.evaluation.audit.predictions import audit_findings, audit_predictions
from rounds.report.scores_text import audit_lead

NO_NAMES = {"label": None, "score": None, "patient": None, "split": None}


def sound(seed: int = 0, rows: int = 1200) -> pl.DataFrame:
    """Two thirds train, a third test, by patient; true chances with the same distribution in both."""
    draw = np.random.default_rng(seed)
    patient = draw.integers(0, rows * 2 // 3, rows)
    x = draw.normal(0, 1.5, rows)
    return pl.DataFrame(
        {
            "patient": [f"p{i}" for i in patient],
            "label": (draw.random(rows) < 1 / (1 + np.exp(-x))).astype(int),
            "score": 1 / (1 + np.exp(-x)),
            "split": np.where(patient % 3 == 0, "test", "train"),
            "sex": draw.choice(["F", "M"], rows),
            "age": draw.integers(20, 95, rows),
        }
    )


def audited(table: pl.DataFrame, positive: str | None = None, **names: str) -> dict:
    return audit_predictions(named_predictions(table, {**NO_NAMES, **names}, positive)).content()


def findings(table: pl.DataFrame) -> list[dict]:
    return [f.content() for f in audit_findings(named_predictions(table, NO_NAMES, None))[0]]


def codes(table: pl.DataFrame) -> set[str]:
    return {f["code"] for f in findings(table)}


def test_sound_predictions_are_not_accused() -> None:
    serious = [f["code"] for seed in range(8) for f in findings(sound(seed, 1500)) if f["severity"] != "note"]
    assert len(serious) <= 1


def test_record_is_whole_and_its_score_scikit_learns() -> None:
    table = sound()
    record = audited(table)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    test = table.filter(pl.col("split") == "test")
    assert record["metrics"]["auroc"]["value"] == pytest.approx(roc_auc_score(test["label"], test["score"]))
    assert record["judged"] == {"part": "test", "rows": test.height, "patients": test["patient"].n_unique()}
    assert set(record["parts"]) == {"train", "test"}
    assert set(record["subgroups"]["columns"]) == {"sex", "age"}
    assert {n["code"] for n in record["not_checked"]} == {"target-leak", "known-after-outcome"}


def leak(table: pl.DataFrame) -> pl.DataFrame:
    draw = np.random.default_rng(1)
    return table.with_columns(split=pl.Series(draw.choice(["train", "test"], table.height)))


def overfitted(table: pl.DataFrame) -> pl.DataFrame:
    sharp = pl.when(pl.col("label") == 1).then(0.95).otherwise(0.05)
    return table.with_columns(
        score=pl.when(pl.col("split") == "train").then(sharp + pl.col("score") / 100).otherwise("score")
    )


def fewer_controls(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter((pl.col("split") == "train") | (pl.col("label") == 1) | (pl.col("age") < 50))


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("patient-leak", leak),
        ("duplicate-rows", lambda t: pl.concat([t, t.head(100)])),
        ("implausible-score", lambda t: t.with_columns(score=pl.col("label") * 0.9 + pl.col("score") / 20)),
        ("loss-output-mismatch", lambda t: t.with_columns(score=1 - pl.col("score"))),
        ("no-better-than-baseline", lambda t: t.with_columns(score=pl.lit(0.5))),
        ("no-better-than-baseline", lambda t: t.with_columns(score=pl.col("score").shuffle(seed=1))),
        ("overfitting", overfitted),
        ("validation-too-small", lambda t: t.filter((pl.col("split") == "train") | (pl.col("age") < 25))),
        ("miscalibrated", lambda t: t.with_columns(score=pl.col("score") ** 3)),
        ("shifted-test", fewer_controls),
    ],
)
def test_planted_faults_are_found(code: str, change) -> None:
    assert code in codes(change(sound()))


def test_rows_repeated_across_parts_are_an_error() -> None:
    table = sound()
    copied = table.filter(pl.col("split") == "train").head(50).with_columns(split=pl.lit("test"), patient=pl.lit("new"))
    found = next(f for f in findings(pl.concat([table, copied])) if f["code"] == "duplicate-rows")
    assert found["severity"] == "error"
    assert found["evidence"] == {"rows": 50, "across_parts": 50}


def test_scores_that_were_rounded_are_no_duplicates() -> None:
    table = sound().select("patient", "label", pl.col("score").round(3), "split")
    assert "duplicate-rows" not in codes(table)
    unnamed = audited(table.drop("patient"))
    assert any(n["code"] == "duplicate-rows" and "3 digits" in n["reason"] for n in unnamed["not_checked"])
    assert not any(f["code"] == "duplicate-rows" for f in unnamed["findings"])
    measured = table.with_columns(bmi=pl.Series(np.random.default_rng(0).normal(25, 4, table.height)))
    assert "duplicate-rows" in codes(pl.concat([measured, measured.head(100)]))


def test_parts_are_named_in_any_case() -> None:
    spelled = {"train": "TRAIN", "test": " Test"}
    record = audited(sound().with_columns(split=pl.col("split").replace(spelled)))
    assert set(record["parts"]) == {"train", "test"}
    assert record["judged"]["part"] == "test"


def test_columns_go_by_other_names_and_options() -> None:
    table = sound().rename({"label": "Y_true", "score": "y_prob", "patient": "subject_id"})
    assert audited(table)["columns"] == {
        "label": "Y_true",
        "score": "y_prob",
        "patient": "subject_id",
        "split": "split",
    }
    renamed = sound().rename({"label": "dead_30d", "score": "apache"})
    assert audited(renamed, label="dead_30d", score="apache")["columns"]["label"] == "dead_30d"


def test_texts_of_two_classes_are_read_with_the_case_as_positive() -> None:
    table = sound().with_columns(
        label=pl.when(pl.col("label") == 1).then(pl.lit("dead")).otherwise(pl.lit("discharged"))
    )
    assert audited(table, positive="dead")["metrics"]["auroc"]["value"] > 0.7
    assert audited(table)["task"]["classes"] == ["discharged", "dead"]


def test_numbers_are_audited_as_regression() -> None:
    draw = np.random.default_rng(3)
    y = draw.lognormal(1.5, 0.6, 900)
    table = pl.DataFrame({"label": y, "score": y + draw.normal(0, 2, 900), "sex": draw.choice(["F", "M"], 900)})
    record = audited(table)
    assert {"mae", "rmse", "r2"} <= set(record["metrics"])
    assert {n["code"] for n in record["not_checked"]} >= {"patient-leak", "overfitting"}
    assert "implausible-score" in codes(table.with_columns(score=pl.col("label") + 0.001))


def test_one_class_only_is_audited_as_far_as_it_goes() -> None:
    record = audited(sound().filter(pl.col("label") == 1))
    assert "auroc" not in record["metrics"]
    assert record["task"]["classes"] == ["not 1", "1"]
    assert "implausible-score" in {n["code"] for n in record["not_checked"]}


def test_ten_rows_are_too_few_and_said() -> None:
    assert audited(sound().head(10).drop("split"))["rows"] == 10
    found = findings(sound().head(10).drop("split"))
    assert next(f for f in found if f["code"] == "validation-too-small")["severity"] == "warning"


def test_small_parts_are_hidden() -> None:
    table = pl.concat([sound(), sound(5).head(4).with_columns(split=pl.lit("pilot"))])
    assert audited(table)["parts"]["pilot"]["metrics"] == {}


def test_rows_without_label_or_score_are_left_out() -> None:
    table = sound().with_columns(score=pl.when(pl.int_range(1200) < 30).then(None).otherwise("score"))
    assert audited(table)["rows_left_out"] == 30


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.with_columns(score=pl.col("score") * 3), r"Score must be a probability in \[0, 1\], got score='"),
        (lambda t: t.with_columns(score=pl.col("score") - 0.5), r"Score must be a probability in \[0, 1\]"),
        (lambda t: t.drop("score"), "Predictions must be a table with a column score, got columns="),
        (lambda t: t.drop("score", "label"), "Predictions must be a table with a column label and a column score, got"),
        (lambda t: t.with_columns(label=pl.lit(None)), "Predictions must be rows with label and score, got rows=0"),
        (lambda t: t.with_columns(label=pl.col("patient")), "Labels must be two classes or numbers"),
        (lambda t: t.with_columns(patient=pl.lit("p1")), "Patients must be at least 2, got patients=1"),
        (lambda t: t.with_columns(score=pl.lit("high")), "Score must be a probability"),
    ],
)
def test_what_cannot_be_audited_is_refused(change, text) -> None:
    with pytest.raises(DataError, match=text):
        audited(change(sound(rows=60)))


def test_named_columns_are_checked() -> None:
    with pytest.raises(DataError, match=r"Label must be a column of the table, got label='lable'\. Did you mean label"):
        audited(sound(), label="lable")
    with pytest.raises(DataError, match="Positive must be a value of label, got positive='2'"):
        audited(sound(), positive="2")


def test_command_refuses_in_one_line_and_prints_json(tmp_path) -> None:
    sound().write_csv(tmp_path / "predictions.csv")
    words = [sys.executable, "-m", "rounds.cli", "audit", str(tmp_path / "predictions.csv")]
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["rows"] == 1200
    assert "not checked: target-leak" in subprocess.run(words, capture_output=True, text=True, check=True).stdout
    sound().with_columns(pl.col("score") + 0.7).write_csv(tmp_path / "predictions.csv")
    refused = subprocess.run(words, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "probability in [0, 1]" in refused.stderr


def test_cells_of_predictions_are_read_as_any_tables_are_and_said(tmp_path: Path) -> None:
    rows = [(i % 2, f"{40 + 20 * (i % 2) + i % 9} %", f"{i}") for i in range(120)]
    pl.DataFrame(rows, schema=["died", "risk", "id"], orient="row").with_columns(
        died=pl.col("died").replace_strict({0: "Survived", 1: "Died"}, return_dtype=pl.String)
    ).write_csv(tmp_path / "p.csv")
    table = read_table(tmp_path / "p.csv")
    named = {**NO_NAMES, "label": "died", "score": "risk"}
    record = audit_predictions(named_predictions(table.frame, named, None, table.how))
    assert record.metrics["auroc"].value == 1
    assert audit_lead(record) == [
        "120 rows of 120 patients; columns: label = died, score = risk",
        "Positive is Died, negative Survived (--positive VALUE for the other)",
        "Note: risk: 120 cells with a unit read as numbers in %.",
        "Note: risk: percentages read as probabilities.",
    ]


def test_a_limit_of_the_label_is_no_subgroup(tmp_path: Path) -> None:
    rows = "".join(f"{'<0.5' if i % 5 == 0 else i},{i % 7}\n" for i in range(60))
    (tmp_path / "p.csv").write_text(f"label,score\n{rows}")
    table = read_table(tmp_path / "p.csv")
    assert named_predictions(table.frame, NO_NAMES, None, table.how).subgroup_columns == []
