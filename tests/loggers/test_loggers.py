"""What other tools are told, read back from what they wrote."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.errors import PlanError
from rounds.examination.logs.read import read_logs
from rounds.loggers.logger import FinishedRun, LoggedMember
from rounds.loggers.open import TOOLS, check_tools, open_logger

LOSSES = ([1.0, 0.8, 0.7, 0.65, 0.62, 0.6], [1.1, 0.9, 0.75, 0.7, 0.69, 0.66])  # validation, of two networks
WORDS = "Learning goes on at the last epoch."


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parent of the places to which every tool wrote the same run."""
    place = tmp_path_factory.mktemp("logged")
    report = place / "report.html"
    report.write_text("<p>aggregates</p>")
    run = FinishedRun(place, {"test_mae": 0.5}, {"still-improving": WORDS}, {"worth_it": "yes: by far"}, (report,))
    for tool in TOOLS:
        logger = open_logger(f"{tool}={place / tool}", place)
        logger.begin("stay", {"seed": 0, "epochs": 6})
        for number, losses in enumerate(LOSSES):
            member = LoggedMember(0, number, {"learning_rate": 0.01, "fold": number})
            for epoch, loss in enumerate(losses, start=1):
                logger.epoch(member, epoch, {"train_loss": loss - 0.1, "validation_loss": loss, "learning_rate": 0.01})
        logger.finding("plateau", "Seen early.")
        logger.finish(run)
        logger.close()
    return place


@pytest.mark.parametrize("tool", ["tensorboard", "mlflow", "csv"])
def test_curves_are_read_back_by_rounds(tool: str, logged: Path) -> None:
    runs = sorted(read_logs([logged / tool]).runs, key=lambda run: run.name)
    curves = [run.loss.validation for run in runs if "member" in run.name]
    np.testing.assert_allclose([curve.values for curve in curves if curve], LOSSES, rtol=1e-6)


def test_mlflow_has_findings_as_tags_and_the_report(logged: Path) -> None:
    (run,) = [path.parent for path in (logged / "mlflow").rglob("artifacts") if any(path.iterdir())]
    tags = {path.name: path.read_text() for path in (run / "tags").iterdir()}
    assert tags["finding.still-improving"] == WORDS
    assert tags["seen_early.plateau"] == "Seen early."
    assert tags["worth_it"] == "yes: by far"
    assert [path.name for path in (run / "artifacts").iterdir()] == ["report.html"]
    assert (run / "params" / "epochs").read_text() == "6"
    assert (run / "metrics" / "test_mae").exists()
    nested = [path for path in (logged / "mlflow").rglob("mlflow.parentRunId") if path.read_text() == run.name]
    assert len(nested) == len(LOSSES)


def test_tensorboard_has_findings_as_text(logged: Path) -> None:
    (events,) = (logged / "tensorboard" / "run").iterdir()
    content = events.read_bytes()
    assert all(told in content for told in (b"findings/still-improving", WORDS.encode(), b"test_mae", b"verdict/"))


def wandb_records(path: Path) -> Iterator[bytes]:
    """Records of an offline run: LevelDB's log, blocks of 32 KB with pieces of checksum, length and type (1: whole,
    2: first, 3: middle, 4: last), behind a header of 7 bytes."""
    content, at, record = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if 2**15 - at % 2**15 < 7:
            at += 2**15 - at % 2**15
        length, piece = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        record += content[at + 7 : at + 7 + length]
        at += 7 + length
        if piece in (1, 4):
            yield record
            record = b""


def test_wandb_is_read_back(logged: Path) -> None:
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = (logged / "wandb-offline").rglob("*.wandb")
    values: dict[str, list[float]] = {}
    tags: set[str] = set()
    for record in map(Record.FromString, wandb_records(path)):
        tags |= set(record.run.tags)
        for item in record.history.item:
            values.setdefault(item.key or "/".join(item.nested_key), []).append(float(item.value_json))
    found = [values[name] for name in sorted(values) if name.endswith("/validation_loss")]
    np.testing.assert_allclose(found, LOSSES, rtol=1e-6)
    assert {"still-improving", "plateau"} <= tags


def test_a_run_is_logged_as_its_folder_has_it(tmp_path: Path, command: Callable[..., Any]) -> None:
    fields = ("--set", "epochs=3", "--set", "hidden=4", "--set", "number_embedding=none")
    small = ("--rounds", 0, "--members", 1, "--quiet", *fields)
    board = tmp_path / "board"
    log = ("--log", "csv", "--log", f"tensorboard={board}")
    ended = command("train", "diabetes", *log, "--out", tmp_path / "run", *small)
    assert ended.status == 0, ended.err
    (path,) = (tmp_path / "run" / "logs" / "csv").iterdir()
    written = pl.read_csv(path)
    curve = pl.read_parquet(tmp_path / "run" / "curves.parquet").filter(split="validation", metric="loss")
    assert written["epoch"].to_list() == [1, 2, 3]
    np.testing.assert_allclose(written["validation_loss"], curve.sort("epoch")["value"], rtol=1e-6)
    assert b"verdict/worth_it" in next((board / "run").iterdir()).read_bytes()


def test_a_tool_that_is_not_there_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanError, match="Did you mean tensorboard"):
        check_tools(("tensorbord",))
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.delitem(sys.modules, "rounds.loggers.wandb", raising=False)
    with pytest.raises(PlanError, match=r"pip install 'rounds\[wandb\]'"):
        check_tools(("wandb-offline",))
