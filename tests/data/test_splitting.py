"""No patient is ever on two sides of a split, whatever is combined."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rounds.data.choices import Choices
from rounds.data.dataset import Cohort, Column, Dataset, Split
from rounds.data.loading import load
from rounds.data.splitting import FEWEST_TEST_EVENTS, FEWEST_TEST_PATIENTS, OUTER_FOLDS, split_dataset
from rounds.errors import DataError
from rounds.task import Task

TARGETS = {
    "regression": lambda random, n: random.lognormal(1, 1, (n, 1)).astype("f4"),
    "binary": lambda random, n: (random.random((n, 1)) < 0.3).astype("f4"),
    "multiclass": lambda random, n: random.choice(3, (n, 1), p=(0.6, 0.3, 0.1)).astype("i4"),
    "multilabel": lambda random, n: (random.random((n, 3)) < 0.3).astype("f4"),
}
CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c")}


def make_dataset(kind: str, patients: np.ndarray, random: np.random.Generator) -> Dataset:
    rows = len(patients)
    targets = TARGETS[kind](random, rows)
    task = Task(kind=kind, targets=tuple(f"y{i}" for i in range(targets.shape[1])), classes=CLASSES.get(kind, ()))
    inputs = pl.DataFrame({"x": random.normal(size=rows)})
    columns = (Column(name="x", role="numeric"),)
    codes = np.unique(patients, return_inverse=True)[1].astype(np.int64)
    return Dataset(
        name="made", task=task, inputs=inputs, columns=columns, targets=targets, cohort=Cohort(patients=codes)
    )


@dataclass(frozen=True)
class Case:
    """What a split is asked for."""

    dataset: Dataset
    folds: int
    seed: int
    nested: bool

    def split(self) -> Split:
        return split_dataset(self.dataset, self.folds, self.seed, nested=self.nested)


@dataclass(frozen=True)
class Table:
    """What hypothesis chooses: stays a patient, different moments (0: no times), share given as a test table."""

    kind: str
    rows: int
    stays: int
    moments: int
    given: float
    folds: int
    seed: int
    nested: bool

    def case(self) -> Case:
        random = np.random.default_rng(self.seed)
        many = random.integers(0, max(12, self.rows // self.stays), self.rows)
        dataset = make_dataset(self.kind, np.arange(self.rows) if self.stays == 1 else many, random)
        if self.moments:
            times = random.integers(0, self.moments, self.rows).astype(float)
            dataset = replace(dataset, cohort=replace(dataset.cohort, times=times, time="t"))
        if self.given:
            flags = (random.random(self.rows) < self.given) | (np.arange(self.rows) == 0)
            dataset = replace(dataset, cohort=replace(dataset.cohort, given_test=flags))
        return Case(dataset, self.folds, self.seed, self.nested)


tables = st.builds(
    Table,
    kind=st.sampled_from(sorted(TARGETS)),
    rows=st.integers(40, 1500),
    stays=st.sampled_from([1, 2, 5]),
    moments=st.sampled_from([0, 4, 400]),
    given=st.sampled_from([0.0, 0.05, 0.3]),
    folds=st.sampled_from([1, 2, 5, 7]),
    seed=st.integers(0, 2**32),
    nested=st.booleans(),
)


def split_or_skip(case: Case) -> Split:
    """The split; what may be refused is passed over, and a refusal without a reason fails the test."""
    try:
        return case.split()
    except DataError as error:
        if not may_be_refused(case):
            raise AssertionError(f"refused without a reason: {error}") from error
    assume(False)
    raise AssertionError


def may_be_refused(case: Case) -> bool:
    """Whether patients are too few: two for each fold, of five that judge as well where all patients do; by time,
    beside a test table, and beside a part that judges, of those who are left."""
    dataset, least = case.dataset, 2 * max(case.folds, 2)
    if dataset.cohort.given_test is not None:
        left = set(dataset.cohort.patients) - set(dataset.cohort.patients[dataset.cohort.given_test])
    elif dataset.cohort.times is not None:
        latest = np.sort(dataset.cohort.times)[-max(dataset.rows // 3, 1)]
        left = set(dataset.cohort.patients) - set(dataset.cohort.patients[dataset.cohort.times >= latest])
    else:
        left, least = set(dataset.cohort.patients), 2 * max(case.folds, OUTER_FOLDS)
        return len(left) * (1 if case.nested else 2 / 3) < least
    return len(left) < least


@settings(max_examples=150, deadline=None)
@given(tables)
def test_no_patient_is_on_two_sides(table: Table) -> None:
    case = table.case()
    split, patients = split_or_skip(case), case.dataset.cohort.patients
    assert not set(patients[split.development]) & set(patients[split.test])
    for parts in (split.folds, *split.outer):
        owners = np.concatenate([np.unique(patients[part]) for part in parts])
        assert len(owners) == len(np.unique(owners))


@settings(max_examples=150, deadline=None)
@given(tables)
def test_every_row_has_its_place(table: Table) -> None:
    case = table.case()
    split = split_or_skip(case)
    assert not np.intersect1d(split.development, split.test).size
    held = np.concatenate(split.folds)
    assert np.isin(held, split.development).all()
    if case.folds > 1:
        assert sorted(held) == sorted(split.development)
    assert all(len(part) for part in split.folds)
    if split.kind == "out-of-fold":
        assert np.array_equal(split.development, np.arange(case.dataset.rows))
        for repeat in split.outer:
            assert sorted(np.concatenate(repeat)) == list(range(case.dataset.rows))
    else:
        assert len(split.test)
        assert not split.outer


@settings(max_examples=60, deadline=None)
@given(tables)
def test_a_judging_fold_leaves_something_to_validate_on(table: Table) -> None:
    case = table.case()
    split = split_or_skip(case)
    for judged in (fold for repeat in split.outer for fold in repeat):
        assert all(len(np.setdiff1d(part, judged)) for part in split.folds)


@settings(max_examples=60, deadline=None)
@given(tables)
def test_split_seed_alone_moves_the_split(table: Table) -> None:
    case = replace(table, rows=max(table.rows, 300)).case()
    first, again = split_or_skip(case), case.split()
    assert same_split(first, again)
    others = [replace(case, seed=case.seed + step).split() for step in range(1, 5)]
    assert not all(same_split(first, other) for other in others)


def same_split(a: Split, b: Split) -> bool:
    parts = [(a.test, b.test), (a.development, b.development), *zip(a.folds, b.folds, strict=True)]
    return all(np.array_equal(x, y) for x, y in parts)


@settings(max_examples=80, deadline=None)
@given(tables)
def test_by_time_the_latest_judge(table: Table) -> None:
    case = replace(table, given=0.0, moments=table.moments or 40).case()
    split, times = split_or_skip(case), case.dataset.cohort.times
    assert times is not None
    assert times[split.test].min() > times[split.development].max()
    late = times >= times[split.test].min()
    assert np.array_equal(np.flatnonzero(late), split.test)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["binary", "multiclass"]), st.integers(60, 3000), st.integers(0, 99), st.sampled_from([2, 5]))
def test_stratification_keeps_the_shares_of_classes(kind: str, rows: int, seed: int, folds: int) -> None:
    random = np.random.default_rng(seed)
    case = Case(make_dataset(kind, np.arange(rows), random), folds, seed, nested=True)
    split, classes = case.split(), case.dataset.targets[:, 0].astype(int)
    for parts in (split.folds, *split.outer):
        counts = np.array([np.bincount(classes[part], minlength=3) for part in parts])
        assert (counts.max(0) - counts.min(0) <= 1).all()


def test_patients_with_an_event_are_spread_evenly() -> None:
    """One bad stay among five good ones: averaged and rounded, such patients would be left to chance."""
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(5000), 6)
    targets = np.zeros((30_000, 1), "f4")
    targets[np.arange(0, 30_000, 60)] = 1
    dataset = replace(make_dataset("binary", patients, random), targets=targets)
    events = [int(targets[part].sum()) for part in split_dataset(dataset).folds]
    assert max(events) - min(events) <= 1


def test_numeric_outcomes_are_alike_in_every_fold() -> None:
    random = np.random.default_rng(0)
    dataset = make_dataset("regression", np.arange(5000), random)
    split = split_dataset(dataset)
    spread = dataset.targets.std() / np.sqrt(800)
    means = np.array([dataset.targets[part].mean() for part in split.folds])
    assert np.abs(means - dataset.targets.mean()).max() < spread


@pytest.mark.parametrize(
    ("patients", "share", "kind"),
    [
        (FEWEST_TEST_PATIENTS * 5 - 5, 0.5, "out-of-fold"),
        (FEWEST_TEST_PATIENTS * 5, 0.5, "held-out"),
        (FEWEST_TEST_PATIENTS * 5, 0.9 * FEWEST_TEST_EVENTS / FEWEST_TEST_PATIENTS, "out-of-fold"),
    ],
)
def test_small_data_is_counted_in_patients_and_events(patients: int, share: float, kind: str) -> None:
    dataset = make_dataset("binary", np.arange(patients), np.random.default_rng(0))
    targets = (np.arange(patients)[:, None] < share * patients).astype("f4")
    assert split_dataset(replace(dataset, targets=targets)).kind == kind


def test_many_rows_of_few_patients_are_small_data() -> None:
    dataset = make_dataset("regression", np.arange(20_000) % 100, np.random.default_rng(0))
    assert split_dataset(dataset).kind == "out-of-fold"


def test_years_are_cut_where_the_share_is_nearest() -> None:
    dataset = make_dataset("regression", np.arange(5000), np.random.default_rng(0))
    split = split_dataset(
        replace(dataset, cohort=replace(dataset.cohort, times=2015.0 + np.arange(5000) % 5, time="year"))
    )
    assert len(split.test) == 1000


def test_patients_of_the_test_table_do_not_teach() -> None:
    dataset = make_dataset("regression", np.arange(600) % 200, np.random.default_rng(0))
    flags = np.arange(600) >= 500  # patients 100 to 199, of whom DATA has rows too
    split = split_dataset(replace(dataset, cohort=replace(dataset.cohort, given_test=flags)))
    assert set(dataset.cohort.patients[split.development]) == set(range(100))
    assert split.how.startswith("test: rows given as a table of their own; 200 rows of its patients left out of DATA")


def refusal(dataset: Dataset, folds: int = 5) -> str:
    with pytest.raises(DataError) as caught:
        split_dataset(dataset, folds)
    return str(caught.value)


def test_refusals_say_what_to_do() -> None:
    random = np.random.default_rng(0)
    dataset = make_dataset("regression", np.arange(60), random)
    assert refusal(dataset, 40) == (
        "Patients must be at least 80 for 40 folds, got patients=60. Collect more patients, or lower --set folds."
    )
    assert "at least 10 for 5 folds, got patients=9" in refusal(make_dataset("binary", np.arange(9), random))
    assert "a column that leaves earlier patients" in refusal(
        replace(dataset, cohort=replace(dataset.cohort, times=np.ones(60), time="year"))
    )
    same = make_dataset("binary", np.arange(60) % 30, random)
    same = replace(same, cohort=replace(same.cohort, given_test=np.arange(60) >= 30))
    assert refusal(same).startswith("Test table must be of other patients than DATA")


@pytest.mark.parametrize("patients", [10, 11, 13, 20])
def test_tiny_data_can_be_split(patients: int) -> None:
    for seed in range(10):
        dataset = make_dataset("regression", np.arange(patients), np.random.default_rng(seed))
        split = split_dataset(dataset, split_seed=seed)
        assert len(split.outer[0]) == OUTER_FOLDS


def test_time_of_a_table_and_group_together() -> None:
    dataset = load("admissions:4000", Choices(targets=("length_of_stay",), time="admitted"))
    split = split_dataset(dataset)
    assert dataset.cohort.times is not None
    assert dataset.cohort.times[split.test].min() > dataset.cohort.times[split.development].max()
    assert not set(dataset.cohort.patients[split.test]) & set(dataset.cohort.patients[split.development])
    assert "the latest 8" in split.how


def test_events_are_counted_in_patients() -> None:
    """A hundred cases of five patients are five cases: such a table is judged out of fold."""
    patients = np.repeat(np.arange(2_500), 2)
    rare = make_dataset("binary", patients, np.random.default_rng(0))
    some, few = (replace(rare, targets=(patients[:, None] < n).astype("f4")) for n in (700, 20))
    assert split_dataset(some).kind == "held-out"
    assert split_dataset(few).kind == "out-of-fold"
    often = np.repeat(np.arange(2_500), np.where(np.arange(2_500) < 20, 40, 2))
    made = make_dataset("binary", often, np.random.default_rng(0))
    assert split_dataset(replace(made, targets=(often[:, None] < 20).astype("f4"))).kind == "out-of-fold"


@pytest.mark.parametrize("copies", [1, 4])
def test_equal_rows_of_different_patients_are_on_one_side(copies: int) -> None:
    """As one patient's rows are; with more than one test row, and over every fold."""
    made = make_dataset("binary", np.arange(1_000), np.random.default_rng(0))
    made = replace(made, inputs=pl.DataFrame(np.random.default_rng(1).normal(size=(1_000, 4)).round(1)))
    source = np.concatenate([np.arange(1_000), np.repeat(np.arange(30), copies)])
    copied = replace(
        made,
        inputs=made.inputs[source.tolist()],
        targets=made.targets[source],
        cohort=replace(made.cohort, patients=np.arange(len(source))),
    )
    split = split_dataset(copied, nested=False)
    assert split.how.endswith(f"{30 * (copies + 1)} equal rows of different patients stay on one side")
    assert not set(source[split.test]) & set(source[split.development])
    for fold in split.folds:
        assert not set(source[fold]) & set(source[np.setdiff1d(split.development, fold)])


def test_rows_that_look_the_same_by_chance_are_not_joined() -> None:
    """Of a column of three values, patients with one outcome would be learned from and those with the other judged."""
    made = make_dataset("binary", np.arange(1_000), np.random.default_rng(0))
    coarse = replace(made, inputs=pl.DataFrame({"x": np.arange(1_000) % 3}))
    split = split_dataset(coarse, nested=False)
    assert 190 <= len(split.test) <= 210
    assert set(coarse.inputs["x"].to_numpy()[split.test]) == {0, 1, 2}
