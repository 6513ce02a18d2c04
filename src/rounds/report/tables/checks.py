"""What was looked for in the data, in words: passed, failed, and (said as loudly) not made."""

from dataclasses import dataclass
from typing import Any

from rounds.examination.rule import Rule
from rounds.examination.rules import every_rule
from rounds.run_folder.findings import FindingRecord, FindingsFile

NOT_ASKED = "not asked when this run was made"
BECAME = {"failed": "error", "doubtful": "warning", "noted": "note"}


@dataclass(frozen=True)
class Check:
    """One check: what it is called, and why it failed or was not made."""

    name: str
    reason: str = ""


def data_checks(findings: FindingsFile) -> dict[str, list[Check]]:
    """Checks of the data by what became of them: failed, doubtful, noted, passed, not_made.

    >>> unsure = {"answer": "unknown", "reason": ""}
    >>> some = {"findings": [], "not_applicable": [{"code": "linked-stays", "reason": "no dates"}]}
    >>> some["verdict"] = {"believable": unsure, "well_trained": unsure, "worth_it": unsure}
    >>> made = data_checks(FindingsFile.of({**some, "asked": ["linked-stays", "patient-leak"]}))
    >>> [check.name for check in made["passed"]], [check.reason for check in made["not_made"]][-1]
    (['No patient on two sides of the split'], 'not asked when this run was made')
    """
    found = [f for f in findings.findings if f.question == "data"]
    rules, asked = rules_about_data(), set(findings.asked)
    why = {rule.code: NOT_ASKED for rule in rules if rule.code not in asked}
    why |= {n.code: n.reason for n in findings.not_applicable}
    silent = [rule for rule in rules if rule.code not in {f.code for f in found}]
    return {
        **{name: _told(found, severity) for name, severity in BECAME.items()},
        "passed": [Check(rule.check) for rule in silent if rule.code not in why],
        "not_made": [Check(rule.check, why[rule.code]) for rule in silent if rule.code in why],
    }


def _told(found: list[FindingRecord], severity: str) -> list[Check]:
    return [Check(f.name, f.explanation) for f in found if f.severity == severity]


def rules_about_data() -> list[Rule[Any]]:
    """Rules on whether the number can be believed, asked before training or after it."""
    return [rule for rule in every_rule() if rule.question == "data"]
