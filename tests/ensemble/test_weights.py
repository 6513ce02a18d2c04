"""Weights of an ensemble: found where one configuration is right, left alone where luck is all there is to find."""

import numpy as np
import pytest

from rounds.ensemble.members import weighted_outputs
from rounds.ensemble.weights import GREEDY, PICKS, PLAIN, Candidates, choose_weights, greedy_weights
from rounds.target_scale import TargetScale
from rounds.task import Task

TASK = Task(kind="regression", targets=("los",))
ROWS = 300


def candidates(errors: list[np.ndarray]) -> Candidates:
    """Configurations whose predictions miss by these [N]."""
    y = np.random.default_rng(1).normal(size=(ROWS, 1))
    scale = TargetScale.fit(TASK, y, "none")
    outputs = np.stack([scale.forward(y + e[:, None]) for e in errors]).astype(np.float64)
    return Candidates(TASK, scale, outputs, y, np.arange(ROWS))


def noise(seed: int, size: float) -> np.ndarray:
    return size * np.random.default_rng(seed).normal(size=ROWS)


def test_greedy_selection_finds_the_least_squares_weights() -> None:
    """Independent errors of variance 1 and 4 are best averaged 4 : 1."""
    weights = greedy_weights(candidates([noise(2, 1.0), noise(3, 2.0)]), picks=200)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(0.8, abs=0.06)


def test_each_pick_is_the_best_that_can_be_added() -> None:
    """Against a loop that tries every addition."""
    some = candidates([noise(s, 1.0 + s / 5) for s in range(4)])
    picked: list[int] = []
    for _ in range(PICKS):
        losses = []
        for c in range(4):
            average = np.mean([some.outputs[i] for i in [*picked, c]], axis=0)
            losses.append(float(np.mean((some.scale.backward(average) - some.observed) ** 2)))
        picked.append(int(np.argmin(losses)))
    np.testing.assert_allclose(greedy_weights(some), np.bincount(picked, minlength=4) / PICKS)


def test_weights_are_used_where_they_pay_on_other_patients() -> None:
    weights, record = choose_weights(candidates([noise(2, 0.2), noise(3, 2.0)]), np.array([0.5, 0.5]))
    assert record.rule == GREEDY
    assert weights[0] > 0.9
    assert record.greedy.gain.low > 0


def test_equal_configurations_are_averaged_alike() -> None:
    weights, record = choose_weights(candidates([noise(s, 1.0) for s in range(6)]), np.full(6, 1 / 6))
    assert record.rule == PLAIN
    assert (weights == 1 / 6).all()
    assert record.greedy.gain.low <= 0


def test_the_gain_of_weights_is_not_that_on_the_patients_who_chose_them() -> None:
    """Pure luck: on the choosing patients greedy is always ahead, on others it is not."""
    some = candidates([noise(s, 1.0) for s in range(8)])
    plain = np.full(8, 1 / 8)
    flattered = float((some.losses(plain) - some.losses(greedy_weights(some))).mean())
    honest = choose_weights(some, plain)[1].greedy.gain.value
    assert honest < flattered


@pytest.mark.parametrize(("configurations", "patients", "why"), [(1, ROWS, "one configuration"), (2, 1, "too few")])
def test_nothing_is_chosen_without_a_choice_or_patients(configurations: int, patients: int, why: str) -> None:
    some = candidates([noise(s, 1.0) for s in range(configurations)])
    some = Candidates(some.task, some.scale, some.outputs, some.observed, some.patients % patients)
    weights, record = choose_weights(some, np.full(configurations, 1 / configurations))
    assert why in record.reason
    assert (weights == 1 / configurations).all()


def test_each_row_is_averaged_over_those_who_say_something_of_it() -> None:
    """By weights of their own, however small these are; a weight of 0 says nothing."""
    nobody = np.nan
    outputs = [np.array([[1.0], [nobody], [nobody], [nobody]]), np.array([[5.0], [2.0], [nobody], [3.0]])]
    found = weighted_outputs(outputs, np.array([0.75, 0.25]))
    np.testing.assert_allclose(found, [[2.0], [2.0], [np.nan], [3.0]])
    np.testing.assert_allclose(weighted_outputs(outputs, np.array([3e-6, 1e-6]))[:2], found[:2])
    np.testing.assert_allclose(weighted_outputs(outputs, np.array([1.0, 0.0])), outputs[0])
