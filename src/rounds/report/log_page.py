"""Logs of other tools on one page: every run drawn, with the place of what was found marked; it loads nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

from rounds.files import write_whole
from rounds.report.page import environment
from rounds.run_folder.stored import Content

if TYPE_CHECKING:
    from rounds.examination.finding import Finding
    from rounds.examination.log_rules.examination import LogExamination

MOST_DRAWN = 60  # runs: the rest are in the table


def write_log_page(found: "LogExamination", path: Path, refresh: float | None = None) -> Path:
    """Draws the page, whole or not at all, and returns its path; refresh: seconds until a browser reads it again."""
    write_whole(path, log_page(found, refresh))
    return path


def log_page(found: "LogExamination", refresh: float | None = None) -> str:
    """The page's text."""
    drawn = drawn_runs(found)
    title = found.names[0] if len(found.names) == 1 else f"{len(found.names)} runs"
    page = environment().get_template("logs.html")
    return page.render(title=title, found=found, drawn=drawn, rows=found.rows, refresh=refresh)


def drawn_runs(found: "LogExamination") -> list[Content]:
    """The first runs: row of the table, figure, and what was found."""
    return [_drawn(found, row.run) for row in found.rows[:MOST_DRAWN]]


def _drawn(found: "LogExamination", number: int) -> Content:
    from rounds.report.figures.log_curves import log_figure

    findings = [f for f in found.findings if number in f.members]
    return {
        "row": next(row for row in found.rows if row.run == number),
        "svg": log_figure(found.runs[number], number, _marked(findings)),
        "findings": findings,
    }


def _marked(findings: "list[Finding]") -> dict[str, int]:
    """By code, the epoch or step of what asks for something (else of what was noted)."""
    alarms = [f for f in findings if f.alarms] or findings
    return {f.code: f.epoch for f in alarms if f.epoch is not None}
