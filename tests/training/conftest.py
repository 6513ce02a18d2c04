"""A small table with a known answer, and a way to train any plan on it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Cohort, Column, Dataset, Split
from rounds.plan import Plan
from rounds.task import Kind, Task
from rounds.training.population.build import Population, Trained, make_population, train_population
from rounds.training.population.fold_data import make_folds_data

ROWS, NUMBERS = 120, 4


def make_table(kind: Kind = "regression", rows: int = ROWS, seed: int = 0) -> tuple[Dataset, Split]:
    """Patients with four numbers; the outcome is linear in them plus noise."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, NUMBERS)).astype(np.float32)
    score = x @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 * random.normal(size=rows)
    y = {
        "regression": score,
        "binary": score > 0,
        "count": random.poisson(np.exp(0.3 * score)),
        "multiclass": np.digitize(score, [-1, 1]),
    }[kind]
    names = [f"x{i}" for i in range(NUMBERS)]
    classes = {"binary": ("0", "1"), "multiclass": ("low", "mid", "high")}.get(kind, ())
    dataset = Dataset(
        name="tiny",
        task=Task(kind=kind, targets=("y",), classes=classes),
        inputs=pl.DataFrame(dict(zip(names, x.T, strict=True))),
        columns=tuple(Column(name=n, role="numeric") for n in names),
        targets=y.astype(np.int32 if kind == "multiclass" else np.float32)[:, None],
        cohort=Cohort(patients=np.arange(rows)),
    )
    parts = tuple(np.array_split(np.arange(rows), 4))
    return dataset, Split("held-out", np.arange(rows), np.array([], np.int64), parts)


@pytest.fixture
def population_of() -> Callable[..., Population]:
    """plans -> a population on the tiny table, not yet trained; folds: how many of its four folds."""

    def make(
        *plans: Plan, kind: Kind = "regression", folds: int = 1, count: int | None = None, model: Any = None
    ) -> Population:
        dataset, split = make_table(kind)
        split = Split(split.kind, split.development, split.test, split.folds[:folds])
        return make_population(
            list(plans), dataset.task, make_folds_data(dataset, split), count, workers=1, model=model
        )

    return make


@pytest.fixture
def train() -> Callable[[Population], Trained]:
    def run(population: Population) -> Trained:
        *_, last = train_population(population)
        assert isinstance(last, Trained)
        return last

    return run
