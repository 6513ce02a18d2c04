"""What an audit says: findings as records, most serious first, and what could not be checked."""

from collections.abc import Iterable
from typing import Any

from rounds.examination.finding import SEVERITIES, Severity

Note = dict[str, Any]


def found(code: str, severity: Severity, explanation: str, **evidence: Any) -> Note:
    """A finding, under the code of the rule that says the same of a run of Rounds."""
    return {"code": code, "severity": severity, "explanation": explanation, "evidence": evidence}


def unchecked(code: str, reason: str) -> Note:
    """That something could not be checked, and why."""
    return {"code": code, "reason": reason}


def sorted_notes(notes: Iterable[Note]) -> tuple[list[Note], list[Note]]:
    """(findings, most serious first; what was not checked).

    >>> [len(part) for part in sorted_notes([unchecked("dead-units", "no layer rectifies")])]
    [0, 1]
    """
    every = list(notes)
    findings = [note for note in every if "severity" in note]
    rest = [note for note in every if "severity" not in note]
    return sorted(findings, key=lambda note: SEVERITIES.index(note["severity"])), rest
