"""A small predictor of every kind, with random weights: that a prediction stays the same is what matters."""

from functools import partial

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Column
from rounds.data.preparation.preparation import Preparation
from rounds.networks.network import Network
from rounds.prediction.predictor import NetworkPart, Predictor
from rounds.target_scale import TargetScale
from rounds.task import Task

COLUMNS = (
    Column(name="patient", role="identifier"),
    Column(name="age", role="numeric"),
    Column(name="sex", role="categorical"),
    Column(name="diagnosis", role="categorical"),
)
TASKS = {
    "regression": Task(kind="regression", targets=("los",), unit="days"),
    "several": Task(kind="regression", targets=("bps", "bpd")),
    "count": Task(kind="count", targets=("visits",)),
    "binary": Task(kind="binary", targets=("death",), classes=("no", "yes")),
    "multiclass": Task(kind="multiclass", targets=("stage",), classes=("I", "II", "III")),
    "multilabel": Task(kind="multilabel", targets=("sepsis", "stroke")),
}
_OUTPUT = {"count": "exponential", "binary": "sigmoid", "multilabel": "sigmoid", "multiclass": "softmax"}


@pytest.fixture
def table() -> pl.DataFrame:
    return small_table()


def small_table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "patient": [f"p{i}" for i in range(200)],
            "age": random.normal(60, 12, 200),
            "sex": random.choice(["F", "M"], 200),
            "diagnosis": [f"I{i % 20}" for i in range(200)],
        }
    )


@pytest.fixture
def make_predictor(table):
    return partial(small_predictor, table)


def small_predictor(table: pl.DataFrame, kind: str = "regression", members: tuple[int, ...] = (3, 2)) -> Predictor:
    task = TASKS[kind]
    preparation = Preparation.fit(COLUMNS, table, np.arange(table.height))
    y = np.random.default_rng(5).lognormal(1, 1, (200, len(task.targets)))
    parts = tuple(_part(task, preparation, count, sum(members), seed) for seed, count in enumerate(members))
    return Predictor(task, preparation, TargetScale.fit(task, y), parts, COLUMNS)


def _part(task: Task, preparation: Preparation, members: int, total: int, seed: int) -> NetworkPart:
    shape = preparation.shape
    network = Network(
        kind="dense",
        numbers=shape.numbers + seed,  # the second part is padded
        flags=shape.flags,
        levels=shape.levels,
        code_widths=(3,),
        hidden=(6,),
        outputs=task.outputs,
        output_activation=_OUTPUT.get(task.kind, "linear"),
    )
    random = np.random.default_rng(seed)
    shapes = {
        "code_0/embeddings": (shape.levels[0], 3),
        "hidden_0/kernel": (network.features, 6),
        "hidden_0/bias": (6,),
        "output/kernel": (6, task.outputs),
        "output/bias": (task.outputs,),
    }
    weights = {name: random.normal(0, 0.5, (members, *size)).astype("f4") for name, size in shapes.items()}
    return NetworkPart(network, weights, np.full(members, 1 / total))
