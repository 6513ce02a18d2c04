"""Findings that pull the plan both ways are listed, and only those."""

from rounds.plan import Plan
from rounds.prescription.remedies.opposites import contradictions


def test_opposite_rates_and_penalties_are_contradictions() -> None:
    plan = Plan(learning_rate=0.01, dropout=0.2, l2=1e-4)
    found = contradictions("overfitting", ["over-regularized", "not-shuffled"], plan, 2)
    assert [(c.set_aside, c.fields) for c in found] == [("over-regularized", ("dropout", "l2"))]
    record = found[0].record().content()
    assert (record["round"], record["treated"]) == (2, "overfitting")
    assert record["reason"].startswith("over-regularized asks for the opposite change of dropout, l2")


def test_a_larger_and_a_smaller_network_are_a_contradiction() -> None:
    (found,) = contradictions("overfitting", ["underfitting"], Plan(hidden=(32, 32)), 1)
    assert "hidden" in found.fields


def test_findings_that_agree_are_none() -> None:
    plan = Plan(learning_rate=1.0, hidden=(32, 32))
    assert contradictions("learning-rate-too-high", ["unstable", "diverged", "not-shuffled"], plan, 1) == []
