"""A predictor averages its members where averages are meant to be taken, whatever the table looks like."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from rounds.errors import DataError, PlanError
from rounds.metrics import as_probabilities
from rounds.prediction import predictor as predictor_module
from rounds.task import Task


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "count"])
def test_probabilities_and_rates_are_averaged(make_predictor, table, kind):
    made = make_predictor(kind).predict(table, members=True)
    np.testing.assert_allclose(made.values, made.members.mean(0), rtol=1e-6)
    if kind == "multiclass":
        np.testing.assert_allclose(made.values.sum(1), 1, rtol=1e-6)


def test_targets_are_averaged_on_the_scale_that_was_learned(make_predictor, table):
    predictor = make_predictor("regression")
    made = predictor.predict(table, members=True)
    logs = np.log1p(made.members).mean(0)
    np.testing.assert_allclose(made.values, np.expm1(logs), rtol=1e-5)
    assert np.array_equal(made.members, predictor.members(table))
    assert made.members.shape == (5, 200, 1)


def test_weights_of_members_are_used(make_predictor, table):
    predictor = make_predictor("binary", members=(2,))
    part = replace(predictor.parts[0], member_weights=np.array([0.0, 1.0]))
    made = replace(predictor, parts=(part,)).predict(table, members=True)
    np.testing.assert_allclose(made.values, made.members[1])


def test_one_member_alone_predicts_as_it_does_among_others(make_predictor, table):
    predictor = make_predictor()
    each = predictor.members(table)
    for member in range(predictor.size):
        assert np.array_equal(predictor.only(member).predict(table).values, each[member])


def test_order_of_columns_and_extra_columns_change_nothing(make_predictor, table):
    predictor = make_predictor()
    other = table.select(reversed(table.columns)).with_columns(noise=pl.lit("x"))
    assert np.array_equal(predictor.predict(other).values, predictor.predict(table).values)


def test_order_of_rows_goes_with_the_predictions(make_predictor, table):
    predictor = make_predictor()
    np.testing.assert_allclose(
        predictor.predict(table.reverse()).values, predictor.predict(table).values[::-1], rtol=1e-5
    )


def test_unknown_levels_and_missing_columns_are_predicted_and_said(make_predictor):
    made = make_predictor().predict(pl.DataFrame({"age": [None, 50.0], "diagnosis": ["new", None]}))
    assert np.isfinite(made.values).all()
    assert {(n.column, n.kind) for n in made.notes} == {
        ("age", "newly-missing"),
        ("sex", "absent"),
        ("diagnosis", "unseen-level"),
        ("diagnosis", "newly-missing"),
    }


def test_blocks_change_nothing(make_predictor, table, monkeypatch):
    predictor = make_predictor()
    whole = predictor.predict(table, members=True)
    monkeypatch.setattr(predictor_module, "BLOCK_ROWS", 64)
    blocks = predictor.predict(table, members=True)
    np.testing.assert_allclose(blocks.values, whole.values, rtol=1e-5)
    np.testing.assert_allclose(blocks.members, whole.members, rtol=1e-5)


def test_no_rows_give_no_predictions(make_predictor, table):
    made = make_predictor().predict(table.head(0), members=True)
    assert made.values.shape == (0, 1)
    assert made.members.shape == (5, 0, 1)


def test_other_table_is_refused(make_predictor):
    with pytest.raises(DataError, match="Table must be one with the columns the model was trained on"):
        make_predictor().predict(pl.DataFrame({"a": [1]}))


def test_member_that_is_not_there_is_refused(make_predictor):
    for member in (5, -1):
        with pytest.raises(
            PlanError, match=rf"member must be one of 5 members, got member={member}\. Give a number from 0 to 4\."
        ):
            make_predictor().only(member)


def test_weights_that_do_not_sum_to_one_are_refused(make_predictor):
    predictor = make_predictor(members=(2,))
    part = replace(predictor.parts[0], member_weights=np.array([0.5, 0.6]))
    with pytest.raises(PlanError, match=r"Member weights must be one a member with sum 1, got sum=1\.1"):
        replace(predictor, parts=(part,))


def test_outputs_that_are_no_probabilities_can_be_judged():
    three = Task(kind="multiclass", targets=("ward",), classes=("a", "b", "c"))
    made = as_probabilities(np.array([[[2.0, 0.5, -1.0], [0.0, -2.0, 0.0], [0.2, 0.3, 0.5]]], np.float32), three)
    np.testing.assert_allclose(made.sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(made[0, 0], [2 / 3, 1 / 3, 0], rtol=1e-6)
    fine = np.array([[0.2, 0.3, 0.5]])
    assert as_probabilities(fine, three) is fine
    days = np.array([[-3.0], [7.0]])
    assert as_probabilities(days, Task(kind="regression", targets=("los",))) is days
