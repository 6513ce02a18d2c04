"""A map is kept where probabilities are wrong and left where they are right; its figures equal scikit-learn's."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from rounds.metrics import score
from rounds.statistics.recalibration import (
    FEWEST_PATIENTS,
    Recalibration,
    can_fit,
    choose_recalibration,
    cross_fitted,
    log_odds,
    logistic,
    patient_parts,
    recalibrated_scale,
    row_losses,
)
from rounds.target_scale import TargetScale
from rounds.task import Task

BINARY = Task(kind="binary", targets=("death",), classes=("no", "yes"))
STAGES = Task(kind="multiclass", targets=("stage",), classes=("I", "II", "III"))
DAYS = Task(kind="regression", targets=("los",), unit="days")


def simulated(seed: int, rows: int = 2000, intercept: float = 0.0, slope: float = 1.0):
    """Outcomes, and predictions whose Cox intercept and slope are those given."""
    x = np.random.default_rng(seed).normal(-1, 1.5, (rows, 1))
    happened = np.random.default_rng(seed + 10_000).random((rows, 1)) < logistic(intercept + slope * x)
    return happened.astype(np.float32), logistic(x)


def test_logistic_map_equals_scikit_learns() -> None:
    y, p = simulated(0, intercept=-1, slope=0.5)
    ((a, b),) = Recalibration.fit(BINARY, "logistic", y, p).parameters
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds(p), y[:, 0])
    assert (a, b) == pytest.approx((model.intercept_[0], model.coef_[0, 0]), abs=1e-3)


def test_temperature_equals_scikit_learns() -> None:
    y, p = simulated(1, slope=0.4)
    ((temperature,),) = Recalibration.fit(BINARY, "temperature", y, p).parameters
    assert temperature == pytest.approx(1 / 0.4, rel=0.1)
    around = [
        np.mean(row_losses(BINARY, y, logistic(log_odds(p) / t))) for t in temperature * np.array([0.97, 1, 1.03])
    ]
    assert min(around) == around[1]


def test_isotonic_map_equals_scikit_learns_away_from_0_and_1() -> None:
    y, p = simulated(2, slope=2.0)
    made = Recalibration.fit(BINARY, "isotonic", y, p).apply(p)[:, 0]
    expected = IsotonicRegression(out_of_bounds="clip").fit(p[:, 0], y[:, 0]).predict(p[:, 0])
    inside = (expected > 0.01) & (expected < 0.99)
    np.testing.assert_allclose(made[inside], expected[inside], atol=1e-6)
    assert made.min() > 0
    assert made.max() < 1


def test_class_temperature_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(3)
    z = draw.normal(0, 1, (3000, 3))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    y = np.array([[draw.choice(3, p=row)] for row in p], np.int32)
    sharp = p**3 / (p**3).sum(1, keepdims=True)
    ((temperature,),) = Recalibration.fit(STAGES, "temperature", y, sharp).parameters
    assert temperature == pytest.approx(3.0, rel=0.08)

    class Fixed:
        """A classifier that says what it was given, so that scikit-learn fits its temperature on it."""

        classes_ = np.arange(3)
        n_features_in_ = 3

        def fit(self, x, y):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def predict(self, x):
            return x.argmax(1)

        def predict_proba(self, x):
            return x

        def get_params(self, deep=True):
            return {}

        def __sklearn_tags__(self):
            return LogisticRegression().__sklearn_tags__()

    from sklearn.frozen import FrozenEstimator

    twin = CalibratedClassifierCV(FrozenEstimator(Fixed()), method="temperature", cv=2).fit(sharp, y[:, 0])
    np.testing.assert_allclose(
        Recalibration(kind="temperature", parameters=((temperature,),)).apply(sharp),
        twin.predict_proba(sharp),
        atol=5e-3,
    )


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 0.4), (-2.0, 1.0), (1.0, 0.5)])
def test_wrong_probabilities_are_mended(intercept: float, slope: float) -> None:
    y, p = simulated(4, 3000, intercept, slope)
    made, record = choose_recalibration(BINARY, y, p, np.arange(3000))
    assert record.kept != "none"
    new_y, new_p = simulated(5, 20_000, intercept, slope)
    found = score(BINARY, new_y, made.apply(new_p))
    assert found["calibration_slope"] == pytest.approx(1, abs=0.12)
    assert found["calibration_intercept"] == pytest.approx(0, abs=0.12)


def test_right_probabilities_are_left_alone() -> None:
    kept = [choose_recalibration(BINARY, *simulated(s, 600), np.arange(600))[1].kept for s in range(40)]
    assert kept.count("none") >= 37, "a one-sided error of 2.5 % for each of two maps"


def test_patients_are_never_in_two_parts_and_maps_never_see_them() -> None:
    patients = np.random.default_rng(6).integers(0, 50, 400)
    part = patient_parts(patients)
    assert all(len(set(part[patients == code])) == 1 for code in range(50))
    y, p = simulated(7, 400)
    before = cross_fitted(BINARY, "logistic", y, p, patients)
    changed = y.copy()
    changed[part == 2] = 1 - changed[part == 2]
    after = cross_fitted(BINARY, "logistic", changed, p, patients)
    np.testing.assert_array_equal(before[part == 2], after[part == 2])
    assert not np.allclose(before[part != 2], after[part != 2])


def test_few_cases_are_not_fitted_and_said() -> None:
    y, p = simulated(8, 60, intercept=-3)
    _, record = choose_recalibration(BINARY, y, p, np.arange(60))
    assert record.kept == "none"
    assert record.tried["temperature"].content() == {"not_tried": "fewer than 100 patients with the rarest outcome"}
    assert can_fit(BINARY, "isotonic", np.ones((999, 1)), np.arange(999)) == "999 patients are fewer than 1000"
    short = np.ones((FEWEST_PATIENTS - 1, 1))
    told = can_fit(DAYS, "linear", short, np.arange(len(short)))
    assert told == f"{len(short)} patients are fewer than {FEWEST_PATIENTS}"


def test_many_rows_of_few_patients_fit_no_map() -> None:
    """400 cases of 20 patients are twenty cases."""
    y = simulated(8, 800)[0]
    assert can_fit(BINARY, "temperature", y, np.arange(800)) == ""
    assert can_fit(BINARY, "temperature", y, np.arange(800) // 20) == "fewer than 100 patients with the rarest outcome"


def test_numbers_get_a_line() -> None:
    p = np.random.default_rng(9).normal(5, 2, (500, 1))
    y = 2 * p + 1 + np.random.default_rng(10).normal(0, 1, (500, 1))
    made, record = choose_recalibration(DAYS, y, p, np.arange(500))
    assert record.kept == "linear"
    assert made.parameters[0] == pytest.approx(np.polyfit(p[:, 0], y[:, 0], 1)[::-1])


def test_kept_map_becomes_the_way_back_and_nothing_else_does() -> None:
    y, p = simulated(11, 3000, slope=0.4)
    scale = TargetScale(kind="identity", statistic="probability")
    made, validation, record = recalibrated_scale(BINARY, scale, p, y, np.arange(3000))
    assert record.kept == "temperature"
    smooth = Recalibration.fit(BINARY, "temperature", y, p)
    new = logistic(np.linspace(-10, 10, 777)[:, None])
    np.testing.assert_allclose(made.backward(new), smooth.apply(new), rtol=2e-3)
    assert score(BINARY, y, validation)["calibration_slope"] == pytest.approx(1, abs=0.05)
    y, p = simulated(12, 3000)
    same, validation, record = recalibrated_scale(BINARY, scale, p, y, np.arange(3000))
    assert (same, record.kept) == (scale, "none")
    np.testing.assert_array_equal(validation, p)


def stages(seed: int, rows: int = 1500, sharpness: float = 3.0):
    """Stages drawn from logits, and what a network says whose logits are `sharpness` times as large; [N, 1], [N, 3]."""
    draw = np.random.default_rng(seed)
    z = draw.normal(0, 1, (rows, 3))
    chance, said = (np.exp(k * z) / np.exp(k * z).sum(1, keepdims=True) for k in (1.0, sharpness))
    return np.array([[draw.choice(3, p=row)] for row in chance], np.int32), said


def test_classes_get_one_temperature_that_becomes_the_way_back() -> None:
    y, said = stages(14)
    scale = TargetScale(kind="identity", statistic="probability")
    made, validation, record = recalibrated_scale(STAGES, scale, said, y, np.arange(1500))
    assert record.kept == "temperature"
    assert made.temperature == pytest.approx(3.0, rel=0.1)
    naive = []
    for row in said:
        powers = [max(p, np.finfo(np.float32).eps) ** (1 / made.temperature) for p in row]
        naive.append([power / sum(powers) for power in powers])
    np.testing.assert_allclose(made.backward(said), naive, rtol=1e-12)
    assert row_losses(STAGES, y, validation).mean() < row_losses(STAGES, y, said).mean() - 0.1
    np.testing.assert_allclose(validation, made.backward(said), atol=0.03)
    y, said = stages(15, sharpness=1.0)
    same, _, record = recalibrated_scale(STAGES, scale, said, y, np.arange(1500))
    assert (same, record.kept) == (scale, "none")


def test_classes_need_enough_patients_outside_the_commonest() -> None:
    y = np.array([0] * 500 + [1] * 60 + [2] * 39)[:, None]
    patients = np.arange(len(y))
    assert can_fit(STAGES, "temperature", y, patients) == "fewer than 100 patients outside the commonest class"
    y[0] = 2
    assert can_fit(STAGES, "temperature", y, patients) == ""


def test_other_tasks_keep_their_scale() -> None:
    y, p = simulated(13, 300)
    scale = TargetScale(kind="standard", mean=(0.0,), spread=(1.0,))
    assert recalibrated_scale(DAYS, scale, p, y, np.arange(300))[0] is scale
