"""Scores of new patients and of tables of predictions, as a person reads them in the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

_MOST_LINES = 12  # columns that moved, and notes, shown; the record has all


def show_evaluation(record: dict[str, Any]) -> None:
    """Limitations first, then scores beside the old ones, calibration, drift."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"{record['rows']:,} rows of {record['patients']:,} patients: {record['meaning']}")
    for line in record["limitations"]:
        console.print(f"Limitation: {line}")
    console.print(scores_table(_contestants(record)))
    for line in (*calibration_lines(record["calibration"]), *_recalibration_lines(record["recalibration"])):
        console.print(line)
    for line in _drift_lines(record):
        console.print(line)


def _contestants(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The network now and then, and the baseline that does best now; the record has the others."""
    rows = {"new patients": record["metrics"], "test of training": record["before"]}
    if record["difference"]:
        best = record["difference"]["baseline"]
        rows[f"{best}, new patients"] = record["baselines"][best]
    return rows


def scores_table(contestants: dict[str, dict[str, Any]]) -> Table:
    """One line a metric, one column a contestant."""
    table = Table(box=None, pad_edge=False)
    for column in ("", *contestants):
        table.add_column(column, justify="left" if not column else "right")
    for metric in dict.fromkeys(metric for scores in contestants.values() for metric in scores):
        table.add_row(metric, *(interval_text(scores.get(metric)) for scores in contestants.values()))
    return table


def interval_text(score: dict[str, Any] | None) -> str:
    """
    >>> interval_text({"value": 0.8123, "low": 0.75, "high": 0.9})
    '0.812 (0.75 to 0.9)'
    """
    if not score:
        return "-"
    return f"{score['value']:.3g} ({score['low']:.3g} to {score['high']:.3g})"


def calibration_lines(calibration: dict[str, dict[str, Any]]) -> list[str]:
    """A line an output: slope, intercept, expected over observed or bias."""
    lines = []
    for name, made in list(calibration.items())[:_MOST_LINES]:
        parts = [f"{key.replace('_', ' ')} {interval_text(made[key])}" for key in _SHOWN if key in made]
        lines.append(f"Calibration of {name}: {', '.join(parts) or 'not defined on these rows'}")
    return lines


_SHOWN = ("slope", "intercept", "expected_over_observed", "bias")


def _recalibration_lines(record: dict[str, Any]) -> list[str]:
    if record["kept"] == "none":
        return ["Recalibration: none helps on patients it was not fitted on."]
    gain = interval_text(record["tried"][record["kept"]]["gain"])
    return [f"Recalibration: {record['kept']} helps, {record['metric']} better by {gain} (cross-fitted by patient)."]


def _drift_lines(record: dict[str, Any]) -> list[str]:
    drift = record["drift"]
    texts = [column["text"] for column in drift["columns"] if column["text"]]
    texts += [note["text"] for note in record["notes"]]
    head = "Drift: no column moved." if drift["judged"] else f"Drift was not judged: {drift['reason']}."
    return [*([] if texts and drift["judged"] else [head]), *texts[:_MOST_LINES]]
