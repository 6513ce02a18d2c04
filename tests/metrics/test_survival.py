"""Curves, models and metrics of times to events beside scikit-survival's, and beside worlds whose chances are known."""

import numpy as np
import pytest

from rounds.errors import DataError
from rounds.metrics.survival import (
    TimesToEvent,
    aalen_johansen,
    auroc_at,
    brier_at,
    calibration_at,
    censoring_curve,
    fit_cox,
    harrell_concordance,
    incidence_of_causes,
    integrated_brier,
    kaplan_meier,
    median_time,
    numbers_at_risk,
    restricted_mean,
    times_to_event,
    uno_concordance,
)

N = 400


def exponential_times(seed: int, whole_days: bool = True) -> tuple[TimesToEvent, np.ndarray]:
    """Follow-up of N patients with two columns [N, 2] that move the hazard; whole days make ties."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(N, 2))
    days = generator.exponential(20.0 * np.exp(-x @ np.array([0.8, -0.4])))
    ends = generator.exponential(30.0, N)
    seen = np.minimum(days, ends)
    return TimesToEvent(np.ceil(seen) if whole_days else seen, (days <= ends).astype(np.int64)), x


def two_causes(seed: int, rows: int = 4000) -> TimesToEvent:
    """Constant hazards 0.10 and 0.05 a day, censored at 0.03 a day."""
    generator = np.random.default_rng(seed)
    each = generator.exponential((10.0, 20.0, 1 / 0.03), (rows, 3))
    return TimesToEvent(each.min(axis=1), np.array([1, 2, 0])[each.argmin(axis=1)])


def structured(known: TimesToEvent) -> np.ndarray:
    util = pytest.importorskip("sksurv.util")
    return util.Surv.from_arrays(known.happened, known.days)


@pytest.fixture(params=[0, 1])
def pair(request: pytest.FixtureRequest) -> tuple[TimesToEvent, TimesToEvent, np.ndarray]:
    """Training times, test times within their span, and risks of the test rows with ties."""
    train, _ = exponential_times(request.param)
    test, x = exponential_times(request.param + 10)
    keep = test.days < train.days[train.happened].max()
    return train, test.take(np.flatnonzero(keep)), np.round(x[keep, 0], 1)


def test_kaplan_meier_equals_scikit_survival() -> None:
    nonparametric = pytest.importorskip("sksurv.nonparametric")
    known, _ = exponential_times(0)
    days, survival, limits = nonparametric.kaplan_meier_estimator(
        known.happened, known.days, conf_level=0.95, conf_type="log-log"
    )
    ours = kaplan_meier(known)
    inside = (survival > 0) & (survival < 1)
    np.testing.assert_array_equal(ours.days, days)
    np.testing.assert_allclose(ours.values, survival)
    np.testing.assert_allclose(ours.low[inside], limits[0][inside])
    np.testing.assert_allclose(ours.high[inside], limits[1][inside])


def test_censoring_curve_equals_scikit_survival() -> None:
    nonparametric = pytest.importorskip("sksurv.nonparametric")
    known, _ = exponential_times(0)
    days, chance = nonparametric.kaplan_meier_estimator(known.happened, known.days, reverse=True)
    np.testing.assert_allclose(censoring_curve(known).at(days), chance)


def test_aalen_johansen_equals_scikit_survival() -> None:
    nonparametric = pytest.importorskip("sksurv.nonparametric")
    known = two_causes(0, 300)
    days, incidence = nonparametric.cumulative_incidence_competing_risks(known.causes, known.days)
    for cause, curve in enumerate(aalen_johansen(known), start=1):
        np.testing.assert_allclose(curve.at(days), incidence[cause])


def test_aalen_johansen_recovers_known_incidence_where_one_minus_kaplan_meier_does_not() -> None:
    known = two_causes(1)
    truth = 0.1 / 0.15 * (1 - np.exp(-0.15 * 10.0))
    assert abs(float(aalen_johansen(known)[0].at(np.array(10.0))) - truth) < 0.02
    assert 1 - float(kaplan_meier(known.of_cause(1)).at(np.array(10.0))) > truth + 0.08


@pytest.mark.parametrize("penalty", [0.0, 25.0])
def test_cox_equals_scikit_survival(penalty: float) -> None:
    linear_model = pytest.importorskip("sksurv.linear_model")
    known, x = exponential_times(0)
    twin = linear_model.CoxPHSurvivalAnalysis(alpha=penalty, tol=1e-12).fit(x, structured(known))
    ours = fit_cox(x, known, penalty)
    np.testing.assert_allclose(ours.beta, twin.coef_, rtol=1e-6)
    days = np.array([1.0, 5.0, 20.0])
    theirs = np.stack([1 - curve(days) for curve in twin.predict_survival_function(x[:20])])
    np.testing.assert_allclose(ours.chance_by(x[:20], days), theirs, rtol=1e-6)


def test_cox_recovers_known_hazard_ratios() -> None:
    known, x = exponential_times(3, whole_days=False)
    np.testing.assert_allclose(fit_cox(x, known).beta, [0.8, -0.4], atol=0.2)


def test_cox_stays_finite_where_one_patient_has_a_column_of_their_own() -> None:
    """Newton's first step is then so long that the exponentials of all later risk sets vanish."""
    known = two_causes(3, 4000)
    first = np.argmin(np.where(known.happened, known.days, np.inf))
    model = fit_cox((np.arange(4000) == first).astype(float)[:, None], known, 0.001)
    assert 3 < float(model.beta[0]) < 30
    assert np.isfinite(model.baseline.values).all()


