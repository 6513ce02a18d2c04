"""Preparation learns from training rows only, and says what stands out in a new table."""

import json
import tracemalloc

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rounds.data.dataset import Column, Inputs
from rounds.data.disclosure import FEWEST_PATIENTS
from rounds.data.preparation.encoding import ONE_HOT_LEVELS, LevelEncoding
from rounds.data.preparation.preparation import BLOCK_ROWS, Preparation, common_shape, pad
from rounds.errors import DataError
from rounds.input_shape import InputShape

COLUMNS = (
    Column(name="patient", role="identifier"),
    Column(name="age", role="numeric"),
    Column(name="glucose", role="numeric"),
    Column(name="sex", role="categorical"),
    Column(name="diagnosis", role="categorical"),
    Column(name="smoker", role="boolean"),
)


def make_table(rows: int = 600, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    glucose = random.lognormal(5, 0.4, rows)
    return pl.DataFrame(
        {
            "patient": [f"p{i}" for i in range(rows)],
            "age": random.normal(60, 12, rows),
            "glucose": pl.Series(np.where(random.random(rows) < 0.2, np.nan, glucose)).fill_nan(None),
            "sex": random.choice(["F", "M"], rows),
            "diagnosis": [f"I{code % 40}" for code in random.zipf(1.2, rows)],
            "smoker": random.random(rows) < 0.3,
        }
    )


def fit(table: pl.DataFrame, scale: bool = True, columns: tuple[Column, ...] = COLUMNS) -> Preparation:
    return Preparation.fit(columns, table, np.arange(table.height), scale)


def fit_one(role: str, values: list, rows: int | None = None) -> tuple[Preparation, pl.DataFrame]:
    table = pl.DataFrame({"x": values}, strict=False)
    return Preparation.fit((Column(name="x", role=role),), table, np.arange(rows or len(values))), table


def same(a: Inputs, b: Inputs) -> bool:
    return all(np.array_equal(x, y) for x, y in ((a.numbers, b.numbers), (a.flags, b.flags), (a.codes, b.codes)))


def test_numbers_follow_the_formula():
    values = [1.0, 2.0, 3.0, 4.0, 100.0]
    preparation, table = fit_one("numeric", values)
    x = (np.array(values) - 3.0) / (4.0 - 2.0)
    np.testing.assert_allclose(preparation.apply(table).numbers[:, 0], x / np.sqrt(1 + (x / 3) ** 2), rtol=1e-6)


def test_spread_falls_back_to_standard_deviation_and_to_one():
    mostly_zero, _ = fit_one("numeric", [0.0] * 9 + [10.0])
    assert mostly_zero.encodings[0].spread == pytest.approx(3.0)
    constant, table = fit_one("numeric", [7.0] * 5)
    assert constant.encodings[0].spread == 1.0
    assert constant.apply(table).numbers.sum() == 0


def test_unscaled_numbers_stay_as_they_are():
    table = pl.DataFrame({"x": [1.0, None, -500.0]})
    preparation = fit(table, scale=False, columns=(Column(name="x", role="numeric"),))
    made = preparation.apply(table)
    assert made.numbers.ravel().tolist() == [1.0, 0.0, -500.0]
    assert made.flags.ravel().tolist() == [0.0, 1.0, 0.0]


def test_shape_names_and_labels_agree_with_arrays():
    table = make_table()
    preparation = fit(table)
    made, shape = preparation.apply(table), preparation.shape
    assert (made.numbers.shape[1], made.flags.shape[1], made.codes.shape[1]) == (
        shape.numbers,
        shape.flags,
        len(shape.levels),
    )
    assert preparation.names.numbers == ("age", "glucose")
    assert preparation.names.flags == ("glucose", "sex", "sex", "smoker")
    assert preparation.labels.flags[0] == "glucose is missing"
    assert preparation.names.codes == ("diagnosis",)
    assert {array.dtype for array in (made.numbers, made.flags)} == {np.dtype("f4")}
    assert made.codes.dtype == np.int32
    assert made.codes.max() < shape.levels[0]


def test_only_training_rows_are_looked_at():
    table = make_table()
    other = table.with_columns(pl.when(pl.int_range(pl.len()) < 300).then("age").otherwise(1e9).alias("age"))
    rows = np.arange(300)
    assert Preparation.fit(COLUMNS, table, rows) == Preparation.fit(COLUMNS, other, rows)


def test_missing_booleans_have_a_flag():
    preparation, table = fit_one("boolean", [True, None, False])
    assert preparation.apply(table).flags.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_missing_is_a_level_of_its_own():
    preparation, table = fit_one("categorical", ["a"] * FEWEST_PATIENTS + [None] * 2)
    assert preparation.labels.flags == ("x = missing", "x = a")
    assert preparation.apply(table).flags[-1].tolist() == [1, 0]


def test_shares_of_missing_and_rare_levels_are_of_all_rows_and_as_many_levels_as_fit_are_flags():
    values = pl.Series("x", ["a"] * 12 + ["b"] * 10 + ["rare"] * 3 + [None] * 5)
    made = LevelEncoding.fit("x", values)
    assert (made.kept, made.missing_share, made.other_share) == (("a", "b"), 5 / 30, 3 / 30)
    assert LevelEncoding.fit("x", pl.Series("x", [], dtype=pl.String)).missing_share == 0.0
    for levels in (ONE_HOT_LEVELS, ONE_HOT_LEVELS + 1):
        many = pl.Series("x", [f"level {i}" for i in range(levels)] * FEWEST_PATIENTS)
        assert LevelEncoding.fit("x", many).one_hot == (levels == ONE_HOT_LEVELS)


def test_rare_levels_share_a_flag_and_are_not_stored():
    values = ["a"] * 10 + ["b"] * FEWEST_PATIENTS + ["secret"] * (FEWEST_PATIENTS - 1)
    preparation, table = fit_one("categorical", values)
    assert preparation.labels.flags == ("x = a", "x = b", "x = other")
    assert preparation.apply(table).flags[-1].tolist() == [0, 0, 1]
    assert "secret" not in preparation.model_dump_json()


def test_later_missing_is_not_taken_for_a_rare_level():
    preparation, _ = fit_one("categorical", ["a"] * FEWEST_PATIENTS + ["rare"])
    new = pl.DataFrame({"x": [None, "never seen", "a"]})
    assert preparation.apply(new).flags.tolist() == [[0, 0], [0, 1], [1, 0]]


def test_infinite_numbers_count_as_missing():
    preparation, _ = fit_one("numeric", [1.0, 2.0, None])
    made = preparation.apply(pl.DataFrame({"x": [float("inf"), float("-inf"), float("nan")]}))
    assert made.numbers.ravel().tolist() == [0, 0, 0]
    assert made.flags.ravel().tolist() == [1, 1, 1]


def test_many_levels_become_a_code():
    names = [f"level {i}" for i in range(ONE_HOT_LEVELS + 1)]
    preparation, table = fit_one("categorical", [*names * FEWEST_PATIENTS, None, "rare"])
    made = preparation.apply(table)
    assert preparation.shape == InputShape(0, 0, (1 + 1 + len(names),))
    assert sorted(set(made.codes.ravel().tolist())) == list(range(len(names) + 2))
    assert made.codes[-2:, 0].tolist() == [1, 0]


def test_codes_of_many_levels_without_missing_give_zero_for_later_missing():
    names = [f"level {i}" for i in range(ONE_HOT_LEVELS + 1)]
    preparation, _ = fit_one("categorical", names * FEWEST_PATIENTS)
    assert preparation.apply(pl.DataFrame({"x": [None, "never seen", names[0]]})).codes.ravel().tolist() == [0, 0, 1]


def test_all_missing_column_is_prepared():
    preparation, table = fit_one("numeric", [None, None, None])
    made = preparation.apply(table)
    assert made.numbers.tolist() == [[0], [0], [0]]
    assert made.flags.tolist() == [[1], [1], [1]]
    assert preparation.check(pl.DataFrame({"x": [5.0]})) == ()


def test_json_round_trip_is_exact():
    table = make_table()
    preparation = fit(table)
    again = Preparation.model_validate_json(preparation.model_dump_json())
    assert again == preparation
    assert same(again.apply(table), preparation.apply(table))
    json.loads(preparation.model_dump_json())


@settings(max_examples=15, deadline=None)
@given(st.permutations(make_table(5).columns), st.integers(0, 5))
def test_order_of_columns_and_extra_columns_change_nothing(order, extra):
    table = make_table(60)
    preparation = fit(table)
    more = table.select(order).with_columns(**{f"more_{i}": pl.lit(i) for i in range(extra)})
    assert same(preparation.apply(more), preparation.apply(table))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(), st.sampled_from([1e300, -1e300, 5e-324])), min_size=1, max_size=20))
