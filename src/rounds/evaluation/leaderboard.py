"""A leaderboard: the finished runs below a folder, by table, outcome and metric."""

from pathlib import Path

from rounds.errors import RunFolderError
from rounds.metrics import METRICS
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.metrics import MetricsFile
from rounds.run_folder.stored import Figure, Number, Part


class ListedRun(Part):
    """A line of the leaderboard: value with its interval in the main metric, by how much it is ahead of which baseline,
    and which rows of which table judged."""

    run: str
    target: str
    metric: str
    value: Figure
    low: Figure
    high: Figure
    better_than: str
    by: Number
    judged: str
    table: str


def list_runs(folder: Path) -> list[ListedRun]:
    """Finished runs below a folder, the best of each outcome and metric first.

    Raises RunFolderError where there is no such folder, or no finished run in it.
    """
    if not folder.is_dir():
        raise RunFolderError(
            "FOLDER", "a folder of runs", name="folder", got=str(folder), advice="Name where runs were written"
        )
    found = [_listed(folder, path.parent) for path in sorted(folder.rglob("metrics.json")) if _is_run(path.parent)]
    if not found:
        advice = "Name a folder in which rounds train finished"
        raise RunFolderError("FOLDER", "a folder with a finished run", name="folder", got=str(folder), advice=advice)
    return sorted(found, key=_place)


def _is_run(folder: Path) -> bool:
    return (folder / "dataset.json").is_file() and not any(part.startswith(".") for part in folder.parts)


def _place(run: ListedRun) -> tuple[str, str, str, float]:
    worse = -run.value if METRICS[run.metric].better == "higher" else run.value
    return run.table, run.target, run.metric, worse


def _listed(root: Path, folder: Path) -> ListedRun:
    metrics, dataset = MetricsFile.read(folder), DatasetFile.read(folder)
    score, difference = metrics.test[metrics.main_metric], metrics.difference
    return ListedRun(
        run=str(folder.relative_to(root)) if folder != root else folder.name,
        target=", ".join(metrics.task.targets[:3]),
        metric=metrics.main_metric,
        value=score.value,
        low=score.low,
        high=score.high,
        better_than=difference.baseline,
        by=difference.value,
        judged=metrics.test_kind,
        table=dataset.name,
    )
