"""What each row does to a metric: its influence, from which a variance over patients follows.

The influence of a row is the change of the metric with the row's weight (Efron 1982, The Jackknife, chapter 6). The
influences of all rows sum to 0, and the sum over patients of (sum over the patient's rows)^2 estimates the variance of
the metric: for one row a patient this is DeLong's variance of an AUROC (DeLong et al. 1988, Biometrics 44) and the
usual one of a mean; for several it is that of clustered data (Obuchowski 1997, Biometrics 53).
"""

from collections.abc import Callable

import numpy as np

from rounds.metrics.columns import NO_SPREAD, RESOLUTION

# (value, [N] influences) from observed [N] in {0, 1} and predicted [N]; both outcomes are there.
Influence = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]


def auroc_influence(observed: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """Of a case the share of non-cases below it, of a non-case the share of cases above it, less the mean.

    >>> value, influence = auroc_influence(np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.3, 0.9]))
    >>> value, influence.tolist()
    (0.875, [0.0625, -0.0625, -0.0625, 0.0625])
    """
    case = observed > 0.5
    cases, controls = int(case.sum()), int((~case).sum())
    place, size = _places(predicted)
    of_cases = np.bincount(place[case], minlength=size)
    of_controls = np.bincount(place[~case], minlength=size)
    below = np.cumsum(of_controls) - of_controls / 2  # non-cases below each distinct prediction, ties half
    above = cases - np.cumsum(of_cases) + of_cases / 2
    share = np.where(case, below[place] / controls, above[place] / cases)
    value = float(share[case].mean())
    return value, (share - value) / np.where(case, cases, controls)


def auprc_influence(observed: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """Of the average precision: what a row adds to the mean over cases, and to the precision at each case below it.

    >>> value, influence = auprc_influence(np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.4, 0.9]))
    >>> round(value, 4), influence.round(4).tolist()
    (0.8333, [0.0, -0.0278, -0.1111, 0.1389])
    """
    case = observed > 0.5
    cases = int(case.sum())
    place, size = _places(-predicted)  # 0: the highest
    of_cases = np.bincount(place[case], minlength=size)
    flagged = np.cumsum(np.bincount(place, minlength=size))
    precision = np.cumsum(of_cases) / flagged
    value = float(of_cases @ precision) / cases
    each = of_cases / flagged  # what one row at or above a threshold moves at the cases that stand there
    moved, taken = (np.cumsum(part[::-1])[::-1] for part in (each, each * precision))
    own = np.where(case, precision[place] - value, 0.0)
    return value, (own + np.where(case, moved[place], 0.0) - taken[place]) / cases


def mean_influence(values: np.ndarray) -> tuple[float, np.ndarray]:
    """Of a mean over rows.

    >>> value, influence = mean_influence(np.array([0.0, 1.0]))
    >>> value, influence.tolist()
    (0.5, [-0.25, 0.25])
    """
    value = float(values.mean())
    return value, (values - value) / len(values)


def brier_influence(observed: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """Of the mean squared difference of probability and outcome."""
    return mean_influence((observed - predicted) ** 2)


def log_loss_influence(observed: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """Of the mean of -log of the probability given to what happened."""
    happened = np.where(observed > 0.5, predicted, 1.0 - predicted)
    return mean_influence(-np.log(np.maximum(happened, RESOLUTION)))


def accuracy_influence(observed: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """Of the share of outcomes on the right side of one half."""
    return mean_influence(((observed > 0.5) == (predicted > 0.5)).astype(np.float64))


def mae_influence(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Of the mean absolute error, [N] from [N, T] (several targets count by their mean, here and below)."""
    return _means(np.abs(predicted - observed))


def rmse_influence(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Of the root of the mean squared error.

    >>> rmse_influence(np.zeros((2, 1)), np.array([[1.0], [7.0]])).round(2).tolist()
    [-1.2, 1.2]
    """
    squares = (predicted - observed) ** 2
    root = np.sqrt(squares.mean(axis=0))
    return _means(squares / np.where(root > 0, 2 * root, 1.0))


def r2_influence(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Of the explained share of the variance; targets that hardly vary are passed over."""
    errors, spread = (predicted - observed) ** 2, (observed - observed.mean(axis=0)) ** 2
    total = spread.sum(axis=0)
    varies = total > NO_SPREAD * (observed**2).sum(axis=0)
    left, total = errors[:, varies].sum(axis=0), total[varies]
    return np.asarray((left * spread[:, varies] / total**2 - errors[:, varies] / total).mean(axis=1))


def poisson_influence(observed: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Of the mean Poisson deviance."""
    rate = np.maximum(predicted, RESOLUTION)
    ratio = np.where(observed > 0, observed, 1.0) / np.where(observed > 0, rate, 1.0)
    return _means(2 * (observed * np.log(ratio) - observed + rate))


def _means(values: np.ndarray) -> np.ndarray:
    """Of a mean over rows [N, T], averaged over targets."""
    each = values.mean(axis=1)
    return np.asarray((each - each.mean()) / len(each))


# Influences [N] of the metrics of numbers, by name.
NUMBER_INFLUENCES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mae": mae_influence,
    "rmse": rmse_influence,
    "r2": r2_influence,
    "poisson_deviance": poisson_influence,
}


def _places(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Rank of each value among the distinct ones, and how many these are."""
    distinct, place = np.unique(values, return_inverse=True)
    return place, len(distinct)


def patient_sums(influence: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Influence of each patient [P]: the sum over their rows.

    >>> patient_sums(np.array([0.5, -0.25, -0.25]), np.array([7, 8, 8])).tolist()
    [0.5, -0.5]
    """
    owner = np.unique(patients, return_inverse=True)[1]
    return np.bincount(owner, influence)