def test_numbers_are_finite_whatever_comes(values):
    preparation = fit(make_table(50), columns=(Column(name="age", role="numeric"),))
    made = preparation.apply(pl.DataFrame({"age": pl.Series(values, dtype=pl.Float64)}))
    assert np.isfinite(made.numbers).all()
    assert np.abs(made.numbers).max() <= 3.0 + 1e-6


def test_blocks_of_rows_change_nothing():
    table = make_table(BLOCK_ROWS + 100)
    preparation = fit(table.head(500))
    assert same(
        preparation.apply(table).take(np.arange(BLOCK_ROWS, BLOCK_ROWS + 100)), preparation.apply(table.tail(100))
    )


def test_new_table_is_checked_by_counts():
    preparation = fit(make_table())
    new = pl.DataFrame(
        {
            "age": ["seventy", "1000", None],
            "sex": ["F", "X", None],
            "diagnosis": ["Q1", "Q2", "Q2"],
            "glucose": [None, None, 150.0],
        }
    )
    found = {(note.column, note.kind): note for note in preparation.check(new)}
    assert found["age", "unreadable"].rows == 1
    assert found["age", "newly-missing"].rows == 1
    assert found["age", "out-of-range"].rows == 1
    assert found["sex", "unseen-level"].rows == 1
    assert (found["diagnosis", "unseen-level"].rows, found["diagnosis", "unseen-level"].distinct) == (3, 2)
    assert found["smoker", "absent"].text == "smoker: column not in the table, taken as missing in 3 rows"
    assert not any(note.column == "glucose" for note in preparation.check(new))
    assert not any("Q1" in note.text for note in preparation.check(new))


