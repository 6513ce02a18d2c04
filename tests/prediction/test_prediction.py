"""A table of new patients becomes a table of predictions, beside the identifiers it came with."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from rounds.errors import DataError, RunFolderError
from rounds.prediction.model_folder import save_predictor
from rounds.prediction.table import new_inputs, predict_table

COLUMNS = {
    "regression": ["los_predicted"],
    "several": ["bps_predicted", "bpd_predicted"],
    "count": ["visits_predicted"],
    "binary": ["probability"],
    "multiclass": ["class", "probability_I", "probability_II", "probability_III"],
    "multilabel": ["probability_sepsis", "probability_stroke"],
}
MEANINGS = {
    "regression": "median of los in days",  # not smeared
    "count": "expected count of visits",
    "binary": "probability of death = yes",
    "multilabel": "probability of sepsis, stroke",
}


@pytest.fixture
def make_run(make_predictor, tmp_path):
    def make(kind="regression"):
        save_predictor(tmp_path / "run" / "model", make_predictor(kind))
        return tmp_path / "run"

    return make


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_are_named_by_the_task(make_run, make_predictor, table, kind):
    report = predict_table(make_run(kind), table)
    assert report.table.columns == ["patient", *COLUMNS[kind]]
    assert report.table["patient"].equals(table["patient"])
    assert report.meaning == MEANINGS.get(kind, report.meaning)
    values = make_predictor(kind).predict(table).values
    numbers = report.table.drop("patient", "class", strict=False).to_numpy()
    np.testing.assert_array_equal(numbers, values)
    if kind == "multiclass":
        assert report.table["class"].to_list() == [("I", "II", "III")[i] for i in values.argmax(1)]


def test_members_have_columns_of_their_own(make_run, table):
    report = predict_table(make_run("binary"), table, members=True)
    members = [f"probability_member_{i}" for i in range(5)]
    assert report.table.columns == ["patient", "probability", *members]
    np.testing.assert_allclose(report.table.select(members).to_numpy().mean(1), report.table["probability"], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("new.csv", pl.read_csv),
        ("new.tsv", lambda p: pl.read_csv(p, separator="\t")),
        ("new.parquet", pl.read_parquet),
    ],
)
def test_written_table_reads_back(make_run, table, tmp_path, name, read):
    report = predict_table(make_run(), table, tmp_path / "out" / name)
    assert report.out == tmp_path / "out" / name
    assert read(report.out).equals(report.table)


def test_model_folder_itself_is_taken_too(make_run, table):
    run = make_run()
    assert predict_table(run / "model", table).table.equals(predict_table(run, table).table)


def test_table_without_identifiers_has_predictions_only(make_run, table):
    assert predict_table(make_run(), table.drop("patient")).table.columns == ["los_predicted"]


def test_what_stands_out_is_said(make_run, table):
    report = predict_table(make_run(), table.with_columns(age=pl.lit(1e6)).drop("sex"))
    assert report.lines[0] == "200 rows predicted: median of los in days."
    texts = report.lines[1:]
    assert any(text.startswith("age: outside the training range") and text.endswith("in 200 rows") for text in texts)
    assert "sex: column not in the table, taken as missing in 200 rows" in texts


def test_file_is_read_as_in_training(make_predictor, table, tmp_path):
    made = make_predictor()
    columns = [c.model_copy(update={"missing": ("-9",)}) if c.name == "age" else c for c in made.columns]
    save_predictor(tmp_path / "run" / "model", replace(made, columns=tuple(columns)))
    table = table.with_columns(pl.when(pl.int_range(pl.len()) < 2).then(-9.0).otherwise("age").alias("age"))
    table.write_csv(tmp_path / "new.csv")
    report = predict_table(tmp_path / "run", str(tmp_path / "new.csv"))
    assert "age: missing in 2 rows, as in no training row; taken as the median" in report.lines
    expected = made.predict(table.with_columns(pl.col("age").replace(-9.0, None))).values
    np.testing.assert_allclose(report.table["los_predicted"].to_numpy(), expected[:, 0], rtol=1e-6)


def test_pandas_frame_is_taken(make_run, table):
    run, pandas = make_run(), pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: table[name].to_list() for name in table.columns})
    assert predict_table(run, frame).table.equals(predict_table(run, table).table)


def test_text_in_a_column_of_numbers_is_refused(make_run, table):
    with pytest.raises(DataError, match=r"Column age must be a number, got value='old in row 2'"):
        predict_table(make_run(), table.with_columns(age=pl.lit("old")))


def test_table_of_other_patients_data_is_refused(make_run):
    with pytest.raises(DataError, match="Table must be one with the columns the model was trained on"):
        predict_table(make_run(), pl.DataFrame({"weight": [1.0]}))


@pytest.mark.parametrize("content", ["{", "[]", '{"references": 3}'])
def test_damaged_dataset_file_is_named(make_run, table, content):
    run = make_run()
    (run / "dataset.json").write_text(content)
    with pytest.raises(RunFolderError, match=r"Run file must be whole, got file='.*dataset\.json'"):
        predict_table(run, table)


def test_dates_are_counted_from_their_reference(make_predictor, tmp_path):
    made = make_predictor()
    days = pl.DataFrame({"age": [date(2024, 3, 1)], "admitted": [date(2024, 1, 1)], "sex": ["F"], "diagnosis": ["I1"]})
    read = new_inputs(days, made, {"age": "admitted"})
    assert read["age"].to_list() == [60.0]


def test_predictions_never_take_the_place_of_the_patients(make_run, table, tmp_path):
    place = tmp_path / "new.csv"
    table.write_csv(place)
    before = place.read_bytes()
    with pytest.raises(DataError, match="Output file must be another file than DATA, got out="):
        predict_table(make_run(), str(place), tmp_path / "." / "new.csv")
    assert place.read_bytes() == before


def test_output_of_unknown_kind_is_refused_before_anything_is_read(table, tmp_path):
    with pytest.raises(
        DataError, match=r"Output file must be CSV, TSV or Parquet, got out='new\.xlsx'\. End its name in"
    ):
        predict_table(tmp_path / "nowhere", table, tmp_path.__class__("new.xlsx"))


def test_run_that_is_not_there_is_refused(table, tmp_path):
    with pytest.raises(RunFolderError, match=r"Run folder must be a folder that exists, got run=.*rounds train"):
        predict_table(tmp_path / "nowhere", table)


def test_run_without_model_is_refused(table, tmp_path):
    with pytest.raises(RunFolderError, match=r"Run folder must be one with a model, got run=.*--resume"):
        predict_table(tmp_path, table)
