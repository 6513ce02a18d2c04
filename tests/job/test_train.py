"""`rounds.train` as Python writes it: every option of the command a keyword, any form of data, errors in its words."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import rounds
from rounds.cli.commands.train import train_command as command
from rounds.data.choices import Choices
from rounds.errors import DataError, ForcedChoiceError, PlanError
from rounds.job.arguments import OPTIONS, dataset_of, roles_of, table_of_arrays
from rounds.job.speaking_python import in_python
from rounds.plan import Plan

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = X[:, 0] + 0.8 * RNG.normal(size=80)
QUICK = {"rounds": 0, "members": 1, "epochs": 3, "hidden": (4,), "number_embedding": "none", "quiet": True}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return rounds.train((X, Y), out=tmp_path_factory.mktemp("python") / "run", **QUICK)


def test_every_option_of_the_command_is_a_keyword() -> None:
    of_command = {name for name in inspect.signature(command).parameters if name not in ("data", "set_", "as_json")}
    keywords = set(inspect.signature(rounds.train).parameters) - {"data", "request", "fields"}
    assert keywords == of_command
    assert keywords == set(OPTIONS)


def test_plan_fields_are_keywords(result: Any) -> None:
    assert result.plan.epochs == 3
    assert result.plan.hidden == (4,)


def test_the_result_reads_its_folder(result: Any) -> None:
    assert set(result.scores.columns) == {"model", "metric", "value", "low", "high"}
    assert {"network", "constant"} <= set(result.scores["model"])
    assert result.findings
    assert result.verdict.believable.answer in ("yes", "no", "unknown")
    assert result.prescriptions == []
    assert result.members.height >= 1
    assert "validation" in set(result.curves["split"])
    assert (result.folder / "report.html").exists()


def test_predictions_of_arrays_and_frames_agree(result: Any) -> None:
    frame = pl.DataFrame({f"x{i}": X[:, i] for i in range(3)})
    assert np.array_equal(result.predict(X), result.predict(frame))
    assert result.predict(X[:5], intervals=True).height == 5


def test_a_result_is_loaded_again(result: Any) -> None:
    again = rounds.Result.load(result.folder)
    assert np.array_equal(again.predict(X), result.predict(X))


def test_a_result_in_one_line_and_in_a_notebook(result: Any) -> None:
    assert repr(result).startswith("Result(")
    assert "\n" not in repr(result)
    assert "well trained" in result._repr_html_()


def test_an_audit_of_its_own_predictions(result: Any) -> None:
    assert "metrics" in result.audit() or "parts" in result.audit() or result.audit()


def test_arrays_of_another_width_are_refused(result: Any) -> None:
    with pytest.raises(DataError, match="an array of 3 columns"):
        result.predict(X[:, :2])


def test_arrays_become_a_table() -> None:
    table, targets = table_of_arrays(X, np.stack([Y, Y], axis=1))
    assert table.columns == ["x0", "x1", "x2", "y0", "y1"]
    assert targets == ("y0", "y1")
    with pytest.raises(DataError, match="of as many rows"):
        table_of_arrays(X, Y[:-1])


def test_arrays_of_more_axes_are_images_or_recordings() -> None:
    labels = np.array([0, 1] * 6)
    images = dataset_of((np.zeros((12, 8, 8, 1)), labels), Choices(kind="binary"))
    assert images.signals.modality == "image"
    assert images.signals.array is not None
    assert images.signals.array.shape == (12, 8, 8, 1)
    assert dataset_of((np.zeros((12, 8, 8), np.uint8), labels), Choices(kind="binary")).signals.modality == "image"
    recordings = dataset_of((RNG.normal(size=(12, 30, 2)), labels), Choices(targets=("y",), kind="binary"))
    assert recordings.signals.modality == "recording"
    with pytest.raises(DataError, match="of as many rows"):
        dataset_of((np.zeros((12, 8, 8, 1)), labels[:5]), Choices())
    with pytest.raises(DataError, match="at most four axes"):
        dataset_of((np.zeros((2, 2, 2, 2, 2)), labels[:2]), Choices())


def test_columns_of_arrays_are_numbers_whatever_they_hold() -> None:
    codes = np.stack([np.arange(80), RNG.integers(0, 2, 80)], axis=1)
    dataset = dataset_of((codes, Y), Choices())
    assert [c.role for c in dataset.columns if c.name != "y"] == ["numeric", "numeric"]


def test_a_model_with_an_input_a_column_gets_constant_ones_too() -> None:
    class Model:
        inputs = (np.zeros((1, 3)),)

    frame = pl.DataFrame({"a": X[:, 0], "b": np.ones(80), "c": X[:, 1], "y": Y})
    alone = dataset_of(frame, Choices(targets=("y",), group="none"))
    whole = dataset_of(frame, Choices(targets=("y",), group="none"), model=Model())
    assert [c.name for c in alone.features] == ["a", "c"]
    assert [c.name for c in whole.features] == ["a", "b", "c"]


def test_roles_in_both_spellings() -> None:
    assert roles_of({"age": "numeric"}) == roles_of(["age=numeric"]) == {"age": "numeric"}


def test_errors_speak_of_arguments(tmp_path: Path) -> None:
    frame = pl.DataFrame({"patient_id": np.repeat(np.arange(40), 2), "x": X[:, 0], "y": Y})
    with pytest.raises(ForcedChoiceError) as caught:
        rounds.train(frame, target="y", out=tmp_path / "run", quiet=True)
    assert "--" not in str(caught.value)
    assert "group=" in str(caught.value)
    with pytest.raises(DataError) as caught_too:
        rounds.train(frame, out=tmp_path / "run", quiet=True)
    assert "with target" in str(caught_too.value)


def test_an_unknown_keyword_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="Did you mean epochs"):
        rounds.train((X, Y), epoch=3, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Choose --group ID or --group none.", 'Choose group="ID" or group="none".'),
        ("train in spite of it with --allow target-leak", 'train in spite of it with allow=["target-leak"]'),
        ("Say otherwise with --as COL=ROLE", 'Say otherwise with as_={"COL": "ROLE"}'),
        ("Add --resume to go on with it", "Add resume=True to go on with it"),
        ("lower --set folds", "lower folds"),
        ("with --set initial_weights=given", "with initial_weights=given"),
        ("Look at --where and at missing outcomes", "Look at where and at missing outcomes"),
    ],
)
def test_options_become_arguments(said: str, meant: str) -> None:
    assert in_python(said) == meant


def test_a_plan_is_taken_in_every_form(tmp_path: Path) -> None:
    from rounds.job.arguments import plan_changes

    (tmp_path / "plan.toml").write_text("epochs = 7\n")
    wanted = {"seed": 0, "epochs": 7}
    assert plan_changes({}, tmp_path / "plan.toml", {}, None) == wanted
    assert plan_changes({}, {"epochs": 7}, {}, None) == wanted
    assert plan_changes({}, Plan(epochs=7), {}, None) == wanted
    assert plan_changes({"epochs": 5}, None, {"epochs": 7}, None) == wanted
    assert plan_changes({}, None, {"learning_rate": [0.1, 0.2]}, 3) == {"seed": 3, "learning_rate": (0.1, 0.2)}
