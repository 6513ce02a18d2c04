"""Intervals cover what they promise, for patients and not for rows, on patients they were not calibrated on."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from rounds.errors import RunFolderError
from rounds.files import write_json
from rounds.statistics.conformal import LEVEL, ConformalIntervals, coverage_record, interval_scale, read_intervals
from rounds.target_scale import TargetScale
from rounds.task import Task

DAYS = Task(kind="regression", targets=("los",), unit="days")


def stays(draw: np.random.Generator, patients: int):
    """One to six stays each; the error is mostly the patient's own, and skewed."""
    owner = np.repeat(np.arange(patients), draw.integers(1, 7, patients))
    predicted = draw.lognormal(1, 0.5, (len(owner), 1))
    own = draw.normal(0, 0.4, patients)[owner, None]
    return predicted * np.exp(own + draw.normal(0, 0.1, (len(owner), 1))), predicted, owner


@pytest.mark.parametrize("scale", ["unit", "log1p"])
def test_coverage_is_promised_over_two_hundred_repetitions(scale) -> None:
    draw = np.random.default_rng(0)
    covered = []
    for _ in range(200):
        made = ConformalIntervals.fit(scale, *stays(draw, 60))
        y, p, owner = stays(draw, 60)
        covered.append(coverage_record(made, DAYS, y, p, owner).targets["los"].coverage.value)
    error = np.std(covered) / np.sqrt(200)
    assert np.mean(covered) >= LEVEL - 3 * error
    assert np.mean(covered) <= LEVEL + 2 / 61 + 3 * error, "each side is one patient wide of its share at most"


def test_rows_alone_would_promise_too_much() -> None:
    """With one patient of very many stays, intervals by row are wrong for patients; those by patient are not."""
    draw = np.random.default_rng(1)
    by_row, by_patient = [], []
    for _ in range(200):
        owner = np.concatenate([np.arange(60), np.full(600, 60)])
        error = draw.normal(0, 1, 61)[owner, None]
        zeros = np.zeros_like(error)
        new = draw.normal(0, 1, (50, 1))
        for found, codes in ((by_row, np.arange(len(owner))), (by_patient, owner)):
            made = ConformalIntervals.fit("unit", error, zeros, codes)
            found.append(
                coverage_record(made, DAYS, new, np.zeros_like(new), np.arange(50)).targets["los"].coverage.value
            )
    assert np.mean(by_row) < 0.5
    assert np.mean(by_patient) == pytest.approx(LEVEL, abs=0.04)


def test_quantile_by_hand() -> None:
    """39 patients: 5 % of 40 is 2, so the second largest error on either side."""
    error = np.arange(1.0, 40.0)[:, None]
    made = ConformalIntervals.fit("unit", error, np.zeros_like(error), np.arange(39))
    assert made.above == (38.0,)
    assert made.below == (-2.0,)


def test_too_few_patients_promise_nothing() -> None:
    error = np.arange(18.0)[:, None]
    assert ConformalIntervals.fit("unit", error, error * 0, np.arange(18)) is None
    assert ConformalIntervals.fit("unit", np.arange(19.0)[:, None], np.zeros((19, 1)), np.arange(19)) is not None


def test_stays_are_never_negative() -> None:
    made = ConformalIntervals.fit("log1p", *stays(np.random.default_rng(2), 100))
    low, high = made.limits(np.array([[0.0], [0.01], [30.0]]))
    assert (low >= 0).all()
    assert (high > low).all()


class Told(RegressorMixin, BaseEstimator):
    """A model whose prediction is its input."""

    def fit(self, inputs, outcomes):
        self.is_fitted_ = True
        return self

    def predict(self, inputs):
        return np.asarray(inputs)[:, 0]


@pytest.mark.parametrize("patients", [50, 137, 400])
def test_limits_equal_mapies_where_every_patient_has_one_row(patients: int) -> None:
    """MAPIE's split conformal regression with a quantile a side, an independent implementation."""
    regression = pytest.importorskip("mapie.regression")
    scores = pytest.importorskip("mapie.conformity_scores")
    draw = np.random.default_rng(patients)
    guess = draw.normal(size=(patients, 1))
    outcome = guess + draw.exponential(1, (patients, 1)) - 0.5
    theirs = regression.SplitConformalRegressor(
        Told().fit(guess, outcome),
        confidence_level=0.9,
        conformity_score=scores.AbsoluteConformityScore(sym=False),
        prefit=True,
    ).conformalize(guess, outcome[:, 0])
    new = draw.normal(size=(20, 1))
    wanted = theirs.predict_interval(new)[1][:, :, 0]
    made = ConformalIntervals.fit("unit", outcome, guess, np.arange(patients))
    assert made is not None
    np.testing.assert_allclose(np.hstack(made.limits(new)), wanted, atol=1e-12)


def test_what_was_never_negative_has_no_negative_limit() -> None:
    draw = np.random.default_rng(3)
    stays = draw.exponential(3.0, (200, 1))
    guess = np.full((200, 1), 3.0)
    made = ConformalIntervals.fit("unit", stays, guess, np.arange(200))
    assert made is not None
    low, _ = made.limits(np.array([[0.1], [9.0]]))
    assert low[0, 0] == 0.0
    assert low[1, 0] > 0.0
    changes = ConformalIntervals.fit("unit", stays - 3.0, guess - 3.0, np.arange(200))
    assert changes is not None
    assert changes.limits(np.array([[-2.9]]))[0] < 0.0, "a difference may be"


def test_scale_is_that_of_the_target() -> None:
    assert interval_scale(DAYS, TargetScale(kind="standard")) == "unit"
    assert interval_scale(DAYS, TargetScale(kind="log1p")) == "log1p"
    assert interval_scale(Task(kind="binary", targets=("d",), classes=("0", "1")), TargetScale(kind="identity")) is None


def test_file_reads_back(tmp_path) -> None:
    made = ConformalIntervals.fit("unit", *stays(np.random.default_rng(3), 50))
    assert read_intervals(tmp_path) is None
    write_json(tmp_path / "intervals.json", made)
    assert read_intervals(tmp_path) == made
    (tmp_path / "intervals.json").write_text("{}")
    with pytest.raises(RunFolderError, match="Run file must be whole"):
        read_intervals(tmp_path)