def test_incidence_of_causes_without_columns_that_matter_is_that_of_the_group() -> None:
    known = two_causes(2, 2000)
    x, days = np.zeros((2000, 1)), np.array([0.0, 2.0, 10.0])
    incidence = incidence_of_causes([fit_cox(x, known.of_cause(c), 1.0) for c in (1, 2)], x[:1], days)
    for curve, found in zip(aalen_johansen(known), incidence[:, 0], strict=True):
        np.testing.assert_allclose(found, curve.at(days), atol=0.002)


def test_harrell_equals_scikit_survival(pair: tuple[TimesToEvent, TimesToEvent, np.ndarray]) -> None:
    metrics = pytest.importorskip("sksurv.metrics")
    _, test, risk = pair
    expected = metrics.concordance_index_censored(test.happened, test.days, risk)[0]
    assert float(harrell_concordance(test, risk)) == pytest.approx(expected)


@pytest.mark.parametrize("until", [np.inf, 15.0])
def test_uno_equals_scikit_survival(pair: tuple[TimesToEvent, TimesToEvent, np.ndarray], until: float) -> None:
    metrics = pytest.importorskip("sksurv.metrics")
    train, test, risk = pair
    tau = None if np.isinf(until) else until
    expected = metrics.concordance_index_ipcw(structured(train), structured(test), risk, tau=tau)[0]
    assert float(uno_concordance(test, risk, censoring_curve(train), until)) == pytest.approx(expected)


def test_brier_and_auroc_equal_scikit_survival(pair: tuple[TimesToEvent, TimesToEvent, np.ndarray]) -> None:
    metrics = pytest.importorskip("sksurv.metrics")
    train, test, risk = pair
    days = np.linspace(2.0, np.quantile(test.days, 0.8), 7)
    chance = 1 - np.exp(-0.05 * np.exp(0.5 * risk)[:, None] * days)
    censoring, twins = censoring_curve(train), (structured(train), structured(test))
    np.testing.assert_allclose(
        brier_at(test, chance, days, censoring), metrics.brier_score(*twins, 1 - chance, days)[1]
    )
    assert float(integrated_brier(test, chance, days, censoring)) == pytest.approx(
        metrics.integrated_brier_score(*twins, 1 - chance, days)
    )
    expected = metrics.cumulative_dynamic_auc(*twins, chance, days)[0]
    np.testing.assert_allclose(auroc_at(test, chance, days, censoring), expected)


def test_whole_weights_are_repeated_rows() -> None:
    test, x = exponential_times(4)
    times = np.random.default_rng(0).integers(0, 3, (2, N))
    censoring, days = censoring_curve(test), np.array([3.0, 9.0])
    chance = 1 - np.exp(-0.05 * np.exp(x[:, :1]) * days)
    for metric in (
        lambda known, rows, w: harrell_concordance(known, x[rows, 0], w),
        lambda known, rows, w: uno_concordance(known, x[rows, 0], censoring, weights=w),
        lambda known, rows, w: integrated_brier(known, chance[rows], days, censoring, w),
        lambda known, rows, w: auroc_at(known, chance[rows], days, censoring, w),
    ):
        together = metric(test, slice(None), times)
        for counts, found in zip(times, together, strict=True):
            rows = np.repeat(np.arange(N), counts)
            np.testing.assert_allclose(found, metric(test.take(rows), rows, None))


