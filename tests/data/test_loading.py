"""What the user says of a table is what becomes of it: cohort, outcome, roles, patients."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.description import describe, read_new, readings_of
from rounds.data.loading import load
from rounds.data.tables.reading import read_table
from rounds.errors import DataError, ForcedChoiceError, RoundsError
from rounds.run_folder.dataset import DatasetFile, SplitRecord
from rounds.target_scale import TargetScale

N = 60


def described(dataset: Dataset) -> DatasetFile:
    """dataset.json, of a split that is of no interest here."""
    return describe(dataset, SplitRecord(kind="held-out", how="", seed=0, rows={}, patients={}, events=None))


def patients(**columns: object) -> pl.DataFrame:
    random = np.random.default_rng(0)
    made = {
        "age": random.integers(18, 95, N),
        "sex": random.choice(["F", "M"], N),
        "bmi": random.normal(27, 4, N).round(1),
        "los": random.lognormal(1, 1, N).round(2),
        "died": random.integers(0, 2, N),
        "readmitted": random.choice(["NO", "<30", ">30"], N),
    }
    return pl.DataFrame({**made, **columns}, strict=False)


def refusal(table: object, test: object = None, **choices: object) -> str:
    with pytest.raises(RoundsError) as caught:
        load(table, Choices(**{"targets": ("los",), "group": "none", **choices}), test)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def loaded(table: object, test: object = None, **choices: object) -> Dataset:
    return load(table, Choices(**{"targets": ("los",), "group": "none", **choices}), test)


def roles(dataset: Dataset) -> dict[str, str]:
    return {c.name: c.role for c in dataset.columns}


def test_where_keeps_a_cohort_and_counts_the_others():
    table = patients()
    dataset = loaded(table, where="age >= 50 AND sex = 'F'")
    kept = table.filter((pl.col("age") >= 50) & (pl.col("sex") == "F"))
    assert dataset.rows == kept.height
    assert dataset.provenance.rows_read == N
    assert dataset.provenance.exclusions == (("not age >= 50 AND sex = 'F'", N - kept.height),)


@pytest.mark.parametrize(
    "where",
    [
        "age >=",
        "ages > 5",
        "age + 1",
        "age > 'old'",
        "SELECT",
        "",
        ";",
        "age > 5; age < 9",
        "max(age) > 5",
        "1 = 1",
        "NULL",
    ],
)
def test_conditions_that_are_none(where):
    assert refusal(patients(), where=where).startswith("Where must be a condition on columns, got where=")


def test_condition_that_nobody_meets():
    assert refusal(patients(), where="age > 200") == (
        "Where must be true of some rows, got where='age > 200'. Loosen the condition."
    )


def test_rows_without_outcome_are_left_out_and_counted():
    dataset = loaded(patients(los=[None, -9, *range(1, N - 1)]), as_roles={})
    assert (dataset.rows, dataset.provenance.exclusions) == (N - 1, (("outcome not known", 1),))


def test_blank_rows_are_no_patients(tmp_path):
    place = tmp_path / "a.csv"
    place.write_text("age,los\n" + "".join(f"{20 + i % 19},{i % 7}\n" for i in range(30)) + "\n\n51,4\n")
    dataset = loaded(place)
    assert (dataset.rows, dataset.provenance.exclusions) == (31, (("blank row", 2),))


@pytest.mark.parametrize(
    ("choices", "kind", "classes"),
    [
        ({"targets": ("los",)}, "regression", ()),
        ({"targets": ("died",)}, "binary", ("0", "1")),
        ({"targets": ("sex",)}, "binary", ("F", "M")),
        ({"targets": ("sex",), "positive": "F"}, "binary", ("M", "F")),
        ({"targets": ("readmitted",)}, "multiclass", ("<30", ">30", "NO")),
        ({"targets": ("readmitted",), "positive": "<30"}, "binary", ("not <30", "<30")),
        ({"targets": ("died",), "positive": "1.0"}, "binary", ("0", "1")),
        ({"targets": ("age",), "kind": "count"}, "count", ()),
        ({"targets": ("age", "bmi")}, "regression", ()),
        ({"targets": ("died", "flag")}, "multilabel", ()),
        ({"targets": ("lab_*",)}, "regression", ()),
        ({"targets": ("lab_b", "lab_*")}, "regression", ()),
    ],
)
def test_tasks(choices, kind, classes):
    table = patients(flag=np.arange(N) % 3 == 0, lab_a=np.arange(N) * 0.5, lab_b=np.arange(N) * 0.7)
    dataset = loaded(table, **choices)
    assert (dataset.task.kind, dataset.task.classes) == (kind, classes)
    assert dataset.targets.shape == (N, len(dataset.task.targets))
    assert not set(dataset.task.targets) & {c.name for c in dataset.features}
    if choices["targets"][-1] == "lab_*":
        assert dataset.task.targets == ("lab_a", "lab_b")


def test_positive_class_is_one():
    dataset = loaded(patients(), targets=("readmitted",), positive="<30")
    assert (dataset.targets[:, 0] == (patients()["readmitted"] == "<30").to_numpy()).all()


def test_skewed_length_of_stay_is_learned_on_a_power_scale():
    dataset = loaded(patients(los=np.exp(np.linspace(-5, 5, N))))
    assert TargetScale.fit(dataset.task, dataset.targets).kind == "log1p"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"targets": ("loss",)}, "Target must be a column of the table, got target='loss'. Did you mean los?"),
        ({"targets": ("gene_*",)}, "Target must be a column of the table, got target='gene_*'."),
        ({"targets": ()}, "Target must be named, got target=None. Name the column to predict with --target."),
        ({"targets": ("readmitted",), "kind": "regression"}, "Target of regression must be numbers, got readmitted="),
        ({"targets": ("age",), "kind": "binary"}, "Binary target must be a column of two values, got values="),
        ({"targets": ("readmitted",), "positive": "<3"}, "Positive must be a value of readmitted, got positive='<3'."),
        ({"targets": ("bmi",), "kind": "count"}, "Count must be a whole number >= 0, got bmi="),
        ({"targets": ("age", "died"), "kind": "multilabel"}, "Label must be 0 or 1, got age="),
        ({"targets": ("died", "sex"), "kind": "binary"}, "Target must be one column for a binary task, got targets="),
        ({"where": "died = 1", "targets": ("died",)}, "got died='1 in every row'"),
        ({"where": "sex = 'F'", "targets": ("sex",)}, "Target must be of at least two classes, got sex='F'."),
        ({"where": "los = 3", "targets": ("los",)}, "must be"),
        ({"drop": ("los",)}, "Drop must be of other columns than the target, got drop='los'."),
        ({"drop": ("bmj",)}, "Drop must be a column of the table, got drop='bmj'. Did you mean bmi?"),
        ({"as_roles": {"ag": "numeric"}}, "Column must be a column of the table, got column='ag'. Did you mean age?"),
        ({"as_roles": {"age": "number"}}, "Role of age must be one of numeric, categorical"),
        ({"as_roles": {"sex": "numeric"}}, "Column sex must be a number, got value='"),
        ({"as_roles": {"age": "date:bmi"}}, "Column age must be dates, got value="),
        ({"as_roles": {"age": "date:born"}}, "Reference of a date must be a column of the table, got column='born'."),
        ({"as_roles": {"age": "boolean"}}, "Column age must be yes or no, got value="),
        ({"group": "patient"}, "Group must be a column of the table, got group='patient'."),
        ({"group": "ward"}, "Group must be a column of at least two patients, got ward='one value'."),
        ({"group": "los"}, "Group must be a column of its own, got group='los'."),
        ({"time": "sex"}, "Time must be a column of dates or numbers, got sex="),
        ({"baseline": "sex"}, "Baseline must be a column of numbers, got sex="),
        ({"drop": ("age", "sex", "bmi", "died", "readmitted", "ward")}, "Table must be with at least one feature"),
        ({"roles": Path("no.toml")}, "Roles file must be a file that exists, got roles='no.toml'."),
    ],
)
def test_refusals(choices, expected):
    assert expected in refusal(patients(ward=["north"] * N), **choices)


def test_target_without_any_value_or_variation():
    assert "Target must be known in some rows, got los='missing in every row'" in refusal(patients(los=[None] * N))
    assert "Target must be of more than one value, got los='3 in every row'" in refusal(patients(los=[3.0] * N))
    together = patients(a=[1.0, None] * (N // 2), b=[None, 1.0] * (N // 2))
    assert "Targets must be known together in some rows" in refusal(together, targets=("a", "b"))


def test_targets_that_networks_cannot_hold():
    assert "Target must be at most 1e+18, got los='1e+20'" in refusal(patients(los=[1e20, *range(N - 1)]))
    close = patients(los=[1e9 + i * 0.001 for i in range(N)])
    assert "Its values differ too little for 32-bit numbers: subtract their mean." in refusal(close)
    dates = patients(d=pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 2, 29), eager=True))
    assert "Target must be numbers or classes, not times, got d='2020-01-01'" in refusal(dates, targets=("d",))
    names = patients(name=[f"x{i}" for i in range(N)])
    assert "Target must be a column of at most 30 classes, got classes=60." in refusal(names, targets=("name",))


def test_numbers_too_large_to_compute_with():
    text = refusal(patients(bmi=[1e31, *range(N - 1)]))
    assert text.startswith("Column bmi must be numbers up to 1e+30, got value='1e+31 in row 2'.")


def test_hidden_columns_stay_hidden():
    for choices in ({"targets": ("x",)}, {"as_roles": {"age": "date:x"}}, {"group": "x"}, {"where": "x = 1"}):
        assert "__" not in refusal(patients(), **choices)


def test_group_with_holes_says_how_to_leave_them_out():
    table = patients(patient=[None, *(i // 2 for i in range(N - 1))])
    text = refusal(table, group="patient")
    assert "Group must be known in every row, got patient='missing in 1 rows'" in text
    assert loaded(table, group="patient", where="patient IS NOT NULL").rows == N - 1


@pytest.mark.parametrize("cell", [float("inf"), float("-inf")])
@pytest.mark.parametrize("column", ["bmi", "los", "age"])
def test_infinite_cells_are_named_by_the_row_of_the_file(column, cell):
    values = [20.0, 70.0, *range(1, 8), cell, *range(N - 10)]
    table = patients().with_columns(pl.Series(column, values, strict=False))
    text = refusal(table, where=f"age <> 20 OR {column} <> 20")
    assert text.startswith(f"Column {column} must be finite numbers, got value='{cell} in row 11'.")


def test_infinite_cells_of_the_test_table_are_said_to_be_there():
    test = patients(bmi=[1.0, float("inf"), *range(N - 2)])
    assert "'inf in row 3 of the test table'" in refusal(patients(), test)


def test_a_repeating_identifier_forces_a_choice():
    table = patients(patient_nbr=np.arange(N) // 2)
    with pytest.raises(ForcedChoiceError) as caught:
        load(table, Choices(targets=("los",)))
    assert str(caught.value) == (
        "Group must be chosen where an identifier repeats, got column='patient_nbr'. patient_nbr holds 30 different "
        "values in 60 rows: write --group patient_nbr where rows of one value belong together, --group none where "
        "every row is another patient, or --as patient_nbr=ROLE where it names no patients."
    )
    grouped = loaded(table, group="patient_nbr")
    assert (grouped.cohort.patients == np.arange(N) // 2).all()
    alone = loaded(table)
    assert (alone.cohort.patients == np.arange(N)).all()
    assert roles(alone)["patient_nbr"] == "identifier"
    assert "patient_nbr" in roles(load(table, Choices(targets=("los",), as_roles={"patient_nbr": "numeric"})))
    with pytest.raises(ForcedChoiceError):
        load(table, Choices(targets=("los",), drop=("patient_nbr",)))


def test_drop_takes_names_and_globs():
    dataset = loaded(patients(lab_a=range(N), lab_b=range(N)), drop=("lab_*", "sex"))
    assert {c.name: c.reason for c in dataset.columns if c.role == "dropped"} == dict.fromkeys(
        ("lab_a", "lab_b", "sex"), "left out by --drop"
    )


def test_a_glob_does_not_drop_the_target():
    dataset = loaded(patients(lab=range(N)), drop=("l*",))
    assert (roles(dataset)["los"], roles(dataset)["lab"]) == ("target", "dropped")


def test_dates_become_days():
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 2, 29), eager=True)
    table = patients(born=[days[0]] * N, admitted=days)
    dataset = loaded(table, as_roles={"admitted": "date:born"})
    assert dataset.inputs["admitted"].to_list() == list(range(N))
    assert "days since born" in next(c.reason for c in dataset.columns if c.name == "admitted")
    assert roles(loaded(table))["admitted"] == "date"


def test_days_since_the_end_of_the_stay_are_no_feature():
    choices = Choices(targets=("length_of_stay",), as_roles={"admitted": "date:discharged"})
    column = next(c for c in load("admissions:300", choices).columns if c.name == "admitted")
    assert (column.role, column.known) == ("dropped", "outcome")


ROLES = """
[age]
role = "numeric"
known = "admission"
unit = "years"
missing = ["-9", "999"]
[ward_code]
role = "categorical"
known = "stay"
[score]
role = "numeric"
known = "outcome"
"""


def test_roles_file_decides(tmp_path):
    place = tmp_path / "roles.toml"
    place.write_text(ROLES)
    table = patients(age=[-9, 999, *range(20, 20 + N - 2)], ward_code=np.arange(N) % 4, score=np.arange(N) * 1.5)
    dataset = loaded(table, roles=place)
    columns = {c.name: c for c in dataset.columns}
    assert (columns["age"].known, columns["age"].unit, columns["age"].missing) == ("admission", "years", ("-9", "999"))
    assert dataset.inputs["age"].null_count() == 2
    assert dataset.inputs["ward_code"].to_list()[:5] == ["0", "1", "2", "3", "0"]
    assert (columns["score"].role, columns["ward_code"].levels) == ("dropped", 4)
    assert columns["score"].reason == "numeric, but known only with the outcome: after any moment of prediction"
    assert described(dataset).prediction_moment is None
    assert roles(loaded(table, roles=place, as_roles={"ward_code": "numeric"}))["ward_code"] == "numeric"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[age\n", "Roles file must be TOML, got roles="),
        ("[agee]\nrole = 'numeric'\n", "Roles file must be about columns of the table, got column='agee'. Did"),
        ("[age]\nroles = 'numeric'\n", "Field of age must be one of role, known, unit, missing, got field='roles'."),
        ("[age]\nrole = 'number'\n", "Role of age must be one of numeric"),
        ("[age]\nrole = 5\n", "Role of age must be one of numeric"),
        ("[age]\nknown = 'later'\n", "known of age must be one of admission, stay, outcome, unknown, got known='l"),
        ("[age]\nmissing = -9\n", 'missing of age must be a list, got missing=-9. Write missing = ["-9"].'),
        ("[age]\nunit = 5\n", "unit of age must be text, got unit=5."),
        ("age = 5\n", "Roles file must be a section a column, got column='age'."),
        (b"\xff\xfe[\0", "Roles file must be TOML"),
    ],
)
def test_roles_files_that_cannot_be_used(tmp_path, content, expected):
    place = tmp_path / "roles.toml"
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert expected in refusal(patients(), roles=place)


def test_test_table_judges():
    dataset = loaded(patients(), patients(age=np.arange(N) + 20).select(reversed(patients().columns)))
    assert dataset.cohort.given_test is not None
    assert dataset.cohort.given_test.tolist() == [False] * N + [True] * N
    assert dataset.inputs["age"].to_list()[N:] == list(range(20, 20 + N))


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (patients().drop("bmi"), "Test table must be with the columns of DATA, got missing='bmi'."),
        (
            patients(bmi=["high"] * N),
            "Test table must be of the types of DATA (numbers), got found='text in column bmi'.",
        ),
        (patients(los=[None] * N), "Rows of the test table must be some with a known outcome, got rows=0."),
    ],
)
def test_test_tables_that_cannot_judge(test, expected):
    assert expected in refusal(patients(), test)


def test_codes_of_the_test_table_are_those_of_data(tmp_path):
    places = tmp_path / "a.csv", tmp_path / "b.csv"
    places[0].write_text("icd,los\n" + "".join(f"{c},{i}\n" for i, c in enumerate(["V57", "250.10", "428"] * 9)))
    places[1].write_text("icd,los\n" + "".join(f"{c},{i}\n" for i, c in enumerate(["250.10", "428"] * 9)))
    levels = loaded(places[0], places[1]).inputs["icd"].to_list()
    assert set(levels[:27]) == {"V57", "250.10", "428"}
    assert set(levels[27:]) == {"250.10", "428"}


def in_training_and_new(tmp_path: Path, training: list[str], new: list[str], **choices: object) -> list[list[str]]:
    """Levels of column `code` in training, and in a new table read by the description of the first."""
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("code,x,los\n" + "".join(f"{c},{i * 3.5},{i % 9}\n" for i, c in enumerate(training * 12)))
    second.write_text("code,x\n" + "".join(f"{c},{i * 3.5}\n" for i, c in enumerate(new)))
    dataset = loaded(first, **choices)
    frame = read_table(second, readings_of(dataset.columns)).frame
    made = read_new(frame, dataset.columns, dataset.provenance.references)
    return [dataset.inputs["code"].to_list()[: len(training)], made["code"].to_list()]


@pytest.mark.parametrize(
    ("training", "new", "levels"),
    [
        (["250", "428.5", "250"], ["250", "428.5"], ["250", "428.5"]),
        (["250", "251"], ["250.0", ""], ["250", None]),  # as programs write whole numbers beside missing ones
        (["250.0", "251"], ["250"], ["250"]),
        (["250.10", "250.1", "428"], ["250.10"], ["250.10"]),
        (["250.10", "250.1", "428"], ["250.1", "428"], ["250.1", "428"]),
        (["00123", "4"], ["00123", "4"], ["00123", "4"]),
        (["00123", "4"], ["4", "5"], ["4", "5"]),
        (["V57", "250.10"], ["250.10", "250.10"], ["250.10", "250.10"]),
        (["1", "2"], ["1", "two"], ["1", "two"]),
        (["1.5", "2.5"], ["1.50", "two"], ["1.5", "two"]),
        ([" a", "b "], ["a", "b"], ["a", "b"]),
        (["true", "false"], ["true"], ["true"]),
    ],
)
def test_levels_agree_between_training_and_new_tables(tmp_path, training, new, levels):
    assert in_training_and_new(tmp_path, training, new, as_roles={"code": "categorical"})[1] == levels


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9999), min_size=4, max_size=9, unique=True), st.data())
def test_any_part_of_a_table_has_the_levels_of_the_whole(tmp_path_factory, numbers, data):
    cells = [f"{n / 100:.2f}" if data.draw(st.booleans()) else str(n) for n in numbers]
    part = data.draw(st.lists(st.sampled_from(range(len(cells))), min_size=1, unique=True))
    place = tmp_path_factory.mktemp("tables")
    training, new = in_training_and_new(place, cells, [cells[i] for i in part], as_roles={"code": "categorical"})
    assert new == [training[i] for i in part]


def test_new_tables_lack_nothing_that_training_had():
    dataset = loaded(patients())
    with pytest.raises(DataError) as caught:
        read_new(patients().drop("bmi", "sex"), dataset.columns, {})
    assert "got missing='sex, bmi'. Add sex, bmi (empty cells are missing values)." in str(caught.value)
