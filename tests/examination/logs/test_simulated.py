"""Simulated logs with planted faults: the rules for logs are right on most of them, and hardly ever wrong."""

from collections import Counter

from benchmarks.logs.__main__ import measured, page_tables
from benchmarks.logs.simulate import KINDS, PLANTED, every, simulated


def test_the_same_seed_gives_the_same_log() -> None:
    assert simulated("overfits", 3) == simulated("overfits", 3)
    assert simulated("overfits", 3).rows != simulated("overfits", 4).rows
    assert set(PLANTED) <= set(KINDS)
    assert len(list(every(2))) == 2 * len(KINDS)


def test_rules_are_right_on_simulated_logs() -> None:
    kinds, rates = measured(3)
    total = sum(kinds.values(), Counter())
    assert total["right"] >= 0.95 * total.total()
    assert total["wrong"] <= 0.03 * total.total()
    assert rates["diverged"]["hits"] == [9, 9]
    assert rates["overfitting"]["alarms"][0] <= 2
    assert "| overfits |" in page_tables(kinds)
