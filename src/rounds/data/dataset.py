"""The record that leaves the data room: inputs, targets, patients, times, and what became of every column."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from rounds.task import Task

Role = Literal[
    "numeric",
    "categorical",
    "boolean",
    "date",
    "identifier",
    "constant",
    "text",
    "target",
    "group",
    "time",
    "dropped",
    "baseline",
]
FEATURE_ROLES: tuple[Role, ...] = ("numeric", "categorical", "boolean")
Known = Literal["admission", "stay", "outcome", "unknown"]


class Column(BaseModel):
    """What one column of the file is taken for, and why.

    missing: values read as missing besides empty cells; proposed_missing: sentinel codes that look like missing
    values and are left as they are until the user says so; known: when its value is known; as_written: its cells are
    text, so that levels are compared as they are written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: Role
    reason: str = ""
    known: Known = "unknown"
    unit: str = ""
    missing: tuple[str, ...] = ()
    proposed_missing: tuple[str, ...] = ()
    levels: int = 0
    missing_share: float = 0.0
    as_written: bool = False


@dataclass(frozen=True)
class Dataset:
    """A table of patients ready to be split and prepared.

    inputs: the feature columns as read [N rows]: numeric Float32/Float64, categorical String, boolean Boolean;
    null = missing. columns: every column of the file with its role. targets: [N, T] float32 for regression and
    count, [N, T] float32 0/1 for binary (T=1) and multilabel, [N, 1] int32 class index for multiclass.
    patients: [N] int64 code of the patient (0..P-1; the row number where rows are patients). times: [N] float64
    or None. identifiers: the columns that pass through to predictions. baseline: [N] float64 of the score in use
    today, or None. exclusions: (reason, rows) in order. content_hash: of the file's cells.
    """

    name: str
    task: Task
    inputs: pl.DataFrame
    columns: tuple[Column, ...]
    targets: np.ndarray
    patients: np.ndarray
    times: np.ndarray | None = None
    identifiers: pl.DataFrame = field(default_factory=pl.DataFrame)
    baseline: np.ndarray | None = None
    baseline_name: str = ""
    given_test: np.ndarray | None = None  # [N] bool: rows that came from --test
    group: str | None = None
    time: str | None = None
    exclusions: tuple[tuple[str, int], ...] = ()
    rows_read: int = 0
    content_hash: str = ""
    simulated: bool = False
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.targets)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a network reads, in the order of the file."""
        return tuple(c for c in self.columns if c.role in FEATURE_ROLES)


@dataclass(frozen=True)
class Inputs:
    """What a network reads, as plain arrays.

    numbers: [N, F] float32, scaled; missing = 0. flags: [N, D] float32 in {0, 1}: one-hot levels, booleans,
    missing indicators. codes: [N, C] int32, index into an embedding table per coded column (0 = unseen or missing).
    """

    numbers: np.ndarray
    flags: np.ndarray
    codes: np.ndarray

    def take(self, rows: np.ndarray) -> "Inputs":
        return Inputs(self.numbers[rows], self.flags[rows], self.codes[rows])


@dataclass(frozen=True)
class InputShape:
    """Widths that decide the compiled program: numbers F, flags D, and levels per coded column (with 0 = unseen)."""

    numbers: int
    flags: int
    levels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Split:
    """Which rows do what; row indices into a Dataset, all int64.

    kind: "held-out" (test drawn from the table), "given" (--test) or "out-of-fold" (small data: no fixed test rows;
    every row is judged by networks that never saw its patient). development: rows networks may learn from;
    test: rows that judge once (empty when out-of-fold). folds: [R repeats][K folds] arrays of development rows held
    out of that fold's training. outer: for out-of-fold, [R repeats][K folds] arrays of rows judged in that fold.
    """

    kind: Literal["held-out", "given", "out-of-fold"]
    development: np.ndarray
    test: np.ndarray
    folds: tuple[np.ndarray, ...]
    outer: tuple[tuple[np.ndarray, ...], ...] = ()
    how: str = ""
