"""What was looked for in the data, in words: passed, failed, and (said as loudly) not made."""

from dataclasses import dataclass
from typing import Any

from rounds.examination.rule import Rule
from rounds.examination.rules import every_rule
from rounds.report.run_files import Record

BECAME = {"failed": "error", "doubtful": "warning", "noted": "note"}


@dataclass(frozen=True)
class Check:
    """One check: what it is called, and why it failed or was not made."""

    name: str
    reason: str = ""


def data_checks(findings: Record) -> dict[str, list[Check]]:
    """Checks of the data by what became of them: failed, doubtful, noted, passed, not_made.

    >>> some = [{"code": "linked-stays", "reason": "no dates"}]
    >>> believed = {"believable": {"answer": "unknown"}}
    >>> data_checks({"findings": [], "not_applicable": some, "verdict": believed})["not_made"]
    [Check(name='No stay counted twice', reason='no dates')]
    """
    found = [f for f in findings["findings"] if f["question"] == "data"]
    skipped = {n["code"]: n["reason"] for n in findings["not_applicable"]}
    silent = [rule for rule in rules_about_data() if rule.code not in {f["code"] for f in found}]
    looked = data_examined(findings)
    return {
        **{name: _told(found, severity) for name, severity in BECAME.items()},
        "passed": [Check(rule.check) for rule in silent if looked and rule.code not in skipped],
        "not_made": [
            Check(rule.check, skipped.get(rule.code, "")) for rule in silent if not looked or rule.code in skipped
        ],
    }


def _told(found: list[Record], severity: str) -> list[Check]:
    return [Check(f["name"], f["explanation"]) for f in found if f["severity"] == severity]


def data_examined(findings: Record) -> bool:
    """Whether rules looked at the data at all: a record that speaks of none of them does not count as praise.

    >>> data_examined({"findings": [], "not_applicable": [], "verdict": {"believable": {"answer": "unknown"}}})
    False
    """
    spoken = {entry["code"] for name in ("findings", "not_applicable") for entry in findings[name]}
    about_data = {rule.code for rule in rules_about_data()}
    return bool(spoken & about_data) or findings["verdict"]["believable"]["answer"] != "unknown"


def rules_about_data() -> list[Rule[Any]]:
    """Rules on whether the number can be believed, asked before training or after it."""
    return [rule for rule in every_rule() if rule.question == "data"]
