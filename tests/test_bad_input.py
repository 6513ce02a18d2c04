"""Whatever is given: one clear line, exit status 2, no traceback, and no run that looks like one."""

import errno
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

N = 60
Command = Callable[..., tuple[int, str, str]]
SMALL = ("--set", "epochs=1", "--set", "hidden=4", "--members", "1", "--rounds", "0")


def patients(**columns: object) -> pl.DataFrame:
    random = np.random.default_rng(0)
    made = {
        "age": random.integers(18, 95, N),
        "sex": random.choice(["F", "M"], N),
        "bmi": random.normal(27, 4, N).round(1),
        "los": random.lognormal(1, 1, N).round(2),
        "died": random.integers(0, 2, N),
    }
    return pl.DataFrame({**made, **columns}, strict=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a good table in it; whatever a refused command leaves behind would be found here."""
    patients().write_csv(tmp_path / "good.csv")
    return tmp_path


def refused(command: Command, place: Path, *words: object) -> str:
    """The one line on standard error of a command that must not do anything."""
    before = sorted(place.rglob("*"))
    ended = command(*words)
    assert ended[0] == 2, ended
    assert ended[1] == ""
    assert "Traceback" not in ended[2]
    assert ended[2].count("\n") == 1, ended[2]
    assert sorted(place.rglob("*")) == before
    return ended[2]


def training(command: Command, place: Path, table: object, *words: object) -> str:
    """What is said to `rounds train TABLE WORDS`; --target los and --group none unless said otherwise."""
    given = "" if "--target" in words else "los"
    group = () if "--group" in words else ("--group", "none")
    target = ("--target", given) if given else ()
    return refused(command, place, "train", table, *SMALL, *target, *group, *words, "--out", place / "run")


TABLES = {
    "empty": (b"", "DATA must be a table with a header and rows, got file='bad.csv'. The file is empty."),
    "header only": (b"age,los\n", "DATA must be a table with rows, got rows=0. bad.csv has a header only."),
    "binary junk": (bytes(range(256)) * 40, "DATA must be a text table, got file='bad.csv'. It holds binary data"),
    "too many cells": (b"age,los\n50,3\n60,4,5\n", "Cells in a row must be 2 as in the header, got cells=3, row=3"),
    "too few cells": (b"age,sex,los\n50,F,3\n60,F\n", "must be 3 as in the header, got cells=2, row=3"),
    "repeated name": (b"age,los,age\n50,3,1\n", "Column names must be all different, got repeated='age'."),
    "unclosed quote": (b'age,los\n50,"3\n60,4\n', "must be"),
    "one column": (b"los\n1\n2\n3\n", "Table must be with at least one feature, got features=0."),
    "other target": (b"age,loss\n50,3\n60,4\n", "a column of the table, got target='los'. Did you mean loss?"),
    "no outcome": (b"age,los\n50,\n60,\n", "Target must be known in some rows, got los='missing in every row'."),
    "one outcome": (b"age,los\n50,3\n60,3\n", "Target must be of more than one value, got los='3 in every row'."),
    "infinite outcome": (b"age,los\n50,3\n60,inf\n", "Column los must be finite numbers, got value='inf in row 3'."),
    "infinite number": (b"age,los\n5,3\n-inf,4\n7,5\n", "Column age must be finite numbers, got value='-inf in row 3"),
    "few patients": (b"age,los\n50,3\n60,4\n55,5\n", "Patients must be at least 10 for 5 folds, got patients=3."),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_cannot_be_used(command: Command, place: Path, name: str) -> None:
    content, expected = TABLES[name]
    (place / "bad.csv").write_bytes(content)
    assert expected in training(command, place, place / "bad.csv")


WORDS = {
    "target not there": (["--target", "lso"], "a column of the table, got target='lso'. Did you mean los?"),
    "text target": (["--target", "sex", "--task", "regression"], "Target of regression must be numbers, got sex="),
    "one class": (["--target", "sex", "--where", "sex = 'F'"], "Target must be of at least two classes, got sex='F'."),
    "no such task": (["--task", "ranking"], "task must be one of regression, count, binary"),
    "no such class": (["--target", "sex", "--positive", "W"], "Positive must be a value of sex, got positive='W'."),
    "too many folds": (["--set", "folds=40"], "Patients must be at least 80 for 40 folds, got patients="),
    "condition": (["--where", "age >"], "Where must be a condition on columns, got where="),
    "role": (["--as", "sex=colour"], "Role of sex must be one of numeric, categorical"),
    "role without a name": (["--as", "sex"], "--as must be NAME=VALUE, got as='sex'. Write --as NAME=VALUE."),
    "text as number": (["--as", "sex=numeric"], "Column sex must be a number, got value='"),
    "no roles file": (["--roles", "no.toml"], "Roles file must be a file that exists, got roles='no.toml'."),
    "group not there": (["--group", "patient"], "Group must be a column of the table, got group='patient'."),
    "time of texts": (["--time", "sex"], "Time must be a column of dates or numbers, got sex="),
    "score of texts": (["--baseline", "sex"], "Baseline must be a column of numbers, got sex="),
    "unknown field": (["--set", "learning_rat=1"], "must be one of the fields of `rounds plan`, got learning_rat"),
    "wrong type": (["--set", "batch_size=many"], "batch_size must be a whole number >= 1 or all, got"),
    "text for a number": (["--set", "epochs=soon"], "epochs must be a whole number >= 1, got epochs='soon'."),
    "out of range": (["--set", "dropout=1.5"], "dropout must be a number >= 0.0 and < 1.0, got dropout=1.5."),
    "no such choice": (["--set", "optimizer=adamm"], "optimizer must be one of sgd, momentum"),
    "swept structure": (["--set", "epochs=[1,2]"], "epochs must be one value, got epochs=[1,2]."),
    "not a number": (["--set", "learning_rate=nan"], "learning_rate must be a number >= 0.0, got learning_rate=nan."),
    "infinite": (["--set", "learning_rate=inf"], "learning_rate must be a number >= 0.0, got learning_rate=inf."),
    "no such activation": (["--set", "activation=rellu"], "one of Keras's names, got activation='rellu'. Did you mean"),
    "no such initializer": (["--set", "initializer=he"], "initializer must be one of Keras's names, got initializer="),
    "no such loss": (["--set", "loss=hinge"], "loss must be one of mse, mae"),
    "network of images": (["--set", "network=convolutional"], "network must be linear or dense for a table, got"),
    "no such finding": (["--allow", "target-leek"], "got allow='target-leek'. Did you mean target-leak?"),
    "setting of text": (["--set", "l2=much"], "l2 must be a number >= 0.0, got l2='much'."),
    "no plan file": (["--plan", "no.toml"], "Plan file must be a file that exists, got plan='no.toml'."),
    "no test table": (["--test", "no.csv"], "DATA must be a file that exists, got file='no.csv"),
    "unknown option": (["--colour", "red"], "No such option"),
    "members": (["--members", "0"], "Invalid value for '--members'"),
    "members of text": (["--members", "many"], "Invalid value for '--members'"),
    "split seed": (["--split-seed", "-1"], "Invalid value for '--split-seed'"),
}


@pytest.mark.parametrize("name", WORDS)
def test_words_that_cannot_be_followed(command: Command, place: Path, name: str) -> None:
    words, expected = WORDS[name]
    assert expected in training(command, place, place / "good.csv", *words)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("no.csv", "DATA must be a file that exists, got file='no.csv (No such file or directory)'."),
        ("diabets", "DATA must be a file that exists or a built-in set, got data='diabets'. Did you mean diabetes?"),
        ("admissions:many", "Built-in set must be a name, or admissions:ROWS with at most 10,000,000 rows, got data="),
        ("notes.txt", "DATA must be a file that exists"),
        ("", "DATA must be"),
    ],
)
@pytest.mark.parametrize("verb", ["train", "data"])
def test_data_that_is_not_there(command: Command, place: Path, verb: str, data: str, expected: str) -> None:
    assert expected in refused(command, place, verb, data, "--target", "los")


def test_a_column_that_is_not_what_it_is_said_to_be(command: Command, place: Path) -> None:
    ended = command("data", place / "good.csv", "--as", "sex=numeric")
    assert ended.status == 2
    assert "Column sex must be a number, got value='" in ended.err


def test_folder_as_data(command: Command, place: Path) -> None:
    assert "DATA must be a folder of images, got folder=" in training(command, place, place)


def test_repeating_identifier_without_group(command: Command, place: Path) -> None:
    patients(patient_nbr=np.arange(N) // 2).write_csv(place / "stays.csv")
    words = ("train", place / "stays.csv", "--target", "los", "--out", place / "run")
    assert "Group must be chosen where an identifier repeats, got column='patient_nbr'." in refused(
        command, place, *words
    )


def test_group_of_one_patient(command: Command, place: Path) -> None:
    patients(patient=[7] * N).write_csv(place / "one.csv")
    text = training(command, place, place / "one.csv", "--group", "patient")
    assert "Group must be a column of at least two patients, got patient='one value'." in text


def test_test_table_with_other_columns(command: Command, place: Path) -> None:
    patients().drop("bmi", "sex").write_csv(place / "test.csv")
    text = training(command, place, place / "good.csv", "--test", place / "test.csv")
    assert "Test table must be with the columns of DATA, got missing='sex, bmi'." in text


def test_plan_file_with_unknown_field(command: Command, place: Path) -> None:
    for content, expected in (
        (
            "learning_rat = 0.1\n",
            "Plan field must be one of the fields of `rounds plan`, got learning_rat=0.1. Did you mean",
        ),
        ("folds = 'few'\n", "folds must be a whole number >= 1, got folds='few'."),
        ("epochs 5\n", "Plan file must be TOML"),
    ):
        (place / "plan.toml").write_text(content)
        assert expected in training(command, place, place / "good.csv", "--plan", place / "plan.toml")


def test_plan_file_that_is_a_folder(command: Command, place: Path) -> None:
    assert "Plan file must be" in training(command, place, place / "good.csv", "--plan", place)
    assert "Roles file must be" in training(command, place, place / "good.csv", "--roles", place)


def train_into(command: Command, place: Path, out: Path) -> str:
    return refused(command, place, "train", place / "good.csv", "--target", "los", "--out", out, *SMALL, "--quiet")


def test_out_that_is_a_file(command: Command, place: Path) -> None:
    (place / "taken").write_text("mine")
    assert "out must be a folder, got out=" in train_into(command, place, place / "taken")
    assert (place / "taken").read_text() == "mine"


def test_out_below_a_file(command: Command, place: Path) -> None:
    text = train_into(command, place, place / "good.csv" / "run")
    assert "Place to write must be a folder that can be written, got path=" in text
    assert "(Not a directory). Part of the path is a file: choose another folder with --out." in text


def test_out_with_other_files(command: Command, place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "thesis.txt").write_text("years of work")
    assert "out must be a new or empty folder, got out=" in train_into(command, place, place / "mine")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write")
def test_out_that_cannot_be_written(command: Command, place: Path) -> None:
    assert "Place to write must be a folder that can be written, got path='/proc/" in train_into(
        command, place, Path("/proc/rounds/run")
    )


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_full_disk_before_training(command: Command, place: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    ended = command("train", place / "good.csv", "--target", "los", "--out", place / "run", *SMALL, "--quiet")
    assert ended[0] == 2
    assert ended[2].count("\n") == 1
    assert "(No space left on device). Free some space or choose another folder with --out." in ended[2]
    assert [p.name for p in place.rglob("*") if p.is_file()] == ["good.csv"]


def test_written_roles_need_a_place(command: Command, place: Path) -> None:
    text = refused(command, place, "data", place / "good.csv", "--write", place / "good.csv" / "roles.toml")
    assert "Place to write must be a folder that can be written" in text


def test_no_words_about_the_machine_below(place: Path) -> None:
    """In a process of its own, as a user would see it."""
    for words, expected in (
        (["train", "no.csv", "--target", "los"], "DATA must be a file that exists, got file='no.csv"),
        (["train", "good.csv", "--target", "lso", "--group", "none"], "Did you mean los?"),
        (["predict", "no-run", "good.csv"], "Run folder must be a folder that exists, got run='no-run'."),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "rounds.cli", *words], cwd=place, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert expected in done.stderr
    assert [p.name for p in place.iterdir()] == ["good.csv"]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 40 GB")])
def test_too_little_memory_is_said(command: Command, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def full(**_: object) -> None:
        raise error

    monkeypatch.setattr(importlib.import_module("rounds.cli.app"), "app", full)
    status, out, said = command("train", "stays.csv")
    assert (status, out) == (1, "")
    assert said.startswith("Memory must be enough for the networks and the data, got less. Take smaller networks")


def test_a_name_of_two_lines_is_said_on_one(command: Command, place: Path) -> None:
    (place / "two.csv").write_text('"a\nge",los\n50,3\n60,4\n')
    said = training(command, place, place / "two.csv", "--target", "died")
    assert said == "Target must be a column of the table, got target='died'. Known names: a ge, los.\n"
