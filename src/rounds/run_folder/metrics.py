"""metrics.json: what the predictor and its baselines score, on whom, and what it took."""

from typing import Any, ClassVar

from pydantic import Field

from rounds.run_folder.stored import Number, Part, Stored
from rounds.task import Task


class Estimate(Part):
    """A figure with its 95 % interval over patients; resamples: of the bootstrap that it comes from, where one does."""

    value: Number
    low: Number = None
    high: Number = None
    resamples: int | None = None


Scores = dict[str, Estimate]  # by metric


class Difference(Estimate):
    """A paired difference in the main metric, of the same patients; positive is better."""

    metric: str


class BaselineDifference(Difference):
    """To the best baseline; smallest_worthwhile: in the metric's unit."""

    baseline: str
    smallest_worthwhile: float


class PredictionCost(Part):
    """Seconds that `rows` predictions take."""

    rows: int
    seconds: dict[str, float]
    networks: int


class EnsembleRecord(Part):
    """How members were averaged, and why so."""

    rule: str
    reason: str
    prediction: PredictionCost


class EarlierUseRecord(Part):
    """How often these test rows were used before."""

    times_before: int
    note: str


class RoundsRecord(Part):
    """What the rounds of advice tried. found: codes of alarms by examination; own_plans: how many plans of each
    population, from the first, are treated further (None: all); ended: why there was no further round."""

    examined: int
    remedies_tried: int
    remedies_kept: int
    member_epochs_in_populations: int
    member_epochs_in_trials: int
    found: list[list[str]]
    own_plans: list[int | None]
    contradictions: list[dict[str, Any]]
    ended: str


class FailedStage(Part):
    """A stage after training that failed and was passed over."""

    stage: str
    error: str


class MetricsFile(Stored):
    """metrics.json, written last: with it a run is finished. rows, patients: of train, validation and test;
    differences: to each baseline, in the main metric, of which `difference` is that to the best."""

    FILE: ClassVar[str] = "metrics.json"

    task: Task
    test_kind: str
    main_metric: str
    unit: str
    statistic: str
    validation: Scores
    test: Scores
    single_network: Scores
    baselines: dict[str, Scores]
    difference: BaselineDifference | None = None
    differences: dict[str, Estimate] = Field(default_factory=dict)
    gain_over_single: Difference | None = None
    members: int
    ensemble: EnsembleRecord
    configurations_tried: int
    rows: dict[str, int]
    patients: dict[str, int]
    ledger: EarlierUseRecord
    versions: dict[str, str]
    rounds: RoundsRecord
    failed: tuple[FailedStage, ...] = ()
    validation_references: dict[str, dict[int, Number]]
    seconds: float
    seconds_by_stage: dict[str, float]
