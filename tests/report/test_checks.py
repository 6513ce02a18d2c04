"""What the page says was looked for in the data."""

from rounds.examination.examine_data import DATA_RULES
from rounds.examination.rules import RULES
from rounds.report.tables.checks import DATA_CHECKS, data_checks

UNKNOWN = {"believable": {"answer": "unknown"}}


def test_every_rule_about_data_has_its_words() -> None:
    codes = {rule.code for rule in (*DATA_RULES, *RULES) if rule.question == "data"}
    assert codes == set(DATA_CHECKS)


def test_silence_is_not_praise() -> None:
    made = data_checks({"findings": [], "not_applicable": [], "verdict": UNKNOWN})
    assert made["passed"] == []
    assert len(made["not_made"]) == len(DATA_CHECKS)


def test_a_finding_is_not_passed() -> None:
    leak = {"code": "target-leak", "question": "data", "name": "Leak", "severity": "error", "explanation": "because"}
    note = {**leak, "code": "class-imbalance", "severity": "note"}
    doubt = {**leak, "code": "linked-stays", "severity": "warning"}
    made = data_checks({"findings": [leak, note, doubt], "not_applicable": [], "verdict": UNKNOWN})
    assert [c.name for c in made["failed"]] == ["Leak"]
    assert len(made["noted"]) == len(made["doubtful"]) == 1
    assert len(made["passed"]) == len(DATA_CHECKS) - 3
