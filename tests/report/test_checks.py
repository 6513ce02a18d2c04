"""What the page says was looked for in the data."""

from rounds.report.tables.checks import NOT_ASKED, data_checks, rules_about_data
from rounds.run_folder.findings import FindingsFile

EVERY = [rule.code for rule in rules_about_data()]
UNKNOWN = {name: {"answer": "unknown", "reason": ""} for name in ("believable", "well_trained", "worth_it")}


def test_every_rule_about_data_has_a_check_line() -> None:
    assert all(rule.check for rule in rules_about_data())
    assert len({rule.check for rule in rules_about_data()}) == len(rules_about_data())


def test_silence_is_not_praise() -> None:
    """Neither where nothing was asked, nor of a rule that is newer than the run."""
    made = data_checks(FindingsFile.of({"findings": [], "not_applicable": [], "verdict": UNKNOWN}))
    assert made["passed"] == []
    assert [check.reason for check in made["not_made"]] == [NOT_ASKED] * len(EVERY)
    made = data_checks(FindingsFile.of({"findings": [], "not_applicable": [], "verdict": UNKNOWN, "asked": EVERY[1:]}))
    assert [check.name for check in made["not_made"]] == [rules_about_data()[0].check]
    assert len(made["passed"]) == len(EVERY) - 1


def test_a_finding_is_not_passed() -> None:
    leak = {"code": "target-leak", "question": "data", "name": "Leak", "severity": "error", "explanation": "because"}
    leak |= {"round": 0, "evidence": {}, "confidence": 1.0}
    note = {**leak, "code": "class-imbalance", "severity": "note"}
    doubt = {**leak, "code": "linked-stays", "severity": "warning"}
    said = {"findings": [leak, note, doubt], "not_applicable": [], "verdict": UNKNOWN, "asked": EVERY}
    made = data_checks(FindingsFile.of(said))
    assert [c.name for c in made["failed"]] == ["Leak"]
    assert len(made["noted"]) == len(made["doubtful"]) == 1
    assert len(made["passed"]) == len(EVERY) - 3
