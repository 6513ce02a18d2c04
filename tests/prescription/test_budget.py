"""A stay costs at most so much: what cannot be followed by a population is not tried."""

import pytest

from rounds.data.dataset import Dataset
from rounds.data.splitting import split_dataset
from rounds.plan import Plan
from rounds.prescription.budget import (
    MOST_SPENT,
    SHORTEST_TRAINING,
    SMALLEST_POPULATION,
    affordable,
    allowance,
    cost_of,
    screened,
)
from rounds.prescription.remedies.remedy import Prescription
from rounds.training.population.build import Population, make_population
from rounds.training.population.fold_data import make_folds_data

PLAN = Plan(hidden=(4,), epochs=30, learning_rate=(1e-3, 1e-2))


@pytest.fixture(scope="module")
def population(ward_data: Dataset) -> Population:
    return make_population([PLAN], ward_data.task, make_folds_data(ward_data, split_dataset(ward_data, 3)))


def doses(code: str, *changes: dict[str, object]) -> list[Prescription]:
    return [Prescription(code, "a remedy", change, "") for change in changes]


def test_the_allowance_is_counted_from_the_plan(population: Population, ward_data: Dataset) -> None:
    assert allowance(population) == MOST_SPENT * 2 * 3 * 30
    brief = make_population([PLAN.change(epochs=1)], ward_data.task, list(population.folds_data))
    one = make_population([PLAN], ward_data.task, list(population.folds_data), 1)
    assert allowance(one) == MOST_SPENT * SMALLEST_POPULATION * 30, "one network cannot be treated for less"
    assert allowance(brief) == MOST_SPENT * 2 * 3 * SHORTEST_TRAINING, "a course too short is no measure"


def test_a_population_at_one_rate_costs_half_of_one_at_two(population: Population) -> None:
    assert cost_of(population, [PLAN]) == 2 * 3 * 30
    assert cost_of(population, [PLAN.change(learning_rate=1e-2)]) == 3 * 30
    assert cost_of(population, [PLAN.change(epochs=60)]) == 2 * 3 * 60


def test_what_stops_learning_is_screened_briefly_and_the_rest_for_its_whole_course() -> None:
    assert screened(PLAN, "learning-rate-too-high").epochs == 10
    assert screened(PLAN, "overfitting") == PLAN
    assert screened(PLAN.change(epochs=9), "diverged").epochs == 9, "3 epochs are warm-up"


def test_only_what_can_be_followed_is_tried_in_the_order_of_listing() -> None:
    some = doses("overfitting", {"l2": 0.1}, {"epochs": 3000}, {"l2": 1.0}, {"dropout": 0.5})
    chosen = affordable(some, PLAN, 180 + 2 * 30, lambda p: 180, lambda p: 60)
    assert [p.change for p in chosen] == [{"l2": 0.1}, {"l2": 1.0}]
    assert affordable(some, PLAN, 200, lambda p: 180, lambda p: 60) == []


def test_from_the_fourth_on_arms_give_way_to_a_second_look() -> None:
    some = doses("overfitting", *({"l2": 0.1 * i} for i in range(1, 7)))
    counts = [
        len(affordable(some, PLAN, 180 + 6 * 30 + more, lambda p: 180, lambda p: 90)) for more in (-60, 0, 60, 90)
    ]
    assert counts == [4, 3, 5, 6], "with two places fewer a second look would leave one arm alone"
