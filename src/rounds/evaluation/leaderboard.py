"""A leaderboard: the finished runs below a folder, by table, outcome and metric."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rounds.errors import RunFolderError
from rounds.metrics import METRICS
from rounds.run_folder.read import read_record
from rounds.statistics.intervals import Interval


@dataclass(frozen=True)
class ListedRun:
    """A line of the leaderboard. test: which judged rows (`test_kind`), of which table; value: in the main metric."""

    name: str
    target: str
    metric: str
    value: Interval
    baseline: str
    gain: float | None
    kind: str
    table: str

    def record(self) -> dict[str, Any]:
        """As `rounds runs --json` prints it."""
        return {
            "run": self.name,
            "target": self.target,
            "metric": self.metric,
            **{k: self.value[k] for k in ("value", "low", "high")},
            "better_than": self.baseline,
            "by": self.gain,
            "judged": self.kind,
            "table": self.table,
        }


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
    value = run.value["value"]
    return run.table, run.target, run.metric, -value if METRICS[run.metric].better == "higher" else value


def _listed(root: Path, folder: Path) -> ListedRun:
    metrics, dataset = read_record(folder, "metrics.json"), read_record(folder, "dataset.json")
    name, difference = metrics["main_metric"], metrics.get("difference") or {}
    return ListedRun(
        str(folder.relative_to(root)) if folder != root else folder.name,
        ", ".join(metrics["task"]["targets"][:3]),
        name,
        metrics["test"][name],
        str(difference.get("baseline", "")),
        difference.get("value"),
        metrics["test_kind"],
        dataset["name"],
    )
