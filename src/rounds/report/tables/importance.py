"""What predictions rest on, as tables: columns by importance, spans of time in order."""

from rounds.report.run_files import RunFiles
from rounds.report.wording import count, estimate_cells, label
from rounds.run_folder.metrics import Estimate
from rounds.run_folder.stored import Content


def importance(run: RunFiles) -> Content | None:
    """Rows of (name, loss, interval); None where the run has not measured it."""
    made = run.evidence and run.evidence.importance
    if not made or not made.columns:
        return None
    parts = [("Columns", made.columns), ("Time", made.spans)]
    shown = [
        {
            "title": title,
            "rows": [
                (one.name, *estimate_cells(Estimate(value=one.value, low=one.low, high=one.high))) for one in rows
            ],
        }
        for title, rows in parts
        if rows
    ]
    return {"parts": shown, "metric": label(made.metric), "rows": count(made.rows)}
