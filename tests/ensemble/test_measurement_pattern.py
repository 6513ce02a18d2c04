"""Whether the pattern of measuring tells something, and whether networks read it: one that does, one that cannot."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.ensemble.measurement_pattern import halves_of
from rounds.job.request import Request
from rounds.job.train import train
from rounds.networks.keras.backend import keras
from rounds.training.population.fold_data import make_folds_data
from tests.examination.tables import table

STAYS = 240
LEAK = ("target-leak",)  # so strong a pattern that its count alone separates the outcomes
QUICK = {"epochs": 25, "learning_rate": 0.03, "batch_size": 32, "folds": 2}


@pytest.fixture(scope="module")
def stays() -> Any:
    """The sicker a patient, the more often lactate is measured; its values say nothing."""
    random = np.random.default_rng(0)
    death = (random.random(STAYS) < 0.4).astype(int)
    rows = [
        {"stay": i, "hour": float(h), "parameter": name, "value": float(random.normal())}
        for i in range(STAYS)
        for h in range(8)
        for name in ("HR", "Lactate")
        if name == "HR" or random.random() < (0.8 if death[i] else 0.2)
    ]
    choices = Choices(targets=("death",), key="stay", group="none", sequences=pl.DataFrame(rows))
    return load(pl.DataFrame({"stay": np.arange(STAYS), "death": death}), choices)


@keras.saving.register_keras_serializable("rounds_tests")
class ValuesAlone(keras.layers.Layer):
    """Leaves presence and time since out: inside, HR, Lactate are kept."""

    def call(self, x: Any) -> Any:
        return x[..., :3]


def values_alone(shape: tuple[int, ...]) -> Any:
    inputs = keras.Input(shape)
    x = keras.layers.GRU(4, name="gru")(ValuesAlone(name="values")(inputs))
    return keras.Model(inputs, keras.layers.Dense(1, name="last")(x))


def codes(made: Any) -> list[str]:
    import json

    return [f["code"] for f in json.loads((made.folder / "findings.json").read_text())["findings"]]


def test_halves_of_a_validation_part_are_of_patients() -> None:
    """By rows, a patient's rows in one half would tell those in the other."""
    patients = np.repeat(np.arange(200), 5)
    dataset = table(patients=patients, group="patient")
    fold_data = make_folds_data(dataset, split_dataset(dataset, folds=1, nested=False))[0]
    owners = patients[split_dataset(dataset, folds=1, nested=False).development]
    for one, other in halves_of(fold_data, fold_data.folds[0].held):
        assert len(one) == len(other) == 80
        assert not set(owners[one]) & set(owners[other])


def test_a_network_that_reads_the_pattern(stays: Any, tmp_path: Path) -> None:
    plan = {**QUICK, "network": "recurrent", "recurrent": (4,), "hidden": ()}
    made = train(stays, plan, Request(out=tmp_path / "run", members=2, rounds=0, allow=LEAK))
    gaps = made.record["gaps"]
    assert gaps["pattern_alone"]["low"] > 0.1
    assert gaps["dealt_anew"]["low"] > 0.1
    assert "gaps-unread" not in codes(made)


def test_a_network_that_cannot(stays: Any, tmp_path: Path) -> None:
    model = values_alone(stays.signals.array.shape[1:])
    made = train(
        stays, QUICK, Request(out=tmp_path / "run", members=2, allow_code=True, rounds=0, allow=LEAK), model=model
    )
    gaps = made.record["gaps"]
    assert gaps["pattern_alone"]["low"] > 0.1
    assert abs(gaps["dealt_anew"]["value"]) < 1e-6
    assert "gaps-unread" in codes(made)
