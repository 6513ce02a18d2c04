"""The picture of each finding: its own members, the place marked, the threshold drawn."""

from pathlib import Path
from typing import Any

import pytest

from rounds.examination.rules import RULES
from rounds.report.finding_figures import DRAWN_BY_LOSSES, DRAWN_BY_MEASURES, finding_picture
from rounds.report.page import write_report
from rounds.report.run_files import RunFiles, read_run

from .conftest import TASKS, write_run


def finding(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "round": 0, "question": "training", "code": code, "name": f"Found {code}", "severity": "error", "epoch": 3,
        "evidence": {}, "confidence": 0.9, "explanation": "Seen.", "follows_from": [], "remedies": [], "members": [1],
        "rates": {"hits": [9, 10], "alarms": [1, 200]},
        "thresholds": [{"name": "dead units", "value": 0.7, "unit": "share", "source": "made up"}], **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    return read_run(write_run(tmp_path_factory.mktemp("pictures") / "run", TASKS["regression"], {}))


def test_every_rule_about_training_has_a_picture() -> None:
    drawn = {*DRAWN_BY_LOSSES, *DRAWN_BY_MEASURES}
    about_numbers_alone = {"validation-too-small", "gaps-unread"}
    assert {r.code for r in RULES if r.question == "training"} - drawn == about_numbers_alone


def test_losses_with_the_epoch_marked(run: RunFiles) -> None:
    picture = finding_picture(run, finding("overfitting"))
    assert picture is not None
    assert "seen from epoch 3" in picture
    before = finding_picture(run, finding("poor-initialization", epoch=0))
    assert before is not None
    assert "before the first step" in before
    without = finding_picture(run, finding("overfitting", epoch=None))
    assert without is not None
    assert "seen from" not in without


def test_a_measure_with_its_threshold(run: RunFiles) -> None:
    picture = finding_picture(run, finding("dead-units"))
    assert picture is not None
    assert "threshold: dead units" in picture
    assert "activation_0" in picture


def test_what_no_curve_shows_has_none(run: RunFiles) -> None:
    assert finding_picture(run, finding("target-leak")) is None
    assert finding_picture(run, finding("saturated-units")) is None, "the measure was not taken"


def test_the_report_shows_picture_and_rates(tmp_path: Path) -> None:
    said = {"answer": "no", "reason": "found"}
    verdict = dict.fromkeys(("believable", "well_trained", "worth_it"), said)
    findings = {"verdict": verdict, "findings": [finding("overfitting")], "not_applicable": []}
    page = write_report(write_run(tmp_path / "run", TASKS["regression"], {"findings": findings})).read_text()
    assert 'aria-label="Found overfitting, where it was seen"' in page
    assert "of 9 in 10 runs with such a fault, and of 1 in 200 without a fault" in page
