"""WFDB records (PhysioNet's signals): the plain header and its sample files, without a package.

The header and formats stand in the WFDB manual, header(5) and signal(5): a line for the record (name, signals,
samples a second, samples), then a line a signal (file, format, gain(baseline)/units, resolution, zero, ...).
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from rounds.data.recordings.timeline import Timeline
from rounds.data.tables.values import as_levels
from rounds.errors import DataError, must_be

# Steps of a grid of signals at most; faster ones are averaged over equal spans.
MOST_SAMPLES = 512
DEFAULT_GAIN, DEFAULT_FREQUENCY = 200.0, 250.0  # of the manual, where a header leaves them out
_GAIN = re.compile(r"^(?P<gain>[-+.\deE]+)(\((?P<baseline>[-+\d]+)\))?(/(?P<units>\S+))?$")
_MISSING = {"16": -32768, "61": -32768, "212": -2048, "80": -128}
FORMATS = tuple(_MISSING)


@dataclass(frozen=True)
class Record:
    """samples: [T, V] float32 in physical units, nan where the file says invalid; frequency: samples a second."""

    samples: np.ndarray
    frequency: float
    names: tuple[str, ...]


@dataclass(frozen=True)
class Signals:
    """array: [N, T, V] float32, nan after the end of a record and where there is none."""

    array: np.ndarray
    timeline: Timeline
    notes: tuple[str, ...]


def has_records(folder: Path) -> bool:
    """Whether a folder holds WFDB headers."""
    return folder.is_dir() and next(folder.rglob("*.hea"), None) is not None


def read_signals(folder: Path, subjects: pl.Series, timeline: Timeline | None) -> Signals:
    """The records named by `subjects` (paths below the folder, without .hea), averaged over equal spans of time.

    Raises DataError where none is there, or a file is damaged or of a format that is not read.
    """
    names = as_levels(subjects).to_list()
    found = {row: read_record(folder / f"{n}.hea") for row, n in enumerate(names) if (folder / f"{n}.hea").is_file()}
    if not found:
        advice = "Let the key name records as files below the folder, without .hea"
        raise DataError(must_be("Records", "named by the key", str(subjects.name), names[0], advice))
    timeline = timeline or _choose_timeline(list(found.values()), str(subjects.name))
    array = np.full((len(names), timeline.steps, len(timeline.variables)), np.nan, np.float32)
    for row, record in found.items():
        array[row] = averaged(record, timeline)
    absent = len(names) - len(found)
    return Signals(array, timeline, (f"{absent:,} subjects without a record: kept, everything missing",) * (absent > 0))


def _choose_timeline(records: list[Record], key: str) -> Timeline:
    seconds = max(len(r.samples) / r.frequency for r in records)
    fastest = max(r.frequency for r in records)
    step = max(1 / fastest, seconds / MOST_SAMPLES)
    variables = tuple(dict.fromkeys(name for r in records for name in r.names))
    steps = min(int(np.ceil(seconds / step - 1e-6)), MOST_SAMPLES)
    return Timeline(variables=variables, step=step, steps=steps, unit="seconds", key=key, signal=True)


def averaged(record: Record, timeline: Timeline) -> np.ndarray:
    """[T, V] mean of the samples in each step; nan for variables that the record does not have."""
    made = np.full((timeline.steps, len(timeline.variables)), np.nan, np.float32)
    step = np.floor(np.arange(len(record.samples)) / record.frequency / timeline.step + 1e-9).astype(np.int64)
    for place, name in enumerate(timeline.variables):
        if name not in record.names:
            continue
        x = record.samples[:, record.names.index(name)]
        known = np.isfinite(x) & (step < timeline.steps)
        count = np.bincount(step[known], minlength=timeline.steps)
        total = np.bincount(step[known], x[known], minlength=timeline.steps)
        made[:, place] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return made


def read_record(header: Path) -> Record:
    """One record by its header file.

    Raises DataError where header or samples are damaged, or of a format that is not read.
    """
    try:
        lines = [line for line in header.read_text(encoding="latin-1").splitlines() if line and line[0] != "#"]
        words = lines[0].split()
        count = int(words[1])
        frequency = float(words[2].split("/")[0].split("(")[0]) if len(words) > 2 else DEFAULT_FREQUENCY
        signals = [_signal_line(line) for line in lines[1 : 1 + count]]
    except (OSError, ValueError, IndexError) as error:
        raise _damaged(header, str(error)) from None
    if len(signals) != count or not count or frequency <= 0:
        raise _damaged(header, f"{count} signals announced, {len(signals)} described, {frequency:g} samples a second")
    files = dict.fromkeys(s["file"] for s in signals)
    columns: list[np.ndarray] = []
    for name in files:
        own = [s for s in signals if s["file"] == name]
        columns += list(_samples(header.parent / name, own, header).T)
    names = _distinct([s["name"] for name in files for s in signals if s["file"] == name])
    length = min(len(c) for c in columns)
    return Record(np.stack([c[:length] for c in columns], axis=1), frequency, names)


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Names of signals, numbered where two are the same."""
    return tuple(f"{n} {names[: i + 1].count(n)}" if names.count(n) > 1 else n for i, n in enumerate(names))


