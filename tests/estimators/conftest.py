"""Patients for the estimators, of one shape, so that networks are compiled once for all tests."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from rounds.estimators import RoundsClassifier, RoundsRegressor

ROWS, FEATURES = 80, 3
SMALL: dict[str, Any] = {
    "members": 2,
    "epochs": 20,
    "hidden": (8,),
    "batch_size": 16,
    "plan": {"number_embedding": "none"},
    "random_state": 0,
}


class Patients(NamedTuple):
    """X [N, F], classes and numbers [N], and whose row each is."""

    X: np.ndarray
    classes: np.ndarray
    numbers: np.ndarray
    groups: np.ndarray


@pytest.fixture(scope="session")
def patients() -> Patients:
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, FEATURES))
    numbers = 2 * X[:, 0] - X[:, 1] + 0.1 * random.normal(size=ROWS)
    return Patients(X, np.where(numbers > 0, "ill", "well"), numbers, np.arange(ROWS) // 4)


@pytest.fixture
def classifier() -> RoundsClassifier:
    return RoundsClassifier(**SMALL)


@pytest.fixture
def regressor() -> RoundsRegressor:
    return RoundsRegressor(**SMALL)


@pytest.fixture(scope="session")
def fitted_classifier(patients: Patients) -> RoundsClassifier:
    return RoundsClassifier(**SMALL).fit(patients.X, patients.classes, groups=patients.groups)


@pytest.fixture(scope="session")
def fitted_regressor(patients: Patients) -> RoundsRegressor:
    return RoundsRegressor(**SMALL).fit(patients.X, patients.numbers)
