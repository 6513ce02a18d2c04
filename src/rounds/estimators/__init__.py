"""Rounds as scikit-learn has it: estimators with `fit`, `predict` and `score`, for pipelines and cross-validation.

    cross_val_score(RoundsClassifier(), X, y, cv=GroupKFold(), groups=patients)

Arrays and frames go in, a fitted estimator comes out. Who judges it is scikit-learn, so that networks are trained,
chosen and examined here, and not scored. Read first: estimator.py.
"""

from rounds.estimators.estimator import RoundsClassifier, RoundsRegressor

__all__ = ["RoundsClassifier", "RoundsRegressor"]
