"""`rounds watch`: a log that grows, examined whenever it has changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rounds.examination.sources.following import follow

HEAD = "epoch,loss,val_loss"
ROWS = [f"{e},{1 / (e + 1)},{1 / (e + 1) + max(e - 5, 0) * 0.1}" for e in range(20)]


class Training:
    """Writes a few more epochs whenever somebody waits."""

    def __init__(self, log: Path, at_once: int) -> None:
        self.log, self.at_once, self.written, self.waits = log, at_once, 0, 0

    def __call__(self, seconds: float) -> None:
        self.waits += 1
        self.written += self.at_once
        if self.written <= len(ROWS):
            self.log.write_text("\n".join([HEAD, *ROWS[: self.written]]))


def test_it_is_examined_after_every_change_and_ends_when_idle(tmp_path: Path) -> None:
    training = Training(tmp_path / "log.csv", 5)
    found = list(follow([tmp_path], every=1.0, idle=3.0, sleep=training))
    assert [one.runs[0].points for one in found] == [5, 10, 15, 20]
    assert found[-1].findings[0].code == "overfitting"
    assert training.waits == 7


def test_a_line_a_change_and_an_alarm_once(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, page = tmp_path / "log.csv", tmp_path / "page.html"
    training = Training(log, 4)
    monkeypatch.setattr(follow, "__defaults__", (None, training))
    done = command("watch", log, "--every", 1, "--idle", 2, "--out", page)
    assert done.status == 0, done.err
    assert done.out.count("log.csv: ") == 5
    assert "log.csv: 20 epochs, validation loss 1.45, best " in done.out
    assert done.out.count("warning: overfitting.") == 1
    assert 'http-equiv="refresh" content="2"' in page.read_text()
