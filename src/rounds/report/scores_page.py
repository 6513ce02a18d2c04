"""Scores of new patients (`rounds evaluate`) and of somebody's predictions (`rounds audit`) on one page."""

from pathlib import Path
from typing import NamedTuple

from rounds.evaluation.record import Audit, Evaluation
from rounds.files import write_whole
from rounds.report.page import REPORT, environment
from rounds.report.scores_text import (
    audit_lead,
    calibration_lines,
    coverage_lines,
    decision_lines,
    drift_lines,
    evaluated_contestants,
    overlap_lines,
    recalibration_lines,
    scores_rows,
    subgroup_lines,
)
from rounds.run_folder.evidence import Calibration
from rounds.run_folder.metrics import Scores


class Concern(NamedTuple):
    """What keeps a score from being believed, or was not checked; severity: error, warning, note or none ("")."""

    severity: str
    name: str
    text: str


class ScoresPage(NamedTuple):
    """title and lead: of whom, and of what; columns: of the table of scores; sections: title and lines."""

    title: str
    lead: str
    concerns: list[Concern]
    columns: dict[str, Scores]
    calibration: dict[str, Calibration]
    sections: list[tuple[str, list[str]]]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return scores_rows(self.columns)


def write_scores_page(page: ScoresPage, out: Path) -> Path:
    """Draws the page to a file, or as report.html into a folder, whole or not at all; returns its path."""
    path = out if out.suffix.lower() in (".html", ".htm") else out / REPORT
    text = environment().get_template("scores.html").render(page=page, svg=_calibration_figure(page.calibration))
    write_whole(path, text)
    return path


def _calibration_figure(calibration: dict[str, Calibration]) -> str:
    """The reliability curve of the first outcome, "" where there is none."""
    name, said = next(iter(calibration.items()), ("", Calibration(curve=())))
    points = said.curve
    if len(points) < 2 or not all(0 <= point.predicted <= 1 for point in points) or said.bias:
        return ""
    from rounds.report.figures.classes import calibration_chart
    from rounds.report.figures.theme import to_svg

    return to_svg(calibration_chart(points, name), "calibration", f"Share with {name} against predicted probability")


def evaluation_page(record: Evaluation) -> ScoresPage:
    """Of the record of `rounds evaluate`: new patients first."""
    return ScoresPage(
        title=f"{record.run}: new patients",
        lead=f"{record.rows:,} rows of {record.patients:,} patients: {record.meaning}",
        concerns=[Concern("warning", "Limitation", line) for line in record.limitations],
        columns=evaluated_contestants(record),
        calibration=record.calibration,
        sections=[
            ("Calibration", [*calibration_lines(record.calibration), *recalibration_lines(record.recalibration)]),
            ("Decisions", decision_lines(record.decisions)),
            ("Intervals", coverage_lines(record.intervals)),
            ("Overlap with training", overlap_lines(record.overlap)),
            ("Subgroups", subgroup_lines(record.subgroups)),
            ("Drift", drift_lines(record)),
        ],
    )


def audit_page(record: Audit, name: str) -> ScoresPage:
    """Of the record of `rounds audit`: findings first; name: of the table of predictions."""
    concerns = [Concern(f.severity, f.code, f.explanation) for f in record.findings]
    concerns += [Concern("", f"not checked: {note.code}", note.reason) for note in record.not_checked]
    return ScoresPage(
        title=f"Audit of {name}",
        lead=". ".join(line.rstrip(".") for line in audit_lead(record)),
        concerns=concerns,
        columns={part: scores.metrics for part, scores in record.parts.items()},
        calibration=record.calibration,
        sections=[
            ("Calibration", [*calibration_lines(record.calibration), *recalibration_lines(record.recalibration)]),
            ("Subgroups", subgroup_lines(record.subgroups)),
        ],
    )
