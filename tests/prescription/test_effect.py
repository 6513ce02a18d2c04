"""The interval of an effect covers what it should: a remedy that does nothing seldom looks as if it helped."""

import numpy as np

from rounds.prescription.effect import Patients, paired_effect
from rounds.task import Task

TASK = Task(kind="regression", targets=("y",))
FOLDS, EACH = 3, 60


def trial(random: np.random.Generator, gain: float) -> tuple[Patients, np.ndarray, np.ndarray]:
    """Arms whose members carry an error of their own in each fold, as networks of different luck do."""
    folds = np.repeat(np.arange(FOLDS), EACH)
    y = random.normal(size=(FOLDS * EACH, 1))
    luck = random.normal(scale=0.15, size=(2, FOLDS))[:, folds, None]
    noise = random.normal(scale=0.3, size=(2, *y.shape))
    control, treated = (1 - 0.5 - luck[0]) * y + noise[0], (1 - 0.5 + gain - luck[1]) * y + noise[1]
    return Patients(y, np.arange(len(y)), folds), treated, control


def share_that_helps(gain: float, attempts: int = 1) -> float:
    helped = []
    for seed in range(150):
        rows, treated, control = trial(np.random.default_rng(seed), gain)
        helped.append(paired_effect(TASK, rows, treated, control, attempts).helps)
    return float(np.mean(helped))


def test_a_null_remedy_is_seldom_taken_for_a_help() -> None:
    assert share_that_helps(0.0, attempts=6) <= 0.08


def test_a_real_effect_is_found() -> None:
    assert share_that_helps(0.6) >= 0.8


def test_more_attempts_widen_the_interval_and_leave_the_value() -> None:
    rows, treated, control = trial(np.random.default_rng(0), 0.2)
    one, six = (paired_effect(TASK, rows, treated, control, n) for n in (1, 6))
    assert one.value == six.value
    assert six.low <= one.low
    assert six.high >= one.high


def test_the_same_predictions_have_no_effect() -> None:
    rows, treated, _ = trial(np.random.default_rng(0), 0.2)
    effect = paired_effect(TASK, rows, treated, treated)
    assert (effect.value, effect.low, effect.high) == (0.0, 0.0, 0.0)
