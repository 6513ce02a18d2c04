"""A real run with a learning rate of 10, and what the command line says of its folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.errors import DataError, RunFolderError
from rounds.examination.examine import examine_run
from rounds.examination.sources.run_folder import read_run
from rounds.examination.sources.source import examine_source
from rounds.job.request import Request
from rounds.job.train import improve
from rounds.run_folder.metrics import Estimate


@pytest.fixture(scope="module")
def lost_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network, trained for a few epochs at a learning rate of 10."""
    out = tmp_path_factory.mktemp("runs") / "lost"
    changes = {"learning_rate": 10.0, "epochs": 12, "hidden": (16,), "number_embedding": "none"}
    improve(load("diabetes"), changes, Request(members=1, rounds=0, out=out))
    return out


def test_the_rate_comes_first(lost_run: Path) -> None:
    found = examine_run(read_run(lost_run))
    assert found.findings[0].code == "learning-rate-too-high"
    assert found.verdict.well_trained.answer == "no"
    assert found.verdict.believable.answer == "yes"


def test_examining_a_folder_repeats_what_training_wrote(lost_run: Path) -> None:
    """Findings and not_applicable are the same, and are no longer when the folder is examined again."""
    written = json.loads((lost_run / "findings.json").read_text())
    again = examine_run(read_run(lost_run)).record().content()
    assert [f["code"] for f in again["findings"]] == [f["code"] for f in written["findings"]]
    assert again["not_applicable"] == written["not_applicable"]


def test_one_difference_has_one_interval(lost_run: Path, tmp_path: Path) -> None:
    """In the verdict, among the advantages and in the finding; and in a run of before differences were kept."""
    metrics = json.loads((lost_run / "metrics.json").read_text())
    said, run = metrics["difference"], read_run(lost_run)
    assert run.advantages[said["baseline"]] == Estimate(value=said["value"], low=said["low"], high=said["high"])
    finding = next(f for f in examine_run(run).findings if f.code == "no-better-than-baseline")
    assert finding.evidence["baseline"] == said["baseline"]
    limits = [finding.evidence[name] * run.left_by_constant for name in ("low", "high")]
    assert limits == pytest.approx([said["low"], said["high"]])
    before = shutil.copytree(lost_run, tmp_path / "before")
    del metrics["differences"]
    (before / "metrics.json").write_text(json.dumps(metrics))
    assert read_run(before).advantages == run.advantages


def test_command_line(lost_run: Path, command: Callable[..., Any]) -> None:
    shown = command("examine", lost_run)
    assert shown.status == 0
    assert "error: learning-rate-too-high" in shown.out
    record = json.loads(command("examine", lost_run, "--json").out)
    assert record["findings"][0]["code"] == "learning-rate-too-high"


def test_what_is_no_run(tmp_path: Path, command: Callable[..., Any]) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    for source in (tmp_path / "nowhere", tmp_path, tmp_path / "notes.txt"):
        ended = command("examine", source)
        assert ended.status == 2
        assert ended.err.count("\n") == 1


def test_a_run_that_was_never_judged(lost_run: Path, tmp_path: Path) -> None:
    """All networks lost, or the machine went down before judging: the curves still tell."""
    stopped = shutil.copytree(lost_run, tmp_path / "stopped")
    for name in ("metrics.json", "predictions.parquet", "findings.json"):
        (stopped / name).unlink()
    found = examine_source(stopped)
    assert found.findings[0].code == "learning-rate-too-high"
    assert found.verdict.worth_it.answer == "unknown"


def test_a_run_that_its_data_stopped(tmp_path: Path) -> None:
    """An error among the data rules: findings, and nothing trained."""
    random = np.random.default_rng(0)
    days = random.gamma(2.0, 3.0, 200)
    pl.DataFrame({"age": random.normal(60, 9, 200), "hours": 24 * days, "days": days}).write_csv(tmp_path / "leak.csv")
    with pytest.raises(DataError, match="target-leak"):
        improve(load(str(tmp_path / "leak.csv"), Choices(targets=("days",))), {}, Request(out=tmp_path / "run"))
    found = examine_source(tmp_path / "run")
    assert found.findings[0].code == "target-leak"
    assert found.verdict.believable.answer == "no"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("curves.parquet", b"", "must be a readable Parquet file"),
        ("plan.json", b"{", "must be readable JSON"),
        ("findings.json", b"[]", "must be a JSON object"),
        ("findings.json", b"{}", "must be a record with verdict"),
        ("measures.parquet", None, "must be a run folder with measures.parquet"),
    ],
)
def test_damaged_runs(lost_run: Path, tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    damaged = shutil.copytree(lost_run, tmp_path / "damaged")
    if content is None:
        (damaged / name).unlink()
    else:
        (damaged / name).write_bytes(content)
    with pytest.raises(RunFolderError, match=message):
        read_run(damaged)
