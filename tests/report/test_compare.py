"""Runs are compared on the same patients or refused; the page and the leaderboard say what the record says."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from rounds.errors import RunFolderError
from rounds.evaluation.compare import compare_runs
from rounds.evaluation.leaderboard import list_runs
from rounds.report.compare_page import compare_page


@pytest.fixture
def two(make_run, tmp_path) -> list[Path]:
    """A run, and one whose networks miss the outcome by half as much."""
    first, second = tmp_path / "runs" / "first", tmp_path / "runs" / "second"
    for place in (first, second):
        shutil.copytree(make_run("regression"), place)
    path = second / "predictions.parquet"
    half = (pl.col("observed") + pl.col("network")) / 2
    pl.read_parquet(path).with_columns(half.alias("network")).write_parquet(path)
    return [first, second]


def test_the_better_run_gains_half_the_error(two) -> None:
    first, second = (pl.read_parquet(folder / "predictions.parquet").filter(split="test") for folder in two)
    rmse = [float(((f["network"] - f["observed"]) ** 2).mean() ** 0.5) for f in (first, second)]
    found = compare_runs(two)
    gain = found.runs[1].gain
    assert found.runs[0].gain is None
    assert gain.value == pytest.approx(rmse[0] - rmse[1])
    assert gain.low > 0
    assert [run.run for run in found.runs] == ["first", "second"]


def test_a_run_gains_nothing_on_itself(two) -> None:
    gain = compare_runs([two[0], two[0]]).runs[1].gain
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_other_patients_are_refused(two) -> None:
    path = two[1] / "predictions.parquet"
    pl.read_parquet(path).with_columns(pl.col("row") + 1).write_parquet(path)
    with pytest.raises(RunFolderError, match=r"RUN must be judged on the same rows and outcome as .*first"):
        compare_runs(two)


def test_another_table_is_refused(two) -> None:
    path = two[1] / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "content_hash": "0" * 64}))
    with pytest.raises(RunFolderError, match="RUN must be judged on the same table"):
        compare_runs(two)


def test_one_run_is_no_comparison(two) -> None:
    with pytest.raises(RunFolderError, match="RUN must be at least two folders, got runs=1"):
        compare_runs(two[:1])


def test_the_page_says_what_the_record_says(two) -> None:
    page = compare_page(compare_runs(two))
    assert "first" in page
    assert "second" in page
    assert page.count("<svg") == 1
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_runs_are_listed_by_table_and_score(two, command) -> None:
    listed = json.loads(command("runs", two[0].parent, "--json").out)
    assert [row["run"] for row in listed] == ["first", "second"]
    assert {row["metric"] for row in listed} == {"rmse"}
    assert "first" in command("runs", two[0].parent).out


def test_a_folder_without_runs_is_refused(tmp_path) -> None:
    with pytest.raises(RunFolderError, match="FOLDER must be a folder with a finished run"):
        list_runs(tmp_path)


def test_the_command_compares(two, command, tmp_path) -> None:
    ended = command("compare", *two, "--out", tmp_path / "page.html")
    assert ended.status == 0
    assert "gain over first" in ended.out
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