def test_weighted_metrics_do_not_move_with_censoring() -> None:
    """Uno's concordance and Brier's score of the same patients, fully followed and cut short at random."""
    generator = np.random.default_rng(5)
    risk = generator.normal(size=4000)
    days, ends = generator.exponential(20 * np.exp(-risk)), generator.uniform(0, 40, 4000)
    full = TimesToEvent(days, np.ones(4000, np.int64))
    cut = TimesToEvent(np.minimum(days, ends), (days <= ends).astype(np.int64))
    at = np.linspace(1.0, 25.0, 9)
    chance = 1 - np.exp(-np.exp(risk)[:, None] * at / 20)
    areas = [float(uno_concordance(known, risk, censoring_curve(known), until=25.0)) for known in (cut, full)]
    scores = [float(integrated_brier(known, chance, at, censoring_curve(known))) for known in (cut, full)]
    assert abs(areas[0] - areas[1]) < 0.015
    assert abs(scores[0] - scores[1]) < 0.01


def test_a_competing_event_counts_as_never() -> None:
    known = TimesToEvent(np.array([1.0, 5.0]), np.array([2, 1]))
    risk = np.array([0.1, 0.9])
    assert float(harrell_concordance(known, risk)) == 1.0
    assert float(uno_concordance(known, risk, censoring_curve(known))) == 1.0
    assert auroc_at(known, risk[:, None], np.array([6.0]), censoring_curve(known)).tolist() == [1.0]
    assert brier_at(known, risk[:, None], np.array([6.0]), censoring_curve(known)).tolist() == pytest.approx([0.01])


def test_calibration_sees_what_is_said_too_low() -> None:
    generator = np.random.default_rng(6)
    chance = generator.uniform(0.05, 0.7, 3000)
    days, ends = generator.exponential(-1.0 / np.log(1.0 - chance)), generator.uniform(0.5, 3.0, 3000)
    known = TimesToEvent(np.minimum(days, ends), (days <= ends).astype(np.int64))
    assert calibration_at(known, chance, 1.0).ici < 0.03
    low = calibration_at(known, chance * 0.6, 1.0)
    assert low.ici == pytest.approx(0.4 * chance.mean(), abs=0.03)
    assert low.e50 < low.e90


def test_curves_by_hand() -> None:
    known = TimesToEvent(np.array([1.0, 2.0, 2.0, 4.0]), np.array([1, 1, 0, 1]))
    curve = kaplan_meier(known)
    assert curve.values.tolist() == pytest.approx([0.75, 0.5, 0.0])
    assert curve.before(np.array([2.0])).tolist() == [0.75]
    assert median_time(curve) == 2.0
    assert np.isnan(median_time(kaplan_meier(TimesToEvent(np.array([1.0, 2.0, 3.0]), np.array([1, 0, 0])))))
    assert restricted_mean(curve, 3.0) == pytest.approx(1 + 0.75 + 0.5)
    assert numbers_at_risk(known, np.array([0.0, 2.0, 5.0])).tolist() == [4, 3, 0]


@pytest.mark.parametrize(
    ("days", "causes", "text"),
    [
        ([1.0, -2.0], [1, 0], "Times must be 0 days or more, got days=-2.0, row=2"),
        ([1.0, np.nan], [1, 0], "Times must be 0 days or more"),
        ([1.0, 2.0], [0, 0], "Events must be at least 1, got events=0"),
        ([1.0, 2.0], [1, 0.5], "Causes must be whole numbers from 0, got cause=0.5, row=2"),
        ([1.0], [1, 0], r"Causes must be of shape \(1,\)"),
    ],
)
def test_times_that_cannot_be(days: list[float], causes: list[float], text: str) -> None:
    with pytest.raises(DataError, match=text):
        times_to_event(np.array(days), np.array(causes))


def test_predictions_that_do_not_fit() -> None:
    known, x = exponential_times(0)
    at, never = np.array([3.0]), censoring_curve(known)
    with pytest.raises(DataError, match="Risks must be of shape"):
        harrell_concordance(known, x)
    with pytest.raises(DataError, match="Predictions must be of shape"):
        brier_at(known, x, at, never)
    with pytest.raises(DataError, match="Days must be at least 2"):
        integrated_brier(known, x[:, :1], at, never)
    with pytest.raises(DataError, match="Events must be of one cause"):
        calibration_at(two_causes(0, 50), np.full(50, 0.1), 1.0)
    with pytest.raises(DataError, match="Predictions must be not all the same"):
        calibration_at(known, np.full(N, 0.1), 1.0)
    with pytest.raises(DataError, match="Columns must be 400 rows with at least 1 event"):
        fit_cox(x[:3], known)
