"""Calibration against scikit-learn's figures, hand-computed cases, and patients whose chances are known."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression
from sklearn.metrics import brier_score_loss

from rounds.statistics.calibration import (
    brier_parts,
    calibration_record,
    curve_bins,
    mean_interval,
    number_calibration,
    probability_calibration,
)
from rounds.statistics.class_intervals import wilson_interval
from rounds.statistics.small_cells import FEWEST_PATIENTS, shown_cells
from rounds.task import Task


def simulated(seed: int, rows: int = 2000, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes [N], and predictions [N] whose log-odds are the true ones divided by `slope`."""
    draw = np.random.default_rng(seed)
    log_odds = draw.normal(-1, 1.5, rows)
    happened = (draw.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(float)
    return happened, 1 / (1 + np.exp(-log_odds / slope))


def test_curve_equals_scikit_learns() -> None:
    y, p = simulated(0)
    curve = probability_calibration(y, p, np.arange(len(y))).curve
    shares, means = calibration_curve(y, p, n_bins=10, strategy="quantile")
    np.testing.assert_allclose([c.observed for c in curve], shares, rtol=1e-12)
    np.testing.assert_allclose([c.predicted for c in curve], means, rtol=1e-12)
    assert all(c.low <= c.observed <= c.high and c.patients >= FEWEST_PATIENTS for c in curve)


def test_brier_parts_add_up_to_scikit_learns_score() -> None:
    y, p = simulated(1)
    parts = brier_parts(y, p, curve_bins(p, np.arange(len(y))))
    assert parts.score == pytest.approx(brier_score_loss(y, p), rel=1e-12)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert total == pytest.approx(parts.score, abs=1e-15)
    rounded = np.round(p, 1)
    exact = brier_parts(y, rounded, np.unique(rounded, return_inverse=True)[1])
    assert exact.within_bins == pytest.approx(0.0, abs=1e-12), "one bin a value: Murphy's three parts alone"


def test_slope_one_is_recovered_and_its_interval_covers() -> None:
    made = [probability_calibration(*simulated(s, 400), np.arange(400)) for s in range(200)]
    assert np.mean([m.slope.value for m in made]) == pytest.approx(1.0, abs=0.03)
    assert np.mean([m.intercept.value for m in made]) == pytest.approx(0.0, abs=0.03)
    covered = np.mean([m.slope.low <= 1.0 <= m.slope.high for m in made])
    assert 0.90 <= covered <= 0.985, "95 % within three standard errors of 200 repetitions"


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_predictions_too_extreme_or_too_timid_have_their_slope(slope: float) -> None:
    y, p = simulated(3, 20_000, slope)
    assert probability_calibration(y, p, np.arange(len(y))).slope.value == pytest.approx(slope, rel=0.06)


def test_expected_over_observed_by_hand() -> None:
    y, p = np.array([1.0] * 10 + [0.0] * 30), np.full(40, 0.5)
    made = probability_calibration(y, p, np.arange(40))
    assert made.expected_over_observed.value == pytest.approx(2.0)
    assert "slope" not in made, "a constant prediction has none"
    assert len(made.curve) == 1


def test_one_class_only_leaves_out_what_is_not_defined() -> None:
    made = probability_calibration(np.zeros(60), np.linspace(0.1, 0.4, 60), np.arange(60))
    assert not {"slope", "intercept", "expected_over_observed"} & set(made)
    assert made.brier.uncertainty == 0


def test_wilson_interval_by_hand() -> None:
    low, high = wilson_interval(0.4, 25)  # Newcombe's calculator: 0.2340 to 0.5926
    assert (round(low, 4), round(high, 4)) == (0.2340, 0.5926)


def test_rows_of_one_patient_do_not_narrow_an_interval() -> None:
    y, p = simulated(4, 300)
    once = probability_calibration(y, p, np.arange(300)).curve
    often = probability_calibration(y.repeat(5), p.repeat(5), np.arange(300).repeat(5)).curve
    assert [c.patients for c in once] == [c.patients for c in often]
    np.testing.assert_allclose([c.low for c in once], [c.low for c in often])
    assert mean_interval(y, np.arange(300)) == pytest.approx(mean_interval(y.repeat(5), np.arange(300).repeat(5)))


def test_few_patients_make_no_small_bins() -> None:
    y, p = simulated(5, 45)
    for patients in (np.arange(45), np.arange(45) // 3, np.zeros(45, int)):
        bins = curve_bins(p, patients)
        sizes = [len(np.unique(patients[bins == b])) for b in range(bins.max() + 1)]
        assert min(sizes) >= FEWEST_PATIENTS or len(sizes) == 1
    with_nine = probability_calibration(y[:9], p[:9], np.arange(9))
    assert with_nine.curve == ()


def test_numbers_equal_a_fitted_line() -> None:
    draw = np.random.default_rng(6)
    p = draw.normal(5, 2, 500) + 1e6
    y = 0.7 * p + 3 + draw.normal(0, 1, 500)
    made = number_calibration(y, p, np.arange(500), 50)
    line = LinearRegression().fit(p[:, None], y)
    assert made.slope.value == pytest.approx(line.coef_[0], rel=1e-6)
    assert made.intercept.value == pytest.approx(line.intercept_, rel=1e-6)
    assert made.bias.value == pytest.approx((p - y).mean(), rel=1e-9)
    assert len(made.curve) == 10


def test_every_kind_has_a_record_for_each_output() -> None:
    draw = np.random.default_rng(7)
    task = Task(kind="multiclass", targets=("stage",), classes=("I", "II", "III"))
    p = draw.dirichlet(np.ones(3), 300)
    y = np.array([[draw.choice(3, p=row)] for row in p], np.int32)
    made = calibration_record(task, y, p, np.arange(300))
    assert list(made) == ["I", "II", "III"]
    assert made["II"].brier.score == pytest.approx(brier_score_loss((y[:, 0] == 1).astype(int), p[:, 1]))


def test_hidden_cells_cannot_be_told_from_the_total() -> None:
    assert shown_cells([9, 10, 40]) == [False, False, True]
    assert shown_cells([9, 8, 40]) == [False, False, True]
    assert shown_cells([9]) == [False]
    assert shown_cells([9, 0]) == [False, True]
