"""When a network counts as worse than it should be, and what that makes of a finding."""

from dataclasses import replace

import numpy as np
import pytest

from rounds.examination.examine import examine_run
from rounds.examination.finding import BY_HARM, Finding, Seen
from rounds.examination.harm import BEHIND_TREES, BESIDE_CAUSE, WORSE, harm, harm_is_known, weighed
from rounds.examination.rules import rules_of_training
from rounds.examination.training_rules.mismatch import judges
from rounds.plan import Plan
from rounds.run_folder.metrics import Estimate
from rounds.task import Task
from tests.examination.planted import behind, folds, healthy_loss, inside, run

FAR = {"linear_by_fold": {"linear": dict.fromkeys(range(5), 0.3)}}
ODD = Seen(BY_HARM, "Something is odd.", {"share": 0.5}, 0.9)


def judged(share: float, error: float = 0.01) -> dict[str, object]:
    """Judged patients put the network behind the linear baseline by this share of the constant's score."""
    gain = Estimate(value=-share, low=-share - 1.96 * error, high=-share + 1.96 * error)
    return {"advantages": {"linear": gain}, "constant_score": 1.0}


def test_networks_that_are_where_they_should_be() -> None:
    assert harm(run(folds(), linear_by_fold={"linear": dict.fromkeys(range(5), 0.52)})) is None


def test_judged_patients_can_clear_single_networks() -> None:
    assert harm(run(folds(), **FAR)) is not None, "one by one they are behind"
    assert harm(run(folds(), **FAR, **judged(0.01))) is not None
    assert harm(run(folds(), **FAR, **judged(-0.01))) is None, "the chosen ensemble is not behind"


def test_both_kinds_of_patients_are_averaged() -> None:
    found = harm(run(folds(), **FAR, **judged(0.1)))
    assert found is not None
    own = found.evidence
    assert own["behind_linear_share"] == pytest.approx(
        (own["behind_linear_validation_share"] + own["behind_linear_judged_share"]) / 2
    )
    assert own["behind_linear_judged_share"] == pytest.approx(0.1)
    assert own["behind_linear_validation_share"] == pytest.approx(0.52**0.5 - 0.3**0.5, abs=0.01)


def test_a_difference_that_is_not_sure_is_none() -> None:
    share = 1.5 * WORSE.value
    assert harm(run(folds(), **judged(share))) is not None
    assert harm(run(folds(), **judged(share, error=2 * share))) is None


def test_beside_what_good_plans_show_too_a_difference_must_be_surer() -> None:
    """Few events: a healthy network is behind a linear model by one and a half standard errors one time in fifteen."""
    doubtful = run(folds(), **judged(3 * WORSE.value, error=2 * WORSE.value))
    assert harm(doubtful) is not None
    assert harm(doubtful, alone=True) is None
    assert harm(run(folds(), **judged(3 * WORSE.value, error=WORSE.value)), alone=True) is not None


def test_what_good_plans_show_too_is_not_alone_beside_what_they_hardly_show() -> None:
    """The same harm of the same run is known to all findings or to none."""
    doubtful = judged(3 * WORSE.value, error=2 * WORSE.value)

    def rises(epochs: np.ndarray) -> np.ndarray:
        return np.where(epochs < 10, 0.5, 0.5 + 0.02 * (epochs - 10))

    alone = run(folds(validation=rises), plans=(Plan(keep_best="none"),), **doubtful)
    beside = run(
        folds(validation=rises, measures=inside(update_ratio=1e-6)), plans=(Plan(keep_best="none"),), **doubtful
    )
    severities = [{f.code: f.severity for f in examine_run(r).findings}["overfitting"] for r in (alone, beside)]
    assert severities == ["note", "error"]


def test_networks_that_learned_nothing_are_harmed_however_few_the_events() -> None:
    """No difference to a linear model is sure there, while neither loss ever came below a constant's."""

    def never(epochs: np.ndarray) -> np.ndarray:
        return 1.2 - 0.004 * epochs

    unsure = judged(0.1, error=0.5)
    stuck = run(folds(train=never, validation=never), **unsure)
    found = harm(stuck)
    assert found is not None
    assert found.evidence == {"constant_loss": 1.0}
    assert weighed(stuck, ODD).severity == "error"
    assert harm(run(folds(train=healthy_loss(0.9), validation=never), **unsure)) is None, "something was learned"


def test_a_loss_that_does_not_judge_the_outcome_tells_nothing() -> None:
    task = Task(kind="binary", targets=("death",), classes=("0", "1"))
    mismatched = run(folds(), task=task, plans=(Plan(loss="mae"),), **FAR)
    assert not judges(mismatched.plan, task)
    assert harm(mismatched) is None
    assert harm(replace(mismatched, **judged(0.2))) is not None


def test_losses_that_are_no_numbers_are_harm() -> None:
    lost = folds(validation=lambda epochs: np.full(len(epochs), np.nan), outcome="diverged")
    found = harm(run(lost))
    assert found is not None
    assert found.evidence == {"lost": 5}


def test_behind_the_trees() -> None:
    assert harm(run(folds(), **behind("trees", 2 * BEHIND_TREES.value))) is not None
    assert harm(run(folds(), **behind("trees", BEHIND_TREES.value / 2))) is None


@pytest.mark.parametrize("baseline", ["linear", "trees"])
def test_patients_of_another_site_do_not_say_how_it_was_trained(baseline: str) -> None:
    """A test that is meant to be of others is a note: networks that do not travel are no fault of training."""
    far = behind(baseline, 0.5)
    note = Finding("data", "shifted-test", "Test patients are others", "note", "")
    assert harm(run(folds(), **far, data_findings=(note,))) is None
    assert harm(run(folds(), **far, data_findings=(replace(note, severity="warning"),))) is not None
    assert harm(run(folds(), **FAR, data_findings=(note,))) is not None, "validation patients are as those learned from"


def test_severity_follows_harm() -> None:
    harmed, spared, unknown = run(folds(), **judged(0.3)), run(folds()), run(folds(), constant_loss=None)
    assert not harm_is_known(unknown)
    assert [weighed(r, ODD).severity for r in (harmed, spared, unknown)] == ["error", "note", "warning"]
    assert weighed(spared, replace(ODD, least="warning")).severity == "warning"
    said = weighed(harmed, ODD)
    assert said.explanation.startswith("Something is odd. Harm: a linear model is ahead by 30 %")
    assert said.evidence["behind_linear_share"] == pytest.approx(0.3)
    assert said.evidence["share"] == 0.5


def test_what_good_plans_show_too_needs_more_harm_than_what_they_never_show() -> None:
    between = run(folds(), **judged((WORSE.value + BESIDE_CAUSE.value) / 2, error=0.001))
    assert harm(between) is not None
    assert harm(between, alone=True) is None
    assert [weighed(between, ODD, alone=common).severity for common in (False, True)] == ["error", "note"]
    assert {rule.code for rule in rules_of_training() if rule.in_good_plans} == {"overfitting", "underfitting"}


def test_a_finding_of_its_own_severity_is_left_alone() -> None:
    note = replace(ODD, severity="note")
    assert weighed(run(folds(), **judged(0.3)), note) is note


def test_an_oddity_that_costs_nothing_leaves_a_run_healthy() -> None:
    odd = run(folds(measures=inside(dead_share=(0.0, 0.9))), **judged(0.0))
    found = examine_run(odd)
    assert found.findings[0].code == "healthy"
    dead = next(f for f in found.findings if f.code == "dead-units")
    assert dead.severity == "note"
    assert dead.explanation.endswith("No harm was measured.")
