"""Filters that are dead, and convolutions that are frozen, in networks that were trained: the rules of units serve."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Cohort, Dataset, Split
from rounds.data.signals import ARRAY_ROW, Signals
from rounds.examination.finding import Seen
from rounds.examination.run import Run
from rounds.examination.sources.population import run_of
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.population.build import Trained, make_population, train_population
from rounds.training.population.fold_data import make_folds_data
from tests.examination.planted import said

ROWS = 96
SMALL = Plan(
    network="convolutional",
    filters=(4, 4),
    block_depth=1,
    hidden=(),
    activation="relu",
    epochs=4,
    batch_size=16,
    learning_rate=0.01,
    measure_every=1,
    optimizer="adam",
)


def run_with(**changes: Any) -> Run:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, (ROWS, 1)).astype(np.float32)
    array = random.integers(0, 100, (ROWS, 6, 6, 1))
    array[:, :, :3] += (100 * y[:, :, None, None]).astype(int)
    rows = np.arange(ROWS)
    dataset = Dataset(
        "tiny",
        Task(kind="binary", targets=("y",), classes=("0", "1")),
        pl.DataFrame({ARRAY_ROW: rows}),
        (),
        y,
        cohort=Cohort(rows),
        signals=Signals(array=array.astype(np.uint8), modality="image"),
    )
    split = Split("held-out", rows, rows[:0], tuple(np.array_split(rows, 3)))
    plan = SMALL.change(**changes)
    *_, last = train_population(make_population([plan], dataset.task, make_folds_data(dataset, split), workers=1))
    assert isinstance(last, Trained)
    return run_of(last)


@pytest.mark.parametrize(
    ("changes", "code", "layer"),
    [
        ({"bias_initializer": "constant:-30"}, "dead-units", "conv_activation_0_0"),
        ({"frozen_layers": 1}, "frozen-layer", "conv_0_0"),
    ],
)
def test_dead_and_frozen_filters(changes: dict[str, Any], code: str, layer: str) -> None:
    found = said(code, run_with(**changes))
    assert isinstance(found, Seen)
    assert layer in str(found.evidence)


def test_filters_that_learn_are_left_alone() -> None:
    healthy = run_with()
    assert said("frozen-layer", healthy) is None
    assert said("dead-units", healthy) is None
