"""Scores of new patients and of tables of predictions, as a person reads them in the terminal."""

from rich.console import Console
from rich.table import Table

from rounds.cli.console import make_console
from rounds.evaluation.record import Audit, Evaluation, KerasAudit
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
from rounds.run_folder.metrics import Scores

_WIDE = 160  # letters a line where no terminal says how wide it is


def show_evaluation(record: Evaluation) -> None:
    """Limitations first, then scores beside the old ones, calibration, drift."""
    console = make_console(piped_width=_WIDE)
    console.print(f"{record.rows:,} rows of {record.patients:,} patients: {record.meaning}")
    for line in record.limitations:
        console.print(f"Limitation: {line}")
    console.print(contestants_table(evaluated_contestants(record)))
    for line in (*calibration_lines(record.calibration), *recalibration_lines(record.recalibration)):
        console.print(line)
    for line in decision_lines(record.decisions):
        console.print(line)
    for line in (
        *coverage_lines(record.intervals),
        *overlap_lines(record.overlap),
        *subgroup_lines(record.subgroups),
        *drift_lines(record),
    ):
        console.print(line)


def contestants_table(columns: dict[str, Scores]) -> Table:
    """One line a metric, one column a contestant."""
    table = Table(box=None, pad_edge=False)
    for column in ("", *columns):
        table.add_column(column, justify="left" if not column else "right")
    for row in scores_rows(columns):
        table.add_row(*row)
    return table


def show_audit(record: Audit) -> None:
    """Findings first, then the scores of each part, calibration, subgroups, and what was not checked."""
    console = make_console(piped_width=_WIDE)
    for line in audit_lead(record):
        console.print(line)
    _print_findings(console, record)
    console.print(contestants_table({name: part.metrics for name, part in record.parts.items()}))
    for line in calibration_lines(record.calibration):
        console.print(line)
    for line in subgroup_lines(record.subgroups):
        console.print(line)


def _print_findings(console: Console, record: Audit | KerasAudit) -> None:
    for finding in record.findings:
        console.print(f"{finding.severity}: {finding.code}: {finding.explanation}")
    if not record.findings:
        console.print("fine: healthy: Nothing stood out.")
    for note in record.not_checked:
        console.print(f"not checked: {note.code}: {note.reason}")


def show_keras_audit(record: KerasAudit) -> None:
    """What stands out in a Keras model, and what its file cannot say."""
    console = make_console(piped_width=_WIDE)
    console.print(f"{record.model}: {record.parameters:,} weights, looked at on {record.rows:,} rows")
    if loss := record.loss:
        values = f"{loss.end:.3g}; with fresh weights {loss.start:.3g}, of a constant {loss.constant:.3g}"
        console.print(f"{loss.name} on these rows: {values}")
    _print_findings(console, record)
