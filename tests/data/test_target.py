"""Targets go to the network's scale and back, and predictions of skewed targets are means."""

import numpy as np
import pytest

from rounds.target_scale import TargetScale, is_skewed
from rounds.task import Task

REGRESSION = Task(kind="regression", targets=("los",))


def test_symmetric_targets_are_standardised_and_come_back():
    y = np.random.default_rng(0).normal(120, 20, (500, 2))
    scale = TargetScale.fit(Task(kind="regression", targets=("bps", "bpd")), y)
    z = scale.forward(y)
    assert scale.kind == "standard"
    assert z.dtype == np.float32
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(z.std(0), 1, atol=1e-5)
    np.testing.assert_allclose(scale.backward(z), y, rtol=1e-5)


def test_constant_target_has_spread_one():
    scale = TargetScale.fit(REGRESSION, np.full((10, 1), 4.0))
    assert scale.spread == (1.0,)
    assert scale.backward(np.zeros((1, 1), "f4")).tolist() == [[4.0]]


def test_skewed_target_is_learned_on_a_log_scale_and_comes_back():
    y = np.random.default_rng(0).lognormal(1.0, 1.0, (2000, 1))
    scale = TargetScale.fit(REGRESSION, y)
    assert scale.kind == "log1p"
    np.testing.assert_allclose(scale.backward(scale.forward(y)), y, rtol=1e-4)


def test_smearing_predicts_the_mean():
    random = np.random.default_rng(0)
    signal = random.normal(1.0, 0.5, (20_000, 1))
    y = np.expm1(signal + random.normal(0, 0.4, signal.shape)).clip(0)
    scale = TargetScale.fit(REGRESSION, y)
    outputs = scale.forward(np.expm1(signal))  # what a perfect network of the log scale says
    naive, smeared = scale.backward(outputs), scale.with_smearing(outputs, y).backward(outputs)
    assert (scale.statistic, scale.with_smearing(outputs, y).statistic) == ("median", "mean")
    assert smeared.mean() == pytest.approx(y.mean(), rel=0.02)
    assert naive.mean() < 0.95 * y.mean()
    assert ((smeared - y) ** 2).mean() < ((naive - y) ** 2).mean()


def test_smearing_goes_on_beyond_the_largest_output():
    """Residuals of one size everywhere: the mean at any z is that of a lognormal, exp(g + 0.4^2 / 2) - 1."""
    random = np.random.default_rng(0)
    signal = random.normal(1.0, 0.5, (20_000, 1))
    y = np.expm1(signal + random.normal(0, 0.4, signal.shape)).clip(0)
    scale = TargetScale.fit(REGRESSION, y)
    scale = scale.with_smearing(scale.forward(np.expm1(signal)), y)
    for g in (1.0, 4.0, 6.0):
        z = scale.forward(np.full((1, 1), np.expm1(g)))
        assert scale.backward(z).item() == pytest.approx(np.expm1(g + 0.08), rel=0.03)


def test_smearing_of_an_older_run_is_read_and_ends_where_it_ended():
    old = {"kind": "log1p", "mean": [1.0], "spread": [1.0], "grid": [[0.0, 1.0]], "table": [[2.0, 4.0]]}
    assert TargetScale.model_validate(old).backward(np.array([[0.5], [3.0]])).ravel().tolist() == [3.0, 4.0]


def test_probabilities_come_back_within_their_bounds():
    scale = TargetScale(kind="identity", statistic="probability")
    assert scale.backward(np.array([[1.0000000000000002], [-1e-17]])).ravel().tolist() == [1.0, 0.0]


def test_smearing_survives_json():
    y = np.random.default_rng(1).lognormal(1.0, 1.0, (300, 1))
    scale = TargetScale.fit(REGRESSION, y)
    outputs = scale.forward(y) * 0.5
    scale = scale.with_smearing(outputs, y)
    again = TargetScale.model_validate_json(scale.model_dump_json())
    assert np.array_equal(again.backward(outputs), scale.backward(outputs))


def test_smearing_leaves_other_scales_alone():
    scale = TargetScale(kind="standard", mean=(0.0,), spread=(1.0,))
    assert scale.with_smearing(np.zeros((3, 1)), np.zeros((3, 1))) is scale


@pytest.mark.parametrize(
    ("kind", "statistic"), [("binary", "probability"), ("multiclass", "probability"), ("count", "rate")]
)
def test_probabilities_and_rates_are_left_as_they_are(kind, statistic):
    scale = TargetScale.fit(Task(kind=kind, targets=("y",), classes=("a", "b")), np.ones((4, 1)))
    assert (scale.kind, scale.statistic) == ("identity", statistic)
    assert scale.backward(np.array([[0.25]], "f4")).tolist() == [[0.25]]


def test_negative_targets_are_never_taken_for_skewed():
    assert not is_skewed(np.concatenate([[-1.0], np.exp(np.linspace(-3, 6, 100))])[:, None])


def test_what_descends_on_absolute_errors_predicts_medians():
    """The way back of a median is that of each value; averaging over residuals would turn it into a mean."""
    y = np.exp(np.random.default_rng(0).normal(size=(501, 1)) * 1.5)
    scale = TargetScale.fit(Task(kind="regression", targets=("days",)), y, medians=True)
    outputs = np.full_like(y, np.median(scale.forward(y)))
    smeared = scale.with_smearing(outputs, y)
    np.testing.assert_allclose(smeared.backward(outputs), np.median(y), rtol=1e-6)
    assert (smeared.kind, smeared.statistic) == ("log1p", "median")
    assert TargetScale.model_validate_json(smeared.model_dump_json()) == smeared
