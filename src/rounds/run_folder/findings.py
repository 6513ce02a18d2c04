"""findings.json: what is wrong, main cause first, and the three answers."""

from typing import ClassVar, Literal

from pydantic import Field

from rounds.run_folder.stored import Content, Part, Stored


class AnswerRecord(Part):
    """The answer to one of the three questions."""

    answer: Literal["yes", "no", "unknown"]
    reason: str


class VerdictRecord(Part):
    """Can the number be believed, was it trained well, was it worth it."""

    believable: AnswerRecord
    well_trained: AnswerRecord
    worth_it: AnswerRecord


class ThresholdRecord(Part):
    """A number that a rule stands on, with its unit and source."""

    name: str
    value: float
    unit: str
    source: str


class FindingRecord(Part):
    """One finding. evidence: numbers by name, their unit in the name's end; members: in which it was seen; epoch: the
    first at which it was seen, where that can be said; rates: how often such findings were right in the ward;
    look: at the networks, that saw a finding first whose networks are no more."""

    round: int
    question: Literal["data", "training", "worth"]
    code: str
    name: str
    severity: Literal["note", "warning", "error"]
    evidence: Content
    confidence: float
    explanation: str
    epoch: int | None = None
    rates: dict[str, list[int]] = Field(default_factory=dict)
    follows_from: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    members: tuple[int, ...] = ()
    thresholds: tuple[ThresholdRecord, ...] = ()
    look: int | None = None


class NotApplicableRecord(Part):
    """A rule that could not judge, and why."""

    code: str
    reason: str


class FindingsFile(Stored):
    """findings.json. networks: names of the trainings, of logs; asked: codes of the rules that were asked (none in runs
    from before they were listed); earlier: findings of populations that a kept remedy replaced."""

    FILE: ClassVar[str] = "findings.json"

    networks: tuple[str, ...] = ()
    verdict: VerdictRecord
    findings: tuple[FindingRecord, ...]
    not_applicable: tuple[NotApplicableRecord, ...]
    asked: tuple[str, ...] = ()
    earlier: tuple[FindingRecord, ...] = ()
