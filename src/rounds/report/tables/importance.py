"""What predictions rest on, as tables: columns by importance, spans of time in order."""

from rounds.report.run_files import Record, RunFiles
from rounds.report.wording import count, estimate_cells, label

MOST_COLUMNS = 15  # the most important first; evidence.json has all


def importance(run: RunFiles) -> Record | None:
    """Rows of (name, loss, interval); None where the run has not measured it."""
    made = run.evidence.get("importance")
    if not made or not made["columns"]:
        return None
    parts = [("Columns", made["columns"][:MOST_COLUMNS]), ("Time", made["spans"])]
    shown = [
        {"title": title, "rows": [(one["name"], *estimate_cells(one)) for one in rows]} for title, rows in parts if rows
    ]
    return {"parts": shown, "metric": label(made["metric"]), "rows": count(made["rows"])}
