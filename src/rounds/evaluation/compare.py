"""Finished runs beside each other: which is better on the same patients, by how much, and with what certainty."""

from pathlib import Path

import numpy as np
import polars as pl

from rounds.errors import RunFolderError
from rounds.examination.sources.run_folder import NETWORK, observed_targets, predicted_outputs, read_predictions
from rounds.metrics import main_metric
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.metrics import Estimate, MetricsFile, Scores
from rounds.run_folder.stored import Part
from rounds.statistics.differences import paired_difference


class ComparedRun(Part):
    """One run. score: {metric: interval} of the judged rows; gain: in the main metric over the first run, on the same
    patients, positive where this one is better (None for the first); found: codes that ask for something."""

    run: str
    score: Scores
    gain: Estimate | None
    found: tuple[str, ...]
    members: int
    seconds: float


class Comparison(Part):
    """Runs judged on the same rows; the first is the one that others are held against."""

    metric: str
    rows: int
    patients: int
    runs: tuple[ComparedRun, ...]


def compare_runs(folders: list[Path]) -> Comparison:
    """Scores of each run, and paired differences to the first, with 95 % intervals over patients.

    Raises RunFolderError where a run is not finished, or was not judged on the same rows as the first.
    """
    if len(folders) < 2:
        advice = "Name two or more run folders"
        raise RunFolderError("RUN", "at least two folders", name="runs", got=len(folders), advice=advice)
    judged = [_judged(folder) for folder in folders]
    task = MetricsFile.read(folders[0]).task
    for folder, one in zip(folders[1:], judged[1:], strict=True):
        _refuse_other_rows(folders[0], judged[0], folder, one)
    metric, observed = main_metric(task), observed_targets(task, judged[0])
    patients = judged[0].filter(pl.col("target") == task.output_names[0])["patient"].to_numpy()
    first, *others = [predicted_outputs(task, one, NETWORK) for one in judged]
    gains = [None, *(paired_difference(task, metric, observed, other, first, patients) for other in others)]
    names = _names(folders)
    runs = tuple(_compared(f, n, g) for f, n, g in zip(folders, names, gains, strict=True))
    return Comparison(metric=metric, rows=len(observed), patients=len(np.unique(patients)), runs=runs)


def _judged(folder: Path) -> pl.DataFrame:
    predictions = read_predictions(folder)
    return predictions.filter(pl.col("split") == "test").sort("target", "row")


def _refuse_other_rows(first: Path, known: pl.DataFrame, folder: Path, one: pl.DataFrame) -> None:
    """Runs of another table, split or outcome have other patients: their scores are no comparison."""
    same = ["row", "patient", "target", "observed"]
    tables = [DatasetFile.read(f).content_hash for f in (first, folder)]
    if tables[0] == tables[1] and known.select(same).equals(one.select(same)):
        return
    what = "the same table" if tables[0] != tables[1] else "the same rows and outcome"
    advice = (
        "Train both on one file with the same --target, --test and --split-seed, or use rounds evaluate on new rows"
    )
    raise RunFolderError("RUN", f"judged on {what} as {first}", name="run", got=str(folder), advice=advice)


def _compared(folder: Path, name: str, gain: Estimate | None) -> ComparedRun:
    metrics, findings = MetricsFile.read(folder), FindingsFile.read(folder)
    return ComparedRun(
        run=name,
        score=metrics.test,
        gain=gain,
        found=tuple(f.code for f in findings.findings if f.severity != "note"),
        members=metrics.members,
        seconds=metrics.seconds,
    )


def _names(folders: list[Path]) -> list[str]:
    """Names of the folders; with the folder above where two are called the same."""
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]
