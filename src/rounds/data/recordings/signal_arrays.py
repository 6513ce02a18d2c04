"""Evenly sampled signals and their labels in one NPZ file, with or without test rows of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from rounds.data.recordings.timeline import Timeline
from rounds.errors import DataError

# Steps of a grid of signals at most; longer ones are averaged over equal spans.
MOST_SAMPLES = 512
PARTS = ("train", "val", "valid", "validation", "test")
SIGNAL, LABELS = "signal", ("y", "label", "labels", "target", "targets")
_PART = re.compile(
    rf"^(?:(?P<before>{'|'.join(PARTS)})_)?(?P<name>.*?)(?:_(?P<behind>{'|'.join(PARTS)}))?$", re.I | re.S
)


@dataclass(frozen=True)
class SignalFile:
    """table: the other arrays of the rows to learn from, as columns; test: of the file's own test rows, or None;
    grid, test_array: [N, T, V] float32; target: the column of labels, "" where none is named so."""

    table: pl.DataFrame
    test: pl.DataFrame | None
    array: np.ndarray
    test_array: np.ndarray | None
    timeline: Timeline
    target: str
    notes: tuple[str, ...]


def holds_signals(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether the arrays of an NPZ file hold signals: numbers with two axes (rows, steps) or three (and variables).

    Pixels are no signals: what is named so, and bytes with three axes.

    >>> holds_signals({"x": np.zeros((9, 200), np.int16)}), holds_signals({"x": np.zeros((9, 8, 8), np.uint8)})
    (True, False)
    """
    if any("image" in name.lower() for name in arrays):
        return False
    return any(a.ndim in (2, 3) and a.dtype.kind in "fiu" and not _is_pixels(a) for a in arrays.values())


def _is_pixels(array: np.ndarray) -> bool:
    return array.ndim == 3 and array.dtype.itemsize == 1


def read_signal_arrays(arrays: Mapping[str, np.ndarray]) -> SignalFile:
    """Arrays x [N, T] or [N, T, V] and others [N] (y, patient, ...), each maybe named train_x, test_x and so on.

    Rows of val_ arrays are learned from as well. Raises DataError where arrays do not fit together.
    """
    single = sorted(name for name, a in arrays.items() if a.ndim == 0)
    parts = _parts({name: _column(a) for name, a in arrays.items() if a.ndim})
    wide = {n for part in parts.values() for n, a in part.items() if a.ndim > 1}
    learning = [p for n, p in parts.items() if n != "test"]
    name = next(iter(wide), "")
    if len(wide) != 1 or not learning or any(name not in part for part in parts.values()):
        advice = "Save the signals as x (or train_x and test_x), and one value a row under any other name"
        raise DataError("NPZ file", "one array of signals", name="arrays", got=", ".join(arrays), advice=advice)
    kept = sorted(set.intersection(*(set(p) for p in parts.values())) - wide)
    dropped = sorted({n for p in parts.values() for n in p} - wide - set(kept))
    tables = {part: _table(found, name, kept) for part, found in parts.items()}
    signals = {part: _signals(found[name]) for part, found in parts.items()}
    own = [part for part in parts if part != "test"]
    if len({found.shape[1:] for found in signals.values()}) > 1:
        shapes = ", ".join(f"{part} {list(found.shape)}" for part, found in signals.items())
        raise DataError(
            "Signals", "sampled alike in every part", name="shapes", got=shapes, advice="Sample all signals alike"
        )
    timeline, array = _laid_out(np.concatenate([signals[p] for p in own]))
    test = _laid_out(signals["test"])[1] if "test" in signals else None
    label = next((n for n in LABELS if n in kept), "")
    notes = [f"{', '.join(dropped)}: not in every part of the file, left out"] if dropped else []
    notes += [f"{', '.join(single)}: a single value, left out"] if single else []
    table = pl.concat([tables[p] for p in own], how="vertical_relaxed")
    return SignalFile(table, tables.get("test"), array, test, timeline, label, tuple(notes))


def _column(array: np.ndarray) -> np.ndarray:
    """Values that were saved as a column of one are one value a row."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _parts(arrays: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """{part: {name: array}}; arrays without a part's name belong to "train"."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for full, array in arrays.items():
        match = _PART.match(full)
        assert match is not None
        part = (match["before"] or match["behind"] or "train").lower()
        parts.setdefault(part, {})[match["name"]] = array
    return parts


def _table(arrays: dict[str, np.ndarray], signals: str, kept: list[str]) -> pl.DataFrame:
    rows = len(arrays[signals])
    for name in kept:
        if arrays[name].shape != (rows,):
            advice = "Save one value a row"
            shown = f"{name} {arrays[name].shape}"
            raise DataError("Array of an NPZ file", f"of {rows} values", name="array", got=shown, advice=advice)
    columns = {name: arrays[name].tolist() if arrays[name].dtype.kind == "U" else arrays[name] for name in kept}
    return pl.DataFrame(columns) if kept else pl.DataFrame({"row": range(rows)})


def _signals(array: np.ndarray) -> np.ndarray:
    """[N, T, V] float32, nan where a number is not finite; raises DataError where there are none."""
    if array.ndim not in (2, 3) or array.dtype.kind not in "fiu" or 0 in array.shape:
        shown = f"{array.dtype} {list(array.shape)}"
        advice = "Save them as [rows, steps] or [rows, steps, variables]"
        raise DataError("Signals", "numbers of rows, steps and variables", name="array", got=shown, advice=advice)
    with np.errstate(over="ignore"):
        made = np.asarray(array if array.ndim == 3 else array[:, :, None], np.float32)
    return made if np.isfinite(made).all() else np.where(np.isfinite(made), made, np.float32(np.nan))


def _laid_out(array: np.ndarray) -> tuple[Timeline, np.ndarray]:
    """The grid in MOST_SAMPLES steps at most."""
    width = -(-array.shape[1] // MOST_SAMPLES)
    if width > 1:
        short = -array.shape[1] % width
        padded = np.pad(array, ((0, 0), (0, short), (0, 0)), constant_values=np.nan)
        shaped = np.ma.masked_invalid(padded.reshape(len(array), -1, width, array.shape[2]))
        array = np.ma.filled(shaped.mean(axis=2), np.nan).astype(np.float32)
    names = (SIGNAL,) if array.shape[2] == 1 else tuple(f"{SIGNAL} {i + 1}" for i in range(array.shape[2]))
    return Timeline(variables=names, step=float(width), steps=array.shape[1], unit="samples", signal=True), array
