"""MLflow's folders of files: metrics/NAME holds lines of time, value and step, params/NAME a value (MLflow 2 and 3)."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rounds.errors import DataError
from rounds.examination.logs.settings import named_settings, read_params
from rounds.examination.logs.table import LogTable, Row, cell_number


def mlflow_runs(folder: Path) -> list[Path]:
    """Run folders at any depth. MLflow 3 keeps each metric once more beside the model: those are left out."""
    found = sorted(p.parent for p in [folder / "metrics", *folder.rglob("metrics")] if p.is_dir())
    return [p for p in dict.fromkeys(found) if p.parent.name != "models" and _is_run(p)]


def _is_run(folder: Path) -> bool:
    return (folder / "meta.yaml").is_file() or (folder / "params").is_dir() or (folder / "tags").is_dir()


def read_mlflow_run(folder: Path) -> LogTable:
    """A row a step; where all steps are 0 (none was given) values count in their order, and a repeated step wins."""
    root = folder / "metrics"
    rows: dict[float, Row] = {}
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        name = str(file.relative_to(root))
        for step, value in _points(file).items():
            rows.setdefault(step, {"step": step})[name] = value
    return LogTable(_name(folder), [rows[step] for step in sorted(rows)], read_params(folder / "params"))


def _points(file: Path) -> dict[float, float]:
    lines = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    found = [(cells, value) for cells in lines if len(cells) > 1 and (value := cell_number(cells[1])) is not None]
    steps = [cell_number(cells[2]) if len(cells) > 2 else None for cells, _ in found]
    if len(found) > 1 and len(set(steps)) == 1:
        steps = [float(i) for i in range(len(found))]
    return {step or 0.0: value for step, (_, value) in zip(steps, found, strict=True)}


def _name(folder: Path) -> str:
    named = folder / "tags" / "mlflow.runName"
    return named.read_text(encoding="utf-8", errors="replace").strip() if named.is_file() else folder.name


def is_mlflow_database(path: Path) -> bool:
    """Whether the file is a database of SQLite, as MLflow keeps runs from version 3.7 on."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def read_mlflow_database(path: Path) -> list[LogTable]:
    """Every run in it, opened for reading alone. Raises DataError for other databases."""
    with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as database:
        try:
            names = dict(database.execute("SELECT run_uuid, name FROM runs"))
            metrics = list(
                database.execute("SELECT run_uuid, key, value, is_nan, step FROM metrics ORDER BY timestamp")
            )
            params = list(database.execute("SELECT run_uuid, key, value FROM params"))
        except sqlite3.DatabaseError as error:
            advice = "Give the database that MLflow keeps its runs in"
            raise DataError(path.name, "MLflow's database", name="error", got=str(error), advice=advice) from None
    return [_database_run(run, name or run, metrics, params) for run, name in names.items()]


def _database_run(run: str, name: str, metrics: list[Any], params: list[Any]) -> LogTable:
    columns: dict[str, list[tuple[float, float]]] = {}
    for own, key, value, is_nan, step in metrics:
        if own == run:
            columns.setdefault(key, []).append((float(step), float("nan") if is_nan else float(value)))
    rows: dict[float, Row] = {}
    for key, points in columns.items():
        stepless = len({step for step, _ in points}) == 1
        for i, (step, value) in enumerate(points):
            rows.setdefault(float(i) if stepless else step, {})[key] = value
    settings = named_settings({key: value for own, key, value in params if own == run})
    return LogTable(name, [{"step": step, **rows[step]} for step in sorted(rows)], settings)
