"""The picture of each finding: its own members, the place marked, the threshold drawn."""

from pathlib import Path
from typing import Any

import pytest

from rounds.examination.examine_data import DATA_RULES
from rounds.examination.rules import RULES
from rounds.report.figures.bars import DRAWN_BY_NUMBERS
from rounds.report.figures.findings import DRAWN_BY_LOSSES, DRAWN_BY_MEASURES, finding_figure
from rounds.report.page import write_report
from rounds.report.run_files import RunFiles, read_run

from .conftest import TASKS, write_run


def finding(code: str, **changes: Any) -> dict[str, Any]:
    return {
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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    return read_run(write_run(tmp_path_factory.mktemp("pictures") / "run", TASKS["regression"], {}))


def test_every_rule_has_a_picture() -> None:
    drawn = {*DRAWN_BY_LOSSES, *DRAWN_BY_MEASURES, *DRAWN_BY_NUMBERS}
    nothing_was_measured = {"known-after-outcome", "identifier-as-number"}
    assert {r.code for r in (*DATA_RULES, *RULES)} - drawn == nothing_was_measured


def test_thresholds_that_are_drawn_are_those_of_the_rule() -> None:
    named = {r.code: {t.name for t in r.thresholds} for r in (*DATA_RULES, *RULES)}
    drawn = {(code, bars.threshold) for code, some in DRAWN_BY_NUMBERS.items() for bars in some if bars.threshold}
    drawn |= {(code, seen.threshold) for code, seen in DRAWN_BY_MEASURES.items() if seen.threshold}
    assert not [pair for pair in drawn if pair[1] not in named[pair[0]]]


def test_what_was_measured_of_data_stands_beside_its_threshold(run: RunFiles) -> None:
    apart = [{"name": "told apart", "value": 0.65, "unit": "AUROC", "source": "made up"}]
    picture = finding_figure(run, finding("shifted-test", evidence={"auroc": 0.83}, thresholds=apart))
    assert picture is not None
    assert "threshold: told apart" in picture
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
    assert finding_figure(run, finding("saturated-units")) is None, "the measure was not taken"


def test_the_report_shows_picture_and_rates(tmp_path: Path) -> None:
    said = {"answer": "no", "reason": "found"}
    verdict = dict.fromkeys(("believable", "well_trained", "worth_it"), said)
    findings = {"verdict": verdict, "findings": [finding("overfitting")], "not_applicable": []}
    page = write_report(write_run(tmp_path / "run", TASKS["regression"], {"findings": findings})).read_text()
    assert 'aria-label="Found overfitting, where it was seen"' in page
    assert "of 9 in 10 with such a fault, and of 1 in 200 without any" in page
    assert "Seen in network 1, from epoch 3. Thresholds: dead units 0.7 (share)." in page
