"""The examination as a whole: its record, its order, and that no run, however odd, makes it fail."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rounds.examination.curve import Curve
from rounds.examination.examine import examine_run
from rounds.examination.finding import Finding, NotApplicable, Seen
from rounds.examination.rule import FAILED
from rounds.examination.rules import rules_of_training
from rounds.examination.run import Run
from rounds.examination.text import WIDTH, examination_text
from rounds.plan import Plan
from rounds.run_folder.metrics import BaselineDifference
from tests.examination.planted import REGRESSION, behind, dataset_of, folds, healthy_loss, inside, metrics_of, run

LEAK = Finding("data", "target-leak", "A column gives the outcome away", "error", "discharge tells it.")
DECLARED = dataset_of(columns=[{"name": "age", "role": "numeric", "known": "admission"}], rows=100)


def odd_curve(random: np.random.Generator, member: int) -> Curve:
    """A member with whatever can go wrong in it: gaps, infinities, one epoch, missing parts."""
    length = int(random.integers(1, 25))
    epochs = np.arange(1, length + 1)
    scale = 10.0 ** random.integers(-6, 8)
    losses = [scale * random.random(length) for _ in range(2)]
    for values in losses:
        values[random.random(length) < random.choice([0.0, 0.3, 1.0])] = random.choice([np.nan, np.inf])
    measures = inside(
        length + 2,
        gradient_norm=float(random.choice([0.0, 1.0, np.nan, np.inf])),
        dead_share=float(random.choice([0.0, 1.0, np.nan])),
        update_ratio=float(random.choice([0.0, 1.0, np.nan, np.inf])),
        loss=float(random.choice([0.0, 1.0, np.nan, np.inf])),
    )
    return Curve(
        member,
        epochs,
        *losses,
        fold=int(random.integers(3)),
        settings={"learning_rate": float(random.choice([1e-3, 1.0])), "dropout": float(random.choice([0.0, 0.9]))},
        rate=[None, np.ones(length), np.linspace(1, 0, length)][random.integers(3)],
        measures=measures if random.random() < 0.7 else {},
        steps=(np.linspace(0.1, length, 50), random.random(50)) if random.random() < 0.5 else None,
        outcome=str(random.choice(["finished", "diverged", "stopped"])),
    )


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("error")
def test_odd_runs_are_examined_too(seed: int) -> None:
    random = np.random.default_rng(seed)
    curves = tuple(odd_curve(random, member) for member in range(int(random.integers(1, 7))))
    plan = Plan(shuffle=bool(random.random() < 0.5), scale_inputs=bool(random.random() < 0.5))
    fields = behind() if random.random() < 0.5 else {}
    known = {"plans": (plan,), "task": REGRESSION, "constant_loss": 1.0, **fields} if random.random() < 0.7 else {}
    found = examine_run(Run(curves, **known))  # type: ignore[arg-type]
    assert not [reason for _, reason in found.not_applicable if reason.startswith(FAILED)]
    assert found.findings
    json.dumps(found.record().content(), allow_nan=False)


def test_record() -> None:
    record = examine_run(run(folds())).record().model_dump(exclude_unset=True)
    assert set(record) == {"verdict", "findings", "not_applicable"}
    assert set(record["verdict"]) == {"believable", "well_trained", "worth_it"}
    assert set(record["findings"][0]) == {
        "round",
        "question",
        "code",
        "name",
        "severity",
        "evidence",
        "confidence",
        "explanation",
        "follows_from",
        "remedies",
        "members",
        "epoch",
        "thresholds",
        "rates",
    }


def test_data_comes_before_training() -> None:
    poor = folds(train=healthy_loss(0.97), validation=healthy_loss(0.97))
    found = examine_run(run(poor, data_findings=(LEAK,), data_examined=True, dataset=DECLARED, **behind()))
    assert found.findings[0] == LEAK
    assert found.findings[1].question == "training"
    assert found.verdict.believable.answer == "no"


def test_a_rule_that_fails_costs_no_other() -> None:
    def fail(evidence: Run) -> Seen:
        raise ZeroDivisionError("planted")

    rule = replace(rules_of_training()[0], judge=fail)
    said = rule.ask(run(folds()))
    assert said == NotApplicable("the rule failed: ZeroDivisionError: planted")
    failed = run(folds(), dataset=DECLARED, data_examined=True, data_not_applicable=(("target-leak", said.reason),))
    assert examine_run(failed).verdict.believable.reason == "not everything was checked: target-leak failed"


def test_believable_needs_every_column_declared() -> None:
    undeclared = dataset_of(columns=[{"name": "age", "role": "numeric", "known": "unknown"}], rows=100)
    answers = [
        examine_run(run(folds(), dataset=d, data_examined=True)).verdict.believable.answer
        for d in (DECLARED, undeclared)
    ]
    assert answers == ["yes", "unknown"]
    assert examine_run(run(folds())).verdict.believable.answer == "unknown"
    doubt = (replace(LEAK, severity="warning"),)
    doubted = examine_run(run(folds(), dataset=DECLARED, data_examined=True, data_findings=doubt))
    assert doubted.verdict.believable.answer == "unknown"


def test_patients_on_both_sides_are_believed_by_nobody() -> None:
    """A user who writes --group none though patients repeat is warned, and the number is not that of new patients."""
    both = (replace(LEAK, code="patient-leak", severity="warning"),)
    found = examine_run(run(folds(), dataset=DECLARED, data_examined=True, data_findings=both))
    assert found.verdict.believable.answer == "no"


def test_columns_named_like_an_outcome_are_named_first() -> None:
    names = ["age", "sex", "weight", "height", "pulse", "discharge_ward"]
    columns = [{"name": name, "role": "numeric", "known": "unknown"} for name in names]
    found = examine_run(run(folds(), dataset=dataset_of(columns=columns, rows=100), data_examined=True))
    assert found.verdict.believable.reason.endswith("known: discharge_ward, age, sex, weight, height")


def test_worth_it_comes_from_the_difference() -> None:
    effect = {"metric": "rmse", "baseline": "trees", "value": 2.0, "low": 1.0, "high": 3.0, "smallest_worthwhile": 0.5}
    assert (
        examine_run(run(folds(), metrics=metrics_of(difference=BaselineDifference(**effect)))).verdict.worth_it.answer
        == "yes"
    )
    assert examine_run(run(folds())).verdict.worth_it.answer == "unknown"


def test_text_is_no_wider_than_a_terminal() -> None:
    poor = folds(train=healthy_loss(0.97), validation=healthy_loss(0.97))
    text = examination_text(examine_run(run(poor, **behind())))
    assert "Was it trained well: no" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_what_rests_on_too_few_patients_is_said_before_what_follows_from_it() -> None:
    place = {rule.code: rule.place for rule in rules_of_training()}
    few = place["validation-too-small"]
    assert all(few < place[code] for code in ("overfitting", "underfitting", "plateau", "unstable"))
