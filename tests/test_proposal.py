"""The plan for a user who says nothing, and how far it gives way to one who does."""

import pytest

from rounds.proposal import EMBEDDED_NUMBERS, FEW_ROWS, SEEDS_OF_FEW, STEADIED_ROWS, STEADY_L2, Amount, propose
from rounds.task import Task

TASK = Task(kind="binary", targets=("death",), classes=("0", "1"))
TABLE = Amount(rows=5_000, patients=5_000, events=900, numbers=8, flags=4)


def test_two_sizes_of_network_at_two_rates_are_averaged() -> None:
    proposal = propose(TASK, TABLE, {})
    wide, narrow = proposal.plans
    assert wide.difference(narrow) == {"hidden": [(128, 128), (64, 64)], "dropout": [0.3, 0.4]}
    assert len(wide.learning_rate) == 2  # type: ignore[arg-type]
    assert {"hidden", "dropout", "learning_rate", "number_embedding"} <= set(proposal.reasons)


@pytest.mark.parametrize(("engineered", "sizes"), [(24, [(128, 128), (64, 64)]), (300, [(64, 64), (32,)])])
def test_networks_of_features_by_hand_stand_beside_that_of_recordings(engineered: int, sizes: list) -> None:
    amount = Amount(2_500, 2_500, 350, 4 + engineered, 0, array=(48, 80), hand=engineered)
    main, wide, narrow = propose(TASK, amount, {"weight_decay": 0.1}).plans
    assert (main.network, main.hand_features) == ("recurrent", False)
    assert [plan.hidden for plan in (wide, narrow)] == sizes
    assert all(plan.network == "dense" and plan.hand_features for plan in (wide, narrow))
    assert narrow.dropout >= wide.dropout  # type: ignore[operator]
    assert {plan.weight_decay for plan in (main, wide, narrow)} == {0.1}


def test_what_the_user_says_is_so_in_all_networks() -> None:
    proposal = propose(TASK, TABLE, {"weight_decay": 0.1})
    assert [plan.weight_decay for plan in proposal.plans] == [0.1, 0.1]
    assert proposal.reasons["weight_decay"] == "chosen by the user"


def test_many_numbers_are_not_spread_out() -> None:
    embedded = [propose(TASK, Amount(5_000, 5_000, 900, EMBEDDED_NUMBERS + more, 0), {}).plans[0] for more in (0, 1)]
    assert [plan.number_embedding for plan in embedded] == ["periodic", "none"]


@pytest.mark.parametrize("change", [{"hidden": (32,)}, {"activation": "relu"}, {"learning_rate": 0.01}])
def test_who_says_what_the_networks_are_gets_those_alone(change: dict) -> None:
    (plan,) = propose(TASK, TABLE, change).plans
    assert {name: getattr(plan, name) for name in change} == change


def test_few_rows_are_trained_on_with_more_seeds() -> None:
    assert propose(TASK, Amount(FEW_ROWS - 1, 999, 200, 8, 0), {}).seeds == SEEDS_OF_FEW
    assert propose(TASK, Amount(FEW_ROWS, 1_000, 200, 8, 0), {}).seeds == 1


def test_many_rows_are_learned_with_normalized_units_and_a_penalty() -> None:
    fewer, enough = (propose(TASK, Amount(STEADIED_ROWS - 1 + more, 9_000, 900, 8, 4), {}).plans for more in (0, 1))
    assert fewer[0].difference(enough[0]) == {"normalization": ["none", "batch"], "l2": [0.0, STEADY_L2]}
    assert [(plan.normalization, plan.l2) for plan in enough] == [("batch", STEADY_L2)] * 2


@pytest.mark.parametrize("change", [{"normalization": "layer"}, {"batch_size": 8}, {"network": "linear"}])
def test_the_penalty_of_many_rows_goes_with_their_normalization(change: dict) -> None:
    amount = Amount(STEADIED_ROWS, STEADIED_ROWS, 900, 8, 4)
    plan = propose(TASK, amount, change).plans[0]
    assert plan.l2 == 0
    assert plan.normalization == change.get("normalization", "none")


def test_recordings_and_their_features_by_hand_are_not_penalised_however_many() -> None:
    amount = Amount(STEADIED_ROWS, STEADIED_ROWS, 900, 28, 0, array=(48, 80), hand=24)
    assert {plan.l2 for plan in propose(TASK, amount, {}).plans} == {0.0}
