"""Metrics of calibration: whether one in five of the patients at 20 % has the outcome (Cox 1958, Biometrika 45)."""

import numpy as np

from rounds.metrics.columns import NO_SPREAD, RESOLUTION, each_target, over_targets

# Newton's method needs 4-8 steps unless classes are perfectly separated, where the slope has no finite value.
# A step is never longer than 3 (in standard deviations of the log-odds).
NEWTON_STEPS, LONGEST_STEP = 50, 3.0
# A step this small ends it; steps shrink quadratically, so what is left is its square.
SMALL_STEP = 1e-5


def calibration_slope(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """b of logit P(y = 1) = a + b logit p (Cox 1958): 1 is ideal, below 1 predictions are too extreme.

    >>> odds = np.array([0.2, 0.8]).repeat(10)
    >>> happened = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    >>> round(float(calibration_slope(happened, odds)), 4)
    1.0
    """
    return over_targets(each_target(_cox_slope, observed, predicted, weights))


def calibration_intercept(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """a of logit P(y = 1) = a + logit p: 0 is ideal, below 0 predictions are too high on the whole (Cox 1958).

    >>> round(float(calibration_intercept(np.array([0, 1]), np.array([0.5, 0.5]))), 4)
    0.0
    """
    return over_targets(each_target(_cox_intercept, observed, predicted, weights))


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    p = np.clip(probabilities, RESOLUTION, 1.0 - RESOLUTION)
    return np.asarray(np.log(p / (1.0 - p)))


def _cox_slope(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    x = _log_odds(predicted)
    spread = x.std()
    if spread <= NO_SPREAD * max(1.0, float(np.abs(x).max())):
        return np.full(weights.shape[:-1], np.nan)
    design = np.stack([np.ones_like(x), (x - x.mean()) / spread], axis=1)
    return np.asarray(_logistic(design, np.zeros_like(x), observed, weights)[..., 1] / spread)


def _cox_intercept(observed: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    x = _log_odds(predicted)
    return np.asarray(_logistic(np.ones((len(x), 1)), x, observed, weights)[..., 0])


def _logistic(design: np.ndarray, offset: np.ndarray, observed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Coefficients [..., k] of a logistic regression on design [N, k]; nan where they have no finite value.

    Many weightings start from the fit to their mean, so that two or three steps are enough.
    """
    start = np.zeros(design.shape[1])
    if weights.ndim > 1:
        start = _logistic(design, offset, observed, weights.reshape(-1, len(offset)).mean(0))
    found = np.broadcast_to(np.nan_to_num(start), (*weights.shape[:-1], len(start))).copy()
    with np.errstate(all="ignore"):
        for _ in range(NEWTON_STEPS):
            step = _newton_step(found, design, offset, observed, weights)
            found += np.clip(step, -LONGEST_STEP, LONGEST_STEP)
            if not (np.abs(step) >= SMALL_STEP).any():  # nan: singular, and no step will help
                break
    settled = (np.abs(step) < SMALL_STEP).all(-1, keepdims=True)
    return np.where(settled, found, np.nan)


def _newton_step(
    found: np.ndarray, design: np.ndarray, offset: np.ndarray, observed: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Inverse of the information matrix times the score, [..., k]; nan where the matrix is singular."""
    chance = 1.0 / (1.0 + np.exp(-(found @ design.T + offset)))  # [..., N]
    gradient = (weights * (observed - chance)) @ design
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    information = ((weights * chance * (1.0 - chance)) @ pairs).reshape(*gradient.shape, -1)
    scale = np.prod(np.diagonal(information, axis1=-2, axis2=-1), axis=-1)
    regular = np.linalg.det(information) > NO_SPREAD * scale  # Hadamard: det <= product of the diagonal
    information[~regular] = np.eye(design.shape[1])
    step = np.linalg.solve(information, gradient[..., None])[..., 0]
    return np.asarray(np.where(regular[..., None], step, np.nan))


def logistic_fit(
    observed: np.ndarray, predicted: np.ndarray, slope: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Coefficients [k], design [N, k] and fitted chances [N] of Cox's line of one outcome [N]; None where they are not
    finite.

    slope: of the line whose last coefficient is the slope, else of the intercept alone.
    """
    x = _log_odds(predicted)
    spread = float(x.std())
    if slope and spread <= NO_SPREAD * max(1.0, float(np.abs(x).max())):
        return None
    scale = np.array([1.0, spread]) if slope else np.ones(1)
    design = np.stack([np.ones_like(x), (x - x.mean()) / spread], axis=1) if slope else np.ones((len(x), 1))
    offset = np.zeros_like(x) if slope else x
    found = _logistic(design, offset, observed, np.ones(len(x)))
    if not np.isfinite(found).all():
        return None
    chance = 1.0 / (1.0 + np.exp(-(design @ found + offset)))
    return found / scale, design * scale, chance
