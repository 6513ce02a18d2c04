"""dataset.json: columns and what they are taken for, what was left out and why, the split; no cell of any patient."""

from typing import ClassVar

from pydantic import Field, JsonValue

from rounds.run_folder.stored import Part, Stored
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
    missing: tuple[JsonValue, ...] = ()
    proposed_missing: tuple[JsonValue, ...] = ()
    levels: int | None = None
    missing_share: float = 0.0
    as_written: bool = False
    reading: dict[str, JsonValue] | None = None
    made_from: str = ""
    said: tuple[str, ...] = ()


class SplitRecord(Part):
    """rows, patients: of train, validation and test; events: of a binary outcome."""

    kind: str
    how: str
    seed: int
    rows: dict[str, int] = Field(default_factory=dict)
    patients: dict[str, int] = Field(default_factory=dict)
    events: dict[str, int] | None = None


class DatasetFile(Stored):
    """dataset.json; tells_most: columns that explain most of the outcome, each alone, the first first; grid: shape of
    an image or recording."""

    FILE: ClassVar[str] = "dataset.json"

    name: str
    simulated: bool = False
    task: Task
    rows_read: int
    rows: int
    patients: int
    exclusions: tuple[tuple[str, int], ...] = ()
    columns: tuple[ColumnRecord, ...]
    references: dict[str, str] = Field(default_factory=dict)
    group: str | None = None
    time: str | None = None
    time_range: tuple[str, ...] | None = None
    prediction_moment: str | None = None
    prediction_moment_reason: str = ""
    modality: str = ""
    content_hash: str
    positive_reason: str = ""
    notes: tuple[str, ...] = ()
    split: SplitRecord
    tells_most: tuple[str, ...] = ()
    grid: tuple[int, ...] | None = None
