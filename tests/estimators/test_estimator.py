"""The estimators on their own: attributes, frames, groups, errors, pickles, and scikit-learn's own checks."""

import pickle
import warnings
from collections.abc import Callable
from typing import Any
from unittest import SkipTest

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from rounds.estimators import RoundsClassifier, RoundsRegressor

from .conftest import FEATURES, SMALL, Patients

LEARNABLE = {**SMALL, "epochs": 60, "hidden": (16,)}  # scikit-learn asks for an accuracy of 0.83 and an R2 of 0.5
# Checks that train no network, which the fast test asks.
WITHOUT_TRAINING = (
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_estimators_unfitted",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_complex_data",
    "check_estimators_empty_data_messages",
    "check_estimator_sparse_tag",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_classifiers_one_label",
    "check_parameters_default_constructible",
    "check_fit2d_1sample",
    "check_get_params_invariance",
    "check_set_params",
    "check_fit1d",
    "check_requires_y_none",
)
Estimator = type[RoundsClassifier] | type[RoundsRegressor]


def passes(estimator: Any, wanted: Callable[[str], bool]) -> int:
    """Asks scikit-learn's checks of such names, none exempted; how many were asked."""
    asked = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one, check in estimator_checks_generator(estimator):
            if not wanted(check.func.__name__):
                continue
            try:
                check(one)
                asked += 1
            except SkipTest:  # array libraries that are not installed
                pass
    return asked


@pytest.mark.parametrize("kind", [RoundsClassifier, RoundsRegressor])
def test_passes_scikit_learns_checks_that_train_nothing(kind: Estimator) -> None:
    assert passes(kind(**LEARNABLE), WITHOUT_TRAINING.__contains__) >= len(WITHOUT_TRAINING) - 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", [RoundsClassifier, RoundsRegressor])
def test_passes_scikit_learns_other_checks(kind: Estimator) -> None:
    assert passes(kind(**LEARNABLE), lambda name: name not in WITHOUT_TRAINING) >= 25


def test_a_classifier_says_what_it_was_fitted_to(fitted_classifier: RoundsClassifier, patients: Patients) -> None:
    assert fitted_classifier.classes_.tolist() == ["ill", "well"]
    assert fitted_classifier.n_features_in_ == FEATURES
    assert 1 <= fitted_classifier.predictor_.size <= SMALL["members"]
    assert fitted_classifier.findings_[0]["code"]
    made = fitted_classifier.predict_proba(patients.X)
    np.testing.assert_allclose(made.sum(axis=1), 1.0)
    assert fitted_classifier.score(patients.X, patients.classes) > 0.8


def test_several_classes_have_a_column_each(classifier: RoundsClassifier, patients: Patients) -> None:
    thirds = np.digitize(patients.numbers, np.quantile(patients.numbers, (1 / 3, 2 / 3)))
    made = classifier.fit(patients.X, thirds).predict_proba(patients.X)
    assert made.shape == (len(patients.X), 3)
    np.testing.assert_allclose(made.sum(axis=1), 1.0)


def test_several_targets_are_learned_together(regressor: RoundsRegressor, patients: Patients) -> None:
    both = np.stack([patients.numbers, -patients.numbers], axis=1)
    made = regressor.fit(patients.X, both).predict(patients.X)
    assert made.shape == both.shape
    assert np.corrcoef(made[:, 0], both[:, 0])[0, 1] > 0.5


def test_frames_may_hold_levels_booleans_and_gaps(classifier: RoundsClassifier, patients: Patients) -> None:
    frame = pl.DataFrame(
        {
            "pain": patients.X[:, 0],
            "ward": np.where(patients.X[:, 1] > 0, "north", "south"),
            "fever": patients.X[:, 2] > 0,
        }
    ).with_columns(pl.when(pl.col("pain") > 1.5).then(None).otherwise(pl.col("pain")).alias("pain"))
    fitted = classifier.fit(frame, patients.classes)
    assert fitted.feature_names_in_.tolist() == ["pain", "ward", "fever"]
    assert fitted.score(frame.to_pandas(), patients.classes) == fitted.score(frame, patients.classes) > 0.7
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame.rename({"ward": "unit"}))
    with pytest.raises(ValueError, match="infinity"):
        fitted.predict(frame.with_columns(pain=pl.lit(float("inf"))))


def test_a_seed_gives_the_same_networks(fitted_classifier: RoundsClassifier, patients: Patients) -> None:
    def predicted(seed: Any) -> np.ndarray:
        again = clone(fitted_classifier).set_params(random_state=seed)
        return again.fit(patients.X, patients.classes, groups=patients.groups).predict_proba(patients.X)

    np.testing.assert_array_equal(predicted(0), fitted_classifier.predict_proba(patients.X))
    assert not np.array_equal(predicted(1), predicted(0))


def test_patients_are_on_one_side(classifier: RoundsClassifier, patients: Patients, monkeypatch: Any) -> None:
    from rounds.job import unjudged

    seen: list[Any] = []
    split = unjudged.development_split
    monkeypatch.setattr(unjudged, "development_split", lambda *a: seen.append(split(*a)) or seen[-1])
    classifier.fit(patients.X, patients.classes, groups=[f"patient {g}" for g in patients.groups])
    for held in seen[0].folds:
        others = np.setdiff1d(np.arange(len(patients.X)), held)
        assert not set(patients.groups[held]) & set(patients.groups[others])
    with pytest.raises(ValueError, match="inconsistent"):
        classifier.fit(patients.X, patients.classes, groups=patients.groups[1:])


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"plan": {"hiden": 3}}, "Did you mean hidden"), ({"dropout": 2.0}, "dropout must be"), ({"epochs": 0}, "epochs")],
)
def test_errors_are_value_errors(parameters: dict[str, Any], said: str, patients: Patients) -> None:
    with pytest.raises(ValueError, match=said):
        RoundsClassifier(**{**SMALL, **parameters}).fit(patients.X, patients.classes)


def test_parameters_are_what_is_asked_for(patients: Patients, monkeypatch: Any) -> None:
    from rounds.estimators import estimator

    asked: list[Any] = []
    monkeypatch.setattr(estimator, "train_unjudged", lambda data, request: asked.append(request) or 1 / 0)
    given = RoundsRegressor(
        members=3, rounds=2, minutes=0.5, learning_rate=[1e-3, 1e-2], plan={"l2": 0.1}, random_state=7
    )
    with pytest.raises(ZeroDivisionError):
        given.fit(patients.X, patients.numbers)
    (request,) = asked
    assert (request.members, request.rounds, request.minutes) == (3, 2, 0.5)
    assert request.changes == {"seed": 7, "learning_rate": (1e-3, 1e-2), "l2": 0.1}


@pytest.mark.slow
def test_remedies_are_tried_where_they_are_asked_for(patients: Patients) -> None:
    ill = RoundsRegressor(**{**SMALL, "learning_rate": 1e-6, "epochs": 12}, rounds=1).fit(patients.X, patients.numbers)
    assert {one["round"] for one in ill.prescriptions_} == {1}


@pytest.mark.parametrize("fitted", ["fitted_classifier", "fitted_regressor"])
def test_a_pickle_predicts_the_same(fitted: str, patients: Patients, request: pytest.FixtureRequest) -> None:
    before = request.getfixturevalue(fitted)
    after = pickle.loads(pickle.dumps(before))
    np.testing.assert_array_equal(after.predict(patients.X), before.predict(patients.X))
    assert after.findings_ == before.findings_
    assert {type(content) for content in before.__getstate__()["predictor_"].values()} == {bytes}
