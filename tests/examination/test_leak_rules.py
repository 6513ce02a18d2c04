"""Rows and columns that tell what will not be known are found; honest tables are left alone."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Dataset, Split
from rounds.data.signals import ARRAY_ROW, Signals
from rounds.examination.data_rules.evidence import SAMPLE_ROWS, DataEvidence
from rounds.examination.data_rules.leaks import sides
from rounds.examination.data_rules.outcome_leaks import GIVES_AWAY
from rounds.examination.examine_data import examine_data
from rounds.examination.finding import NotApplicable
from tests.examination.tables import ROWS, halves, said, seen, table

RANDOM = np.random.default_rng(11)


def test_honest_table_is_left_alone() -> None:
    findings, absent = examine_data(DataEvidence(table(kind="binary"), halves(table(kind="binary"))))
    assert findings == ()
    assert {code for code, _ in absent} == {"patient-leak", "linked-stays", "competing-event", "censored-tail"}


def test_patients_on_both_sides() -> None:
    patients = np.arange(ROWS) // 2
    dataset = table(patients=patients, group="patient")
    assert said("patient-leak", dataset) is None
    by_row = halves(table())
    found = seen("patient-leak", dataset, by_row)
    assert found.severity == "error"
    assert found.evidence["patients_shared_with_test"] > 50


def repeating(alike: float) -> Dataset:
    """Two rows a patient, taken for different patients; alike: how much of the outcome a patient's rows share."""
    own, each = np.repeat(RANDOM.normal(size=ROWS // 2), 2), RANDOM.normal(size=ROWS)
    names = pl.DataFrame({"patient_id": [f"P{i // 2:06d}" for i in range(ROWS)]})
    return table(outcome=np.sqrt(alike) * own + np.sqrt(1 - alike) * each, identifiers=names)


def test_a_repeating_identifier_that_was_not_used() -> None:
    assert seen("patient-leak", repeating(0.6)).severity == "error"
    assert seen("patient-leak", repeating(0.0)).severity == "warning"
    assert isinstance(said("patient-leak", table()), NotApplicable)


def by_rows(dataset: Dataset) -> Split:
    """A split that a user gave: a fifth of the rows at random, whoever they belong to."""
    rows = np.random.default_rng(0).permutation(dataset.rows)
    test, development = np.split(rows, [dataset.rows // 5])
    return Split("given", development, test, tuple(np.array_split(development, 5)))


def with_copies(copies: int) -> Dataset:
    """An honest table whose first rows stand in it twice, each time as another patient."""
    honest, twice = table(), np.r_[np.arange(ROWS), np.arange(copies)]
    return replace(
        honest,
        inputs=honest.inputs[twice],
        targets=honest.targets[twice],
        cohort=replace(honest.cohort, patients=np.arange(len(twice))),
    )


def test_duplicates_across_a_split_that_was_given() -> None:
    found = seen("duplicate-rows", with_copies(60), by_rows(with_copies(60)))
    assert found.severity == "error"
    assert found.evidence["equal_pairs"] == 60
    assert said("duplicate-rows", table()) is None


@pytest.mark.parametrize("copies", [16, ROWS])
def test_equal_rows_stay_on_one_side_and_are_said(copies: int) -> None:
    found = seen("duplicate-rows", with_copies(copies))
    assert found.severity == "note"
    assert found.evidence == {"rows": 2 * copies, "sets": copies}
    for learned, judged in (
        (a, b) for _, a, b in sides(DataEvidence(with_copies(copies), halves(with_copies(copies))))
    ):
        assert not set(learned % ROWS) & set(judged % ROWS)


def test_a_patient_s_own_equal_rows_are_nobody_s_copies() -> None:
    repeated = with_copies(60)
    own = replace(repeated, cohort=replace(repeated.cohort, patients=np.arange(ROWS + 60) % ROWS, group="patient"))
    assert said("duplicate-rows", own) is None


def images(twins: int = 0, contrast: float = 40.0) -> Dataset:
    """Grey levels at random; the first `twins` stand there a second time, brighter and with noise."""
    draw = np.random.default_rng(5)
    pixels = 128 + contrast * draw.normal(size=(120, 34, 34))
    again = 1.1 * pixels[:twins] + 5 + draw.normal(0, 1, pixels[:twins].shape)
    array = np.clip(np.rint(np.concatenate([pixels, again])), 0, 255).astype(np.uint8)[..., None]
    planted = table(rows=len(array), columns={ARRAY_ROW: np.arange(len(array))})
    columns = tuple(c for c in planted.columns if c.name != ARRAY_ROW)
    return replace(planted, columns=columns, signals=replace(planted.signals, array=array, modality="image"))


def test_images_that_look_the_same_across_the_split() -> None:
    found = seen("duplicate-rows", images(twins=30))
    assert found.severity == "error"
    assert "look like one that is also learned from" in found.explanation
    assert 0.1 < found.evidence["share_of_test_rows"] < 0.6
    assert said("duplicate-rows", images()) is None


def test_small_images_have_fewer_signs_that_can_differ() -> None:
    """Of 8 x 8 pixels 224 of 512 signs: what is far apart there would be near among all."""
    draw = np.random.default_rng(5)
    pixels = draw.integers(0, 200, (120, 8, 8))
    again = pixels[:30] + draw.integers(-1, 2, (30, 8, 8)) + 20
    array = np.concatenate([pixels, again]).astype(np.uint8)[..., None]
    planted = table(rows=150, columns={ARRAY_ROW: np.arange(150)})
    columns = tuple(c for c in planted.columns if c.name != ARRAY_ROW)
    small = replace(planted, columns=columns, signals=replace(planted.signals, array=array, modality="image"))
    found = seen("duplicate-rows", small)
    assert 0.1 < found.evidence["share_of_test_rows"] < 0.6
    assert "at most 18 of 224 signs" in found.explanation
    honest = replace(table(rows=120, columns={ARRAY_ROW: np.arange(120)}), columns=columns)
    assert said("duplicate-rows", replace(honest, signals=Signals("image", array[:120]))) is None


def test_images_that_all_look_alike_are_no_duplicates() -> None:
    assert said("duplicate-rows", images(contrast=0.0, twins=30)) is None


def test_a_validation_part_that_the_data_bring_is_warned_about() -> None:
    honest = table()
    split = halves(honest)
    validation = split.folds[0]
    learned = np.setdiff1d(split.development, validation)
    source = np.arange(ROWS)
    source[validation] = learned[: len(validation)]
    given = np.zeros(ROWS, bool)
    given[validation] = True
    copied = replace(honest, inputs=honest.inputs[source], targets=honest.targets[source])
    one_fold = replace(split, folds=(validation,))
    assert seen("duplicate-rows", copied, one_fold).severity == "error"
    assert (
        seen(
            "duplicate-rows", replace(copied, cohort=replace(copied.cohort, given_validation=given)), one_fold
        ).severity
        == "warning"
    )


def test_equal_rows_of_coarse_columns_are_chance() -> None:
    honest = table(outcome=RANDOM.integers(0, 5, ROWS))
    coarse = honest.inputs.select(*(pl.col(f"x{i}") > 0 for i in range(4)), "ward")
    assert isinstance(said("duplicate-rows", replace(honest, inputs=coarse)), NotApplicable)


def coarse_table(columns: int, levels: int, copies: int) -> Dataset:
    """Independent columns of few levels, of which some rows stand in the table twice."""
    random = np.random.default_rng(0)
    values = random.integers(0, levels, (ROWS - copies, columns + 1))
    values = np.concatenate([values, values[:copies]]).astype(float)
    made = table(outcome=values[:, columns], columns={f"c{i}": values[:, i] for i in range(columns)})
    return replace(made, inputs=made.inputs.select(f"c{i}" for i in range(columns)))


def test_copies_among_coarse_rows_are_found_where_chance_makes_some_of_them() -> None:
    honest, copied = coarse_table(8, 3, copies=0), coarse_table(8, 3, copies=200)
    assert isinstance(said("duplicate-rows", honest, by_rows(honest)), NotApplicable)
    found = seen("duplicate-rows", copied, by_rows(copied))
    assert 0.05 < found.evidence["expected_pairs"] / found.evidence["equal_pairs"] < 0.3


def test_a_column_that_says_the_same_makes_equal_rows_no_less_of_a_chance() -> None:
    """Of a code and its label two rows never differ in one alone."""
    coarse = coarse_table(3, 5, copies=0)
    told_twice = coarse.inputs.with_columns((pl.col(c) + 100).alias(f"{c} label") for c in coarse.inputs.columns)
    assert isinstance(said("duplicate-rows", replace(coarse, inputs=told_twice)), NotApplicable)


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_column_that_gives_the_outcome_away(noise: float) -> None:
    outcome = RANDOM.gamma(2.0, 3.0, ROWS)
    leak = outcome + noise * RANDOM.normal(size=ROWS)
    found = seen("target-leak", table(outcome=outcome, columns={"leak": leak}))
    assert found.severity == "error"
    assert found.evidence["columns"] == ["leak"]
    assert said("target-leak", table()) is None


def test_how_a_column_gives_the_outcome_away_is_said() -> None:
    """By its values where bins of them explain it, else by its order; a curve through a number is no error."""
    outcome = RANDOM.uniform(1.0, 9.0, ROWS)
    two = seen("target-leak", table(outcome=outcome, columns={"a": outcome, "b": outcome, "c": outcome}))
    assert two.explanation == "a gives the outcome away: a straight line through it explains 100.0% of it; so do b, c."
    skewed = seen("target-leak", table(outcome=np.exp(5 * outcome), columns={"d": outcome}))
    assert "d tells the outcome: its order is that of the outcome (rank correlation 1.000)" in skewed.explanation
    assert skewed.severity == "note"


def of_death(columns: dict[str, np.ndarray], died: np.ndarray, rows: int = 1, **fields: object) -> Dataset:
    """A table with a yes/no outcome and more columns; rows: of each patient, all with the patient's outcome."""
    planted = {name: pl.Series(values.repeat(rows)).fill_nan(None) for name, values in columns.items()}
    owner = np.repeat(np.arange(len(died)), rows)
    made = table(len(owner), "binary", outcome=died.repeat(rows), columns=planted, patients=owner, **fields)
    return replace(made, cohort=replace(made.cohort, group="patient" if rows > 1 else None))


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("patients", [300, 2_000])
def test_a_number_that_only_the_dead_have(patients: int, rows: int) -> None:
    draw = np.random.default_rng(patients)
    died = draw.random(patients) < 0.06
    hours, some = draw.exponential(50, patients), draw.random(patients) < 0.7
    found = seen("target-leak", of_death({"hours": np.where(died & some, hours, np.nan)}, died, rows))
    assert found.severity == "error"
    assert "hours gives the outcome away: that it is filled in tells death" in found.explanation
    seen_again = np.where(~died & (draw.random(patients) < 0.96), hours, np.nan)
    left_empty = seen("target-leak", of_death({"days_to_visit": seen_again}, died, rows))
    assert "that it is left empty tells death" in left_empty.explanation
    measured = np.where(draw.random(patients) < np.where(died, 0.9, 0.3), hours, np.nan)
    assert said("target-leak", of_death({"lactate": measured}, died, rows)) is None, "the sick are measured more often"


def test_a_number_that_separates() -> None:
    draw = np.random.default_rng(0)
    died = draw.random(300) < 0.1
    score, strong = draw.normal(size=300) + 8 * died, draw.normal(size=300) + 2 * died
    assert (
        "its order alone separates the outcomes (AUROC 1.000)"
        in seen("target-leak", of_death({"s": score}, died)).explanation
    )
    assert said("target-leak", of_death({"s": strong}, died)) is None
    few = np.arange(300) < 3
    assert said("target-leak", of_death({"s": np.arange(300.0)}, few)) is None, "three cases in order are no proof"


@pytest.mark.parametrize("cases", [5, 9, 10])
def test_a_column_that_tells_few_cases_is_asked_about(cases: int) -> None:
    """A laboratory value that ranks 19 of 20 pairs rightly separates five cases in one table of five."""
    draw = np.random.default_rng(0)
    died = np.arange(300) < cases
    score = draw.normal(size=300) + 8 * died
    hours = np.where(died | (np.arange(300) > 294), draw.exponential(50, 300), np.nan)
    for column in ({"troponin": score}, {"hours": hours}):
        found = seen("target-leak", of_death(column, died))
        assert found.severity == ("error" if cases == 10 else "warning")
        assert (f"With {cases} patients who have the rarer outcome" in found.explanation) == (cases < 10)


def test_a_column_named_like_an_outcome_needs_to_tell_less() -> None:
    draw = np.random.default_rng(0)
    died = draw.random(600) < 0.3
    most = np.where(draw.random(600) < 0.05, ~died, died).astype(float)
    assert said("target-leak", of_death({"flag": most}, died)) is None
    assert said("target-leak", of_death({"died_in_90_days": most}, died)) is None, "declared as known in time"
    found = seen("target-leak", of_death({"died_in_90_days": most}, died, known="unknown"))
    assert found.severity == "error"
    assert "is named like an outcome" in found.explanation


def test_a_curve_through_a_measured_number_is_to_be_learned() -> None:
    draw = np.random.default_rng(0)
    x = draw.uniform(0, 5, ROWS)
    curve = table(outcome=5 * x**2 + draw.normal(size=ROWS), columns={"dose": x})
    assert seen("target-leak", curve).severity == "note"
    sum_of_two = table(outcome=x + draw.normal(size=ROWS) / 10, columns={"dose": x})
    only = replace(sum_of_two, inputs=sum_of_two.inputs.select("dose"), columns=sum_of_two.columns[-1:])
    assert seen("target-leak", only).severity == "note", "nothing else is there to learn from"
    assert seen("target-leak", sum_of_two).severity == "error", "among other columns it is the outcome itself"
    outlier = np.arange(ROWS) == 0
    far = table(outcome=np.where(outlier, 1e6, draw.normal(size=ROWS)), columns={"dose": np.where(outlier, 1e6, x)})
    assert said("target-leak", far) is None, "one far patient makes no line"


def test_columns_that_a_patient_keeps_give_nothing_away() -> None:
    """35 patients with 20 rows, and an outcome that is a coin of each: every age is one patient's."""
    for seed in range(10):
        draw = np.random.default_rng(seed)
        died = draw.random(35) < 0.5
        assert said("target-leak", of_death({"age": draw.normal(60, 10, 35)}, died, rows=20)) is None


@pytest.mark.parametrize("days", [2_000, 40_000])
def test_two_dates_that_give_the_outcome_away(days: int) -> None:
    """Of an extract of some years, and as days since birth, where both dates are nearly one number."""
    admitted, stay = RANDOM.uniform(0, days, ROWS), RANDOM.gamma(2.0, 3.0, ROWS)
    dates = table(outcome=stay, columns={"admitted": admitted, "discharged": admitted + stay})
    assert seen("target-leak", dates).evidence["columns"] == ["admitted", "discharged"]
    same = table(outcome=stay, columns={"admitted": admitted, "registered": admitted.astype(np.float32) * 3})
    assert said("target-leak", same) is None


def test_a_pair_that_gives_the_outcome_away() -> None:
    ward, intensive = RANDOM.gamma(2.0, 3.0, ROWS), RANDOM.gamma(1.0, 3.0, ROWS)
    parts = table(outcome=ward + intensive, columns={"ward_days": ward, "icu_days": intensive})
    assert seen("target-leak", parts).evidence["columns"] == ["ward_days", "icu_days"]


def test_a_column_that_tells_more_than_all_others_is_asked_about() -> None:
    outcome = RANDOM.normal(size=ROWS)
    strong = outcome + 0.5 * RANDOM.normal(size=ROWS)
    assert seen("target-leak", table(outcome=outcome, known="unknown", columns={"s": strong})).severity == "note"
    classes = {"kind": "binary", "outcome": outcome > 0, "columns": {"s": outcome + 0.3 * RANDOM.normal(size=ROWS)}}
    assert seen("target-leak", table(known="unknown", **classes)).severity == "warning"
    assert said("target-leak", table(**classes)) is None


def test_known_after_the_outcome() -> None:
    assert seen("known-after-outcome", table(known="outcome")).severity == "error"
    assert isinstance(said("known-after-outcome", table(known="unknown")), NotApplicable)
    assert said("known-after-outcome", table()) is None


def test_identifiers_and_dates_read_as_numbers() -> None:
    numbers = {"record": np.arange(ROWS) + 200_000.0}
    assert seen("identifier-as-number", table(columns=numbers)).evidence["columns"] == ["record"]
    days = {"day": [20_240_101.0 + i % 28 for i in range(ROWS)]}
    assert seen("identifier-as-number", table(columns=days)).evidence["columns"] == ["day"]
    assert said("identifier-as-number", table()) is None


def test_of_a_large_table_a_sample_is_looked_at() -> None:
    """So that 100,000 rows of 50 columns take two seconds; but whether a value is there is asked of every row."""
    rows = 20_000
    died = np.random.default_rng(0).random(rows) < 0.002
    hours = np.where(died, np.arange(rows), np.nan)
    large = table(rows, kind="binary", outcome=died, columns={"hours_to_death": pl.Series(hours).fill_nan(None)})
    evidence = DataEvidence(large, halves(large))
    assert evidence.numbers.shape == (SAMPLE_ROWS, 6)
    assert seen("target-leak", large, evidence.split).evidence["columns"] == ["hours_to_death"]


def marked(side: int, told: float) -> Dataset:
    """Images with a mark in one place that says the outcome of so many."""
    random = np.random.default_rng(0)
    died = random.random(400) < 0.5
    pixels = random.integers(0, 200, (400, side, side, 1))
    says = np.where(random.random(400) < told, died, random.random(400) < 0.5)
    mark = max(2, side // 8)
    pixels[:, :mark, -mark:, 0] = np.where(says, 250, 20)[:, None, None]
    planted = table(400, "binary", outcome=died, columns={ARRAY_ROW: np.arange(400)})
    return replace(
        planted, columns=(), signals=replace(planted.signals, array=pixels.astype(np.uint8), modality="image")
    )


@pytest.mark.parametrize("side", [9, 40])
def test_a_mark_in_the_corner_gives_the_outcome_away(side: int) -> None:
    found = seen("target-leak", marked(side, 1.0))
    assert found.severity == "error"
    assert found.evidence["row"] == 1
    assert found.evidence["column"] >= min(side, 16) - 1  # type: ignore[operator]
    assert found.evidence["explained_share_of_place"] > GIVES_AWAY.value
    assert said("target-leak", marked(side, 0.9)) is None


def test_columns_beside_images_are_judged_first() -> None:
    image = marked(9, 1.0)
    beside = replace(image, columns=table(400).columns)
    assert "explained_share_of_place" in seen("target-leak", beside).evidence
