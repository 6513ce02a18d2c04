"""What the page says was looked for in the data."""

from rounds.report.tables.checks import data_checks, rules_about_data

UNKNOWN = {"believable": {"answer": "unknown"}}


def test_every_rule_about_data_has_a_check_line() -> None:
    assert all(rule.check for rule in rules_about_data())
    assert len({rule.check for rule in rules_about_data()}) == len(rules_about_data())


def test_silence_is_not_praise() -> None:
    made = data_checks({"findings": [], "not_applicable": [], "verdict": UNKNOWN})
    assert made["passed"] == []
    assert len(made["not_made"]) == len(rules_about_data())


def test_a_finding_is_not_passed() -> None:
    leak = {"code": "target-leak", "question": "data", "name": "Leak", "severity": "error", "explanation": "because"}
    note = {**leak, "code": "class-imbalance", "severity": "note"}
    doubt = {**leak, "code": "linked-stays", "severity": "warning"}
    made = data_checks({"findings": [leak, note, doubt], "not_applicable": [], "verdict": UNKNOWN})
    assert [c.name for c in made["failed"]] == ["Leak"]
    assert len(made["noted"]) == len(made["doubtful"]) == 1
    assert len(made["passed"]) == len(rules_about_data()) - 3
