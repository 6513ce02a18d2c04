"""Steps that are too long, too short, or shortened too early."""

import numpy as np

from rounds.examination.examine import examine_run
from rounds.examination.finding import NotApplicable
from rounds.examination.follow import BY_TIME, SHOWN
from rounds.examination.run import Run
from rounds.task import Task
from tests.examination.planted import EPOCHS, behind, folds, healthy_loss, inside, run, said, seen

FLAT = healthy_loss(1.0, 1.0)


def overshot(epochs: np.ndarray) -> np.ndarray:
    return np.where(epochs < 3, 40.0, 1.0)


def test_too_high_everywhere() -> None:
    lost = inside(dead_share=(0.0, 1.0), update_ratio=(1e-4, 0.3))
    found = seen("learning-rate-too-high", run(folds(train=overshot, validation=FLAT, measures=lost, learning_rate=10)))
    assert found.severity == "error"
    assert found.evidence["learning_rate"] == 10
    assert {"units_lost_share", "highest_loss_over_start", "update_ratio"} <= set(found.evidence)


def test_the_rest_follows_from_the_rate() -> None:
    lost = inside(dead_share=(0.0, 1.0), update_ratio=(1e-4, 0.3))
    found = examine_run(run(folds(train=overshot, validation=FLAT, measures=lost, learning_rate=10), **behind()))
    assert found.findings[0].code == "learning-rate-too-high"
    dead = next(f for f in found.findings if f.code == "dead-units")
    assert dead.follows_from == ("learning-rate-too-high",)
    assert dead.explanation.endswith(BY_TIME), "no network was trained without the rate"
    assert found.verdict.well_trained.answer == "no"


def test_what_is_seen_at_the_high_rate_alone_is_shown_to_follow_from_it() -> None:
    lost = inside(dead_share=(0.0, 1.0), update_ratio=(1e-4, 0.3))
    high = folds(train=overshot, validation=FLAT, measures=lost, learning_rate=10)
    low = folds(first=len(high), measures=inside())
    found = {f.code: f for f in examine_run(run(high, low)).findings}
    dead = found["dead-units"]
    assert dead.follows_from == ("learning-rate-too-high",)
    assert dead.explanation.endswith(SHOWN)


def test_units_dead_before_the_first_step_are_not_blamed_on_the_rate() -> None:
    dead = inside(dead_share=1.0, update_ratio=(1e-4, 0.3))
    found = examine_run(run(folds(train=overshot, validation=FLAT, measures=dead, learning_rate=10), **behind()))
    units = next(f for f in found.findings if f.code == "dead-units")
    assert "learning-rate-too-high" not in units.follows_from


def test_long_steps_of_weights_that_gradients_hardly_reach_are_not_blamed_on_the_rate() -> None:
    def long_steps(first: float) -> Run:
        reached = inside(gradient_norm=[first, 1.0, 1.0], update_ratio=(1e-4, 0.3))
        return run(folds(train=FLAT, validation=FLAT, measures=reached), **behind())

    assert seen("learning-rate-too-high", long_steps(0.1))
    assert said("learning-rate-too-high", long_steps(1e-5)) is None
    assert seen("vanishing-gradients", long_steps(1e-5))


def test_two_folds_are_enough_where_each_network_at_the_higher_rate_overshot() -> None:
    """The interval of two pairs is endless; marks inside say it as well, and what they bring with them follows."""
    lost = inside(dead_share=(0.0, 1.0), update_ratio=(1e-4, 0.3))
    low = folds(2, measures=inside())
    high = folds(2, first=2, train=overshot, validation=FLAT, measures=lost, learning_rate=10)
    noted = {f.code: f for f in examine_run(run(low, high)).findings}
    assert noted["learning-rate-too-high"].severity == "note"
    assert noted["dead-units"].follows_from == ("learning-rate-too-high",)
    ends = (0.6, 0.95)  # behind in both folds, by so different amounts that chance may have done it
    worse = [folds(2, 2, train=healthy_loss(e), validation=FLAT, measures=inside(), learning_rate=10) for e in ends]
    assert said("learning-rate-too-high", run(low, worse[0][:1], worse[1][1:])) is None


def test_a_sweep_that_went_too_far_is_a_note() -> None:
    good = folds(learning_rate=1e-3, measures=inside())
    high = folds(first=5, learning_rate=1.0, train=healthy_loss(0.8), validation=healthy_loss(0.8), measures=inside())
    found = seen("learning-rate-too-high", run(good, high))
    assert found.severity == "note"
    assert found.members == (5, 6, 7, 8, 9)
    assert examine_run(run(good, high)).findings[0].code == "healthy"


def test_healthy_rate_is_left_alone() -> None:
    assert said("learning-rate-too-high", run(folds(measures=inside()))) is None
    assert said("learning-rate-too-low", run(folds(measures=inside()))) is None


def test_too_low() -> None:
    crawl = healthy_loss(0.5, 1.2, pace=100.0)
    small = inside(update_ratio=1e-6)
    found = seen("learning-rate-too-low", run(folds(train=crawl, validation=crawl, measures=small, learning_rate=1e-6)))
    assert found.evidence["update_ratio"] == 1e-6
    assert isinstance(said("learning-rate-too-low", run(folds())), NotApplicable)


def test_small_steps_without_gradient_are_not_a_low_rate() -> None:
    nothing = inside(update_ratio=1e-9, gradient_norm=0.0)
    evidence = run(folds(train=FLAT, validation=FLAT, measures=nothing), **behind())
    assert said("learning-rate-too-low", evidence) is None


def cut(epoch: int) -> np.ndarray:
    return np.where(np.arange(1, EPOCHS + 1) <= epoch, 1e-2, 1e-5)


def test_decayed_too_early() -> None:
    def frozen(epochs: np.ndarray) -> np.ndarray:
        return np.maximum(1.0 - 0.05 * epochs, 0.75)

    found = seen("decayed-too-early", run(folds(train=frozen, validation=frozen, rate=cut(5))))
    assert found.evidence["epoch"] == 5
    assert found.severity == "note", "nothing says that it did harm"
    harmed = run(folds(train=frozen, validation=frozen, rate=cut(5)), **behind())
    assert seen("decayed-too-early", harmed).severity == "error"


def test_decay_on_a_plateau_is_left_alone() -> None:
    assert said("decayed-too-early", run(folds(rate=cut(18)))) is None
    assert isinstance(said("decayed-too-early", run(folds())), NotApplicable)


def test_of_few_events_the_first_loss_is_that_of_guessing() -> None:
    """A constant's loss is a fifteenth of it there, and steps that are too small are no fault of how weights begin."""
    task = Task(kind="binary", targets=("death",), classes=("0", "1"))

    guess = healthy_loss(np.log(2), np.log(2))
    steps = inside(update_ratio=1e-5)
    few = run(folds(train=guess, validation=guess, measures=steps), task=task, constant_loss=0.045)
    assert seen("learning-rate-too-low", few).severity == "error"
