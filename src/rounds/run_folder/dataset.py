"""dataset.json: columns and what they are taken for, what was left out and why, the split; no cell of any patient."""

from typing import Any, ClassVar

from pydantic import Field

from rounds.run_folder.stored import Number, Part, Stored
from rounds.task import Task


class ColumnRecord(Part):
    """One column of the table: its role and why, when its value is known, how it is written.

    reading: how its cells became values; made_from: the file's column that it was made from; said: what its user should
    know of it. Runs of earlier versions have none of the three.
    """

    name: str
    role: str
    reason: str
    known: str
    unit: str
    missing: list[Any]
    proposed_missing: list[Any]
    levels: int | None
    missing_share: Number
    as_written: bool
    reading: dict[str, Any] | None = None
    made_from: str = ""
    said: list[str] = Field(default_factory=list)


class SplitRecord(Part):
    """rows, patients: of train, validation and test; events: of a binary outcome."""

    kind: str
    how: str
    seed: int
    rows: dict[str, int]
    patients: dict[str, int]
    events: dict[str, int] | None


class DatasetFile(Stored):
    """dataset.json; tells_most: columns that explain most of the outcome, each alone, the first first."""

    FILE: ClassVar[str] = "dataset.json"

    name: str
    simulated: bool
    task: Task
    rows_read: int
    rows: int
    patients: int
    exclusions: list[list[Any]]
    columns: list[ColumnRecord]
    references: dict[str, Any]
    group: str | None
    time: str | None
    time_range: list[str] | None
    prediction_moment: str | None
    prediction_moment_reason: str
    modality: str
    content_hash: str
    positive_reason: str = ""
    notes: list[str]
    split: SplitRecord
    tells_most: list[str] = Field(default_factory=list)
