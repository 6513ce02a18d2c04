"""A ward of made-up patients on which a faulty plan is treated: small enough to train many times."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.stages import stages
from rounds.prescription import loop as loop
from rounds.prescription.remedies.prescribe import remedies_by_finding
from rounds.prescription.remedies.remedy import Remedy

PATIENTS, TESTED = 300, 60
FAULTY: dict[str, Any] = {"hidden": (8,), "epochs": 6, "batch_size": 32, "folds": 4, "learning_rate": 10.0, "seed": 0}


def ward(patients: int = PATIENTS) -> pl.DataFrame:
    """Four numbers, and an outcome that is linear in them but for noise."""
    random = np.random.default_rng(0)
    x = random.normal(size=(patients, 4))
    score = x @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.5 * random.normal(size=patients)
    return pl.DataFrame({**{f"x{i}": x[:, i] for i in range(4)}, "days": score + 20.0})


@pytest.fixture(scope="session")
def ward_data() -> Dataset:
    table = ward()
    return load(table[TESTED:], Choices(targets=("days",), group="none"), test=table[:TESTED])


@pytest.fixture(scope="session")
def treat(ward_data: Dataset) -> Callable[..., Result]:
    """treat(folder, **request) -> the result of a faulty plan's stay of one round."""

    def run(folder: Path, changes: dict[str, Any] = FAULTY, rounds: int = 1, **more: Any) -> Result:
        *_, result = stages(ward_data, Request(changes=changes, rounds=rounds, out=folder, **more))
        assert isinstance(result, Result)
        return result

    return run


@pytest.fixture
def faulty() -> dict[str, Any]:
    return FAULTY


@pytest.fixture
def two_doses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials of a remedy that helps beside one that does nothing."""
    plant_doses(monkeypatch)


def plant_doses(monkeypatch: pytest.MonkeyPatch) -> None:
    doses = Remedy("another rate", lambda plan: [{"learning_rate": r} for r in (11.0, 0.03)], "losses fall", {})
    for code in remedies_by_finding():
        monkeypatch.setitem(remedies_by_finding(), code, (doses,))
    monkeypatch.setattr(loop, "against_oddities", lambda *words: [])  # a rate of 10 is odd as well


@pytest.fixture(scope="session")
def treated(treat: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The stay that was left in peace."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        plant_doses(monkeypatch)
        return treat(tmp_path_factory.mktemp("stay") / "run")
