"""The record that leaves the data room: inputs, targets, patients, times, and what became of every column."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rounds.data.preparation.array_on_disk import ArrayInput, some_rows
from rounds.data.signals import NO_SIGNALS, Signals
from rounds.data.tables.cells.reading import Reading
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
# Column of a table that brings its own division: train, validation or test.
PART = "__part__"


class Column(BaseModel):
    """What one column of the file is taken for, and why.

    missing: values read as missing besides empty cells; proposed_missing: sentinel codes that look like missing
    values and are left as they are until the user says so; known: when its value is known; as_written: its cells are
    text, so that levels are compared as they are written; reading: how its cells became values, None where they came as
    values; made_from: the file's column that it was made from, beside it; said: what a person should know of it;
    engineered: a feature made from images or recordings.
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
    reading: Reading | None = None
    made_from: str = ""
    said: tuple[str, ...] = ()
    engineered: bool = Field(default=False, validation_alias=AliasChoices("engineered", "by_hand"))


@dataclass(frozen=True)
class Provenance:
    """Where the rows of a dataset came from.

    rows_read: in the file; exclusions: (reason, rows) in order; lost_patients: of whom no row is left, for each; notes:
    what is known of the source; read: how its file was read; left_out: image files that could not be read, by name, and
    why (for the screen alone); content_hash: of the file's cells; references: date column that each date is counted
    from; unused: columns that rules look at and networks do not.
    """

    rows_read: int = 0
    exclusions: tuple[tuple[str, int], ...] = ()
    lost_patients: tuple[int | None, ...] = ()
    notes: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    content_hash: str = ""
    references: dict[str, str] = field(default_factory=dict)
    unused: pl.DataFrame = field(default_factory=pl.DataFrame)
    simulated: bool = False


@dataclass(frozen=True)
class Cohort:
    """Whose the rows of a dataset are, when they were measured, and what came with them that networks do not read.

    patients: [N] int64 code of the patient (0..P-1; the row number where rows are patients); group: the column that
    names them. times: [N] float64 or None; time: their column. identifiers: the columns that pass through to
    predictions. baseline: [N] float64 of the score in use today, or None. given_test: [N] bool of rows that came from
    --test, or that the data call test; given_validation: [N] bool of rows that the data call validation.
    """

    patients: np.ndarray
    group: str | None = None
    times: np.ndarray | None = None
    time: str | None = None
    identifiers: pl.DataFrame = field(default_factory=pl.DataFrame)
    baseline: np.ndarray | None = None
    baseline_name: str = ""
    given_test: np.ndarray | None = None
    given_validation: np.ndarray | None = None


@dataclass(frozen=True, repr=False)
class Dataset:
    """A table of patients ready to be split and prepared.

    inputs: the feature columns as read [N rows]: numeric Float32/Float64, categorical String, boolean Boolean;
    null = missing. columns: every column of the file with its role. targets: [N, T] float32 for regression and
    count, [N, T] float32 0/1 for binary (T=1) and multilabel, [N, 1] int32 class index for multiclass.
    cohort: whose rows they are. signals: images or recordings that `inputs` points into. positive_reason: why the
    positive class of two is that.
    """

    name: str
    task: Task
    inputs: pl.DataFrame
    columns: tuple[Column, ...]
    targets: np.ndarray
    cohort: Cohort
    signals: Signals = NO_SIGNALS
    provenance: Provenance = Provenance()
    positive_reason: str = ""

    @property
    def rows(self) -> int:
        return len(self.targets)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a network reads, in the order of the file."""
        return tuple(c for c in self.columns if c.role in FEATURE_ROLES)

    def __repr__(self) -> str:
        """What it holds, without a row of it."""
        patients, targets = len(np.unique(self.cohort.patients)), ", ".join(self.task.targets[:3])
        held = f"{self.rows:,} rows of {patients:,} patients, {len(self.features):,} features"
        return f"Dataset({self.name!r}: {held}; predicts {targets} ({self.task.kind}))"

    def _repr_html_(self) -> str:
        """For notebooks: columns and what they are taken for, without a row."""
        from html import escape

        rows = "".join(f"<tr><td>{escape(c.name)}</td><td>{c.role}</td></tr>" for c in self.columns)
        return f"<b>{escape(repr(self))}</b><table><tr><th>column</th><th>role</th></tr>{rows}</table>"


@dataclass(frozen=True)
class Inputs:
    """What a network reads, as plain arrays.

    numbers: [N, F] float32, scaled; missing = 0. flags: [N, D] float32 in {0, 1}: one-hot levels, booleans,
    missing indicators. codes: [N, C] int32, index into an embedding table per coded column (0 = unseen or missing).
    array: [N, *space, channels] of images or recordings as they are stored (the network scales them), or None.
    """

    numbers: np.ndarray
    flags: np.ndarray
    codes: np.ndarray
    array: ArrayInput | None = None

    @property
    def rows(self) -> int:
        return len(self.numbers)

    @property
    def arrays(self) -> dict[str, ArrayInput]:
        """Those a network reads, by name, in its order; what has no columns is left out."""
        parts = {"numbers": self.numbers, "flags": self.flags, "codes": self.codes}
        table: dict[str, ArrayInput] = {name: part for name, part in parts.items() if part.shape[1]}
        return table if self.array is None else {**table, "grid": self.array}

    def take(self, rows: np.ndarray | slice) -> "Inputs":
        array = None if self.array is None else some_rows(self.array, rows)
        return Inputs(self.numbers[rows], self.flags[rows], self.codes[rows], array)


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
