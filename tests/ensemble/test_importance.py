"""Taking one column or one span of time away from prepared inputs, and nothing else."""

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Column, Inputs
from rounds.data.preparation.preparation import Preparation
from rounds.data.recordings.channels import channel_names
from rounds.data.recordings.timeline import Timeline
from rounds.ensemble.importance import column_groups, mean_loss, permuted, time_spans, without_span
from rounds.task import Task

TIMELINE = Timeline(variables=("HR", "HR low"), step=60, steps=16, unit="minute", incomplete=("HR low",))
COLUMNS = (
    Column(name="age", role="numeric"),
    Column(name="sex", role="categorical"),
    Column(name="HR mean", role="numeric", engineered=True),
    Column(name="HR low mean", role="numeric", engineered=True, missing_share=0.5),
)


@pytest.fixture
def prepared() -> tuple[Preparation, Inputs]:
    random = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "age": random.normal(60, 9, 40),
            "sex": random.choice(["F", "M"], 40),
            "HR mean": random.normal(size=40),
            "HR low mean": [None if i % 2 else float(i) for i in range(40)],
        }
    )
    preparation = Preparation.fit(COLUMNS, table, np.arange(40)).model_copy(update={"timeline": TIMELINE})
    inputs = preparation.apply(table)
    array = random.normal(size=(40, 16, len(channel_names(TIMELINE)))).astype("f4")
    return preparation, Inputs(inputs.numbers, inputs.flags, inputs.codes, array)


def test_all_of_a_variable_goes_together(prepared: tuple[Preparation, Inputs]) -> None:
    groups = dict(column_groups(prepared[0]))
    assert groups == {
        "age": {"numbers": [0], "flags": [], "codes": [], "channels": []},
        "HR": {"numbers": [1], "flags": [], "codes": [], "channels": [1]},
        "HR low": {"numbers": [2], "flags": [2], "codes": [], "channels": [2, 3, 4]},
        "sex": {"numbers": [], "flags": [0, 1], "codes": [], "channels": []},
    }


def test_dealing_out_keeps_every_value_and_every_other_column(prepared: tuple[Preparation, Inputs]) -> None:
    _, inputs = prepared
    assert inputs.array is not None
    made = permuted(inputs, {"numbers": [2], "flags": [2], "codes": [], "channels": [2, 3, 4]}, seed=5)
    assert made.array is not None
    np.testing.assert_array_equal(made.numbers[:, :2], inputs.numbers[:, :2])
    np.testing.assert_array_equal(np.sort(made.numbers[:, 2]), np.sort(inputs.numbers[:, 2]))
    assert (made.numbers[:, 2] != inputs.numbers[:, 2]).any()
    moved = [int(np.flatnonzero(inputs.array[:, 0, 2] == v)[0]) for v in made.array[:, 0, 2]]
    np.testing.assert_array_equal(made.numbers[:, 2], inputs.numbers[moved, 2])
    np.testing.assert_array_equal(made.array[:, :, 2:], inputs.array[moved][:, :, 2:])
    np.testing.assert_array_equal(made.array[:, :, :2], inputs.array[:, :, :2])


def test_a_hidden_span_looks_as_if_nobody_had_measured(prepared: tuple[Preparation, Inputs]) -> None:
    _, inputs = prepared
    assert inputs.array is not None
    name, span = list(time_spans(TIMELINE))[2]
    made = without_span(inputs, span, TIMELINE).array
    assert made is not None
    assert (name, span) == ("minute 240 to 360", range(4, 6))
    assert np.isnan(made[:, 4:6, 1:3]).all()
    assert (made[:, 4:6, 3] == 0).all()
    np.testing.assert_array_equal(made[:, 4:6, [0, 4]], inputs.array[:, 4:6, [0, 4]])
    np.testing.assert_array_equal(np.delete(made, [4, 5], axis=1), np.delete(inputs.array, [4, 5], axis=1))


def test_tables_have_no_spans() -> None:
    assert list(time_spans(None)) == []


def test_the_interval_covers_patients_and_permutations() -> None:
    """A column whose worth is known: y = x + noise of spread 1, so that permuting x takes the rmse from 1 to root 3.
    Over patients alone, as if a row had not got its values from one of them, 86 to 91 % of intervals hold it."""
    task, covered = Task(kind="regression", targets=("y",)), []
    for seed in range(150):
        random = np.random.default_rng(seed)
        x, noise = random.normal(size=(2, 60, 1))
        orders = [random.permutation(60) for _ in range(5)]
        made = mean_loss(task, "rmse", x + noise, x, [(x[order], order) for order in orders], np.arange(60))
        covered.append(made.low <= np.sqrt(3.0) - 1.0 <= made.high)
    assert np.mean(covered) >= 0.93
