"""evidence.json: all that a clinical reader asks after the score, in aggregates only."""

from typing import ClassVar

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
    patients: int | None = None


class Flow(Part):
    """From the file to the analysis; how: the split, in words."""

    rows_read: int
    excluded: tuple[Excluded, ...]
    rows: int
    parts: dict[str, Counted]
    how: str


class CharacteristicRow(Part):
    """A row of Table 1. kind: number, level or missing; level: None but for levels; parts: a cell by part (median and
    quartiles of numbers, rows and share of the others), None where it would show few patients."""

    column: str
    unit: str
    kind: str
    level: str | None
    parts: dict[str, dict[str, int | float] | None]


class Characteristics(Part):
    """Table 1."""

    parts: dict[str, Counted]
    rows: tuple[CharacteristicRow, ...]


class CurvePoint(Part):
    """A bin of predictions: means of predicted and observed, limits of the latter, mean absolute error of numbers."""

    predicted: float
    observed: float
    low: float
    high: float
    mae: float | None = None
    rows: int
    patients: int


class BrierParts(Part):
    """score = reliability - resolution + uncertainty + within_bins."""

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


class Calibration(Part):
    """Of one output. Numbers have a bias, probabilities the ratio of expected to observed cases and Brier's parts; what
    is not defined is left out."""

    curve: tuple[CurvePoint, ...]
    bias: Estimate | None = None
    expected_over_observed: Estimate | None = None
    slope: Estimate | None = None
    intercept: Estimate | None = None
    brier: BrierParts | None = None


class TriedMap(Part):
    """What a map of predictions gained, cross-fitted by patient; not_tried: why it was not."""

    gain: Estimate | None = None
    not_tried: str = ""


class RecalibrationRecord(Part):
    """Which map was kept, and whether predictions go through it. metric: of the gains; parameters: of the map, but for
    knots, which are single patients; reason: why none was tried."""

    kept: str
    applied: bool = False
    metric: str = ""
    tried: dict[str, TriedMap] = Field(default_factory=dict)
    parameters: tuple[tuple[float, ...], ...] = ()
    reason: str = ""


class OperatingPoint(Part):
    """What a threshold does. target: {what it was chosen for: how much}; cells: rows of each of the four, None for 1 to
    9 patients; rounded: to tens, because one is hidden; a share is None where it would tell a hidden cell, and is left
    out where it is not defined."""

    target: dict[str, float]
    threshold: float
    cells: dict[str, int | None]
    rounded: bool = False
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    precision: Estimate | None = None
    negative_predictive_value: Estimate | None = None
    alert_share: Estimate | None = None
    alerts_a_day: float | None = None


class NetBenefit(Part):
    """Of acting from a threshold probability on, in cases a row, beside treating all and nobody; above_both: share of
    resampled patients in which the model beats both."""

    threshold: float
    net_benefit: float
    low: float
    high: float
    treat_all: float
    treat_none: float
    above_both: float


class OutputDecisions(Part):
    """Of one outcome: its share, operating points, decision curve."""

    prevalence: float
    points: tuple[OperatingPoint, ...]
    curve: tuple[NetBenefit, ...]


class Decisions(Part):
    """Operating points and decision curves by output; reason: why there are none."""

    outputs: dict[str, OutputDecisions]
    reason: str
    chosen_on: str = ""
    rows_a_day: Number = None


class TargetCoverage(Part):
    """Share of patients whose outcome lies inside, and widths in the target's unit."""

    coverage: Estimate
    mean_width: float
    median_width: float


class Coverage(Part):
    """How many judged outcomes intervals cover, by target; level: the share that was promised."""

    level: float
    patients: int
    targets: dict[str, TargetCoverage]


class IntervalsRecord(Part):
    """Conformal intervals (`statistics.conformal.ConformalIntervals`): how they were made, and what they cover."""

    made: bool
    reason: str
    level: float | None = None
    scale: str | None = None
    judged: Coverage | None = None
    below: tuple[float, ...] = ()
    above: tuple[float, ...] = ()
    patients: int | None = None
    least: tuple[Number, ...] = ()


class Loss(Part):
    """What the main metric loses where a column, or a span of time, is dealt out at random."""

    name: str
    value: float
    low: float
    high: float


class Importance(Part):
    """What predictions rest on: columns with the most important first, spans in order of time; deals: permutations of
    each; reason: why nothing was measured."""

    metric: str
    rows: int
    columns: tuple[Loss, ...] = ()
    spans: tuple[Loss, ...] = ()
    reason: str = ""
    deals: int = 0


class SubgroupDifference(Estimate):
    """How much better a group is judged than all others, with its p-value, corrected for all comparisons."""

    metric: str
    p_value: float


class Subgroup(Part):
    """Scores of one group beside all others; suppressed: of so few patients that nothing is shown; rounded: its size is
    rounded to tens; not_compared: why there is no difference."""

    group: str
    suppressed: bool
    metrics: dict[str, Estimate] = Field(default_factory=dict)
    difference: SubgroupDifference | None = None
    rows: int = 0
    patients: int = 0
    bias: dict[str, Estimate] = Field(default_factory=dict)
    rounded: bool = False
    not_compared: str = ""


class Subgroups(Part):
    """Groups by column; comparisons: for how many the p-values are corrected."""

    compared_by: str
    comparisons: int
    columns: dict[str, tuple[Subgroup, ...]]


class EvidenceFile(Stored):
    """evidence.json; runs of earlier versions lack what was not gathered then."""

    FILE: ClassVar[str] = "evidence.json"

    flow: Flow | None = None
    characteristics: Characteristics | None = None
    calibration: dict[str, Calibration] = Field(default_factory=dict)
    recalibration: RecalibrationRecord | None = None
    decisions: Decisions = Decisions(outputs={}, reason="")
    intervals: IntervalsRecord = IntervalsRecord(made=False, reason="")
    importance: Importance | None = None
    subgroups: Subgroups = Subgroups(compared_by="", comparisons=0, columns={})
    version: int = 1  # of a time before every file had a schema_version
