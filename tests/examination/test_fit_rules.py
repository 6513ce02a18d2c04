"""Losses side by side: learned by heart, too stiff, held back, or oddly related."""

from dataclasses import replace

import numpy as np

from rounds.examination.finding import NotApplicable
from rounds.plan import Plan
from tests.examination.planted import EPOCHS, behind, folds, healthy_loss, inside, run, said, seen

LAST = (Plan(keep_best="none"),)


def turning(epochs: np.ndarray) -> np.ndarray:
    return 0.6 + 0.4 * np.exp(-epochs / 3) + 0.01 * np.maximum(epochs - 12, 0)


def test_overfitting() -> None:
    by_heart = folds(train=healthy_loss(0.05), validation=turning)
    found = seen("overfitting", run(by_heart, plans=LAST))
    assert found.severity == "warning"
    assert found.evidence["low"] > 0
    assert 8 < found.evidence["best_epoch"] < 18
    assert seen("overfitting", run(by_heart)).severity == "note"
    assert said("overfitting", run(folds())) is None
    assert isinstance(said("overfitting", run(folds(length=2))), NotApplicable)


def test_noise_on_a_flat_validation_is_no_overfitting() -> None:
    noisy = folds(train=healthy_loss(0.05), validation=healthy_loss(0.5, 1.0, 2.0), noise=0.08)
    assert said("overfitting", run(noisy, plans=LAST)) is None


def test_over_regularized() -> None:
    stiff = healthy_loss(0.97)
    held = folds(train=stiff, validation=stiff, measures=inside(penalty_share=(0.9, 0.8)))
    assert seen("over-regularized", run(held, **behind())).evidence["penalty_share"] == 0.8
    assert said("over-regularized", run(held)) is not None
    free = folds(train=stiff, validation=stiff, measures=inside())
    assert said("over-regularized", run(free, **behind())) is None
    assert isinstance(said("over-regularized", run(held, plans=())), NotApplicable)


def test_noise_that_drowns_the_inputs() -> None:
    stiff = healthy_loss(0.97)
    drowned = tuple(
        replace(c, settings={**c.settings, "input_noise": 3.0})
        for c in folds(train=stiff, validation=stiff, measures=inside())
    )
    assert seen("over-regularized", run(drowned, **behind())).evidence["input_noise"] == 3.0


def test_underfitting() -> None:
    stiff = folds(train=healthy_loss(0.8), validation=healthy_loss(0.8))
    assert seen("underfitting", run(stiff, **behind())).severity == "error"
    assert isinstance(said("underfitting", run(stiff)), NotApplicable)
    gap = folds(train=healthy_loss(0.2), validation=healthy_loss(0.8))
    assert said("underfitting", run(gap, **behind())) is None


def test_most_of_the_networks_learned_nothing_and_one_a_little() -> None:
    nothing, little = healthy_loss(1.0, 1.1), healthy_loss(0.95)
    stuck = folds(3, train=nothing, validation=nothing)
    one = folds(1, first=3, train=little, validation=little)
    assert seen("underfitting", run((*stuck, *one), **behind())).severity == "error"
    assert said("underfitting", run(stuck, **behind())) is None, "which is a finding of its own"


def test_plateau() -> None:
    rate = np.full(EPOCHS, 0.01)
    stuck = folds(train=healthy_loss(0.7), validation=healthy_loss(0.7), rate=rate, noise=0.001)
    assert seen("plateau", run(stuck, **behind())).severity == "warning"
    assert said("plateau", run(stuck)) is None
    assert isinstance(said("plateau", run(folds())), NotApplicable)


def test_unstable() -> None:
    def jumping(epochs: np.ndarray) -> np.ndarray:
        return 0.6 + 0.2 * (-1.0) ** epochs

    assert seen("unstable", run(folds(validation=jumping), plans=LAST)).severity == "warning"
    assert seen("unstable", run(folds(validation=jumping))).severity == "note"
    assert said("unstable", run(folds())) is None
    assert isinstance(said("unstable", run(folds(length=3))), NotApplicable)


def test_validation_better() -> None:
    odd = folds(train=healthy_loss(0.6), validation=healthy_loss(0.4))
    assert seen("validation-better", run(odd)).severity == "warning"
    assert said("validation-better", run(folds())) is None
    dropped = tuple(c for c in odd)
    for c in dropped:
        c.settings["dropout"] = 0.5
    assert isinstance(said("validation-better", run(dropped)), NotApplicable)
