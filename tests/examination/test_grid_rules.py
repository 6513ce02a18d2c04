"""Augmentation that asks too much, batch statistics of a handful, gaps unread: planted faults and healthy runs."""

from dataclasses import replace
from typing import Any

import pytest

from rounds.examination.curve import Curve
from rounds.examination.examine import examine_run
from rounds.examination.finding import NotApplicable
from rounds.examination.run import Run
from rounds.examination.training_rules.images_and_recordings import AUGMENTING
from rounds.plan import Plan
from rounds.run_folder.metrics import MeasurementPattern
from rounds.training.augmentation.images import IMAGE_SETTINGS
from rounds.training.augmentation.recordings import RECORDING_SETTINGS
from tests.examination.planted import behind, folds, healthy_loss, inside, metrics_of, run, said, seen

POOR = healthy_loss(0.97)


def moved(curves: tuple[Curve, ...], **amounts: float) -> tuple[Curve, ...]:
    return tuple(replace(c, settings={**c.settings, **amounts}) for c in curves)


def test_every_setting_that_augments_is_known() -> None:
    assert set(AUGMENTING) == {*IMAGE_SETTINGS, *RECORDING_SETTINGS, "input_noise", "mixup"}


def test_augmentation_beside_a_control() -> None:
    control = folds(validation=healthy_loss(0.5))
    strong = moved(folds(first=5, train=healthy_loss(0.8), validation=healthy_loss(0.7)), shift=0.5)
    found = seen("augmentation-too-strong", run(control, strong))
    assert found.members == tuple(range(5, 10))
    assert found.evidence["cost_share"] == pytest.approx(0.2, abs=0.03)
    assert found.evidence["shift"] == 0.5
    mild = moved(folds(first=5, train=healthy_loss(0.6), validation=healthy_loss(0.5)), shift=0.5)
    assert said("augmentation-too-strong", run(control, mild)) is None


def test_augmentation_without_a_control() -> None:
    strong = moved(folds(train=healthy_loss(0.99, 1.2), validation=healthy_loss(0.85)), rotate=90.0)
    assert seen("augmentation-too-strong", run(strong, **behind())).evidence["rotate"] == 90.0
    assert said("augmentation-too-strong", run(strong)) is None  # training is higher, as it should be, and no harm
    assert isinstance(said("augmentation-too-strong", run(folds())), NotApplicable)


def test_heavy_dropout_raises_the_training_loss_beside_usual_augmentation() -> None:
    raised = folds(train=healthy_loss(0.99, 1.2), validation=healthy_loss(0.85))
    assert said("augmentation-too-strong", run(moved(raised, rotate=7.0, dropout=0.3), **behind())) is not None
    dropped = run(moved(raised, rotate=7.0, dropout=0.9), **behind())
    assert said("augmentation-too-strong", dropped) is None
    assert examine_run(dropped).findings[0].code == "over-regularized"
    assert said("augmentation-too-strong", run(moved(raised, rotate=90.0, dropout=0.9), **behind())) is not None


def test_heavy_augmentation_without_a_control() -> None:
    learned = folds(train=POOR, validation=POOR)
    found = seen("augmentation-too-strong", run(moved(learned, shift=0.5, brightness=0.3), **behind()))
    assert "(shift 0.5) is at least 5 times what is usual" in found.explanation
    first = examine_run(run(moved(learned, shift=0.5), **behind())).findings[0]
    assert first.code == "augmentation-too-strong", "before what follows from it"
    assert said("augmentation-too-strong", run(moved(learned, shift=0.2), **behind())) is None
    assert said("augmentation-too-strong", run(moved(folds(), shift=0.5))) is None, "no harm"
    noise = run(moved(learned, input_noise=2.0), **behind())
    assert said("augmentation-too-strong", noise) is None, "of noise regularization speaks"


def test_batches_of_two_are_named_before_the_start_that_they_spoil() -> None:
    dead = inside(gradient_norm=[(0.0, 0.3), 1.0, 1.0])
    plans = (Plan(normalization="batch", batch_size=2),)
    found = examine_run(run(folds(train=POOR, validation=POOR, measures=dead), plans=plans, **behind())).findings
    codes = [f.code for f in found if f.alarms]
    assert codes.index("tiny-batch-statistics") < codes.index("poor-initialization")


def test_augmentation_explains_validation_better_than_training() -> None:
    better = folds(train=healthy_loss(0.7), validation=healthy_loss(0.5))
    assert seen("validation-better", run(better))
    assert isinstance(said("validation-better", run(moved(better, brightness=0.3))), NotApplicable)


@pytest.mark.parametrize(("rows", "severity"), [(2, "error"), (7, "error"), (8, None), ("all", None)])
def test_tiny_batches(rows: Any, severity: str | None) -> None:
    plans = (Plan(normalization="batch", batch_size=rows),)
    evidence = run(folds(train=POOR, validation=POOR), plans=plans, **behind())
    if severity is None:
        assert said("tiny-batch-statistics", evidence) is None
        return
    assert seen("tiny-batch-statistics", evidence).severity == severity
    assert seen("tiny-batch-statistics", run(folds(), plans=plans)).severity == "note"
    assert isinstance(said("tiny-batch-statistics", run(folds())), NotApplicable)


def gaps(pattern: float, dealt: float) -> Run:
    def around(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.004, "high": value + 0.004}

    content = {"metric": "log_loss", "rows": 500, "pattern_alone": around(pattern), "dealt_anew": around(dealt)}
    return run(folds(), metrics=metrics_of(gaps=MeasurementPattern.model_validate(content)), constant_score=0.6)


def test_gaps_that_tell_and_are_not_read() -> None:
    found = seen("gaps-unread", gaps(0.05, 0.0))
    assert (found.severity, found.evidence["pattern_alone_value"]) == ("warning", 0.05)
    assert said("gaps-unread", gaps(0.05, 0.03)) is None  # they are read
    assert said("gaps-unread", gaps(0.001, 0.0)) is None  # they tell nothing
    assert isinstance(said("gaps-unread", run(folds(), metrics=metrics_of())), NotApplicable)
