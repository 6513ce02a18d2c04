"""metrics.json: what the predictor and its baselines score, on whom, and what it took."""

from math import isnan, nan
from typing import ClassVar

from pydantic import Field

from rounds.run_folder.stored import Figure, Part, Stored
from rounds.task import Task


class Estimate(Part):
    """A figure with its 95 % interval over patients; resamples: of a bootstrap, how many could be judged (some have one
    class only)."""

    value: Figure
    low: Figure = Field(default_factory=lambda: nan)  # no default that JSON could not write
    high: Figure = Field(default_factory=lambda: nan)
    resamples: int | None = None

    @property
    def is_defined(self) -> bool:
        return not isnan(self.value)


Scores = dict[str, Estimate]  # by metric


class Difference(Estimate):
    """A paired difference in the main metric, of the same patients; positive is better."""

    metric: str


class BaselineDifference(Difference):
    """To the best baseline; smallest_worthwhile: in the metric's unit, where it is known."""

    baseline: str
    smallest_worthwhile: Figure = Field(default_factory=lambda: nan)


class PredictionCost(Part):
    """Seconds that `rows` predictions take."""

    rows: int
    seconds: dict[str, float]
    networks: int


class GreedyGain(Part):
    """Of greedy weights over those of a plain average, on patients who did not choose them."""

    metric: str
    gain: Estimate


class Selection(Part):
    """How members were averaged, and why so; greedy: what greedy weights gain, where they were tried."""

    rule: str
    reason: str
    prediction: PredictionCost | None = None
    greedy: GreedyGain | None = None


class EarlierUseRecord(Part):
    """How often these test rows were used before, None where that is not known."""

    times_before: int | None
    note: str = ""


class ContradictionRecord(Part):
    """Findings that ask for opposite changes: `treated` comes first, `fields` are pulled both ways."""

    round: int
    treated: str = ""
    set_aside: str = ""
    fields: tuple[str, ...] = ()
    reason: str


class RoundsRecord(Part):
    """What the rounds of advice tried. found: codes of alarms by examination; own_plans: how many plans of each
    population, from the first, are treated further (None: all); ended: why there was no further round."""

    examined: int = 0
    remedies_tried: int = 0
    remedies_kept: int = 0
    member_epochs_in_populations: int = 0
    member_epochs_in_trials: int = 0
    found: tuple[tuple[str, ...], ...] = ()
    own_plans: tuple[int | None, ...] = ()
    contradictions: tuple[ContradictionRecord, ...] = ()
    ended: str = ""


class StoppedEarly(Part):
    """Slabs that had come to nothing and were given up, and about what that saved."""

    slabs: int
    of_slabs: int
    epochs_done: int
    epochs_left_out: int
    seconds_saved: float


class FailedStage(Part):
    """A stage after training that failed and was passed over."""

    stage: str
    error: str


class MeasurementPattern(Part):
    """Of recordings in which something was not measured. pattern_alone: how much better than a constant is a linear
    model of how often each variable was measured; dealt_anew: how much worse the networks predict when what says
    whether something was measured is dealt out anew among patients."""

    metric: str
    rows: int
    pattern_alone: Estimate
    dealt_anew: Estimate


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
    single_network: Scores = Field(default_factory=dict)
    baselines: dict[str, Scores] = Field(default_factory=dict)
    difference: BaselineDifference
    differences: dict[str, Estimate] = Field(default_factory=dict)
    gain_over_single: Difference | None = None
    members: int
    ensemble: Selection = Selection(rule="", reason="")
    configurations_tried: int
    rows: dict[str, int]
    patients: dict[str, int]
    ledger: EarlierUseRecord
    versions: dict[str, str]
    rounds: RoundsRecord | None = None
    failed: tuple[FailedStage, ...] = ()
    validation_references: dict[str, dict[int, Figure]] = Field(default_factory=dict)
    seconds: float = 0.0
    seconds_by_stage: dict[str, float] = Field(default_factory=dict)
    stopped_early: StoppedEarly | None = None
    gaps: MeasurementPattern | None = None
