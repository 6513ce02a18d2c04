"""What `rounds evaluate` and `rounds audit` say, as records: aggregates alone."""

from pydantic import Field

from rounds.examination.finding import Severity
from rounds.run_folder.evidence import Calibration, Counted, Coverage, OperatingPoint, RecalibrationRecord, Subgroups
from rounds.run_folder.findings import NotApplicableRecord
from rounds.run_folder.metrics import BaselineDifference, Scores
from rounds.run_folder.stored import Content, Part
from rounds.statistics.drift import Drift
from rounds.task import Task


class ScoredPart(Counted):
    """Scores of some rows; reason: why there are none."""

    metrics: Scores
    reason: str = ""


class Overlap(Part):
    """Rows and patients that the training table held too. judged: whether that could be told, else the reason;
    compared: by patient, or by the values of each row; development, test: in which part of training they were."""

    judged: bool
    reason: str = ""
    compared: str = ""
    development: Counted | None = None
    test: Counted | None = None


class Recalibrated(RecalibrationRecord):
    """With the scores of predictions that go through the map, cross-fitted by patient."""

    metrics: Scores | None = None


class NotedInput(Part):
    """An `InputNote` of prediction, with its words."""

    column: str
    kind: str
    text: str


class Evaluation(Part):
    """A run on new patients. before: scores of the run's test rows; with_overlap, without_overlap: of everybody and of
    those who were not learned from, where some were; decisions: the run's thresholds on these patients, by output;
    intervals: their coverage; notes: unseen codes, ranges; limitations: most serious first."""

    run: str
    meaning: str
    rows: int
    patients: int
    rows_without_outcome: int
    metrics: Scores
    main_metric: str
    baselines: dict[str, Scores]
    baselines_left_out: dict[str, str]
    difference: BaselineDifference | None
    before: Scores
    before_kind: str
    before_difference: BaselineDifference | None
    overlap: Overlap
    rows_read: int
    with_overlap: ScoredPart | None
    without_overlap: ScoredPart | None
    calibration: dict[str, Calibration]
    recalibration: Recalibrated
    decisions: dict[str, tuple[OperatingPoint, ...]]
    intervals: Coverage | None
    subgroups: Subgroups
    drift: Drift
    notes: tuple[NotedInput, ...]
    limitations: tuple[str, ...] = ()


class AuditFinding(Part):
    """Under the code of the rule that says the same of a run of Rounds."""

    code: str
    severity: Severity
    explanation: str
    evidence: Content = Field(default_factory=dict)


Note = AuditFinding | NotApplicableRecord


class JudgedPart(Counted):
    """The part of a table of predictions that judges."""

    part: str


class Audit(Part):
    """A table of predictions. columns: what each was taken for; parts: scores of each part of the split; calibration,
    recalibration, subgroups: of the part that judges; not_checked: what this table cannot say; notes: how cells of its
    columns were read."""

    task: Task
    columns: dict[str, str]
    rows: int
    rows_left_out: int
    patients: int
    judged: JudgedPart
    metrics: Scores
    parts: dict[str, ScoredPart]
    calibration: dict[str, Calibration]
    recalibration: RecalibrationRecord
    subgroups: Subgroups
    findings: tuple[AuditFinding, ...]
    not_checked: tuple[NotApplicableRecord, ...]
    notes: tuple[str, ...] = ()


class AuditedLoss(Part):
    """name: log_loss or mse; start: median of networks with fresh weights; end: of the file; constant: of the mean."""

    name: str
    start: float
    end: float
    constant: float


class AuditedLayer(Part):
    """One layer; activation: "" for none."""

    name: str
    kind: str
    activation: str


class KerasAudit(Part):
    """A Keras model on some rows."""

    model: str
    parameters: int
    rows: int
    loss: AuditedLoss | None
    layers: tuple[AuditedLayer, ...]
    findings: tuple[AuditFinding, ...]
    not_checked: tuple[NotApplicableRecord, ...]
