"""What the page shows now: of a run under way, of a run that is done, or of logs of another tool."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from rounds.errors import RoundsError
from rounds.examination.sources.source import examine_log_files, is_run_folder
from rounds.metrics import main_metric
from rounds.report.figures.table import Drawn, draw_figures
from rounds.report.page import REPORT
from rounds.report.run_files import RunFiles, read_run_table
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.metrics import MetricsFile
from rounds.run_folder.plan import PlanFile
from rounds.run_folder.prescriptions import read_prescriptions
from rounds.run_folder.progress import LIVE, ProgressFile, duration
from rounds.run_folder.stored import Content

SECTIONS = ("trained", "prescribed", "stay")  # of the report, whose figures need no judged patient
SILENT = 60.0  # seconds without a word after which that is said


@dataclass(frozen=True)
class ShownFigure:
    """A figure as the page places it: name tells figures apart, sentence says what is to be seen."""

    name: str
    title: str
    sentence: str
    svg: str


@dataclass(frozen=True)
class ShownFinding:
    """One finding, with its words and when it was seen."""

    code: str
    name: str
    severity: str
    explanation: str
    when: str


@dataclass(frozen=True)
class LiveView:
    """title: of the run or log; stage: what happens now; facts: a line each; share: of the stage that is done (None:
    not known); finished: whether there is a report to go on to."""

    title: str
    stage: str
    facts: tuple[str, ...] = ()
    share: float | None = None
    findings: tuple[ShownFinding, ...] = ()
    figures: tuple[ShownFigure, ...] = ()
    finished: bool = False

    def record(self) -> Content:
        """Plain values for JSON."""
        return asdict(self)


def live_view_of(paths: Sequence[Path]) -> LiveView:
    """Of a run folder, or of logs; a place where nothing is yet says so."""
    path = paths[0]
    try:
        if len(paths) == 1 and (is_run_folder(path) or ProgressFile.is_there(path)):
            return _finished(path) if (path / REPORT).exists() and (path / "metrics.json").exists() else _running(path)
        return _logs(paths)
    except RoundsError as error:  # nothing to read yet, or half of a line
        return LiveView(path.name, "waiting for the first epoch", (str(error),))


def _finished(run: Path) -> LiveView:
    return LiveView(run.resolve().name, "done", finished=True)


def _running(run: Path) -> LiveView:
    title = run.resolve().name
    if (run / "metrics.json").exists():
        return LiveView(title, "drawing the report")
    if not ProgressFile.is_there(run):
        return LiveView(title, "not under way", ("Nothing trains in this folder now; rounds train --resume goes on.",))
    progress = ProgressFile.read(run)
    found = tuple(
        ShownFinding(f.code, f.name, f.severity, f.explanation, f"after {f.epoch} epochs of {f.networks} networks")
        for f in progress.findings
    )
    share = progress.done / progress.total if progress.total else None
    return LiveView(title, progress.stage, _facts(progress), share, found, _figures(run))


def _facts(progress: ProgressFile) -> tuple[str, ...]:
    lines = [f"{duration(progress.seconds)} so far", f"{progress.megabytes:,.0f} MB of memory at most"]
    quiet = time.time() - progress.updated
    if progress.seconds_left is not None:
        low, high = (duration(max(left - quiet, 0.0)) for left in progress.seconds_left)
        lines.insert(1, f"{low if low == high else f'{low} to {high}'} left")
    if progress.best is not None:
        lines.append(f"best validation {progress.best:.4g}")
    if progress.total:
        lines.append(f"{progress.done:,} of {progress.total:,} epochs of all its networks")
    return (*lines, f"last word {duration(quiet)} ago") if quiet > SILENT else tuple(lines)


def _figures(run: Path) -> tuple[ShownFigure, ...]:
    """The report's figures of the population that trains now."""
    place = run / LIVE
    if not (place / "members.parquet").exists():
        return ()
    dataset = DatasetFile.read(run)
    none = pl.DataFrame({"outer": [], "round": []})
    files = RunFiles(
        dataset=dataset,
        plan=PlanFile.read(run),
        findings=FindingsFile.model_construct(),  # nothing is judged yet
        metrics=MetricsFile.model_construct(task=dataset.task, main_metric=main_metric(dataset.task)),
        prescriptions=read_prescriptions(run),
        tables={"measures": none, **{name: read_run_table(place / f"{name}.parquet") for name in _TABLES}},
    )
    drawn = draw_figures(files, SECTIONS)
    return tuple(_shown(one) for section in SECTIONS for one in drawn[section])


_TABLES = ("curves", "members", "steps")


def _shown(drawn: Drawn) -> ShownFigure:
    figure = drawn.figure
    return ShownFigure(figure.name, figure.title, figure.sentence, drawn.svg)


def _logs(paths: Sequence[Path]) -> LiveView:
    from rounds.report.log_page import drawn_runs

    found = examine_log_files(list(paths))
    findings = tuple(
        ShownFinding(f.code, f.name, f.severity, f.explanation, f"at {f.epoch}" if f.epoch is not None else "")
        for f in found.findings
    )
    drawn = drawn_runs(found)
    figures = tuple(
        ShownFigure(f"run-{one['row'].run}", one["row"].name, f"Read: {'; '.join(one['row'].read)}.", one["svg"])
        for one in drawn
    )
    points = max((row.points for row in found.rows), default=0)
    title = found.names[0] if len(found.names) == 1 else f"{len(found.names)} runs"
    return LiveView(title, "followed", (f"{points:,} points read",), None, findings, figures)
