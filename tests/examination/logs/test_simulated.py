"""Simulated logs with planted faults: the rules for logs are right on most of them, and hardly ever wrong."""

import json
from collections import Counter
from pathlib import Path

from benchmarks.logs.__main__ import measured, measured_on_real, page_tables, real_table
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


def test_real_logs_are_counted_by_what_experts_accept(tmp_path: Path) -> None:
    rows = [f"{e},{2.0 - 0.1 * e},{2.0 - 0.1 * e if e < 8 else 1.2 + 0.15 * (e - 7)}" for e in range(20)]
    (tmp_path / "log.csv").write_text("\n".join(["epoch,loss,val_loss", *rows]), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    accepted = {"log.csv": {"accept": ["overfitting"]}, "notes.txt": {"accept": ["plateau"]}}
    (tmp_path / "expected.json").write_text(json.dumps(accepted), encoding="utf-8")
    counts, codes = measured_on_real(tmp_path)
    assert counts == {"right": 1, "refused": 1}
    assert codes == {"overfitting": (1, 1, 0, 1)}
    assert "| `overfitting` | 1 of 1 | 0 of 1 |" in real_table(counts, codes)
