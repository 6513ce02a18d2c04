"""Thresholds do what they were chosen for, cells add up, and net benefit is what its formula says."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from rounds.statistics.decision import (
    Scored,
    _alerts,
    chosen_thresholds,
    decision_curve,
    operating_point,
    operating_points,
)
from rounds.statistics.recalibration import patient_parts


def alerted(alert: np.ndarray, case: np.ndarray, patients: np.ndarray):
    return operating_point({"sensitivity": 0.8}, 0.5, alert, Scored(case, case, patients))


def cases(seed: int, rows: int = 3000):
    draw = np.random.default_rng(seed)
    p = draw.beta(1, 4, rows)
    return (draw.random(rows) < p).astype(float), p


def test_chosen_thresholds_reach_their_targets_and_no_more() -> None:
    y, p = cases(0)
    for target, threshold in chosen_thresholds(y, p):
        ((what, share),) = target.items()
        higher = np.min(p[p > threshold])
        if what == "sensitivity":
            assert recall_score(y, p >= threshold) >= share > recall_score(y, p >= higher)
        if what == "precision":
            assert precision_score(y, p >= threshold) >= share
            assert all(precision_score(y, p >= t) < share for t in p[p < threshold][:200])
        if what == "alert_share":
            assert np.mean(p >= threshold) <= share < np.mean(p >= np.max(p[p < threshold])) + 1e-12


def test_cells_equal_scikit_learns_and_thresholds_come_from_validation() -> None:
    validation, (y, p) = cases(1), cases(2)
    chose = Scored(*validation, np.arange(10_000, 10_000 + len(y)))
    points = operating_points(chose, Scored(y, p, np.arange(len(y))), rows_a_day=200.0)
    assert [pt.threshold for pt in points] == [t for _, t in chosen_thresholds(*validation, 200.0)]
    point = points[1]
    cells = point.cells
    tn, fp, fn, tp = confusion_matrix(y, p >= point.threshold).ravel()
    assert list(cells.values()) == [tp, fp, fn, tn]
    assert point.sensitivity.value == pytest.approx(tp / (tp + fn))
    assert point.specificity.value == pytest.approx(tn / (tn + fp))
    assert point.negative_predictive_value.value == pytest.approx(tn / (tn + fn))
    assert point.sensitivity.low < point.sensitivity.value < point.sensitivity.high
    assert point.alerts_a_day == pytest.approx(200 * (tp + fp) / len(y))
    assert point.sensitivity.value == pytest.approx(0.9, abs=0.06), "about what it was chosen for, on others"


def test_cells_of_few_patients_are_hidden() -> None:
    y, p = np.array([1.0] * 12 + [0.0] * 88), np.array([0.9] * 9 + [0.1] * 91)
    cells = alerted(p >= 0.5, y, np.arange(100)).cells
    assert cells == {"true_positive": None, "false_positive": 0, "false_negative": None, "true_negative": 90}
    often = alerted(p >= 0.5, y, np.zeros(100, int)).cells
    assert often["true_negative"] is None, "88 rows of one patient"


def test_no_hidden_cell_can_be_had_from_the_others_and_from_totals() -> None:
    """400 patients with 100 cases: whether 1 or 9 were missed, the record is the same to the last digit."""
    case = np.arange(400) < 100
    alerts = [np.where(case, np.arange(400) >= missed, np.arange(400) >= 320) for missed in range(1, 10)]
    made = [alerted(alert, case.astype(float), np.arange(400)) for alert in alerts]
    assert all(one == made[0] for one in made)
    assert list(made[0].cells.values()) == [90, 80, None, 220]
    assert (made[0].sensitivity, made[0].negative_predictive_value) == (None, None)
    assert (made[0].precision.content(), made[0].alert_share.content()) == ({"value": 0.53}, {"value": 0.42})
    owners = np.where(np.arange(400) < 34, np.arange(400) % 5, np.arange(400))
    many = alerted(np.where(case, np.arange(400) >= 34, False), case.astype(float), owners).cells
    assert many == {"true_positive": 70, "false_positive": 0, "false_negative": None, "true_negative": 300}
    sides = Scored(case * 1.0, case * 0.9, np.arange(400, 800)), Scored(case * 1.0, alerts[0] * 0.9, np.arange(400))
    points = operating_points(*sides, rows_a_day=20.0)
    assert [p.rounded for p in points] == [True] * len(points)
    assert all(p.alerts_a_day is None for p in points)


def test_no_cases_leave_what_is_defined() -> None:
    healthy = Scored(np.zeros(50), np.linspace(0, 0.5, 50), np.arange(50))
    points = operating_points(healthy, Scored(healthy.observed, healthy.predicted, np.arange(50, 100)))
    assert [list(p.target) for p in points] == [["alert_share"]] * 3
    assert all(p.sensitivity is None for p in points)


def test_nobody_is_alerted_by_a_threshold_they_chose() -> None:
    """Out of fold, outcomes of a fifth of the patients turned round leave their own alerts as they were."""
    y, p = cases(6, 500)
    who = np.arange(500)
    part = patient_parts(who)
    turned = np.where(part == 3, 1 - y, y)
    before = _alerts(Scored(y, p, who), Scored(y, p, who), None)
    after = _alerts(Scored(turned, p, who), Scored(y, p, who), None)
    key = str({"sensitivity": 0.8})
    np.testing.assert_array_equal(before[key][part == 3], after[key][part == 3])
    assert (before[key][part != 3] != after[key][part != 3]).any()


def test_net_benefit_by_its_formula() -> None:
    y, p = cases(3)
    for point in decision_curve(y, p, np.arange(len(y))):
        t = point.threshold
        hits, alarms = np.sum((p >= t) & (y == 1)), np.sum((p >= t) & (y == 0))
        assert point.net_benefit == pytest.approx(hits / len(y) - alarms / len(y) * t / (1 - t))
        assert point.treat_all == pytest.approx(y.mean() - (1 - y.mean()) * t / (1 - t))
        assert point.low <= point.net_benefit <= point.high


def test_a_model_that_knows_nothing_is_not_above_both() -> None:
    draw = np.random.default_rng(4)
    y = (draw.random(2000) < 0.2).astype(float)
    noise = decision_curve(y, draw.random(2000), np.arange(2000))
    assert max(point.above_both for point in noise) < 0.9
    y, p = cases(5)
    assert max(point.above_both for point in decision_curve(y, p, np.arange(len(y)))) > 0.99


def test_a_share_of_right_alerts_that_alerting_all_reaches_is_no_target() -> None:
    y = (np.arange(100) < 60).astype(float)
    targets = [target for target, _ in chosen_thresholds(y, np.linspace(1, 0, 100))]
    assert [t["precision"] for t in targets if "precision" in t] == [0.8]


def test_alert_loads_a_day_take_the_place_of_shares() -> None:
    y, p = cases(7)
    made = {name: (load, t) for target, t in chosen_thresholds(y, p, 10.0) for name, load in target.items()}
    load, threshold = made["alerts_a_day"]
    assert load == 5.0
    assert 10.0 * np.mean(p >= threshold) <= 5.0 < 10.0 * np.mean(p >= np.max(p[p < threshold])) + 1e-9


def test_thresholds_that_would_tell_a_few_patients_are_left_out() -> None:
    y, p = cases(8)
    who = np.arange(len(y))
    edges = [0.0, *(point.threshold for point in decision_curve(y, p, who)), 1.1]
    assert all(n == 0 or n >= 10 for n in np.histogram(p, edges)[0])
