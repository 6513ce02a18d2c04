"""The package as Python has it: what it exports, what it prints of itself, and in whose words it refuses."""

from typing import Any

import numpy as np
import polars as pl
import pytest

import rounds
from rounds.data.choices import Choices

SECRET = "Ada-of-ward-7"


def test_what_is_exported_is_there() -> None:
    assert set(rounds.__all__) <= set(dir(rounds))
    assert all(getattr(rounds, name) is not None for name in dir(rounds))
    assert rounds.__version__.count(".") >= 2


def test_a_dataset_shows_no_patient() -> None:
    ages = np.random.default_rng(0).integers(20, 90, 40)
    frame = pl.DataFrame({"name": [f"{SECRET}-{i}" for i in range(40)], "age": ages, "y": np.arange(40) / 7})
    data = rounds.load(frame, Choices(targets=("y",), group="name"))
    assert "40 rows of 40 patients" in repr(data)
    assert "age" in data._repr_html_()
    assert SECRET not in repr(data) + data._repr_html_()


def test_an_examination_is_brief_and_escaped() -> None:
    rising: dict[str, Any] = {"loss": [1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05], "val_loss": [1, 0.8, 0.7, 0.7, 0.9, 1.1, 1.3]}
    found = rounds.examine(rising)
    assert "overfitting (warning)" in repr(found)
    assert "<li>believable: unknown" in found._repr_html_()


@pytest.mark.parametrize("name", rounds.datasets.names())
def test_every_built_in_set_has_a_loader(name: str) -> None:
    load = getattr(rounds.datasets, f"load_{name}")
    X, y = load(return_X_y=True)
    assert len(X) == len(y) == load().rows
    if load().task.classes:
        assert set(y) == set(load().task.classes)


def test_a_choice_that_is_missing_is_asked_for_as_an_argument() -> None:
    frame = pl.DataFrame({"id": np.arange(60) // 2, "x": np.arange(60) % 7, "y": np.arange(60) / 7})
    with pytest.raises(rounds.RoundsError, match='group="id"') as refused:
        rounds.load(frame, Choices(targets=("y",)))
    assert "--" not in str(refused.value)
    with pytest.raises(rounds.RoundsError, match=r"^step must be a column"):
        rounds.examine({"loss": [1.0, 0.5]}, step="ep")


def test_the_old_name_of_train_warns() -> None:
    with pytest.warns(FutureWarning, match=r"Call rounds\.train"), pytest.raises(rounds.RoundsError):
        rounds.improve("diabets")
