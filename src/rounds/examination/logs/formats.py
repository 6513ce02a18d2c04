"""Readers of other tools' logs, one a format: a file -> the trainings in it."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import polars as pl

from rounds.errors import DataError, must_be
from rounds.examination.logs.log import Log, Points, Split, split_and_metric, split_of
from rounds.examination.logs.tensorboard import read_scalars

RUN_COLUMNS = ("run", "run_id", "member", "seed", "fold", "trial", "version")
LONG = {"epoch", "split", "metric", "value"}
Key = tuple[Split, str]


def read_csv_log(path: Path) -> list[Log]:
    """A CSV with an epoch (or step) column and a column a metric: Keras, Lightning, or one made by hand.

    Lightning leaves cells empty and writes several rows an epoch; a column such as `run` separates trainings.
    """
    text = _text(path, "a CSV file")
    rows = list(csv.reader(text.splitlines(), delimiter=_delimiter(text)))
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise DataError(must_be(path.name, "a CSV with a head and rows", "rows", len(rows), "Check the file"))
    head = [name.strip() for name in rows[0]]
    return _long_logs(path, head, rows[1:]) if set(head) >= LONG else _wide_logs(path, head, rows[1:])


def _delimiter(text: str) -> str:
    head = text.splitlines()[0] if text else ""
    return max(",;\t", key=head.count)


def _wide_logs(path: Path, head: list[str], rows: list[list[str]]) -> list[Log]:
    lower = [name.lower() for name in head]
    position = next((lower.index(n) for n in ("epoch", "epochs", "step", "iteration") if n in lower), None)
    if position is None:
        advice = "Name the column of epochs epoch, or of steps step"
        raise DataError(must_be(path.name, "a CSV with an epoch column", "columns", ", ".join(head), advice))
    by = [lower.index(n) for n in RUN_COLUMNS if n in lower]
    meant = _preferred(
        {i: key for i, name in enumerate(head) if i not in (position, *by) and (key := split_and_metric(name))}, head
    )
    runs: dict[str, dict[Key, Points]] = {}
    for number, row in enumerate(rows, start=2):
        _check_cells(path, number, row, head)
        points = runs.setdefault(" ".join(row[i] for i in by), {})
        if not row[position].strip():
            continue  # a row without a position, such as a final test
        at = _number(row[position], path, number, head[position])
        for i, key in meant.items():
            if row[i].strip():
                points.setdefault(key, []).append((at, _number(row[i], path, number, head[i])))
    return [Log(f"{path.name}{' ' + name if name else ''}", points) for name, points in runs.items()]


def _check_cells(path: Path, number: int, row: list[str], head: list[str]) -> None:
    if len(row) != len(head):
        advice = f"Mend row {number}"
        raise DataError(must_be(f"{path.name}, row {number}", f"{len(head)} cells", "cells", len(row), advice))


def _preferred(meant: dict[int, Key], head: list[str]) -> dict[int, Key]:
    """One column a metric: Lightning logs the same loss by step and by epoch, of which the epoch's is kept."""
    chosen: dict[Key, int] = {}
    for i, key in meant.items():
        if key not in chosen or head[chosen[key]].endswith("_step"):
            chosen[key] = i
    return {i: key for key, i in chosen.items()}


def _long_logs(path: Path, head: list[str], rows: list[list[str]]) -> list[Log]:
    """Rows of (epoch, split, metric, value), and a member or run column: how Rounds keeps curves."""
    place = {name: head.index(name) for name in LONG}
    by = [head.index(n) for n in RUN_COLUMNS if n in head]
    runs: dict[str, dict[Key, Points]] = {}
    for number, row in enumerate(rows, start=2):
        _check_cells(path, number, row, head)
        if (split := split_of(row[place["split"]])) is None:
            what, expected = f"{path.name}, row {number}, column split", "train, validation or test"
            raise DataError(must_be(what, expected, "value", row[place["split"]], "Mend the cell"))
        at = _number(row[place["epoch"]], path, number, "epoch")
        value = _number(row[place["value"]], path, number, "value")
        points = runs.setdefault(" ".join(row[i] for i in by), {})
        points.setdefault((split, row[place["metric"]]), []).append((at, value))
    return [Log(f"{path.name} {name}".strip(), points) for name, points in runs.items()]


