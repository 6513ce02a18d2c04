"""evidence.json: all that a clinical reader asks after the score, in aggregates only."""

from typing import Any, ClassVar

from pydantic import Field

from rounds.run_folder.metrics import Estimate
from rounds.run_folder.stored import Number, Part, Stored


class Counted(Part):
    """Rows and patients of a part of the split."""

    rows: int
    patients: int


class Excluded(Part):
    """Rows left out, and patients of whom nothing is left (None where nobody can say)."""

    reason: str
    rows: int
    patients: int | None


class Flow(Part):
    """From the file to the analysis; how: the split, in words."""

    rows_read: int
    excluded: list[Excluded]
    rows: int
    parts: dict[str, Counted]
    how: str


class CharacteristicRow(Part):
    """A row of Table 1; parts: a cell of plain numbers by part, None where it would show few patients."""

    column: str
    unit: str
    kind: str
    level: str | None
    parts: dict[str, dict[str, Number] | None]


class Characteristics(Part):
    """Table 1."""

    parts: dict[str, Counted]
    rows: list[CharacteristicRow]


class Importance(Part):
    """What predictions rest on: loss of the main metric where a column, or a span of time, is permuted."""

    metric: str
    rows: int
    columns: list[dict[str, Any]]
    spans: list[dict[str, Any]]
    reason: str


class Decisions(Part):
    """Operating points and decision curves by output; reason: why there are none."""

    outputs: dict[str, dict[str, Any]]
    reason: str
    chosen_on: str = ""
    rows_a_day: Number = None


class IntervalsRecord(Part):
    """Conformal intervals: how they were made, and how many judged outcomes they cover."""

    made: bool
    reason: str
    level: float | None = None
    scale: str | None = None
    judged: dict[str, Any] | None = None


class RecalibrationRecord(Part):
    """Which map of probabilities was kept, and whether predictions go through it."""

    kept: str
    applied: bool


class Subgroup(Part):
    """Scores of one group beside all others; suppressed: of so few patients that nothing is shown."""

    group: str
    suppressed: bool
    metrics: dict[str, Estimate] = Field(default_factory=dict)
    difference: Estimate | None = None


class Subgroups(Part):
    """Groups by column; comparisons: for how many the p-values are corrected."""

    compared_by: str
    comparisons: int
    columns: dict[str, list[Subgroup]]


class EvidenceFile(Stored):
    """evidence.json."""

    FILE: ClassVar[str] = "evidence.json"

    flow: Flow
    characteristics: Characteristics
    calibration: dict[str, dict[str, Any]]
    recalibration: RecalibrationRecord
    decisions: Decisions
    intervals: IntervalsRecord
    importance: Importance | None
    subgroups: Subgroups
