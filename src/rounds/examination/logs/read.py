"""Logs of other tools, whatever kind they are: recognised by what is in a file, not by its name."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rounds.errors import DataError
from rounds.examination.logs.columns import SPLIT_WORDS, column_words, meaning
from rounds.examination.logs.delimited import is_delimited, read_delimited_log
from rounds.examination.logs.event_files import event_files, read_event_files
from rounds.examination.logs.json_files import is_json, read_json
from rounds.examination.logs.logged_run import LoggedRun
from rounds.examination.logs.mlflow import is_mlflow_database, mlflow_runs, read_mlflow_database, read_mlflow_run
from rounds.examination.logs.parquet import is_parquet, read_parquet
from rounds.examination.logs.runs import Choice, runs_of
from rounds.examination.logs.settings import BESIDE, read_settings
from rounds.examination.logs.table import LogTable, refuse_search
from rounds.examination.logs.text_lines import is_text_log, read_text
from rounds.foreign_files import read_small

KINDS = (
    "a run folder of Rounds; a table (CSVLogger of Keras or Lightning, Ultralytics, pandas); JSON (Keras's History, "
    "trainer_state.json, lists or lines of records); lines of text with epochs, losses and scores; TensorBoard event "
    "files; MLflow's mlruns; or a folder of these"
)
SUFFIXES = {".csv", ".tsv", ".txt", ".log", ".json", ".jsonl", ".ndjson", ".out", ".parquet", ".db", ""}
LARGEST = 64 << 20  # bytes of a file that is looked into
NO_LOGS = {"meta.yaml", "wandb-metadata.json", *BESIDE}


_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # and movements of the cursor, as terminals take them


@dataclass(frozen=True)
class Reader:
    """recognises: whether a text is of this kind; read: its tables."""

    recognises: Callable[[str], bool]
    read: Callable[[Path, str], list[LogTable]]


READERS = (
    Reader(is_json, read_json),
    Reader(is_delimited, read_delimited_log),
    Reader(is_text_log, read_text),
)


@dataclass(frozen=True)
class Logs:
    """Trainings that were read, and (file, why) of files that were left out."""

    runs: tuple[LoggedRun, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def read_logs(paths: Sequence[Path], choice: Choice | None = None) -> Logs:
    """Every training in these files and folders. Raises DataError where there is none."""
    tables: list[LogTable] = []
    left_out: list[tuple[str, str]] = []
    for path in paths:
        if not (path.is_file() or path.is_dir()):
            raise DataError("LOG", "a file or folder that exists", name="path", got=str(path), advice="Check the path")
        found, wrong = _folder_tables(path) if path.is_dir() else (_file_tables(path), [])
        tables += [_named_by_path(path, table) for table in found] if len(paths) > 1 else found
        left_out += wrong
    return logs_of(tables, choice, ", ".join(p.name for p in paths), left_out)


def logs_of(
    tables: Sequence[LogTable], choice: Choice | None, name: str, left_out: Sequence[tuple[str, str]] = ()
) -> Logs:
    """The trainings in tables; name: of what was read, for messages. Raises DataError where there is none."""
    found = [(table, runs_of(table, choice or Choice())) for table in tables]
    runs = tuple(run for _, of_table in found for run in of_table)
    empty = [(table.name, "no loss and no score by epoch or step in it") for table, of_table in found if not of_table]
    every = (*left_out, *empty)
    if not runs:
        why = f" ({'; '.join(f'{file}: {reason}' for file, reason in every[:3])})" if every else ""
        what = "losses or scores of a training by epoch or step"
        raise DataError("RUN|LOG", what, name="path", got=name + why, advice=f"Give {KINDS}")
    return Logs(runs, every)


def _named_by_path(path: Path, table: LogTable) -> LogTable:
    """Of several paths, each log is called by its own."""
    if path.is_dir():
        return replace(table, name=f"{path.name}/{table.name}")
    return replace(table, name=table.name.replace(path.name, str(path), 1))


def _file_tables(path: Path) -> list[LogTable]:
    if "tfevents" in path.name:
        return read_event_files(path.parent, [path])
    if is_parquet(path):
        return read_parquet(path)
    if is_mlflow_database(path):
        return read_mlflow_database(path)
    text = _text(path)
    reader = next((r for r in READERS if r.recognises(text)), None)
    if reader is None:
        raise DataError(path.name, "a log of a kind that is known", file=path.name, advice=f"Give {KINDS}")
    tables = reader.read(path, text)
    for table in tables:
        refuse_search(table)
    beside = read_settings(path.parent)
    return [replace(t, settings=beside | t.settings) for t in tables]


def _text(path: Path) -> str:
    try:
        raw = read_small(path, LARGEST)
    except (OSError, ValueError) as error:
        advice = "Give the log of losses by epoch"
        raise DataError(path.name, "a file that can be read", name="error", got=str(error), advice=advice) from None
    if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(path.name, "text", file=path.name, advice=f"Give {KINDS}")
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return _COLOURS.sub("", raw.decode(encoding, errors="replace"))


def _folder_tables(folder: Path) -> tuple[list[LogTable], list[tuple[str, str]]]:
    """Every log at any depth, of every kind; (file, why) of those that could not be read."""
    runs = mlflow_runs(folder)
    tables = [read_mlflow_run(run) for run in runs]
    events = event_files(folder)
    tables += read_event_files(folder, events)
    left_out: list[tuple[str, str]] = []
    for file in _candidates(folder, runs, events):
        try:
            tables += [replace(t, name=_placed(folder, file, t.name)) for t in _file_tables(file)]
        except DataError as error:
            left_out.append((str(file.relative_to(folder)), str(error)))
    return _joined(tables), left_out


def _candidates(folder: Path, runs: Iterable[Path], events: Iterable[Path]) -> list[Path]:
    """Files that may be logs: none of MLflow's own or of TensorBoard, and of Hugging Face's checkpoints the last."""
    taken = set(events)
    inside = tuple(run.parent for run in runs)
    found = [
        p
        for p in sorted(folder.rglob("*"))
        if p.is_file()
        and p.suffix.lower() in SUFFIXES
        and p not in taken
        and p.name not in NO_LOGS
        and not p.name.startswith(".")
        and not any(p.is_relative_to(r) for r in inside)
    ]
    return _last_checkpoints(found)


def _last_checkpoints(files: list[Path]) -> list[Path]:
    """Every checkpoint folder's trainer_state.json repeats the history before it."""
    newest: dict[Path, Path] = {}
    for file in sorted((f for f in files if f.name == "trainer_state.json"), key=lambda f: (f.parent.parent, _step(f))):
        newest[file.parent.parent if file.parent.name.startswith("checkpoint-") else file.parent] = file
    return [f for f in files if f.name != "trainer_state.json" or f in newest.values()]


