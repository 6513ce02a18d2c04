"""Losses that end nowhere, at the constant, or on their way are found; healthy ones are left alone."""

import numpy as np

from rounds.examination.examine import examine_run
from rounds.examination.finding import NotApplicable
from rounds.examination.run import Run
from tests.examination.planted import behind, folds, healthy_loss, inside, run, said, seen


def test_healthy_population_is_left_alone() -> None:
    found = examine_run(run(folds()))
    assert [f.code for f in found.findings] == ["healthy"]
    assert found.verdict.well_trained.answer == "yes"


def test_diverged() -> None:
    def lost(epochs: np.ndarray) -> np.ndarray:
        return np.where(epochs > 7, np.nan, 2.0)

    found = seen("diverged", run(folds(train=lost, validation=lost, outcome="diverged")))
    assert found.severity == "error"
    assert found.evidence["first_epoch"] == 8
    assert said("diverged", run(folds())) is None


def test_not_learning() -> None:
    flat = healthy_loss(1.0, 1.0)
    found = seen("not-learning", run(folds(train=flat, validation=flat)))
    assert found.members == (0, 1, 2, 3, 4)
    assert said("not-learning", run(folds())) is None


def test_not_learning_without_the_constant() -> None:
    flat = healthy_loss(1.0, 1.0)
    found = seen("not-learning", run(folds(train=flat, validation=flat), constant_loss=None))
    assert found.severity == "warning"
    assert said("not-learning", run(folds(), constant_loss=None)) is None
    assert isinstance(said("not-learning", run(folds(length=3), constant_loss=None)), NotApplicable)


def test_still_improving() -> None:
    slow = healthy_loss(0.5, 1.1, pace=40.0)
    found = seen("still-improving", run(folds(train=slow, validation=slow)))
    assert found.evidence["late_gain_share"] > 0.01
    assert said("still-improving", run(folds())) is None
    assert isinstance(said("still-improving", run(folds(length=2))), NotApplicable)


def test_few_networks_need_no_test_over_folds_where_each_is_sure() -> None:
    quick, slow = healthy_loss(0.4, 1.4, pace=30.0), healthy_loss(0.5, 1.1, pace=40.0)
    two = run((*folds(1, train=quick, validation=quick), *folds(1, first=1, train=slow, validation=slow)))
    assert seen("still-improving", two).evidence["low"] > 0


def test_few_steps_are_the_cause_of_small_ones_and_a_small_step_of_a_late_fall() -> None:
    small = inside(update_ratio=[(1e-5, 1e-5)] * 3)
    slow = healthy_loss(0.5, 1.1, pace=40.0)
    steps = (np.linspace(0.1, 1.0, 20), np.full(20, 1.0))
    few = examine_run(run(folds(train=slow, validation=slow, measures=small, steps=steps), **behind()))
    assert "still-improving" in next(f for f in few.findings if f.code == "learning-rate-too-low").follows_from
    many = examine_run(run(folds(train=slow, validation=slow, measures=small), **behind()))
    assert "learning-rate-too-low" in next(f for f in many.findings if f.code == "still-improving").follows_from


def test_few_steps_that_brought_something_although_they_began_far_above_the_constant() -> None:
    def one_epoch(start: float) -> Run:
        loss = inside(1, loss=(start, start))
        steps = (np.linspace(0.1, 1.0, 9), np.full(9, 1.5))
        losses = {"train": lambda e: 1.5 + 0 * e, "validation": lambda e: 1.3 + 0 * e}
        high = folds(**losses, length=1, measures=loss, steps=steps)
        return run(high, **behind())

    assert seen("still-improving", one_epoch(1.6)).evidence["steps"] == 9
    assert isinstance(said("still-improving", one_epoch(1.2)), NotApplicable), "nothing was brought"
