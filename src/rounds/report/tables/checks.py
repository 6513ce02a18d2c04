"""What was looked for in the data, in words: passed, failed, and (said as loudly) not made."""

from dataclasses import dataclass

from rounds.report.run_files import Record

# What a check is called on the page, by the code of the finding that it would make.
DATA_CHECKS = {
    "patient-leak": "No patient on two sides of the split",
    "duplicate-rows": "No rows repeated across the split",
    "target-leak": "No column that gives the outcome away",
    "known-after-outcome": "No column known only after the prediction",
    "identifier-as-number": "No identifier read as a number",
    "linked-stays": "No stay counted twice",
    "competing-event": "Deaths do not cut stays short",
    "censored-tail": "Outcomes fully observed, not cut off",
    "shifted-validation": "Validation patients like training patients",
    "shifted-test": "Test patients like training patients",
    "class-imbalance": "Enough patients with the outcome",
    "label-noise": "Outcomes do not contradict each other",
    "implausible-score": "No score too good to be true",
}


SEVERITIES = {"failed": "error", "doubtful": "warning", "noted": "note"}


@dataclass(frozen=True)
class Check:
    """One check: what it is called, and why it failed or was not made."""

    name: str
    reason: str = ""


def data_checks(findings: Record) -> dict[str, list[Check]]:
    """Checks of the data by what became of them: failed, doubtful, noted, passed, not_made.

    >>> some = [{"code": "linked-stays", "reason": "no dates"}]
    >>> believed = {"believable": {"answer": "unknown"}}
    >>> made = data_checks({"findings": [], "not_applicable": some, "verdict": believed})
    >>> len(made["passed"]), made["not_made"]
    (12, [Check(name='No stay counted twice', reason='no dates')])
    """
    found = [f for f in findings["findings"] if f["question"] == "data"]
    skipped = {n["code"]: n["reason"] for n in findings["not_applicable"]}
    open_codes = [c for c in DATA_CHECKS if c not in {f["code"] for f in found}]
    looked = data_examined(findings)
    return {
        **{name: _told(found, severity) for name, severity in SEVERITIES.items()},
        "passed": [Check(DATA_CHECKS[c]) for c in open_codes if looked and c not in skipped],
        "not_made": [Check(DATA_CHECKS[c], skipped.get(c, "")) for c in open_codes if not looked or c in skipped],
    }


def _told(found: list[Record], severity: str) -> list[Check]:
    return [Check(f["name"], f["explanation"]) for f in found if f["severity"] == severity]


def data_examined(findings: Record) -> bool:
    """Whether rules looked at the data at all: a record that speaks of none of them does not count as praise.

    >>> data_examined({"findings": [], "not_applicable": [], "verdict": {"believable": {"answer": "unknown"}}})
    False
    """
    spoken = {entry["code"] for name in ("findings", "not_applicable") for entry in findings[name]}
    return bool(spoken & set(DATA_CHECKS)) or findings["verdict"]["believable"]["answer"] != "unknown"