def _signal_line(line: str) -> dict[str, str]:
    words = line.split(maxsplit=8)
    gain = _GAIN.match(words[2]) if len(words) > 2 else None
    zero = words[4] if len(words) > 4 else "0"
    return {
        "file": words[0],
        "format": words[1],
        "zero": zero,
        "name": words[8] if len(words) > 8 else "signal",
        "gain": (gain and gain["gain"]) or "0",
        "baseline": (gain and gain["baseline"]) or zero,
    }


def _samples(path: Path, signals: list[dict[str, str]], header: Path) -> np.ndarray:
    """[T, V] physical values of the signals of one file."""
    kind = signals[0]["format"]
    if kind not in FORMATS or any(s["format"] != kind for s in signals):
        shown = f"{kind} in {header.name}"
        advice = "Convert the record with WFDB's xform, or export its signals as an NPZ file"
        raise DataError(must_be("Format of a WFDB file", f"one of {', '.join(FORMATS)}", "format", shown, advice))
    try:
        digital = _digital(path.read_bytes(), kind)
    except OSError as error:
        raise _damaged(path, str(error)) from None
    if len(digital) < len(signals):
        raise _damaged(path, f"{len(digital)} samples for {len(signals)} signals")
    digital = digital[: len(digital) // len(signals) * len(signals)].reshape(-1, len(signals)).astype(np.float64)
    gain = np.array([float(s["gain"]) or DEFAULT_GAIN for s in signals])
    baseline = np.array([float(s["baseline"]) for s in signals])
    physical = np.where(digital == _MISSING[kind], np.nan, (digital - baseline) / gain)
    return physical.astype(np.float32)


def _digital(content: bytes, kind: str) -> np.ndarray:
    """Samples in the order of the file; 212 packs two 12-bit samples into three bytes.

    >>> _digital(bytes([0x01, 0xF0, 0xFF]), "212").tolist()
    [1, -1]
    """
    if kind in ("16", "61"):
        return np.frombuffer(content[: len(content) // 2 * 2], "<i2" if kind == "16" else ">i2")
    if kind == "80":
        return np.frombuffer(content, np.uint8).astype(np.int16) - 128
    packed = np.frombuffer(content[: len(content) // 3 * 3], np.uint8).reshape(-1, 3).astype(np.int16)
    first = packed[:, 0] | ((packed[:, 1] & 0x0F) << 8)
    second = packed[:, 2] | ((packed[:, 1] & 0xF0) << 4)
    pairs = np.stack([first, second], axis=1).ravel()
    return np.where(pairs > 2047, pairs - 4096, pairs)


def _damaged(path: Path, why: str) -> DataError:
    return DataError(must_be("WFDB record", "whole", "file", f"{path.name} ({why})", "Copy the record again"))
