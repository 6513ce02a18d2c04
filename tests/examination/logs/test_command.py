"""`rounds examine LOG ...`, from the words on the command line to what is printed and drawn."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

import rounds

Command = Callable[..., Any]
HEAD = "epoch,loss,val_loss"
ROWS = [f"{e},{1 / (e + 1)},{1 / (e + 1) + max(e - 5, 0) * 0.05}" for e in range(20)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "training.log"
    path.write_text("\n".join([HEAD, *ROWS]))
    return path


def test_several_paths_as_folds_on_a_page(log: Path, tmp_path: Path, command: Command) -> None:
    other = tmp_path / "other.csv"
    other.write_text("\n".join([HEAD.replace("val_loss", "holdout"), *ROWS]))
    page = tmp_path / "page.html"
    done = command("examine", log, other, "--as", "folds", "--validation", "val_loss", "--out", page)
    assert done.status == 2
    assert "--validation must be a column of" in done.err
    done = command("examine", log, other, "--as", "folds", "--out", page, "--json")
    assert done.status == 0, done.err
    record = json.loads(done.out)
    assert record["together"] == "folds"
    assert record["findings"][0]["code"] == "overfitting"
    assert [row["found"] for row in record["runs"]] == [["overfitting"], ["overfitting"]]
    text = page.read_text()
    assert text.count("<svg") == 2
    assert "overfitting" in text
    assert not re.search(r"https?://(?!www\.w3\.org)", text)


def test_the_text_of_one_log_loads_nothing_heavy(log: Path, command: Command) -> None:
    heavy = ("jax", "keras", "polars", "scipy")
    code = f"import rounds, sys; rounds.examine({str(log)!r}); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert command("examine", log).out.startswith("Read training.log: training loss from loss")


def test_columns_by_hand_in_python(log: Path) -> None:
    found = rounds.examine(log, step="epoch", loss="val_loss", validation="loss")
    assert found.runs[0].loss.train.column == "val_loss"
    assert rounds.examine([log, log], as_="seeds").together == "seeds"


def test_a_history_and_a_scoring_monitor() -> None:
    class Held:
        history: ClassVar = {"loss": [1.0, 0.5, 0.4, 0.35, 0.33, 0.32], "val_loss": [1.1, 0.6, 0.5, 0.45, 0.44, 0.44]}

    class Entry:
        estimator_name = "Net"
        data: ClassVar = [{"task_id": i, "neg_log_loss": -1 / (i + 1)} for i in range(12)]

    class Monitor:
        def get_logs(self, select: str) -> list[Entry]:
            return [Entry()] if select == "all" else []

    assert rounds.examine(Held()).runs[0].name == "history"
    assert rounds.examine(Monitor()).runs[0].name == "Net"


def test_what_is_no_log_ends_with_status_2(tmp_path: Path, command: Command) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    for words in ((tmp_path / "notes.txt",), (tmp_path / "absent.csv",), (tmp_path,)):
        done = command("examine", *words)
        assert done.status == 2
        assert "must be" in done.err
        assert "Traceback" not in done.err
