"""What fails after training costs only itself: the networks, their curves and a word on it stay in the run folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.cli.app import main
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.errors import DataError, TrainingError
from rounds.job import run_folder, stages
from rounds.job.failures import FAILURES
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.train import improve
from rounds.prediction.model_folder import load_predictor
from rounds.run_folder.read import read_record
from rounds.training.pool import Progress

TINY: dict[str, Any] = {"seed": 0, "epochs": 2, "hidden": (4,), "batch_size": 16, "folds": 2, "learning_rate": 0.01}
# Stages after training, as (module, name of its function), and whether there is a result without it.
# Functions of stages after training without which there is no result, and those that a run can do without.
NEEDED = [(stages, "_judging"), (run_folder, "judge_rows"), (stages, "examine_run")]
PASSED_OVER = {
    "look": "round 1",
    "write_image_files": "drawing what images answer to",
    "importance_record": "permutation importance",
    "measurement_pattern_record": "the pattern of measurements",
    "write_evidence": "gathering the evidence",
}


@pytest.fixture(scope="module")
def wards() -> Dataset:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 2))
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "ward": (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)})
    return load(table[:40], Choices(targets=("ward",), kind="multiclass", group="none"), test=table[40:])


def fail(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("planted")


def request(folder: Path, rounds: int = 0, resume: bool = False) -> Request:
    return Request(changes=TINY, out=folder, rounds=rounds, members=4, resume=resume)


def run(wards: Dataset, folder: Path, rounds: int = 0) -> Result:
    return improve(wards, request=request(folder, rounds))


def is_kept(folder: Path, wards: Dataset) -> bool:
    """Whether the trained networks predict, and their curves and the failure can be read."""
    predicted = load_predictor(folder / "model").predict(wards.inputs[:5]).values
    told = (folder / FAILURES).read_text(encoding="utf-8")
    curves = pl.read_parquet(folder / "curves.parquet")
    return bool(np.isfinite(predicted).all()) and "ZeroDivisionError: planted" in told and curves.height > 0


@pytest.mark.parametrize(("where", "name"), NEEDED, ids=lambda p: getattr(p, "__name__", p))
def test_what_there_is_no_result_without_ends_the_run_in_a_sentence(
    wards: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    monkeypatch.setattr(where, name, fail)
    with pytest.raises(TrainingError, match=r"must be done without an error, got"):
        run(wards, tmp_path / "run")
    assert is_kept(tmp_path / "run", wards)
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_networks_that_all_diverged_leave_findings_and_an_error_that_names_the_first(
    wards: Dataset, tmp_path: Path
) -> None:
    far = replace(request(tmp_path / "run"), changes={**TINY, "optimizer": "sgd", "learning_rate": 1e30})
    with pytest.raises(
        TrainingError, match=r"got networks='\d+, all diverged'.*First finding: .*rounds examine"
    ) as caught:
        improve(wards, request=far)
    alarms = [f["code"] for f in read_record(tmp_path / "run", "findings.json")["findings"] if f["severity"] != "note"]
    assert f"({alarms[0]})" in str(caught.value)
    assert "learning-rate-too-high" in alarms


def test_what_failed_is_done_without_training_when_the_run_goes_on(
    wards: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(stages, "_judging", fail)
        with pytest.raises(TrainingError):
            run(wards, tmp_path / "run")
    events = list(stages.stages(wards, request(tmp_path / "run", resume=True)))
    assert {e.epoch for e in events if isinstance(e, Progress)} == {TINY["epochs"]}, "nothing is trained again"
    assert isinstance(events[-1], Result)
    assert np.isfinite(events[-1].record["test"]["log_loss"]["value"])


def test_what_a_run_can_do_without_is_said_and_passed_over(
    wards: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PASSED_OVER:
        monkeypatch.setattr(stages, name, fail)
    made = run(wards, tmp_path / "run", rounds=1)
    assert is_kept(tmp_path / "run", wards)
    assert [failed["stage"] for failed in made.record["failed"]] == list(PASSED_OVER.values())
    assert made.record["rounds"]["ended"] == "round 1 failed: ZeroDivisionError: planted"
    assert read_record(made.folder, "findings.json")["findings"]
    assert made.write_report().stat().st_size > 10_000


@pytest.mark.parametrize("name", ["write_report", "write_card"])
def test_a_report_that_cannot_be_drawn_leaves_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    random = np.random.default_rng(0)
    pl.DataFrame({"a": random.normal(size=60), "y": random.normal(size=60)}).write_csv(tmp_path / "t.csv")
    module = {"write_report": "rounds.report.page.write_report", "write_card": "rounds.report.card.card.write_card"}
    monkeypatch.setattr(module[name], fail)
    words = ["train", str(tmp_path / "t.csv"), "--target", "y", "--members", "1", "--rounds", "0", "--quiet"]
    sets = ["--set", "epochs=2", "--set", "hidden=4", "--out", str(tmp_path / "run")]
    monkeypatch.setattr("sys.argv", ["rounds", *words, *sets])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "The report must be done without an error, got error='ZeroDivisionError: planted'" in told
    assert "rounds report" in told
    assert read_record(tmp_path / "run", "metrics.json")["test"]


def test_a_subgroup_that_is_no_column_is_refused_before_training(wards: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Subgroup must be a column of the table"):
        improve(wards, TINY, Request(out=tmp_path / "run", subgroups=("wing",)))
    assert not (tmp_path / "run").exists()
