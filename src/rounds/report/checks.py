"""What was looked for in the data, in words: passed, failed, and (said as loudly) not made."""

from dataclasses import dataclass

from rounds.report.run_files import Record

# What a check is called on the page, by the code of the finding that it would make.
DATA_CHECKS = {
    "patient-leak": "No patient on two sides of the split",
    "duplicate-rows": "No rows repeated between training and test",
    "target-leak": "No column that gives the outcome away",
    "known-after-outcome": "No column known only after the prediction",
    "linked-stays": "Stays of one patient kept together",
    "competing-event": "No other event that hides the outcome",
    "censored-tail": "Outcome fully observed, not cut off",
    "label-noise": "Outcomes recorded consistently",
    "class-imbalance": "Enough patients with the outcome",
    "validation-too-small": "Enough patients to validate on",
    "shifted-validation": "Validation patients like training patients",
    "shifted-test": "Test patients like training patients",
    "implausible-score": "No score too good to be true",
}


@dataclass(frozen=True)
class Check:
    """One check: what it is called, and why it failed or was not made."""

    name: str
    reason: str = ""


def data_checks(findings: Record) -> dict[str, list[Check]]:
    """Checks of the data by what became of them: failed, noted, passed, not_made.

    A check counts as passed only where the record lists it under `passed`; what is not spoken of was not made.

    >>> made = data_checks({"findings": [], "passed": ["patient-leak"], "not_applicable": []})
    >>> len(made["passed"]), len(made["not_made"])
    (1, 12)
    """
    found = [f for f in findings["findings"] if f["question"] == "data" and f["code"] != "healthy"]
    skipped = {n["code"]: n["reason"] for n in findings["not_applicable"]}
    passed = set(findings.get("passed", ()))
    settled = passed | {f["code"] for f in found}
    return {
        "failed": [Check(f["name"], f["explanation"]) for f in found if f["severity"] != "note"],
        "noted": [Check(f["name"], f["explanation"]) for f in found if f["severity"] == "note"],
        "passed": [Check(text) for code, text in DATA_CHECKS.items() if code in passed],
        "not_made": [Check(t, skipped.get(c, "")) for c, t in DATA_CHECKS.items() if c not in settled],
    }