def test_training_table_itself_has_no_notes():
    table = make_table(3000)
    kinds = {(note.column, note.kind) for note in fit(table).check(table)}
    assert kinds <= {("diagnosis", "unseen-level")}


def test_text_and_number_forms_of_booleans_are_read():
    preparation, _ = fit_one("boolean", [True, False])
    for values in (["Yes", "no"], ["1", "0"], [1, 0], [1.0, 0.0], [True, False]):
        assert preparation.apply(pl.DataFrame({"x": values})).flags.ravel().tolist() == [1, 0]


def test_table_without_any_column_is_refused():
    preparation = fit(make_table())
    with pytest.raises(DataError, match=r"Table must be one with the columns .*age.*, got columns=\['Age'\]\."):
        preparation.apply(pl.DataFrame({"Age": [1]}))


def test_training_without_rows_is_refused():
    with pytest.raises(DataError, match=r"Training table must be one with rows and features, got rows=0\."):
        Preparation.fit(COLUMNS, make_table(), np.arange(0))


def test_no_rows_give_no_inputs():
    table = make_table()
    assert fit(table).apply(table.head(0)).numbers.shape == (0, 2)


def test_padding_appends_zeros():
    table = make_table()
    preparation = fit(table)
    shape = common_shape([preparation.shape, InputShape(3, 6, (5, 9))])
    made, padded = preparation.apply(table), pad(preparation.apply(table), shape)
    assert padded.numbers.shape[1] == 3
    assert padded.flags.shape[1] == 6
    assert padded.codes.shape[1] == 2
    assert np.array_equal(padded.numbers[:, :2], made.numbers)
    assert padded.numbers[:, 2:].sum() == 0
    assert shape.levels[0] == max(preparation.shape.levels[0], 5)


def test_memory_stays_near_the_size_of_the_result():
    rows, width = 200_000, 20
    random = np.random.default_rng(0)
    table = pl.DataFrame({f"c{i}": random.normal(size=rows) for i in range(width)})
    preparation = fit(table.head(1000), columns=tuple(Column(name=c, role="numeric") for c in table.columns))
    tracemalloc.start()
    made = preparation.apply(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.25 * made.numbers.nbytes
