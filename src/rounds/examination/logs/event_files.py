"""Folders of TensorBoard event files: which of them are one training, and its scalars as rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rounds.examination.logs.columns import SPLIT_WORDS, column_words, meaning
from rounds.examination.logs.settings import read_settings
from rounds.examination.logs.table import LogTable, Row
from rounds.examination.logs.tensorboard import Scalar, read_scalars

Points = dict[int, float]  # by step


@dataclass
class _Training:
    """Columns of one training, filled file by file."""

    folder: Path
    columns: dict[str, Points] = field(default_factory=dict)

    def begins_anew(self, scalars: dict[str, Points]) -> bool:
        """Whether a file starts where this training started: two trainings wrote into one folder."""
        shared = [(points, self.columns[name]) for name, points in scalars.items() if name in self.columns]
        return any(len(new) > 1 and len(old) > 1 and min(new) <= min(old) for new, old in shared)

    def add(self, scalars: dict[str, Points]) -> None:
        """Later files win from where they begin: training was resumed."""
        for name, points in scalars.items():
            first = min(points)
            kept = {step: value for step, value in self.columns.get(name, {}).items() if step < first}
            self.columns[name] = kept | points


def event_files(folder: Path) -> list[Path]:
    """Event files at any depth, in the order in which they were begun (their names hold the time)."""
    return sorted(folder.rglob("*tfevents*"), key=lambda p: (p.parent, p.name))


def read_event_files(root: Path, files: Iterable[Path]) -> list[LogTable]:
    """A table a training. Folders named for a split (`train`, `validation`, `Loss_val` of add_scalars) are parts of
    the training above them."""
    trainings: dict[Path, list[_Training]] = {}
    for file in files:
        for folder, scalars in _by_training(file, read_scalars(file)).items():
            known = trainings.setdefault(folder, [_Training(folder)])
            if known[-1].begins_anew(scalars):
                known.append(_Training(folder))
            known[-1].add(scalars)
    return [_table(root, t, i if len(same) > 1 else 0) for same in trainings.values() for i, t in enumerate(same, 1)]


def _by_training(file: Path, scalars: list[Scalar]) -> dict[Path, dict[str, Points]]:
    """By folder of the training, the file's columns."""
    above = bool(set(column_words(file.parent.name)) & SPLIT_WORDS.keys())
    found: dict[Path, dict[str, Points]] = {}
    for scalar in scalars:
        part = above and not meaning(scalar.tag).named
        folder, name = (
            (file.parent.parent, f"{_split_in(file.parent.name)}/{scalar.tag}") if part else (file.parent, scalar.tag)
        )
        found.setdefault(folder, {}).setdefault(name, {})[scalar.step] = scalar.value
    return found


def _split_in(folder: str) -> str:
    return next(SPLIT_WORDS[w] for w in column_words(folder) if w in SPLIT_WORDS)


def _table(root: Path, training: _Training, number: int) -> LogTable:
    rows: dict[int, Row] = {}
    for name, points in training.columns.items():
        for step, value in points.items():
            rows.setdefault(step, {"step": step})[name] = value
    place = training.folder.relative_to(root) if training.folder.is_relative_to(root) else training.folder
    name = (str(place) if place.name else training.folder.name) + (f" run {number}" if number else "")
    return LogTable(name, [rows[step] for step in sorted(rows)], read_settings(training.folder))
