"""MLflow's folders of files: metrics/NAME holds lines of time, value and step, params/NAME a value (MLflow 2 and 3)."""

from pathlib import Path

from rounds.examination.logs.settings import read_params
from rounds.examination.logs.table import LogTable, Row, number


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
    found = [(cells, value) for cells in lines if len(cells) > 1 and (value := number(cells[1])) is not None]
    steps = [number(cells[2]) if len(cells) > 2 else None for cells, _ in found]
    if len(found) > 1 and len(set(steps)) == 1:
        steps = [float(i) for i in range(len(found))]
    return {step or 0.0: value for step, (_, value) in zip(steps, found, strict=True)}


def _name(folder: Path) -> str:
    named = folder / "tags" / "mlflow.runName"
    return named.read_text(encoding="utf-8", errors="replace").strip() if named.is_file() else folder.name
