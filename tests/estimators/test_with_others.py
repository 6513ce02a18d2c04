"""The estimators in what others build on scikit-learn's interface."""

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rounds.estimators import RoundsClassifier, RoundsRegressor

from .conftest import Patients


def test_a_pipeline(classifier: RoundsClassifier, patients: Patients) -> None:
    made = make_pipeline(StandardScaler(), classifier).fit(
        patients.X, patients.classes, roundsclassifier__groups=patients.groups
    )
    assert made.score(patients.X, patients.classes) > 0.8


def test_cross_validation_by_patient(classifier: RoundsClassifier, patients: Patients) -> None:
    """With metadata routing, groups decide the folds within `fit` as well."""
    with sklearn.config_context(enable_metadata_routing=True):
        asked = classifier.set_fit_request(groups=True)
        groups = {"groups": patients.groups}
        scores = cross_val_score(asked, patients.X, patients.classes, cv=GroupKFold(2), params=groups)
    assert scores.shape == (2,)
    assert scores.mean() > 0.7


def test_a_search_over_plan_fields(classifier: RoundsClassifier, patients: Patients) -> None:
    search = GridSearchCV(classifier, {"learning_rate": [1e-6, 1e-2]}, cv=2).fit(patients.X, patients.classes)
    assert search.best_params_ == {"learning_rate": 1e-2}


def test_calibration(classifier: RoundsClassifier, patients: Patients) -> None:
    made = CalibratedClassifierCV(classifier, cv=2).fit(patients.X, patients.classes)
    np.testing.assert_allclose(made.predict_proba(patients.X).sum(axis=1), 1.0)


def test_mapie_makes_intervals(fitted_regressor: RoundsRegressor, patients: Patients) -> None:
    mapie = pytest.importorskip("mapie.regression")
    made = mapie.SplitConformalRegressor(fitted_regressor, confidence_level=0.9, prefit=True)
    points, limits = made.conformalize(patients.X, patients.numbers).predict_interval(patients.X)
    np.testing.assert_allclose(points, fitted_regressor.predict(patients.X))
    inside = (limits[:, 0, 0] <= patients.numbers) & (patients.numbers <= limits[:, 1, 0])
    assert inside.mean() >= 0.9


@pytest.mark.slow  # SHAP compiles itself; what it calls is `predict`, as MAPIE does
def test_shap_explains(fitted_regressor: RoundsRegressor, patients: Patients) -> None:
    shap = pytest.importorskip("shap")
    explained = shap.Explainer(fitted_regressor.predict, patients.X)(patients.X[:4])
    whole = explained.values.sum(axis=1) + explained.base_values
    np.testing.assert_allclose(whole, fitted_regressor.predict(patients.X[:4]), rtol=1e-4)
    assert np.abs(explained.values).mean(axis=0).argmax() == 0  # the column that counts most


def test_skore_reports(fitted_classifier: RoundsClassifier, patients: Patients) -> None:
    skore = pytest.importorskip("skore")
    report = skore.EstimatorReport(fitted_classifier, X_test=patients.X, y_test=patients.classes)
    assert report.metrics.accuracy() == fitted_classifier.score(patients.X, patients.classes)


def test_skops_saves_without_pickle(fitted_classifier: RoundsClassifier, patients: Patients, tmp_path: Any) -> None:
    skops = pytest.importorskip("skops.io")
    path = tmp_path / "model.skops"
    skops.dump(fitted_classifier, path)
    unknown = skops.get_untrusted_types(file=path)
    assert unknown == ["rounds.estimators.estimator.RoundsClassifier"]
    read = skops.load(path, trusted=unknown)
    np.testing.assert_array_equal(read.predict(patients.X), fitted_classifier.predict(patients.X))
