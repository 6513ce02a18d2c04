"""What a run folder holds of single patients, and the folder without it, fit to be handed on.

Everything else in it is aggregates: levels and limits that ten patients share, cells of ten patients and more, weights.
The names of the outcome's classes stay however few patients have one, since predictions are made of them.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from rounds.files import write_json

STRIPPED = "stripped.json"
_EMBEDDED = "data:image/png;base64,"


@dataclass(frozen=True)
class Holding:
    """Something in a run folder that is of single patients. lost: what can no longer be done without it."""

    file: str
    holds: str
    lost: str
    size: int = 0


HOLDINGS = (
    Holding(
        "predictions.parquet",
        "a row for each row that validated or judged: its place, a number for its patient, outcome, predictions",
        "drawing the report again",
    ),
    Holding(
        "seen.parquet",
        "a keyed mark of each patient and row: whoever has a list of possible identifiers can try them",
        "telling that a new patient was learned from (rounds evaluate)",
    ),
    Holding("images/looked_at.png", "images of patients", "these pictures"),
    Holding("images/augmented.png", "images of patients", "these pictures"),
    Holding("images/patches.png", "parts of images of patients", "these pictures"),
    Holding("checkpoints", "what each patient's fold chose, epoch by epoch, of a run that is not finished", "--resume"),
    Holding("failures.txt", "texts of errors, which may quote a cell", "looking for the fault"),
)
IN_REPORT = Holding("report.html", "images of patients (--show-images)", "these pictures in the report")


def holdings(run: Path) -> list[Holding]:
    """What is there of single patients, with its size in bytes."""
    found = [Holding(h.file, h.holds, h.lost, _size(run / h.file)) for h in HOLDINGS if (run / h.file).exists()]
    report = run / IN_REPORT.file
    if report.is_file() and _shows_patients(run, report):
        found.append(Holding(IN_REPORT.file, IN_REPORT.holds, IN_REPORT.lost, _size(report)))
    return found


def strip(run: Path) -> list[Holding]:
    """Removes what is of single patients, and writes what it was to stripped.json; the report has to be drawn without
    patients' images before. Returns what was removed."""
    removed = [h for h in holdings(run) if h.file != IN_REPORT.file]
    for holding in removed:
        path = run / holding.file
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    before = json.loads((run / STRIPPED).read_text(encoding="utf-8"))["removed"] if (run / STRIPPED).exists() else []
    names = [*before, *(h.file for h in removed if h.file not in before)]
    write_json(run / STRIPPED, {"removed": names})
    return removed


def is_stripped(path: Path) -> bool:
    """Whether a file of a run folder is missing because it was removed by `strip`."""
    record = path.parent / STRIPPED
    return record.exists() and path.name in json.loads(record.read_text(encoding="utf-8"))["removed"]


def _shows_patients(run: Path, report: Path) -> bool:
    """Whether the report has a picture in it that shows patients: more embedded ones than the one of filters."""
    filters = int((run / "images" / "filters.png").exists())
    return report.read_text(encoding="utf-8").count(_EMBEDDED) > filters


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)