def _number(text: str, path: Path, row: int, column: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        what = f"{path.name}, row {row}, column {column}"
        raise DataError(must_be(what, "a number", "value", text, "Mend the cell")) from None


def read_parquet_log(path: Path) -> list[Log]:
    """Curves as Rounds keeps them, in a file of their own."""
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, "a Parquet file", error) from None
    if not set(frame.columns) >= LONG:
        advice = "Give curves with the columns epoch, split, metric, value"
        raise DataError(must_be(path.name, "a table of curves", "columns", ", ".join(frame.columns), advice))
    rows = [["" if v is None else str(v) for v in row] for row in frame.iter_rows()]
    return _long_logs(path, frame.columns, rows)


def read_json_log(path: Path) -> list[Log]:
    """Keras's `History.history` (or the whole `History`) as JSON, or Hugging Face's trainer_state.json."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise _unreadable(path, "a JSON file", error) from None
    if isinstance(content, dict) and isinstance(content.get("log_history"), list):
        return [_trainer_state(path, content["log_history"])]
    history = content.get("history", content) if isinstance(content, dict) else None
    columns = {k: v for k, v in history.items() if isinstance(v, list)} if isinstance(history, dict) else {}
    if not any(split_and_metric(name) for name in columns):
        advice = "Give History.history of Keras as JSON, or trainer_state.json of Hugging Face"
        raise DataError(must_be(path.name, "curves by name", "content", str(content)[:60], advice))
    return [_history(path, columns)]


def _history(path: Path, columns: dict[str, list[Any]]) -> Log:
    points: dict[Key, Points] = {}
    for name, values in columns.items():
        if key := split_and_metric(name):
            numbered = [(float(i), _json_number(v, path, name)) for i, v in enumerate(values) if v is not None]
            points.setdefault(key, numbered)
    return Log(path.name, points)


def _trainer_state(path: Path, entries: list[Any]) -> Log:
    """log_history: entries of training (loss, learning_rate) and of evaluation (eval_loss), by epoch as a fraction."""
    points: dict[Key, Points] = {}
    for entry in entries:
        if not isinstance(entry, dict) or "train_runtime" in entry:
            continue
        at = entry.get("step", entry.get("epoch"))
        if at is None:
            continue
        for name, value in entry.items():
            if name.endswith(("runtime", "per_second")) or not isinstance(value, int | float):
                continue
            if key := split_and_metric(name):
                points.setdefault(key, []).append((float(at), float(value)))
    return Log(path.name, points)


def _json_number(value: Any, path: Path, name: str) -> float:
    """A number of a JSON file; NaN and Infinity may be written as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError(must_be(f"{path.name}, {name}", "numbers", "value", value, "Mend the file")) from None


def read_mlflow_run(folder: Path) -> Log:
    """An MLflow run folder: metrics/NAME holds lines of time, value, step; params/NAME a value."""
    points: dict[Key, Points] = {}
    root = folder / "metrics"
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        if key := split_and_metric(str(file.relative_to(root))):
            points.setdefault(key, _mlflow_points(file))
    settings = {}
    for name in ("learning_rate", "lr"):
        file = folder / "params" / name
        if file.is_file() and _is_number(text := _text(file, "a parameter")):
            settings["learning_rate"] = float(text)
    return Log(folder.name, points, settings)


def _mlflow_points(file: Path) -> Points:
    points: Points = []
    for number, line in enumerate(_text(file, "a metric").splitlines(), start=1):
        cells = line.split()
        if len(cells) < 2:
            continue
        value = _number(cells[1], file, number, "value")
        points.append((_number(cells[2], file, number, "step") if len(cells) > 2 else float(len(points)), value))
    return sorted(points, key=lambda point: point[0])


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_event_folder(folder: Path, files: list[Path]) -> Log:
    """TensorBoard event files of one training; Keras writes `train` and `validation` folders with equal tags."""
    points: dict[Key, Points] = {}
    for file in sorted(files):
        below = file.parent.relative_to(folder)
        for scalar in read_scalars(file):
            if key := split_and_metric("/".join([*below.parts, scalar.tag])):
                points.setdefault(key, []).append((float(scalar.step), scalar.value))
    return Log(folder.name, points)


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise _unreadable(path, what, error) from None


def _unreadable(path: Path, what: str, error: Exception) -> DataError:
    return DataError(must_be(path.name, f"{what} that can be read", "error", str(error)[:120], "Check the file"))
