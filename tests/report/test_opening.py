"""The first screen: tones of the answers, and the one next step."""

import itertools
from typing import Any

import pytest

from rounds.report.opening import difference_sentence, make_opening, next_step, verdicts
from rounds.report.run_files import read_run_files
from rounds.report.tables.checks import Check
from rounds.run_folder.findings import VerdictRecord

from .conftest import TASKS, MakeRun, records

SAYS = ("yes", "no", "unknown")
CLEAN: dict[str, list[Check]] = {"failed": [], "doubtful": [], "noted": [], "passed": [], "not_made": []}


def verdict(believable: str, trained: str, worth: str) -> dict[str, Any]:
    names = ("believable", "well_trained", "worth_it")
    said = zip(names, (believable, trained, worth), strict=True)
    return {name: {"answer": answer, "reason": "because"} for name, answer in said}


def of(content: dict[str, Any]) -> VerdictRecord:
    return VerdictRecord.model_validate(content)


@pytest.mark.parametrize(("believable", "trained", "worth"), list(itertools.product(SAYS, repeat=3)))
def test_no_praise_above_an_unanswered_question(believable: str, trained: str, worth: str) -> None:
    made = verdicts(of(verdict(believable, trained, worth)), CLEAN)
    if believable != "yes":
        assert "good" not in {v.tone for v in made.values()}
    else:
        assert {n for n, v in made.items() if v.tone == "good"} == {n for n, v in made.items() if v.answer == "yes"}
    assert {v.answer for v in made.values() if v.tone == "bad"} <= {"no"}


@pytest.mark.parametrize("group", ["failed", "doubtful"])
def test_no_praise_above_a_check_that_failed(group: str) -> None:
    made = verdicts(of(verdict("yes", "yes", "yes")), {**CLEAN, group: [Check("One stay counts as two")]})
    assert {v.tone for v in made.values()} == {"plain"}


def finding(question: str, name: str) -> dict[str, Any]:
    found = {"question": question, "code": name, "name": name, "severity": "warning", "remedies": [f"mend {name}"]}
    return {**found, "round": 0, "evidence": {}, "confidence": 1.0, "explanation": ""}


@pytest.mark.parametrize(
    ("findings", "said", "expected"),
    [
        ([finding("training", "curve"), finding("data", "leak")], ("no", "no", "no"), "leak: mend leak"),
        ([finding("training", "curve")], ("unknown", "no", "no"), "Have the data examined"),
        ([finding("training", "curve")], ("yes", "no", "no"), "curve: mend curve"),
        ([], ("yes", "yes", "no"), "Use the simpler way (linear)"),
        ([], ("yes", "yes", "unknown"), "Collect more patients"),
        ([], ("yes", "yes", "yes"), "Judge it on patients of another hospital"),
    ],
)
def test_next_step(make_run: MakeRun, findings: list[Any], said: tuple[str, str, str], expected: str) -> None:
    record = {"verdict": verdict(*said), "findings": findings, "not_applicable": []}
    assert next_step(read_run_files(make_run(findings=record))).startswith(expected)


def test_undeclared_columns_come_before_curves(make_run: MakeRun) -> None:
    base = records(TASKS["regression"])
    for column in base["dataset"]["columns"]:
        column["known"] = "unknown"
    record = {"verdict": verdict("unknown", "no", "no"), "findings": [finding("training", "x")], "not_applicable": []}
    run = read_run_files(make_run(findings=record, dataset=base["dataset"]))
    assert next_step(run).startswith("Say when each of the 2 columns becomes known")


@pytest.mark.parametrize(
    ("kind", "headline"), [("regression", "Predictions miss by"), ("binary", "Ranks"), ("targets", "Variation")]
)
def test_headline_is_what_a_clinician_can_hold_on_to(make_run: MakeRun, kind: str, headline: str) -> None:
    opening = make_opening(read_run_files(make_run(kind)))
    assert opening.headline[0].startswith(headline)
    assert kind != "regression" or opening.headline[1].endswith(" days")
    assert kind != "binary" or {name for name, *_ in opening.beside} >= {"Calibration slope", "Calibration intercept"}


@pytest.mark.parametrize(("value", "side"), [(0.5, "better"), (-0.5, "worse")])
def test_difference_has_a_side(make_run: MakeRun, value: float, side: str) -> None:
    base = records(TASKS["regression"])["metrics"]
    base["difference"] |= {"value": value, "low": value - 0.1, "high": value + 0.1}
    said = difference_sentence(read_run_files(make_run(metrics=base)))
    assert said.startswith(f"RMSE 0.500 days {side} than the best simpler way (linear model)")
