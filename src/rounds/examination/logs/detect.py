"""Curves from elsewhere as evidence: one file is one training, a folder of them a population."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from rounds.errors import DataError, must_be
from rounds.examination.curve import Curve
from rounds.examination.logs.formats import (
    read_csv_log,
    read_event_folder,
    read_json_log,
    read_mlflow_run,
    read_parquet_log,
)
from rounds.examination.logs.log import Log, to_curve
from rounds.examination.run import Run

READERS = {".csv": read_csv_log, ".tsv": read_csv_log, ".json": read_json_log, ".parquet": read_parquet_log}
KINDS = (
    "a run folder of Rounds, a CSV with epoch and loss columns (Keras, Lightning), a Keras History as JSON, "
    "trainer_state.json of Hugging Face, an MLflow run, TensorBoard event files, or a folder of these"
)
SPLIT_FOLDERS = ("train", "training", "validation", "val", "valid", "eval", "test")
_EVENTS = "*tfevents*"


def read_curves(path: Path) -> Run:
    """Curves of other tools; several trainings are taken as a population. Raises DataError for unknown files."""
    if not path.exists():
        raise DataError(must_be("RUN|CURVES", "a file or folder that exists", "path", str(path), "Check the path"))
    logs = _logs(path)
    if not logs:
        advice = f"Give {KINDS}"
        raise DataError(must_be("RUN|CURVES", "curves of a training", "path", path.name, advice))
    return Run(curves=_as_population([to_curve(log, member) for member, log in enumerate(logs)]), origin="elsewhere")


def _logs(path: Path) -> list[Log]:
    if path.is_dir():
        return _folder_logs(path)
    if "tfevents" in path.name:
        return [read_event_folder(path.parent, [path])]
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        advice = f"Give {KINDS}"
        raise DataError(must_be("CURVES", "a file of a kind that is known", "file", path.name, advice))
    return reader(path)


def _folder_logs(folder: Path) -> list[Log]:
    """The first kind of log that a folder holds, at any depth."""
    if (folder / "metrics").is_dir():
        return [read_mlflow_run(folder)]
    runs = sorted(p.parent for p in folder.rglob("metrics") if p.is_dir())
    if runs:
        return [_placed(folder, run, read_mlflow_run(run)) for run in runs]
    events = sorted(folder.rglob(_EVENTS))
    if events:
        return _event_logs(folder, events)
    states = sorted(folder.rglob("trainer_state.json"))
    if states:
        return [_placed(folder, state, log) for state in _last_of_each(states) for log in read_json_log(state)]
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".csv", ".tsv"))
    files = [p for p in files if p.name == "metrics.csv"] or files or sorted(folder.glob("*.json"))
    return [_placed(folder, file, log) for file in files for log in READERS[file.suffix.lower()](file)]


def _placed(folder: Path, place: Path, log: Log) -> Log:
    """Called by its place in the folder: logs of one tool have one name."""
    return replace(log, name=log.name.replace(place.name, str(place.relative_to(folder)), 1))


def _event_logs(root: Path, files: list[Path]) -> list[Log]:
    """Event files by training: the folder above `train` and `validation`, else their own."""
    runs: dict[Path, list[Path]] = {}
    for file in files:
        folder = file.parent.parent if file.parent.name.lower() in SPLIT_FOLDERS else file.parent
        runs.setdefault(folder, []).append(file)
    logs = [(folder, read_event_folder(folder, found)) for folder, found in runs.items()]
    return [
        _placed(root, folder, log) if folder.is_relative_to(root) and folder != root else log for folder, log in logs
    ]


def _last_of_each(states: list[Path]) -> list[Path]:
    """The newest trainer_state.json of each training: every checkpoint folder repeats the history before it."""
    newest: dict[Path, Path] = {}
    for state in sorted(states, key=lambda p: (p.parent.parent, _checkpoint(p))):
        training = state.parent.parent if state.parent.name.startswith("checkpoint-") else state.parent
        newest[training] = state
    return list(newest.values())


def _checkpoint(state: Path) -> int:
    number = state.parent.name.removeprefix("checkpoint-")
    return int(number) if number.isdigit() else 1 << 60


def _as_population(curves: list[Curve]) -> tuple[Curve, ...]:
    """Members numbered within those of the same settings, as folds are, so that groups can be compared."""
    seen: Counter[tuple[tuple[str, float], ...]] = Counter()
    numbered = []
    for curve in curves:
        key = tuple(sorted(curve.settings.items()))
        numbered.append(replace(curve, fold=seen[key]))
        seen[key] += 1
    return tuple(numbered)
