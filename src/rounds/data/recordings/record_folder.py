"""A folder of recordings (WFDB, EDF), one a subject, averaged over equal spans of time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from rounds.data.recordings.edf_records import EDF, read_edf
from rounds.data.recordings.record import Record, Signal
from rounds.data.recordings.timeline import Timeline
from rounds.data.recordings.wfdb_records import HEADER, read_wfdb_record
from rounds.data.tables.cells.units import conversion
from rounds.data.tables.values import as_levels
from rounds.errors import DataError, ForcedChoiceError
from rounds.foreign_files import refusal

# Steps of an array of signals at most; faster ones are averaged over equal spans.
MOST_SAMPLES = 512
READERS: dict[str, Callable[[Path, Path], Record]] = {HEADER: read_wfdb_record, **dict.fromkeys(EDF, read_edf)}


@dataclass(frozen=True)
class FolderSignals:
    """array: [N, T, V] float32, nan after the end of a record and where there is none."""

    array: np.ndarray
    timeline: Timeline
    notes: tuple[str, ...]


def has_records(folder: Path) -> bool:
    """Whether a folder holds recordings of a kind that is read."""
    return folder.is_dir() and any(path.suffix.lower() in READERS for path in folder.rglob("*.*"))


def read_signals(folder: Path, subjects: pl.Series, timeline: Timeline | None) -> FolderSignals:
    """The records named by `subjects` (paths below the folder, with or without their ending).

    Raises DataError where none is there, a file is damaged, of a format that is not read or outside the folder, and
    ForcedChoiceError where one variable has units that cannot be distinguished from each other.
    """
    names = as_levels(subjects).to_list()
    paths = {row: path for row, name in enumerate(names) if (path := _path_of(folder, name)) is not None}
    if not paths:
        advice = "Let the key name records as files below the folder"
        raise DataError("Records", "named by the key", name=str(subjects.name), got=names[0], advice=advice)
    found = {row: READERS[path.suffix.lower()](path, folder) for row, path in paths.items()}
    timeline = timeline or _choose_timeline(list(found.values()), str(subjects.name))
    array = np.full((len(names), timeline.steps, len(timeline.variables)), np.nan, np.float32)
    for row, record in found.items():
        array[row] = step_means(record, timeline)
    absent = len(names) - len(found)
    return FolderSignals(
        array, timeline, (f"{absent:,} subjects without a record: kept, everything missing",) * (absent > 0)
    )


def _path_of(folder: Path, name: str | None) -> Path | None:
    """The file of one subject, None where there is none. Raises DataError where the name leads out of the folder."""
    for ending in ("", *READERS):
        path = folder / f"{name or ''}{ending}"
        if path.suffix.lower() not in READERS:
            continue
        why = refusal(path, folder)
        if not why:
            return path
        if why != "no such file":
            advice = "Let the key name files inside the folder"
            raise DataError("Record", "a file inside its folder", name="record", got=f"{name} ({why})", advice=advice)
    return None


def _choose_timeline(records: list[Record], key: str) -> Timeline:
    seconds = max(signal.seconds for record in records for signal in record)
    fastest = max(signal.frequency for record in records for signal in record)
    step = max(1 / fastest, seconds / MOST_SAMPLES)
    units = {signal.name: signal.unit for record in reversed(records) for signal in record}
    variables = tuple(dict.fromkeys(signal.name for record in records for signal in record))
    steps = min(int(np.ceil(seconds / step - 1e-6)), MOST_SAMPLES)
    known = {name: unit for name, unit in units.items() if unit}
    return Timeline(variables=variables, step=step, steps=steps, unit="seconds", units=known, key=key, signal=True)


def step_means(record: Record, timeline: Timeline) -> np.ndarray:
    """[T, V] mean of the samples in each step; nan for variables that the record does not have."""
    made = np.full((timeline.steps, len(timeline.variables)), np.nan, np.float32)
    own = {signal.name: signal for signal in record}
    for place, name in enumerate(timeline.variables):
        if name in own:
            made[:, place] = _means(own[name], timeline, timeline.units.get(name, ""))
    return made


def _means(signal: Signal, timeline: Timeline, unit: str) -> np.ndarray:
    step = np.floor(np.arange(len(signal.samples)) / signal.frequency / timeline.step + 1e-9).astype(np.int64)
    known = np.isfinite(signal.samples) & (step < timeline.steps)
    count = np.bincount(step[known], minlength=timeline.steps)
    total = np.bincount(step[known], signal.samples[known], minlength=timeline.steps)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    if not unit or not signal.unit:
        return mean
    way = conversion(signal.unit, unit, signal.name)
    if way is None:
        advice = "Convert the recordings, or name their signals apart"
        shown = f"{signal.name} in {unit} and {signal.unit}"
        raise ForcedChoiceError("Unit of a signal", "one, or of a known pair", name="units", got=shown, advice=advice)
    return mean * way.factor + way.offset
