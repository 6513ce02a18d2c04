"""The picture of each finding: its own members, the place marked, the threshold drawn."""

from pathlib import Path
from typing import Any

import pytest

from rounds.examination.figure import LossCurves
from rounds.examination.rules import every_rule
from rounds.report.figures.findings import DRAWN, finding_figure
from rounds.report.page import write_report
from rounds.report.run_files import RunFiles, read_run_files
from rounds.run_folder.findings import FindingRecord

from .conftest import TASKS, write_run


def finding(code: str, **changes: Any) -> FindingRecord:
    content = {
        "round": 0,
        "question": "training",
        "code": code,
        "name": f"Found {code}",
        "severity": "error",
        "epoch": 3,
        "evidence": {},
        "confidence": 0.9,
        "explanation": "Seen.",
        "follows_from": [],
        "remedies": [],
        "members": [1],
        "rates": {"hits": [9, 10], "alarms": [1, 200]},
        "thresholds": [{"name": "dead units", "value": 0.7, "unit": "share", "source": "made up"}],
        **changes,
    }
    return FindingRecord.model_validate(content)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    return read_run_files(write_run(tmp_path_factory.mktemp("pictures") / "run", TASKS["regression"], {}))


def test_every_rule_has_a_figure() -> None:
    nothing_was_measured = {"column-not-as-meant", "identifier-as-number", "known-after-outcome", "names-of-people"}
    assert {rule.code for rule in every_rule() if not rule.figures} == nothing_was_measured
    assert {type(figure) for rule in every_rule() for figure in rule.figures} == set(DRAWN)


def test_thresholds_that_are_drawn_are_those_of_the_rule() -> None:
    drawn = [(rule, f.threshold) for rule in every_rule() for f in rule.figures if not isinstance(f, LossCurves)]
    assert not [rule.code for rule, threshold in drawn if threshold is not None and threshold not in rule.thresholds]


def test_what_was_measured_of_data_stands_beside_its_threshold(run: RunFiles) -> None:
    apart = [{"name": "discriminated", "value": 0.65, "unit": "AUROC", "source": "made up"}]
    picture = finding_figure(run, finding("shifted-test", evidence={"auroc": 0.83}, thresholds=apart))
    assert picture is not None
    assert "threshold: discriminated" in picture
    assert "0.83" in picture
    shared = finding_figure(run, finding("patient-leak", evidence={"patients_shared_with_test": 31}))
    assert shared is not None
    assert "shared with test" in shared


def test_losses_with_the_epoch_marked(run: RunFiles) -> None:
    picture = finding_figure(run, finding("overfitting"))
    assert picture is not None
    assert "seen from epoch 3" in picture
    before = finding_figure(run, finding("poor-initialization", epoch=0))
    assert before is not None
    assert "before the first step" in before
    without = finding_figure(run, finding("overfitting", epoch=None))
    assert without is not None
    assert "seen from" not in without


def test_a_measure_with_its_threshold(run: RunFiles) -> None:
    picture = finding_figure(run, finding("dead-units"))
    assert picture is not None
    assert "threshold: dead units" in picture
    assert "activation_0" in picture


def test_what_no_curve_shows_has_none(run: RunFiles) -> None:
    assert finding_figure(run, finding("target-leak")) is None, "no numbers"
    assert finding_figure(run, finding("known-after-outcome")) is None
    without_measure = finding_figure(run, finding("saturated-units"))
    assert without_measure is not None
    assert "Validation" in without_measure, "the measure was not taken: the losses stand in"


def test_the_report_shows_picture_and_rates(tmp_path: Path) -> None:
    said = {"answer": "no", "reason": "found"}
    verdict = dict.fromkeys(("believable", "well_trained", "worth_it"), said)
    findings = {"verdict": verdict, "findings": [finding("overfitting").content()], "not_applicable": []}
    page = write_report(write_run(tmp_path / "run", TASKS["regression"], {"findings": findings})).read_text()
    assert 'aria-label="Found overfitting, where it was seen"' in page
    assert "of 9 in 10 with such a fault, and of 1 in 200 without any" in page
    assert "Seen in network 1, from epoch 3. Thresholds: dead units 0.7 (share)." in page
