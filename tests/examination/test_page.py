"""The page of findings is what the rules say, and every code has its place."""

from pathlib import Path
from typing import get_args

from rounds.examination.finding import Question
from rounds.examination.page import findings_page
from rounds.examination.rules import every_rule, rules_of_training

PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings.md"
# The codes that scripts rely on.
STABLE = {
    "learning-rate-too-high",
    "learning-rate-too-low",
    "overfitting",
    "underfitting",
    "still-improving",
    "diverged",
    "unstable",
    "plateau",
    "decayed-too-early",
    "poor-initialization",
    "vanishing-gradients",
    "exploding-gradients",
    "dead-units",
    "saturated-units",
    "not-learning",
    "not-shuffled",
    "unscaled-inputs",
    "over-regularized",
    "loss-output-mismatch",
    "validation-better",
    "patient-leak",
    "duplicate-rows",
    "target-leak",
    "known-after-outcome",
    "linked-stays",
    "competing-event",
    "censored-tail",
    "label-noise",
    "class-imbalance",
    "validation-too-small",
    "shifted-validation",
    "shifted-test",
    "implausible-score",
    "no-better-than-baseline",
}


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == findings_page(), "python -m rounds.examination.page > docs/findings.md"


def test_every_code_has_one_rule() -> None:
    codes = [rule.code for rule in every_rule()]
    assert len(codes) == len(set(codes))
    assert set(codes) >= STABLE


def test_rules_are_complete() -> None:
    codes = {rule.code for rule in rules_of_training()}
    for rule in every_rule():
        assert rule.question in get_args(Question)
        assert rule.how.endswith(".")
        assert rule.why.endswith(".")
        assert rule.remedies
        assert set(rule.causes) <= codes, rule.code


def test_causes_are_asked_before_what_follows() -> None:
    """But for pairs of which each may be the other's cause: the run says which came first."""
    place = {rule.code: i for i, rule in enumerate(rules_of_training())}
    later = {(rule.code, c) for rule in rules_of_training() for c in rule.causes if place[c] > place[rule.code]}
    mutual = {(code, cause) for code, cause in later if code in rules_of_training()[place[cause]].causes}
    assert later == mutual


def test_each_threshold_has_its_source() -> None:
    for rule in every_rule():
        for threshold in rule.thresholds:
            assert threshold.unit
            assert threshold.source
