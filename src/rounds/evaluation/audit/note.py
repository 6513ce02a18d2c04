"""What an audit says: findings as records, most serious first, and what could not be checked."""

from collections.abc import Iterable
from typing import Any

from rounds.evaluation.record import AuditFinding, Note
from rounds.examination.finding import SEVERITIES, Severity
from rounds.run_folder.findings import NotApplicableRecord


def found(code: str, severity: Severity, explanation: str, **evidence: Any) -> AuditFinding:
    """A finding, under the code of the rule that says the same of a run of Rounds."""
    return AuditFinding(code=code, severity=severity, explanation=explanation, evidence=evidence)


def unchecked(code: str, reason: str) -> NotApplicableRecord:
    """That something could not be checked, and why."""
    return NotApplicableRecord(code=code, reason=reason)


def sorted_notes(notes: Iterable[Note]) -> tuple[tuple[AuditFinding, ...], tuple[NotApplicableRecord, ...]]:
    """(findings, most serious first; what was not checked).

    >>> [len(part) for part in sorted_notes([unchecked("dead-units", "no layer rectifies")])]
    [0, 1]
    """
    every = list(notes)
    findings = [note for note in every if isinstance(note, AuditFinding)]
    rest = tuple(note for note in every if isinstance(note, NotApplicableRecord))
    return tuple(sorted(findings, key=lambda note: SEVERITIES.index(note.severity))), rest
