"""Metrics beside scikit-learn's, beside cases computed by hand, and at the edges where they have no value."""

import numpy as np
import pytest
import sklearn.metrics as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from rounds import metrics
from rounds.errors import DataError
from rounds.metrics import METRICS, main_metric, metrics_for, score, unjudged_targets, weighted_scores
from rounds.task import Task

BINARY = Task(kind="binary", targets=("death",), classes=("0", "1"))
GRADES = Task(kind="multiclass", targets=("grade",), classes=("a", "b", "c"))
LABELS = Task(kind="multilabel", targets=("mi", "stroke", "sepsis"))
NUMBER = Task(kind="regression", targets=("los",), unit="days")
NUMBERS = Task(kind="regression", targets=("bmi", "waist"))
COUNT = Task(kind="count", targets=("admissions",))


def binary_case(seed: int, rows: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, predictions (with ties) and weights (with zeros)."""
    draw = np.random.default_rng(seed)
    predicted = draw.uniform(0.02, 0.98, rows).round(2)
    observed = (draw.random(rows) < predicted**2).astype(np.float64)
    return observed, predicted, draw.integers(0, 4, rows).astype(np.float64)


@pytest.mark.parametrize("seed", range(4))
def test_binary_metrics_equal_their_twins(seed: int) -> None:
    y, p, w = binary_case(seed)
    twins = {
        "auroc": peer.roc_auc_score(y, p, sample_weight=w),
        "auprc": peer.average_precision_score(y, p, sample_weight=w),
        "log_loss": peer.log_loss(y, p, sample_weight=w),
        "brier": peer.brier_score_loss(y, p, sample_weight=w),
        "accuracy": peer.accuracy_score(y, p > 0.5, sample_weight=w),
    }
    ours = score(BINARY, y[:, None], p[:, None], w)
    assert {name: ours[name] for name in twins} == pytest.approx(twins, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_numbers_equal_their_twins(seed: int) -> None:
    draw = np.random.default_rng(seed)
    y, p = draw.normal(50, 10, (80, 2)), draw.normal(50, 10, (80, 2))
    w = draw.uniform(0, 3, 80)
    twins = {
        "mae": peer.mean_absolute_error(y, p, sample_weight=w),
        "rmse": peer.root_mean_squared_error(y, p, sample_weight=w),
        "r2": peer.r2_score(y, p, sample_weight=w),
    }
    assert score(NUMBERS, y, p, w) == pytest.approx(twins, rel=1e-10)


def test_poisson_deviance_equals_its_twin() -> None:
    draw = np.random.default_rng(0)
    y, p, w = draw.poisson(2.0, 200), draw.uniform(0.1, 5.0, 200), draw.uniform(0, 2, 200)
    twin = peer.mean_poisson_deviance(y, p, sample_weight=w)
    assert score(COUNT, y[:, None], p[:, None], w)["poisson_deviance"] == pytest.approx(twin, rel=1e-12)


def test_classes_equal_their_twins() -> None:
    draw = np.random.default_rng(1)
    y, w = draw.integers(0, 3, 150), draw.uniform(0.1, 2, 150)
    p = draw.dirichlet([1, 1, 1], 150)
    each = [peer.roc_auc_score(y == c, p[:, c], sample_weight=w) for c in range(3)]
    twins = {
        "auroc": np.mean(each),
        "log_loss": peer.log_loss(y, p, sample_weight=w, labels=[0, 1, 2]),
        "brier": peer.brier_score_loss(y, p, sample_weight=w, labels=[0, 1, 2]),
        "accuracy": peer.accuracy_score(y, p.argmax(1), sample_weight=w),
    }
    assert score(GRADES, y[:, None], p, w) == pytest.approx(twins, rel=1e-12)
    assert np.mean(each) == pytest.approx(float(metrics.auroc(np.eye(3)[y], p, w)), rel=1e-12)


def test_labels_are_a_mean_over_targets() -> None:
    draw = np.random.default_rng(2)
    y, p = draw.integers(0, 2, (90, 3)).astype(np.float64), draw.uniform(0.05, 0.95, (90, 3))
    ours = score(LABELS, y, p)
    alone = [score(BINARY, y[:, [t]], p[:, [t]]) for t in range(3)]
    assert ours == pytest.approx({name: np.mean([s[name] for s in alone]) for name in ours})
    assert ours["accuracy"] == pytest.approx(((p > 0.5) == (y > 0.5)).mean())


@pytest.mark.parametrize("seed", range(3))
def test_calibration_equals_a_logistic_regression_without_penalty(seed: int) -> None:
    y, p, w = binary_case(seed, rows=800)
    odds = np.log(p / (1 - p))[:, None]
    twin = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(odds, y, sample_weight=w)
    ours = score(BINARY, y[:, None], p[:, None], w)
    assert ours["calibration_slope"] == pytest.approx(float(twin.coef_[0, 0]), abs=1e-5)
    shifted = 1 / (1 + np.exp(-odds[:, 0] - ours["calibration_intercept"]))
    assert np.average(y - shifted, weights=w) == pytest.approx(0.0, abs=1e-9)


def test_known_calibration_is_found() -> None:
    p = np.repeat([0.1, 0.5, 0.9], 1000)
    happened = np.concatenate([np.arange(1000) < 1000 * share for share in (0.1, 0.5, 0.9)]).astype(float)
    extreme = 1 / (1 + np.exp(-2 * np.log(p / (1 - p))))  # log-odds twice as far out as they should be
    assert float(metrics.calibration_slope(happened, p)) == pytest.approx(1.0)
    assert float(metrics.calibration_slope(happened, extreme)) == pytest.approx(0.5)
    assert float(metrics.calibration_intercept(happened, p)) == pytest.approx(0.0, abs=1e-9)


def test_the_explained_share_knows_no_unit() -> None:
    """Of very small numbers, too, and of those far from 0."""
    random = np.random.default_rng(0)
    observed = random.normal(size=50)
    predicted = observed + random.normal(size=50)
    explained = metrics.r2(observed, predicted)
    for scale, start in ((1e-9, 0.0), (1e9, 0.0), (1.0, 1e4)):
        assert metrics.r2(scale * observed + start, scale * predicted + start) == pytest.approx(explained, rel=1e-6)


def test_cases_by_hand() -> None:
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert float(metrics.auroc(y, p)) == 0.75  # of four pairs one is in the wrong order
    assert float(metrics.auprc(y, p)) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert float(metrics.auroc(y, np.full(4, 0.3))) == 0.5
    assert float(metrics.mae(np.array([1.0, 2.0]), np.array([2.0, 4.0]), np.array([3.0, 1.0]))) == 1.25
    assert float(metrics.r2(np.array([0.0, 2.0]), np.array([2.0, 0.0]))) == -3.0
    assert float(metrics.log_loss(np.array([1.0]), np.array([0.0]))) == pytest.approx(-np.log(2.0**-23))


def test_undefined_is_nan_and_not_a_number_that_looks_fine() -> None:
    one_class = score(BINARY, np.ones((4, 1)), np.array([[0.2], [0.4], [0.6], [0.8]]))
    undefined = {"auroc", "auprc", "calibration_slope", "calibration_intercept"}
    assert {name for name, value in one_class.items() if np.isnan(value)} == undefined
    apart = score(BINARY, np.array([[0], [0], [1], [1]]), np.array([[0.1], [0.2], [0.8], [0.9]]))
    assert np.isnan(apart["calibration_slope"]), "perfectly separated classes have no finite slope"
    assert np.isnan(score(NUMBER, np.full((3, 1), 7.1), np.ones((3, 1)))["r2"])
    flat = score(BINARY, np.array([[0], [1], [1]]), np.full((3, 1), 0.3))
    assert np.isnan(flat["calibration_slope"])


@pytest.mark.parametrize("task", [BINARY, NUMBERS, COUNT, LABELS, GRADES])
def test_a_prediction_that_is_nan_spoils_every_metric(task: Task) -> None:
    draw = np.random.default_rng(0)
    observed = draw.integers(0, 2, (20, len(task.targets))).astype(np.float64)
    predicted = draw.uniform(0.1, 0.9, (20, task.outputs))
    predicted[3, -1] = np.nan
    assert all(np.isnan(value) for value in score(task, observed, predicted).values())


def test_a_target_with_one_class_is_passed_over_and_named() -> None:
    y = np.array([[0, 1, 1], [1, 1, 0], [0, 1, 1], [1, 1, 0]])
    p = np.random.default_rng(0).random((4, 3))
    assert unjudged_targets(LABELS, y) == ("stroke",)
    both = np.mean([peer.roc_auc_score(y[:, t], p[:, t]) for t in (0, 2)])
    assert score(LABELS, y, p)["auroc"] == pytest.approx(both)
    assert unjudged_targets(GRADES, np.array([[0], [1], [1]])) == ("c",)


@pytest.mark.parametrize("task", [BINARY, NUMBERS, COUNT, LABELS, GRADES])
def test_many_weightings_at_once_equal_one_at_a_time(task: Task) -> None:
    draw = np.random.default_rng(5)
    observed = draw.integers(0, 2, (60, len(task.targets))).astype(np.float64)
    predicted = draw.uniform(0.1, 0.9, (60, task.outputs)).round(1)
    weights = draw.integers(0, 3, (7, 60)).astype(np.float64)
    together = weighted_scores(task, observed, predicted, weights)
    for index, one in enumerate(weights):
        alone = score(task, observed, predicted, one)
        assert {name: float(v[index]) for name, v in together.items()} == pytest.approx(alone, abs=1e-6, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_a_weight_of_two_is_a_row_twice(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    y, p = draw.integers(0, 2, (rows, 1)).astype(np.float64), draw.uniform(0.1, 0.9, (rows, 1)).round(1)
    times = draw.integers(1, 4, rows)
    twice = score(BINARY, np.repeat(y, times, axis=0), np.repeat(p, times, axis=0))
    assert score(BINARY, y, p, times) == pytest.approx(twice, abs=1e-6, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_auroc_is_about_order_alone_and_its_mirror(seed: int) -> None:
    y, p, _ = binary_case(seed, rows=40)
    y[:2] = 0, 1
    value = float(metrics.auroc(y, p))
    assert float(metrics.auroc(y, np.exp(3 * p))) == pytest.approx(value)
    assert float(metrics.auroc(y, -p)) == pytest.approx(1 - value)
    assert float(metrics.auroc(1 - y, p)) == pytest.approx(1 - value)


def test_the_table_knows_which_way_is_better() -> None:
    one, two = np.array(1.0), np.array(2.0)
    assert METRICS["rmse"].gain(one, two) == 1.0
    assert METRICS["auroc"].gain(one, two) == -1.0
    assert METRICS["calibration_slope"].gain(one, np.array(0.8)) == pytest.approx(0.2)
    assert {name for name, m in METRICS.items() if m.unit_like_target} == {"mae", "rmse"}


def test_names_by_task() -> None:
    assert metrics_for(COUNT) == ("mae", "rmse", "r2", "poisson_deviance")
    assert metrics_for(GRADES) == ("auroc", "log_loss", "brier", "accuracy")
    assert [main_metric(t) for t in (NUMBER, NUMBERS, COUNT, GRADES)] == ["rmse", "r2", "rmse", "log_loss"]


def test_shapes_that_do_not_agree_are_refused() -> None:
    with pytest.raises(DataError, match=r"Predictions must be of shape \(3, 1\), not empty, got shape=\(2, 1\)"):
        score(NUMBER, np.ones((3, 1)), np.ones((2, 1)))
    with pytest.raises(DataError, match=r"got shape=\(0, 1\). Give one prediction for each observed value."):
        score(NUMBER, np.ones((0, 1)), np.ones((0, 1)))
    with pytest.raises(DataError, match=r"Weights must be of shape \[..., 3\], got shape=\(2,\). Give one weight"):
        score(NUMBER, np.ones((3, 1)), np.ones((3, 1)), np.ones(2))
