"""When the time is up: networks that were cut short are given where they are ahead, and never silently."""

import pytest

from rounds.data.dataset import Dataset
from rounds.data.splitting import split_dataset
from rounds.plan import Plan
from rounds.prescription.interrupted import NOT_AHEAD, ahead_on_validation, as_cut_short, as_dropped, complete
from rounds.run_folder.prescriptions import PrescriptionRecord
from rounds.training.population.build import Trained, make_population, train_to_end
from rounds.training.population.fold_data import FoldData, make_folds_data
from tests.generators import end_of

PLAN = Plan(hidden=(4,), epochs=6, batch_size=32, learning_rate=0.03, dropout=0.0)


@pytest.fixture(scope="module")
def folds_data(ward_data: Dataset) -> list[FoldData]:
    return make_folds_data(ward_data, split_dataset(ward_data, 3))


def trained(data: Dataset, folds_data: list[FoldData], plan: Plan, minutes: float | None = None) -> Trained:
    made = end_of(train_to_end(make_population([plan], data.task, folds_data), minutes=minutes))
    assert isinstance(made, Trained)
    return made


def test_a_short_training_may_be_ahead_of_a_whole_one(ward_data: Dataset, folds_data: list[FoldData]) -> None:
    still = trained(ward_data, folds_data, PLAN.change(learning_rate=1e-9))
    short = trained(ward_data, folds_data, PLAN.change(epochs=1000), minutes=0.0)
    assert complete(still)
    assert not complete(short)
    assert ahead_on_validation(short, still)
    assert not ahead_on_validation(still, short)


def test_of_populations_that_are_not_measured_alike_nothing_is_said(
    ward_data: Dataset, folds_data: list[FoldData]
) -> None:
    still = trained(ward_data, folds_data, PLAN.change(learning_rate=1e-9))
    other = trained(ward_data, folds_data, PLAN.change(loss="mae"))
    assert not ahead_on_validation(other, still)


def test_lost_networks_are_behind_all_others(ward_data: Dataset, folds_data: list[FoldData]) -> None:
    lost = trained(ward_data, folds_data, PLAN.change(learning_rate=1e30, optimizer="sgd"))
    short = trained(ward_data, folds_data, PLAN.change(epochs=1000), minutes=0.0)
    assert ahead_on_validation(short, lost)
    assert not ahead_on_validation(lost, short)


def test_the_entry_says_what_became_of_it() -> None:
    entries = tuple(
        PrescriptionRecord(round=number, finding="", change={}, effect=None, verdict=verdict, reason=reason)
        for number, verdict, reason in ((1, "kept", "a"), (2, "dropped", "b"), (2, "kept", "c"))
    )
    for made, verdict, words in (
        (as_dropped(entries, 2, NOT_AHEAD), "dropped", NOT_AHEAD),
        (as_cut_short(entries, 2), "kept", "ahead already"),
    ):
        first, second, third = made
        assert (first, second) == entries[:2]
        assert third.verdict == verdict
        assert words in third.reason
