"""What an examination says: findings in the order in which to act, what could not be judged, and three answers."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal

from rounds.run_folder.findings import (
    FindingRecord,
    FindingsFile,
    NotApplicableRecord,
    ThresholdRecord,
    VerdictRecord,
)
from rounds.run_folder.stored import Content

Question = Literal["data", "training", "worth"]
Severity = Literal["note", "warning", "error"]
Says = Literal["yes", "no", "unknown"]
Evidence = Content

HEALTHY = "healthy"
CONVENTION = "convention of Rounds"
MANY_TIMES = 10.0  # shares beyond are said as "times"
BY_HARM: Literal["by harm"] = "by harm"
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Threshold:
    """One number that a rule stands on.

    source: where it comes from; standing: "published", "convention" (to be set on measured runs), or "measured".
    """

    name: str
    value: float
    unit: str
    source: str = CONVENTION
    standing: Literal["published", "convention", "measured"] = "convention"


@dataclass(frozen=True)
class Seen:
    """What a rule saw.

    severity: BY_HARM where measured harm decides (`harm.weighed`), and `least` is what it is without any; evidence:
    numbers by name, units in the name's end; confidence: 0 to 1; members: those in which it was seen; onset: the first
    epoch at which it was seen (0: before the first step), where that can be said.
    """

    severity: Severity | Literal["by harm"]
    explanation: str
    evidence: Evidence
    confidence: float
    members: tuple[int, ...] = ()
    onset: int | None = None
    least: Severity = "note"

    def weighed(self, severity: Severity, because: str, evidence: Evidence) -> "Seen":
        """With a severity, why it has that, and the numbers of why."""
        words = f"{self.explanation}{because}"
        return replace(self, severity=severity, explanation=words, evidence={**self.evidence, **evidence})


@dataclass(frozen=True)
class NotApplicable:
    """A rule cannot judge this run, and why; that is not the same as fine."""

    reason: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or (`healthy`) that nothing is.

    follows_from: codes of findings whose cause explains this one; remedies: what to do, in the order to try; epoch:
    the first at which it was seen (0: before the first step), where that can be said; thresholds: what its rule stands
    on; rates: as `rates_of` has them.
    """

    question: Question
    code: str
    name: str
    severity: Severity
    explanation: str
    evidence: Evidence = field(default_factory=dict)
    confidence: float = 1.0
    follows_from: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    members: tuple[int, ...] = ()
    round: int = 0
    epoch: int | None = None
    thresholds: tuple[Threshold, ...] = ()
    rates: dict[str, list[int]] = field(default_factory=dict)

    @property
    def alarms(self) -> bool:
        """Whether it asks for something to be done: notes do not."""
        return self.severity != "note"


def healthy(explanation: str, evidence: Evidence, confidence: float, round_number: int = 0) -> Finding:
    """That no rule alarms."""
    return Finding("training", HEALTHY, "Nothing found", "note", explanation, evidence, confidence, round=round_number)


@dataclass(frozen=True)
class Answer:
    """The answer to one of the three questions, with the reason."""

    answer: Says
    reason: str


@dataclass(frozen=True)
class Verdict:
    """Can the number be believed, was it trained well, was it worth it."""

    believable: Answer
    well_trained: Answer
    worth_it: Answer


@dataclass(frozen=True, repr=False)
class Examination:
    """Findings, main cause first (or a single `healthy`, notes aside); (code, reason) of rules that could not judge;
    names of the trainings, by number, of logs."""

    findings: tuple[Finding, ...]
    not_applicable: tuple[tuple[str, str], ...]
    verdict: Verdict
    names: tuple[str, ...] = ()

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Findings that ask for something to be done."""
        return tuple(f for f in self.findings if f.alarms)

    def __repr__(self) -> str:
        said = ", ".join(f"{question.replace('_', ' ')}: {one['answer']}" for question, one in self._answers.items())
        found = ", ".join(f"{f.code} ({f.severity})" for f in self.findings)
        return f"Examination({said}; {found})"

    def _repr_html_(self) -> str:
        """For notebooks: the three answers, and each finding with its words."""
        from html import escape

        asked = self._answers.items()
        answers = [f"{question.replace('_', ' ')}: {one['answer']} ({one['reason']})" for question, one in asked]
        found = [f"{f.name} ({f.severity}: {f.code}). {f.explanation}" for f in self.findings]
        return "".join(f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in part)}</ul>" for part in (answers, found))

    @property
    def _answers(self) -> dict[str, dict[str, str]]:
        return asdict(self.verdict)

    def record(self) -> FindingsFile:
        """findings.json."""
        record = FindingsFile(
            verdict=VerdictRecord.model_validate(asdict(self.verdict)),
            findings=tuple(finding_record(f) for f in self.findings),
            not_applicable=tuple(NotApplicableRecord(code=c, reason=reason) for c, reason in self.not_applicable),
        )
        return record.model_copy(update={"networks": self.names} if self.names else {})


def in_words(share: float) -> str:
    """A share in percent, or how many times where percents would be silly.

    >>> in_words(0.123), in_words(-2500.0)
    ('12.3 %', '-2.5e+03 times the size')
    """
    return f"{100 * share:.3g} %" if abs(share) < MANY_TIMES else f"{share:.3g} times the size"


def finding_record(finding: Finding) -> FindingRecord:
    """A finding as findings.json keeps it.

    >>> finding_record(Finding("training", "healthy", "Healthy", "note", "Nothing found.")).code
    'healthy'
    """
    thresholds = tuple(
        ThresholdRecord(name=t.name, value=t.value, unit=t.unit, source=t.source) for t in finding.thresholds
    )
    return FindingRecord(**{f.name: getattr(finding, f.name) for f in fields(finding)} | {"thresholds": thresholds})


def read_finding(record: FindingRecord) -> Finding:
    """The finding that a record of findings.json describes.

    >>> healthy = Finding("training", "healthy", "Healthy", "note", "Nothing found.", members=(1, 2))
    >>> read_finding(finding_record(healthy)) == healthy
    True
    """
    thresholds = tuple(Threshold(t.name, t.value, t.unit, t.source) for t in record.thresholds)
    known = {f.name: getattr(record, f.name) for f in fields(Finding)}
    return Finding(**known | {"thresholds": thresholds})