def _step(state: Path) -> int:
    text = state.parent.name.removeprefix("checkpoint-")
    return int(text) if text.isdigit() else 1 << 60


def _placed(folder: Path, file: Path, name: str) -> str:
    return name.replace(file.name, str(file.relative_to(folder)), 1)


def _joined(tables: list[LogTable]) -> list[LogTable]:
    """TensorBoard's exports hold one tag a file (Wall time, Step, Value): those of a folder are one training."""
    parts = [t for t in tables if t.is_part]
    by_folder: dict[str, list[LogTable]] = {}
    for part in parts:
        by_folder.setdefault(str(Path(part.name).parent), []).append(part)
    joined = [
        LogTable(", ".join(Path(p.name).name for p in same), [row for p in same for row in p.rows], same[0].settings)
        for same in by_folder.values()
    ]
    return [*_splits_joined([t for t in tables if not t.is_part]), *joined]


def _splits_joined(tables: list[LogTable]) -> list[LogTable]:
    """Files of one folder with the same columns, one of them named by training and one by validation, are one."""
    groups: dict[tuple[str, ...], list[LogTable]] = {}
    for table in tables:
        groups.setdefault(_without_split(table), []).append(table)
    return [made for same in groups.values() for made in ([_of_both(same)] if _is_pair(same) else same)]


def _without_split(table: LogTable) -> tuple[str, ...]:
    """Folder, words of the file's name but those of a split, and columns."""
    path = Path(table.name)
    words = (word for word in column_words(path.stem) if word not in SPLIT_WORDS)
    return str(path.parent), *words, "", *sorted({name for row in table.rows for name in row})


def _split_of(table: LogTable) -> str:
    return next((SPLIT_WORDS[w] for w in column_words(Path(table.name).stem) if w in SPLIT_WORDS), "")


def _is_pair(tables: list[LogTable]) -> bool:
    said = [meaning(name) for table in tables for row in table.rows[:1] for name in row]
    splits = {_split_of(table) for table in tables}
    in_columns = any(one.named for one in said if one.kind != "position")
    return not in_columns and len(tables) == len(splits - {""}) == 2 and "train" in splits


def _of_both(tables: list[LogTable]) -> LogTable:
    rows = [
        {name if meaning(name).kind == "position" else f"{_split_of(table)} {name}": cell for name, cell in row.items()}
        for table in tables
        for row in table.rows
    ]
    return LogTable(", ".join(Path(t.name).name for t in tables), rows, tables[0].settings)
