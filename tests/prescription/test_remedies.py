"""Every finding about training has remedies that change the plan, can run, and come in the field's order."""

import pytest

from rounds.examination.rules import rules_of_training
from rounds.plan import Plan
from rounds.prescription.remedies.prescribe import MOST_ARMS, doses_against, remedies_by_finding
from rounds.prescription.remedies.remedy import described, treated

# Findings that no change of plan answers: their remedy is another table, or another look at it.
ADVICE_ONLY = {"implausible-score", "misleading-metric", "validation-too-small", "healthy"}
# The plan that has the fault, where the default plan has nothing to change.
FAULTY = {
    "unscaled-inputs": {"scale_inputs": False},
    "not-shuffled": {"shuffle": False},
    "loss-output-mismatch": {"loss": "mae"},
    "decayed-too-early": {"schedule": "step"},
    "over-regularized": {"l2": 1.0},
    "validation-better": {"l2": 1.0},
    "plateau": {"schedule": "constant"},
    "frozen-layer": {"frozen_layers": 1},
    "augmentation-too-strong": {"shift": 0.5, "rotate": 90.0},
    "tiny-batch-statistics": {"normalization": "batch", "batch_size": 2},
}


@pytest.mark.parametrize("code", sorted({rule.code for rule in rules_of_training()} - ADVICE_ONLY))
def test_every_training_finding_has_a_remedy_that_changes_the_plan(code: str) -> None:
    plan = Plan().change(**FAULTY.get(code, {}))
    made = doses_against(code, plan)
    assert 1 <= len(made) <= MOST_ARMS
    assert all(treated(plan, p.change) != plan for p in made)
    assert len({described(p.change) for p in made}) == len(made)


def test_what_was_tried_is_not_prescribed_again() -> None:
    first = doses_against("overfitting", Plan())
    tried = frozenset(described(p.change) for p in first)
    assert not {described(p.change) for p in doses_against("overfitting", Plan(), tried)} & tried


def test_a_rate_that_is_too_high_is_lowered_and_one_too_low_is_raised() -> None:
    lower, higher = (
        [
            p.change["learning_rate"]
            for p in doses_against(code, Plan(learning_rate=rate))
            if "learning_rate" in p.change
        ]
        for code, rate in (("learning-rate-too-high", 10.0), ("learning-rate-too-low", 1e-6))
    )
    assert all(rate < 10.0 for rate in lower)
    assert all(rate > 1e-6 for rate in higher)


def test_overfitting_is_regularized_before_the_network_shrinks() -> None:
    names = [remedy.name for remedy in remedies_by_finding()["overfitting"]]
    assert names.index("drop more units") < names.index("use a smaller network")


def test_underfitting_is_answered_by_a_larger_network_first() -> None:
    first = doses_against("underfitting", Plan(hidden=(16,)))[0]
    assert "hidden" in first.change


def test_where_the_last_epoch_is_kept_the_best_one_is_kept_instead() -> None:
    first = doses_against("overfitting", Plan(keep_best="none", epochs=80))[0]
    assert first.change == {"keep_best": "loss", "patience": 10}
    assert not any("keep_best" in p.change for p in doses_against("overfitting", Plan()))


def test_a_narrow_network_may_grow_where_units_close() -> None:
    for code in ("dead-units", "vanishing-gradients"):
        assert any("hidden" in p.change for p in doses_against(code, Plan(hidden=(1, 1))))
        assert not any("hidden" in p.change for p in doses_against(code, Plan(hidden=(64, 64))))


def test_layers_of_saturating_units_start_and_open_together() -> None:
    first = doses_against("poor-initialization", Plan(activation="sigmoid", hidden=(8, 8, 8)))[0]
    assert {"initializer", "activation"} <= set(first.change)


def test_rates_are_listed_from_what_is_usual() -> None:
    rates = [
        p.change["learning_rate"]
        for p in doses_against("learning-rate-too-high", Plan(learning_rate=10.0))
        if "learning_rate" in p.change
    ]
    assert rates == pytest.approx([3e-3, 1e-2, 0.1, 1.0])


def test_every_regularizer_can_be_weakened_and_no_dose_comes_twice() -> None:
    blurred = doses_against("over-regularized", Plan(input_noise=15.0))
    assert any(p.change.get("input_noise") == 0.1 for p in blurred)
    assert len(doses_against("over-regularized", Plan(l2=3.0, dropout=0.1, weight_decay=1e-2))) == 1
